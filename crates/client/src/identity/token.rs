//! What a caller sends where its account has an issuer.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use xacct_sign::retry::Retry;
use xacct_sign::sts::{Action as _, Endpoint, GetWebIdentityToken, WebIdentityToken};
use xacct_sign::{Error, ErrorKind};
use zeroize::Zeroizing;

use crate::asked::asked;
use crate::clock::Clock;
use crate::credentials::{CredentialSource, Fetch, Fetched, Shared, sts_endpoint};
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// Says to one server who calls, by a token of the caller's account: one call of STS for each lifetime, whoever asks, and refreshed
/// before it ends as credentials are. It leaves over https, or to loopback. Cloning is cheap.
///
/// ```no_run
/// use xacct_sign_client::identity::{GetWebIdentityToken, IdentityToken};
/// use xacct_sign_client::{Environment, Patience};
///
/// let call = GetWebIdentityToken::new("https://api.example.com");
/// let identity = IdentityToken::new(call, "ap-northeast-1", Environment)?;
/// let authorization = identity.authorization(&Patience::default())?;
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone)]
pub struct IdentityToken(Shared<Minted>);

/// What mints them.
struct Minted {
    call: GetWebIdentityToken,
    endpoint: Endpoint,
    source: Arc<dyn CredentialSource>,
    clock: Clock,
    /// Spreads the pauses between tries.
    calls: AtomicU64,
}

impl IdentityToken {
    /// Tokens by the STS of a region, for whoever the source gives credentials of. The environment says where that is, as for a role's.
    ///
    /// # Errors
    ///
    /// As [`GetWebIdentityToken::validate`]; [`ErrorKind::InvalidRegion`], [`ErrorKind::UnknownPartition`], [`ErrorKind::InvalidEndpoint`],
    /// [`ErrorKind::InsecureUrl`] for STS's endpoint.
    pub fn new(
        call: GetWebIdentityToken,
        region: &str,
        source: impl CredentialSource + 'static,
    ) -> Result<Self, Error> {
        Self::with_host(call, region, source, Arc::new(Machine::default()))
    }

    /// The same on another machine.
    ///
    /// # Errors
    ///
    /// As [`IdentityToken::new`].
    pub fn with_host(
        call: GetWebIdentityToken,
        region: &str,
        source: impl CredentialSource + 'static,
        host: Arc<dyn Host>,
    ) -> Result<Self, Error> {
        call.validate()?;
        let endpoint = sts_endpoint(&*host, region)?;
        source.learn_region(region)?;
        let clock = source.clock().unwrap_or_else(|| Clock::new(host));
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&call.audience);
        let minted = Minted { call, endpoint, source: Arc::new(source), clock, calls: AtomicU64::new(seed) };
        Ok(Self(Shared::new(minted, seed)))
    }

    /// What to send as `authorization`: a token that is valid now.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`], and the kinds `Sts*` with the action `GetWebIdentityToken`.
    pub fn authorization(&self, patience: &Patience) -> Result<Zeroizing<String>, Error> {
        let WebIdentityToken { token, .. } = self.0.fresh(patience)?;
        Ok(Zeroizing::new(format!("Bearer {}", *token)))
    }
}

impl Fetched for WebIdentityToken {
    fn expires_at(&self) -> Option<SystemTime> {
        Some(self.expires_at)
    }

    fn check(&self, _: &Clock) -> Result<(), Error> {
        // An answer with one that has expired is none: core::sts has said so.
        Ok(())
    }
}

impl Fetch for Minted {
    type Output = WebIdentityToken;

    fn fetch(&self, patience: &Patience) -> Result<WebIdentityToken, Error> {
        // With the instant in it, since processes that were restored from one snapshot count alike.
        let instant = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let retry = Retry::new(self.calls.fetch_add(1, Ordering::Relaxed) ^ u64::from(instant.subsec_nanos()));
        asked(&self.call, &*self.source, &self.clock, &self.endpoint, retry, patience)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::StsFailed, "the thread that asked STS broke off").with_action(self.call.name())
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityToken")
            .field("call", &self.call)
            .field("endpoint", &self.endpoint.url())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
