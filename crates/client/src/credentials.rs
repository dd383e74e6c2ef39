//! Where credentials come from.

mod chain;
mod container;
mod endpoint;
mod environment;
mod export;
mod found;
mod instance;
mod kept;
pub(crate) mod lasting;
mod metadata;
mod process;
mod profile;
mod role;
pub(crate) mod shared;
mod shown;
mod sso;
pub(crate) mod sts;
mod temporary;
mod tries;
mod web_identity;

use std::fmt;
use std::sync::Arc;

use xacct_sign::{Credentials, Error};

use crate::clock::Clock;
use crate::patience::Patience;

pub use chain::DefaultChain;
pub(crate) use endpoint::of_environment as sts_endpoint;
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

    /// The API's region, where the source was given it.
    fn region(&self) -> Option<&str> {
        None
    }

    /// The region of where the source is from, such as a profile's: it counts where nothing else says one, and the environment does
    /// not either.
    fn usual_region(&self) -> Option<String> {
        None
    }

    /// Takes note of the region of an API that the credentials sign for, before they are asked for: a role without a region of its
    /// own is assumed at the STS of the first.
    ///
    /// # Errors
    ///
    /// If no role can be assumed there.
    fn learn_region(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    /// The clock by which the credentials expire, where the source has one of its own: what signs with them takes it too, so that
    /// what STS and the API say of the time is known to both.
    fn clock(&self) -> Option<Clock> {
        None
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

    fn region(&self) -> Option<&str> {
        (**self).region()
    }

    fn usual_region(&self) -> Option<String> {
        (**self).usual_region()
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        (**self).learn_region(region)
    }

    fn clock(&self) -> Option<Clock> {
        (**self).clock()
    }
}
