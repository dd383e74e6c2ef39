//! The signer for the credentials of now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use xacct_sign::{Error, Scope, Signer};

use crate::credentials::CredentialSource;
use crate::patience::Patience;

/// A source of credentials and what they sign for: it keeps the signer for the credentials that it last got, which holds the
/// derived key. Every client and adapter signs through one of these.
#[derive(Debug)]
pub struct Signing {
    source: Box<dyn CredentialSource>,
    scope: Scope,
    /// One value that is replaced whole, so that no thread ever sees a part of it.
    signer: RwLock<Option<Arc<Signer>>>,
}

impl Signing {
    /// Nothing is asked of the source yet.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static, scope: Scope) -> Self {
        Self { source: Box::new(source), scope, signer: RwLock::new(None) }
    }

    /// What the signatures are for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A signer for credentials that are valid at `now`; it may block while they are fetched.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`]; [`ErrorKind::CredentialsExpired`](xacct_sign::ErrorKind::CredentialsExpired).
    pub fn signer(&self, now: SystemTime, patience: &Patience) -> Result<Arc<Signer>, Error> {
        let credentials = self.source.credentials(patience)?;
        credentials.check_usable(now)?;
        let cached = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(signer) = cached.filter(|signer| *signer.credentials() == credentials) {
            return Ok(signer);
        }
        let signer = Arc::new(Signer::new(credentials, self.scope.clone()));
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&signer));
        Ok(signer)
    }
}
