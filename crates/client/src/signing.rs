//! The signer for the credentials of now.

use std::sync::{Arc, PoisonError, RwLock};

use xacct_sign::{Error, Scope, Signer};

use crate::clock::Clock;
use crate::credentials::CredentialSource;
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// A source of credentials and what they sign for: it keeps the signer for the credentials that it last got, which holds the
/// derived key. Every client and adapter signs through one of these.
#[derive(Debug)]
pub struct Signing {
    source: Box<dyn CredentialSource>,
    scope: Scope,
    clock: Clock,
    /// One value that is replaced whole, so that no thread ever sees a part of it.
    signer: RwLock<Option<Arc<Signer>>>,
}

impl Signing {
    /// Nothing is asked of the source yet.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static, scope: Scope) -> Self {
        Self::on(Arc::new(Machine::default()), source, scope)
    }

    /// As [`Signing::new`], on a [`Host`].
    #[must_use]
    pub fn on(host: Arc<dyn Host>, source: impl CredentialSource + 'static, scope: Scope) -> Self {
        let clock = source.clock().unwrap_or_else(|| Clock::new(host));
        Self { source: Box::new(source), scope, clock, signer: RwLock::new(None) }
    }

    /// What the signatures are for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The clock to sign by: that of the source, if it has one.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A signer for credentials that are valid now; it may block while they are fetched.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`]; [`ErrorKind::CredentialsExpired`](xacct_sign::ErrorKind::CredentialsExpired).
    pub fn signer(&self, patience: &Patience) -> Result<Arc<Signer>, Error> {
        let credentials = self.source.credentials(patience)?;
        credentials.check_usable(self.clock.now())?;
        let cached = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(signer) = cached.filter(|signer| *signer.credentials() == credentials) {
            return Ok(signer);
        }
        let signer = Arc::new(Signer::new(credentials, self.scope.clone()));
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&signer));
        Ok(signer)
    }
}
