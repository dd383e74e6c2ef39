//! What signatures are for: a service in a region.

use crate::aws::check_region;
use crate::error::{Error, ErrorKind, quote_name};

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
        let is_service = (1..=64).contains(&service.len())
            && service.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !is_service {
            let message = format!("{} is no service's signing name", quote_name(&service));
            return Err(Error::new(ErrorKind::InvalidService, message));
        }
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
