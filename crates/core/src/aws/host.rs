//! AWS's own hosts of APIs: their names say a region and a service.

use std::borrow::Cow;

use super::partition::{Partition, is_region};
use crate::error::{Error, ErrorKind, quote};

/// Where AWS's own hosts are: the domain of regional endpoints, and the one whose `api.` and `on.` hold newer ones. A region's host
/// is in the domains of its own partition.
const DOMAINS: [(&str, &str); 3] = [
    ("amazonaws.com", "aws"),
    ("amazonaws.com.cn", "amazonwebservices.com.cn"),
    ("amazonaws.eu", "amazonwebservices.eu"),
];

/// The label before the region, and the service's signing name. API Gateway's stands in regional and dual-stack endpoints and in
/// those of a VPC ([Invoke a private API](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-test-invoke-url.html)).
const GATEWAY: [(&str, &str); 2] = [("execute-api", "execute-api"), ("execute-api-fips", "execute-api")];

/// The same for what is in `on.aws`
/// ([function URLs](https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html),
/// [Web Functions](https://docs.aws.amazon.com/lambda/latest/dg/web-functions-endpoints.html),
/// [VPC Lattice](https://docs.aws.amazon.com/vpc-lattice/latest/ug/service-custom-domain-name.html)).
const ON: [(&str, &str); 3] =
    [("lambda-url", "lambda"), ("lambda-web", "lambda"), ("vpc-lattice-svcs", "vpc-lattice-svcs")];

/// What the name of an API's host says, where it is one of AWS's own: `{id}.execute-api.{region}.amazonaws.com` and its forms for
/// VPC endpoints, function URLs, Web Functions, VPC Lattice; in every partition whose domains are known.
///
/// ```
/// use xacct_sign::aws::ApiHost;
/// let host = ApiHost::of("abc.lambda-url.eu-west-1.on.aws")?.unwrap();
/// assert_eq!((host.region(), host.service()), ("eu-west-1", "lambda"));
/// assert_eq!(ApiHost::of("api.example.com")?, None);
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiHost<'a> {
    region: Cow<'a, str>,
    service: &'static str,
}

impl<'a> ApiHost<'a> {
    /// Reads a host's name, in any case; a port and the dot of an absolute name say nothing. `None` if it is none of AWS's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ScopeMismatch`] for `lambda-web.global`, which has no region and takes no Signature Version 4.
    pub fn of(host: &'a str) -> Result<Option<Self>, Error> {
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        let name = name.strip_suffix('.').unwrap_or(name);
        for (regional, newer) in DOMAINS {
            let gateway = within(name, regional).map(|rest| within(rest, "vpce").unwrap_or(rest));
            let newer = within(name, newer);
            let gateway = gateway.or_else(|| within(newer?, "api"));
            let found = gateway.and_then(|rest| read(rest, &GATEWAY));
            let found = found.or_else(|| read(within(newer?, "on")?, &ON));
            let Some((label, region, service)) = found else { continue };
            let region = lower_case(region);
            if label.eq_ignore_ascii_case("lambda-web") && region == "global" {
                return Err(needs_sigv4a(name));
            }
            if is_region(&region) && Partition::of_region(&region).dns_suffix() == Some(regional) {
                return Ok(Some(Self { region, service }));
            }
        }
        Ok(None)
    }

    /// The region, such as `ap-northeast-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service's signing name, such as `execute-api`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }
}

/// What stands before a domain, if the name is in it.
fn within<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    let (rest, end) = name.split_at_checked(name.len().checked_sub(domain.len())?)?;
    if end.eq_ignore_ascii_case(domain) { rest.strip_suffix('.') } else { None }
}

/// Label, region and service of what ends in `{label}.{region}`.
fn read<'a>(rest: &'a str, services: &[(&str, &'static str)]) -> Option<(&'a str, &'a str, &'static str)> {
    let (rest, region) = rest.rsplit_once('.')?;
    let label = rest.rsplit_once('.').map_or(rest, |(_, label)| label);
    let (_, service) = services.iter().find(|(known, _)| known.eq_ignore_ascii_case(label))?;
    Some((label, region, service))
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn needs_sigv4a(name: &str) -> Error {
    let message = format!("the host {} needs SigV4a, which signs for several regions", quote(name));
    Error::new(ErrorKind::ScopeMismatch, message)
        .with_hint("call the endpoint of one region, such as `….lambda-web.eu-west-1.on.aws`")
}
