//! The signer for the credentials of now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use http::StatusCode;
use xacct_sign::call::{Step, after_refusal};
use xacct_sign::{Credentials, Error, Scope, Signer, Skew};

use crate::clock::Clock;
use crate::credentials::CredentialSource;
use crate::events::{Event, Listener};
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
        Self { source: Box::new(source), scope, clock: Clock::new(host), signer: RwLock::new(None) }
    }

    /// What the signatures are for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How far this machine's clock is off, as far as that is known: from the API's answers, or from where the credentials are.
    #[must_use]
    pub fn skew(&self) -> Skew {
        let own = self.clock.skew();
        if own == Skew::default() { self.source.skew() } else { own }
    }

    /// The instant to sign at: the clock's, set right by [`Signing::skew`].
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.skew().apply(self.clock.host().now())
    }

    /// Takes note of what lies between AWS's clock and what [`Signing::now`] said while its skew was `known`. Whether that is news.
    pub fn learn(&self, known: Skew, more: Skew) -> bool {
        self.clock.learn(known, more)
    }

    /// Takes note of an answer to what `signer` signed while the clock was `known` to be off by so much, for adapters that drive no
    /// [`Call`](xacct_sign::call::Call): whether the request may be signed anew and sent once more ([`after_refusal`]). The
    /// listener is told of a clock that is off.
    pub fn was_wrong(
        &self,
        (signer, known): (&Signer, Skew),
        (status, date): (u16, Option<&str>),
        listener: &Listener,
    ) -> bool {
        let now = known.apply(self.clock.host().now());
        let status = StatusCode::from_u16(status).unwrap_or_default();
        let step = after_refusal(status, date, signer.credentials(), now);
        if let Some(Step::Skewed(more)) = step
            && self.learn(known, more)
        {
            listener.tell(&Event::ClockSkew { seconds: self.skew().as_seconds() });
        }
        step.is_some()
    }

    /// A signer for credentials that are valid now; it may block while they are fetched.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`]; [`ErrorKind::CredentialsExpired`](xacct_sign::ErrorKind::CredentialsExpired).
    pub fn signer(&self, patience: &Patience) -> Result<Arc<Signer>, Error> {
        let credentials = self.source.credentials(patience)?;
        credentials.check_usable(self.now())?;
        Ok(self.signer_of(credentials))
    }

    /// As [`Signing::signer`], if nobody has to wait for it.
    #[must_use]
    pub fn signer_at_hand(&self) -> Option<Arc<Signer>> {
        let credentials = self.source.at_hand().filter(|credentials| credentials.check_usable(self.now()).is_ok())?;
        Some(self.signer_of(credentials))
    }

    fn signer_of(&self, credentials: Credentials) -> Arc<Signer> {
        let cached = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(signer) = cached.filter(|signer| *signer.credentials() == credentials) {
            return signer;
        }
        let signer = Arc::new(Signer::new(credentials, self.scope.clone()));
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&signer));
        signer
    }
}
