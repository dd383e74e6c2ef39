//! Where to call STS: at a region's endpoint, or at one that the user names.

use crate::aws::{Partition, RoleArn, check_region};
use crate::call::HttpHosts;
use crate::error::{Error, ErrorKind, quote};
use crate::scope::Scope;
use crate::url::{CanonicalUrl, Origin, Url, without_secrets};

/// STS's signing name.
const SERVICE: &str = "sts";

/// The STS endpoint of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: CanonicalUrl,
    scope: Scope,
}

impl Endpoint {
    /// The regional endpoint, or `url` instead of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`]; [`ErrorKind::UnknownPartition`] if the DNS suffix of the region's partition is not known
    /// and no `url` is given; [`ErrorKind::InvalidEndpoint`] and [`ErrorKind::InsecureUrl`] for a `url` that is malformed, or
    /// plain http to a host that is not loopback.
    pub fn new(region: &str, url: Option<&str>) -> Result<Self, Error> {
        Self::at(region, url, |_| false)
    }

    fn at(region: &str, url: Option<&str>, is_named: impl FnOnce(Origin<'_>) -> bool) -> Result<Self, Error> {
        let scope = Scope::new(region, SERVICE)?;
        let regional;
        let url = match url {
            Some(url) => url,
            None => {
                let partition = Partition::of_region(region);
                let suffix = partition.dns_suffix().ok_or_else(|| Self::unknown(partition.name()))?;
                regional = format!("https://{SERVICE}.{region}.{suffix}/");
                &regional
            }
        };
        Ok(Self { url: usable(url, is_named)?, scope })
    }

    /// The endpoint for assuming a role: the regional one of the role's partition, or `url` instead of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`], [`ErrorKind::InvalidRoleArn`]; [`ErrorKind::PartitionMismatch`] if the region is of
    /// another partition than the role; otherwise as [`Endpoint::new`].
    pub fn of_role(role_arn: &str, region: &str, url: Option<&str>) -> Result<Self, Error> {
        Self::of_role_at(role_arn, region, url, |_| false)
    }

    /// As [`Endpoint::of_role`], where plain http may go to these hosts, too.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::of_role`].
    pub fn of_role_with(
        role_arn: &str,
        region: &str,
        url: Option<&str>,
        http_hosts: &HttpHosts,
    ) -> Result<Self, Error> {
        Self::of_role_at(role_arn, region, url, |origin| http_hosts.contains(origin))
    }

    fn of_role_at(
        role_arn: &str,
        region: &str,
        url: Option<&str>,
        is_named: impl FnOnce(Origin<'_>) -> bool,
    ) -> Result<Self, Error> {
        check_region(region)?;
        let role = RoleArn::parse(role_arn)?;
        let (of_region, of_role) = (Partition::of_region(region), role.partition());
        if of_region.name() == of_role {
            return Self::at(region, url, is_named);
        }
        if Partition::named(of_role).is_some_and(|known| known.dns_suffix().is_some()) {
            let message =
                format!("the region {} is in partition `{}`, the role in `{of_role}`", quote(region), of_region.name());
            return Err(Error::new(ErrorKind::PartitionMismatch, message));
        }
        match url {
            Some(url) => Self::at(region, Some(url), is_named),
            None => Err(Self::unknown(of_role)),
        }
    }

    fn unknown(partition: &str) -> Error {
        Error::new(ErrorKind::UnknownPartition, format!("no STS endpoint is known for partition {}", quote(partition)))
    }

    /// The URL that is called.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the requests are signed for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether nobody on the way can read what is sent there: it is https, or this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.url.as_url().origin().is_private()
    }

    pub(super) fn as_url(&self) -> Url<'_> {
        self.url.as_url()
    }

    /// Its host, with the port where that is not the scheme's own.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.as_url().host()
    }
}

fn usable(text: &str, is_named: impl FnOnce(Origin<'_>) -> bool) -> Result<CanonicalUrl, Error> {
    let unusable = |what: &str| {
        Error::new(ErrorKind::InvalidEndpoint, format!("the STS endpoint {} {what}", quote(&without_secrets(text))))
            .with_hint("give a URL such as `https://sts.ap-northeast-1.amazonaws.com`")
    };
    if text.contains(['?', '#', '@']) {
        return Err(unusable("has a query, a fragment or user info"));
    }
    let url = CanonicalUrl::parse(text).map_err(|error| unusable("is no usable URL").with_source(error))?;
    let origin = url.as_url().origin();
    if !matches!(origin.scheme(), "http" | "https") {
        return Err(unusable("is neither https nor http"));
    }
    if !origin.is_private() && !is_named(origin) {
        return Err(Error::new(
            ErrorKind::InsecureUrl,
            format!("the STS endpoint {} is plain http", quote(&without_secrets(text))),
        ));
    }
    Ok(url)
}
