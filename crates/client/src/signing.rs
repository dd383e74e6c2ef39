//! The signer for the credentials of now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};
use xacct_sign::call::{Call, Step, after_refusal};
use xacct_sign::{Credentials, Error, Origin, PartialScope, Scope, Signer, Skew, Url};

use crate::clock::Clock;
use crate::credentials::CredentialSource;
use crate::events::{Event, Listener};
use crate::host::{Host, Machine, region_of_environment};
use crate::patience::Patience;
use crate::per_process::PerProcess;

/// For how many scopes signers are kept: a program calls a few APIs through one session, if it calls more than one.
const KEPT: usize = 8;

/// A source of credentials and what they sign for: it keeps a signer for each scope and the credentials that it last got, which
/// holds the derived key. Every client and adapter signs through one of these.
#[derive(Debug)]
pub struct Signing {
    source: Box<dyn CredentialSource>,
    scope: PartialScope,
    clock: Clock,
    /// The one that was made last at the end.
    signers: PerProcess<RwLock<Vec<Arc<Signer>>>>,
}

impl Signing {
    /// Nothing is asked of the source yet. The scope may be a [`Scope`], or what is known of it before there is a URL.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static, scope: impl Into<PartialScope>) -> Self {
        Self::on(Arc::new(Machine::default()), source, scope)
    }

    /// As [`Signing::new`], on a [`Host`].
    #[must_use]
    pub fn on(host: Arc<dyn Host>, source: impl CredentialSource + 'static, scope: impl Into<PartialScope>) -> Self {
        let clock = source.clock().unwrap_or_else(|| Clock::new(host));
        Self { source: Box::new(source), scope: scope.into(), clock, signers: PerProcess::new(RwLock::default()) }
    }

    /// What was said of what the signatures are for.
    #[must_use]
    pub fn scope(&self) -> &PartialScope {
        &self.scope
    }

    /// What a request to a URL is signed for: what its host says, where that is one of AWS's; elsewhere the region that was given,
    /// else the source's ([`CredentialSource::region`]), else `AWS_REGION` or `AWS_DEFAULT_REGION`, else that of the profile
    /// ([`CredentialSource::usual_region`]).
    ///
    /// # Errors
    ///
    /// As [`PartialScope::complete`].
    pub fn scope_of(&self, url: Url<'_>) -> Result<Scope, Error> {
        self.scope.complete(url, || {
            let own = self.source.region().map(str::to_owned);
            own.or_else(|| region_of_environment(&**self.clock.host())).or_else(|| self.source.usual_region())
        })
    }

    /// The clock to sign by: that of the source, if it has one.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes note of an answer to a request to `origin` that `signer` signed while that one's clock was `known` to be ahead by so much,
    /// for adapters that drive no [`Call`](xacct_sign::call::Call): whether the request may be signed anew and sent once more
    /// ([`after_refusal`]). The listener is told of a clock that is off.
    pub fn was_wrong(
        &self,
        (origin, signer, known): (Origin<'_>, &Signer, Skew),
        (method, status): (&Method, StatusCode),
        header: &dyn Fn(&str) -> Option<String>,
        listener: &Listener,
    ) -> bool {
        let now = self.clock.now_by(known);
        match after_refusal(method, status, header, self.has_expired(signer), now) {
            Step::Done => false,
            Step::Again => true,
            Step::Skewed { more, again } => {
                self.learn_at(origin, known, more, Some(listener));
                again
            }
        }
    }

    /// Whether a signer's credentials have expired since it was given out.
    #[must_use]
    pub fn has_expired(&self, signer: &Signer) -> bool {
        signer.credentials().expires_at().is_some_and(|at| at <= self.clock.now())
    }

    /// What a call's answer leads to, which came at that time by the host's clock, to what `signer` signed: whether it is the call's
    /// answer. Apart from what is generic: it is there once.
    #[inline(never)]
    pub(crate) fn is_done(
        &self,
        call: &mut Call,
        (signer, known, answered_at): (&Signer, Skew, SystemTime),
        (status, headers): (StatusCode, &HeaderMap),
        listener: Option<&Listener>,
    ) -> Result<bool, Error> {
        Ok(match call.answered(status, headers, self.has_expired(signer), known.apply(answered_at))? {
            Step::Done => true,
            Step::Again => false,
            Step::Skewed { more, again } => {
                self.learn_at(call.url().as_url().origin(), known, more, listener);
                !again
            }
        })
    }

    fn learn_at(&self, origin: Origin<'_>, known: Skew, more: Skew, listener: Option<&Listener>) {
        let is_news = self.clock.learn_at(origin, known, more);
        if let Some(listener) = listener.filter(|_| is_news) {
            listener.tell(&Event::ClockSkew { seconds: self.clock.skew_at(origin).as_seconds() });
        }
    }

    /// A signer for requests to a URL, with credentials that are valid now; it may block while they are fetched.
    ///
    /// # Errors
    ///
    /// As [`Signing::scope_of`], before the source is asked; as [`Signing::signer_for`].
    pub fn signer(&self, url: Url<'_>, patience: &Patience) -> Result<Arc<Signer>, Error> {
        self.signer_for(self.scope_of(url)?, patience)
    }

    /// As [`Signing::signer`], for a scope that is known.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::learn_region`] and [`CredentialSource::credentials`];
    /// [`ErrorKind::CredentialsExpired`](xacct_sign::ErrorKind::CredentialsExpired).
    pub fn signer_for(&self, scope: Scope, patience: &Patience) -> Result<Arc<Signer>, Error> {
        self.source.learn_region(scope.region())?;
        let credentials = self.source.credentials(patience)?;
        self.clock.check_usable(&credentials)?;
        Ok(self.signer_of(credentials, scope))
    }

    /// As [`Signing::signer`], if nobody has to wait for it.
    ///
    /// # Errors
    ///
    /// As [`Signing::scope_of`] and [`CredentialSource::learn_region`], before the source is asked.
    pub fn signer_at_hand(&self, url: Url<'_>) -> Result<Option<Arc<Signer>>, Error> {
        let scope = self.scope_of(url)?;
        self.source.learn_region(scope.region())?;
        let usable = |credentials: &Credentials| self.clock.check_usable(credentials).is_ok();
        Ok(self.source.at_hand().filter(usable).map(|credentials| self.signer_of(credentials, scope)))
    }

    fn signer_of(&self, credentials: Credentials, scope: Scope) -> Arc<Signer> {
        let is_it = |signer: &Arc<Signer>| *signer.scope() == scope && *signer.credentials() == credentials;
        // Nobody waits for those who read, and what a parent had serves its child.
        let known = self.signers.latest().try_read().ok().and_then(|all| all.iter().find(|kept| is_it(kept)).cloned());
        if let Some(signer) = known {
            return signer;
        }
        let child =
            |parents: &RwLock<Vec<_>>| RwLock::new(parents.try_read().map_or_else(|_| Vec::new(), |all| all.clone()));
        let mut signers = self.signers.get(child).write().unwrap_or_else(PoisonError::into_inner);
        // Old credentials sign no more, and are not kept in memory either.
        signers.retain(|kept| *kept.credentials() == credentials && *kept.scope() != scope);
        if signers.len() == KEPT {
            signers.remove(0);
        }
        let signer = Arc::new(Signer::new(credentials, scope));
        signers.push(Arc::clone(&signer));
        signer
    }
}
