//! Where credentials come from.

mod endpoint;
mod environment;
mod role;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use xacct_sign::{Credentials, Error};

pub use environment::Environment;
pub use role::{RoleOptions, RoleProvider};

/// What gives credentials that are valid when it is asked.
///
/// [`Credentials`] themselves are one that always gives the same, [`Environment`] reads them anew each time, a
/// [`RoleProvider`] fetches them from STS before they expire.
pub trait CredentialSource: fmt::Debug + Send + Sync {
    /// The credentials at `now`; it may block while they are fetched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CredentialsNotFound`](xacct_sign::ErrorKind::CredentialsNotFound) where there are none, and whatever fetching
    /// them meets.
    fn credentials(&self, now: SystemTime) -> Result<Credentials, Error>;
}

impl CredentialSource for Credentials {
    fn credentials(&self, _: SystemTime) -> Result<Credentials, Error> {
        Ok(self.clone())
    }
}

impl<S: CredentialSource + ?Sized> CredentialSource for Arc<S> {
    fn credentials(&self, now: SystemTime) -> Result<Credentials, Error> {
        (**self).credentials(now)
    }
}
