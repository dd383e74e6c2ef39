//! Web identity tokens of the caller's account: one call of STS per lifetime, whoever asks.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xacct_sign::aws::check_identity_region;
use xacct_sign::sts::{Action as _, Endpoint, GetWebIdentityToken, WebIdentityToken};
use xacct_sign::{Error, ErrorKind};

use super::{Bearer, Identity};
use crate::clock::Clock;
use crate::credentials::lasting::Lasting;
use crate::credentials::shared::{Fetch, Shared};
use crate::credentials::sts::Asking;
use crate::credentials::{CredentialSource, sts_endpoint};
use crate::events::{Event, Listener};
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// A token, and where to have it made.
///
/// # Defaults
///
/// As those of [`GetWebIdentityToken`]. The endpoint is that of the region, or the environment's: `AWS_ENDPOINT_URL_STS`, else
/// `AWS_ENDPOINT_URL`, or of the kind that `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` say; read once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenOptions {
    /// The parameters of each STS call.
    pub call: GetWebIdentityToken,
    /// The region whose STS makes the tokens: that where the program runs.
    pub region: String,
    /// Is told of each refresh, and of each that fails.
    pub listener: Option<Listener>,
}

impl TokenOptions {
    /// A token for an audience, made in a region; everything else by default.
    #[must_use]
    pub fn new(audience: impl Into<String>, region: impl Into<String>) -> Self {
        Self { call: GetWebIdentityToken::new(audience), region: region.into(), listener: None }
    }
}

/// Says who calls by a token that STS signs: made when it is needed, and again before it expires.
///
/// Cloning is cheap: share one among all threads and clients, it makes one STS call per lifetime, whoever asks.
///
/// ```no_run
/// use xacct_sign_client::{DefaultChain, IdentityToken, Request, Session, TokenOptions};
///
/// let identity = IdentityToken::new(TokenOptions::new("https://api.example.com", "ap-northeast-1"), DefaultChain::new())?;
/// let api = Session::of_identity(identity);
/// let answer = api.send(Request::new("GET", "https://api.example.com/hoge"))?;
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone)]
pub struct IdentityToken(Shared<Minting>);

struct Minting {
    call: GetWebIdentityToken,
    endpoint: Endpoint,
    base: Box<dyn CredentialSource>,
    host: Arc<dyn Host>,
    clock: Clock,
    listener: Option<Listener>,
    /// Spreads the pauses between tries.
    calls: AtomicU64,
}

impl IdentityToken {
    /// Checks the options; asks STS for nothing yet. `base` gives the credentials whose token it is, at each refresh.
    ///
    /// # Errors
    ///
    /// As [`GetWebIdentityToken::validate`], [`check_identity_region`] and [`Endpoint::new`]; `InvalidOption` for a variable that is neither true nor false.
    pub fn new(options: TokenOptions, base: impl CredentialSource + 'static) -> Result<Self, Error> {
        Self::on(Arc::new(Machine::default()), options, base)
    }

    /// As [`IdentityToken::new`], on a [`Host`].
    ///
    /// # Errors
    ///
    /// As [`IdentityToken::new`].
    pub fn on(
        host: Arc<dyn Host>,
        options: TokenOptions,
        base: impl CredentialSource + 'static,
    ) -> Result<Self, Error> {
        let TokenOptions { call, region, listener } = options;
        call.validate()?;
        check_identity_region(&region)?;
        let endpoint = sts_endpoint(&*host, &region)?;
        base.learn_region(&region)?;
        if let Some(listener) = listener.as_ref().filter(|_| !endpoint.is_private()) {
            listener.tell(&Event::PlainHttp { host: endpoint.host() });
        }
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&call.audience);
        let clock = base.clock().unwrap_or_else(|| Clock::new(Arc::clone(&host)));
        let (base, calls) = (Box::new(base), AtomicU64::new(seed));
        Ok(Self(Shared::new(Minting { call, endpoint, base, host, clock, listener, calls }, seed)))
    }

    /// For whom the token is.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.0.source().call.audience
    }

    /// The region whose STS makes the tokens.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.source().endpoint.scope().region()
    }

    /// A token that is valid now; calls STS where that is needed, and waits where another thread already does.
    ///
    /// # Errors
    ///
    /// The kinds `Sts*`, `Transport`, `Timeout`, `CredentialsNotFound`, `CredentialsExpired` of the STS call. A failed early refresh
    /// is no error: the old token still serves.
    pub fn token(&self, patience: &Patience) -> Result<WebIdentityToken, Error> {
        self.0.current(patience)
    }
}

impl Identity for IdentityToken {
    fn bearer(&self, patience: &Patience) -> Result<Bearer, Error> {
        self.token(patience).map(|token| Bearer::new(token.token()))
    }

    fn at_hand(&self) -> Option<Bearer> {
        self.0.at_hand().map(|token| Bearer::new(token.token()))
    }
}

impl Lasting for WebIdentityToken {
    fn expires_at(&self) -> Option<SystemTime> {
        Some(self.expires_at())
    }

    fn check_usable(&self, now: SystemTime) -> Result<(), Error> {
        self.check_usable(now)
    }
}

impl Fetch for Minting {
    type Item = WebIdentityToken;

    fn fetch(&self, patience: &Patience) -> Result<WebIdentityToken, Error> {
        // With the instant in it, since processes that were restored from one snapshot count alike.
        let instant = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let asking = Asking {
            host: &self.host,
            clock: &self.clock,
            base: &*self.base,
            endpoint: &self.endpoint,
            listener: self.listener.as_ref(),
            seed: self.calls.fetch_add(1, Ordering::Relaxed) ^ u64::from(instant.subsec_nanos()),
        };
        asking.ask(|base| self.call.within(base, self.clock.now()), patience)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn fetched(&self, result: Result<&WebIdentityToken, &Error>, is_early: bool, duration: Duration) {
        let Some(listener) = &self.listener else { return };
        let audience = self.call.audience.as_str();
        listener.tell(&match result {
            Ok(new) => Event::TokenMade { audience, expires_at: new.expires_at(), duration },
            Err(error) => Event::TokenFailed { audience, is_early, error, duration },
        });
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::StsFailed, "the thread that asked STS broke off").with_action(self.call.name())
    }
}

impl fmt::Debug for Minting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityToken")
            .field("audience", &self.call.audience)
            .field("endpoint", &self.endpoint.url())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
