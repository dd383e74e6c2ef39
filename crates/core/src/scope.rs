//! What signatures are for: a service in a region.

use crate::aws::{ApiHost, check_region};
use crate::error::{Error, ErrorKind, quote, quote_name};
use crate::url::Url;

/// API Gateway's signing name: what is signed for where nobody says otherwise.
const API_GATEWAY: &str = "execute-api";

/// A region and a service: the parts of a credential scope that do not change with the day
/// ([Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)).
///
/// ```
/// use xacct_sign::Scope;
/// let scope = Scope::new("ap-northeast-1", "execute-api")?;
/// assert_eq!((scope.region(), scope.service()), ("ap-northeast-1", "execute-api"));
/// assert_eq!(Scope::new("ap-northeast-1/x", "execute-api").unwrap_err().code(), "invalid_region");
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    region: String,
    service: String,
}

impl Scope {
    /// A scope whose parts were checked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`] unless the region is 1 to 63 lower-case letters, digits and inner hyphens, what a host's
    /// label takes (emulators have regions of their own), and not the name of an endpoint, such as `aws-global`;
    /// [`ErrorKind::InvalidService`] unless the service is 1 to 64 ASCII
    /// letters, digits, hyphens, underscores and dots.
    pub fn new(region: impl Into<String>, service: impl Into<String>) -> Result<Self, Error> {
        let (region, service) = (region.into(), service.into());
        check_region(&region)?;
        check_service(&service)?;
        Ok(Self { region, service })
    }

    /// The region, such as `ap-northeast-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service's signing name, such as `execute-api`.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

fn check_service(service: &str) -> Result<(), Error> {
    let is_service = (1..=64).contains(&service.len())
        && service.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_service {
        return Ok(());
    }
    let message = format!("{} is no service's signing name", quote_name(service));
    Err(Error::new(ErrorKind::InvalidService, message))
}

/// What is known of a scope before the URL is: a region and a service, one of them, or nothing.
///
/// The URL's host says the rest, where it is one of AWS's own ([`ApiHost`]).
///
/// ```
/// use xacct_sign::{PartialScope, Url};
/// let url = Url::parse("https://abc.lambda-url.eu-west-1.on.aws/")?;
/// let scope = PartialScope::default().complete(url, || None)?;
/// assert_eq!((scope.region(), scope.service()), ("eu-west-1", "lambda"));
/// let given = PartialScope::new(Some("us-east-1".to_owned()), None)?;
/// assert_eq!(given.complete(url, || None).unwrap_err().code(), "scope_mismatch");
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PartialScope {
    region: Option<String>,
    service: Option<String>,
}

impl PartialScope {
    /// What there is of a scope, checked.
    ///
    /// # Errors
    ///
    /// As [`Scope::new`].
    pub fn new(region: Option<String>, service: Option<String>) -> Result<Self, Error> {
        region.as_deref().map(check_region).transpose()?;
        service.as_deref().map(check_service).transpose()?;
        Ok(Self { region, service })
    }

    /// The region, if it was given.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The service's signing name, if it was given.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The scope of a request to a URL. On a host that is none of AWS's the region is the one that was given, else `otherwise`'s;
    /// the service is API Gateway's unless it was given.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ScopeMismatch`] where a region or a service was given that is not the host's, and as [`ApiHost::of`];
    /// [`ErrorKind::InvalidRegion`] where nobody says the region, or `otherwise` says one that is none.
    pub fn complete(&self, url: Url<'_>, otherwise: impl FnOnce() -> Option<String>) -> Result<Scope, Error> {
        let host = url.host();
        let Some(known) = ApiHost::of(host)? else {
            let region = self.region.clone().or_else(otherwise).ok_or_else(|| no_region(host))?;
            return Scope::new(region, self.service().unwrap_or(API_GATEWAY));
        };
        for (what, given, own) in
            [("region", self.region(), known.region()), ("service", self.service(), known.service())]
        {
            if let Some(given) = given.filter(|given| *given != own) {
                let message =
                    format!("the {what} is {}, and that of the host {} is `{own}`", quote(given), quote(host));
                return Err(Error::new(ErrorKind::ScopeMismatch, message));
            }
        }
        Scope::new(known.region(), known.service())
    }
}

impl From<Scope> for PartialScope {
    fn from(scope: Scope) -> Self {
        Self { region: Some(scope.region), service: Some(scope.service) }
    }
}

fn no_region(host: &str) -> Error {
    let message = format!("no region is given, and the host {} names none", quote(host));
    Error::new(ErrorKind::InvalidRegion, message)
        .with_hint("give the API's region, such as `ap-northeast-1`, or set AWS_REGION")
}
