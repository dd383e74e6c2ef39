//! Where credentials come from.

mod chain;
mod container;
mod endpoint;
mod environment;
mod export;
mod found;
mod instance;
mod kept;
mod metadata;
mod process;
mod profile;
mod role;
mod shared;
mod shown;
mod sso;
mod tries;
mod web_identity;

use std::fmt;
use std::sync::Arc;

use xacct_sign::{Credentials, Error, Skew};

use crate::patience::Patience;

pub use chain::DefaultChain;
pub use environment::Environment;
pub use kept::Kept;
pub use role::{RoleOptions, RoleProvider};

/// What gives credentials that are valid when it is asked.
///
/// [`Credentials`] themselves are one that always gives the same, [`Environment`] reads them anew each time, a [`DefaultChain`]
/// looks where the SDKs look, a [`RoleProvider`] fetches them from STS before they expire.
pub trait CredentialSource: fmt::Debug + Send + Sync {
    /// The credentials of now; it may block while they are fetched, as long as the patience lasts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CredentialsNotFound`](xacct_sign::ErrorKind::CredentialsNotFound) where there are none, and whatever fetching
    /// them meets.
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error>;

    /// The credentials of now, if nobody has to wait for them; an early refresh may begin beside. For programs that have no thread
    /// to spare: what has to be fetched, they fetch by [`CredentialSource::credentials`] in another one.
    fn at_hand(&self) -> Option<Credentials> {
        None
    }

    /// How far this machine's clock is off, where whoever gave the credentials said so.
    fn skew(&self) -> Skew {
        Skew::default()
    }
}

impl CredentialSource for Credentials {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        Ok(self.clone())
    }

    fn at_hand(&self) -> Option<Credentials> {
        Some(self.clone())
    }
}

impl<S: CredentialSource + ?Sized> CredentialSource for Arc<S> {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        (**self).credentials(patience)
    }

    fn at_hand(&self) -> Option<Credentials> {
        (**self).at_hand()
    }

    fn skew(&self) -> Skew {
        (**self).skew()
    }
}
