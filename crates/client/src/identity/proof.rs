//! What a caller sends where its account has no issuer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use xacct_sign::Error;
use xacct_sign_identity::make_proof;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::credentials::CredentialSource;
use crate::host::{Host, Machine};
use crate::patience::Patience;
use crate::per_process::PerProcess;

/// How long one proof is sent. The server takes it for 300 seconds, by its own clock; each is a call of STS.
const SENT_FOR: Duration = Duration::from_secs(200);

/// Says to one server who calls, by a signed `GetCallerIdentity` that the server sends. No permission is needed for it, and nobody is
/// called.
///
/// A proof is sent again for 200 seconds, whatever the number of requests; it leaves over https, or to loopback.
///
/// ```no_run
/// use xacct_sign_client::identity::IdentityProof;
/// use xacct_sign_client::{Environment, Patience};
///
/// let identity = IdentityProof::new("https://api.example.com", "ap-northeast-1", Environment)?;
/// let authorization = identity.authorization(&Patience::default())?;
/// assert!(authorization.starts_with("Bearer xacct1."));
/// # Ok::<(), xacct_sign::Error>(())
/// ```
pub struct IdentityProof {
    audience: String,
    region: String,
    source: Arc<dyn CredentialSource>,
    clock: Clock,
    made: PerProcess<Mutex<Option<Made>>>,
}

struct Made {
    authorization: Zeroizing<String>,
    from: SystemTime,
    until: SystemTime,
}

impl IdentityProof {
    /// Proofs for the server of an audience, by the STS of a region that it takes.
    ///
    /// # Errors
    ///
    /// Those of [`IdentityProof::with_host`].
    pub fn new(
        audience: impl Into<String>,
        region: impl Into<String>,
        source: impl CredentialSource + 'static,
    ) -> Result<Self, Error> {
        Self::with_host(audience, region, source, Arc::new(Machine::default()))
    }

    /// The same on another machine.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::learn_region`].
    pub fn with_host(
        audience: impl Into<String>,
        region: impl Into<String>,
        source: impl CredentialSource + 'static,
        host: Arc<dyn Host>,
    ) -> Result<Self, Error> {
        let region = region.into();
        source.learn_region(&region)?;
        let clock = source.clock().unwrap_or_else(|| Clock::new(host));
        Ok(Self {
            audience: audience.into(),
            region,
            source: Arc::new(source),
            clock,
            made: PerProcess::new(Mutex::default()),
        })
    }

    /// What to send as `authorization`: a proof that is at hand, or a new one.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`] and [`make_proof`].
    pub fn authorization(&self, patience: &Patience) -> Result<Zeroizing<String>, Error> {
        let made = self.made.get(|_| Mutex::default());
        let now = self.clock.now();
        let at_hand = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = at_hand.as_ref().filter(|made| (made.from..made.until).contains(&now)) {
            return Ok(made.authorization.clone());
        }
        // INVARIANT: no lock is held while a source is asked, which may be waiting for who waits for the lock.
        drop(at_hand);
        let credentials = self.source.credentials(patience)?;
        let now = self.clock.now();
        let proof = make_proof(&credentials, &self.region, &self.audience, now)?;
        let authorization = Zeroizing::new(format!("Bearer {proof}"));
        let until = [now.checked_add(SENT_FOR), credentials.expires_at()].into_iter().flatten().min().unwrap_or(now);
        let new = Made { authorization: authorization.clone(), from: now, until };
        *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(authorization)
    }
}

impl fmt::Debug for IdentityProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProof")
            .field("audience", &self.audience)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
