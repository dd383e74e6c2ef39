//! What serves until it expires: credentials, or a token.

use std::fmt;
use std::time::SystemTime;

use xacct_sign::{Credentials, Error};

/// What is fetched, and serves until it expires.
pub(crate) trait Lasting: Clone + fmt::Debug + Send + Sync + 'static {
    /// `None` for what never does.
    fn expires_at(&self) -> Option<SystemTime>;

    /// Refuses what has expired.
    fn check_usable(&self, now: SystemTime) -> Result<(), Error>;
}

impl Lasting for Credentials {
    fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at()
    }

    fn check_usable(&self, now: SystemTime) -> Result<(), Error> {
        self.check_usable(now)
    }
}
