//! Proofs: what a caller signs says who it is, without a call and without a leave.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use xacct_sign::aws::check_identity_region;
use xacct_sign::sts::{Endpoint, GetWebIdentityToken};
use xacct_sign::{Credentials, Error};
use xacct_sign_identity::make_proof;

use super::{Bearer, Identity};
use crate::clock::Clock;
use crate::credentials::CredentialSource;
use crate::host::{Host, Machine};
use crate::patience::Patience;
use crate::per_process::PerProcess;

/// How long a proof is sent again. A server takes it for 300 seconds, either way, and asks STS once for each that it has not seen:
/// half of that leaves the rest to clocks that are off.
const USED: Duration = Duration::from_secs(150);

/// Says who calls by a `GetCallerIdentity` that is signed here and that the server has STS answer. The caller's account need not be an
/// issuer, nobody is asked for anything, and no permission is needed.
///
/// One proof is sent for two and a half minutes, or until the credentials change. Cloning is cheap: share one among all threads, since
/// each proof costs the server a call of STS.
///
/// ```no_run
/// use xacct_sign_client::{DefaultChain, IdentityProof, Request, Session};
///
/// let identity = IdentityProof::new("https://api.example.com", "ap-northeast-1", DefaultChain::new())?;
/// let answer = Session::of_identity(identity).send(Request::new("GET", "https://api.example.com/hoge"))?;
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone)]
pub struct IdentityProof(Arc<Inner>);

struct Inner {
    audience: String,
    region: String,
    base: Box<dyn CredentialSource>,
    clock: Clock,
    made: PerProcess<Mutex<Option<Made>>>,
}

#[derive(Clone)]
struct Made {
    of: Credentials,
    at: SystemTime,
    proof: Bearer,
}

impl IdentityProof {
    /// Checks the region; signs nothing yet. `base` gives the credentials that sign, which are those of a role; STS of `region` is the
    /// one that the server asks.
    ///
    /// # Errors
    ///
    /// As [`check_identity_region`] and [`Endpoint::new`], and as [`CredentialSource::learn_region`].
    pub fn new(
        audience: impl Into<String>,
        region: impl Into<String>,
        base: impl CredentialSource + 'static,
    ) -> Result<Self, Error> {
        Self::on(Arc::new(Machine::default()), audience, region, base)
    }

    /// As [`IdentityProof::new`], on a [`Host`].
    ///
    /// # Errors
    ///
    /// As [`IdentityProof::new`].
    pub fn on(
        host: Arc<dyn Host>,
        audience: impl Into<String>,
        region: impl Into<String>,
        base: impl CredentialSource + 'static,
    ) -> Result<Self, Error> {
        let (audience, region) = (audience.into(), region.into());
        // One rule for both: who has a proof's audience may ask for a token, too.
        GetWebIdentityToken::new(audience.as_str()).validate()?;
        check_identity_region(&region)?;
        // The region's own, whatever the environment says: the server asks there.
        Endpoint::new(&region, None)?;
        base.learn_region(&region)?;
        let clock = base.clock().unwrap_or_else(|| Clock::new(host));
        let (base, made) = (Box::new(base), PerProcess::new(Mutex::default()));
        Ok(Self(Arc::new(Inner { audience, region, base, clock, made })))
    }

    /// For whom the proof is.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.0.audience
    }

    /// The region whose STS the server asks.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }
}

impl Inner {
    fn proof_of(&self, credentials: &Credentials) -> Result<Bearer, Error> {
        let now = self.clock.now();
        let child = |_: &Mutex<Option<Made>>| Mutex::default();
        // INVARIANT: what is in it is whole; signing waits for nobody.
        let mut made = self.made.get(child).lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set right may have gone back.
        let serves = |made: &&Made| made.of == *credentials && now.duration_since(made.at).is_ok_and(|age| age < USED);
        if let Some(made) = made.as_ref().filter(serves) {
            return Ok(made.proof.clone());
        }
        let proof = Bearer::new(make_proof(credentials, &self.region, &self.audience, now)?);
        *made = Some(Made { of: credentials.clone(), at: now, proof: proof.clone() });
        Ok(proof)
    }
}

impl Identity for IdentityProof {
    fn bearer(&self, patience: &Patience) -> Result<Bearer, Error> {
        let credentials = self.0.base.credentials(patience)?;
        self.0.clock.check_usable(&credentials)?;
        self.0.proof_of(&credentials)
    }

    fn at_hand(&self) -> Option<Bearer> {
        let credentials = self.0.base.at_hand()?;
        self.0.clock.check_usable(&credentials).ok()?;
        self.0.proof_of(&credentials).ok()
    }
}

impl fmt::Debug for IdentityProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (audience, region) = (&self.0.audience, &self.0.region);
        f.debug_struct("IdentityProof").field("audience", audience).field("region", region).finish_non_exhaustive()
    }
}
