//! Who calls, for a server that has no API Gateway in front: a token or a proof of the caller's credentials.

use std::sync::Arc;

use xacct_sign::Error;
use xacct_sign::sts::{GetWebIdentityToken, TokenAlgorithm};
use xacct_sign_client::host::Host;
use xacct_sign_client::{CredentialSource, Identity, IdentityProof, IdentityToken, TokenOptions, sts_region};

use crate::arguments::IdentityKindArguments;
use crate::caller::Caller;

/// What is typed of a token or a proof, checked.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) is_proof: bool,
    call: GetWebIdentityToken,
}

impl Wanted {
    /// # Errors
    ///
    /// As [`TokenAlgorithm::named`] and [`GetWebIdentityToken::validate`].
    pub(crate) fn new(audience: &str, kind: &IdentityKindArguments) -> Result<Self, Error> {
        let mut call = GetWebIdentityToken::new(audience);
        call.algorithm = TokenAlgorithm::named(&kind.algorithm)?;
        // What is too long for a number is too long for STS.
        call.duration_seconds = u32::try_from(kind.expires_in).unwrap_or(u32::MAX);
        call.validate()?;
        Ok(Self { is_proof: kind.proof, call })
    }

    /// The caller's, of the STS of the region that is typed, or that is known otherwise. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// `InvalidRegion` if no region is known; as [`Wanted::of`].
    pub(crate) fn of_caller(&self, caller: &Caller) -> Result<Arc<dyn Identity>, Error> {
        let region = sts_region(&caller.host, &*caller.source, caller.region.as_deref())?;
        self.of(Arc::clone(&caller.host), region, Arc::clone(&caller.source))
    }

    /// The server's audience.
    pub(crate) fn audience(&self) -> &str {
        &self.call.audience
    }

    /// The same as a proof.
    pub(crate) fn as_proof(&self) -> Self {
        Self { is_proof: true, ..self.clone() }
    }

    /// `token` or `proof`.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_proof { "proof" } else { "token" }
    }

    /// That of whoever has these credentials.
    ///
    /// # Errors
    ///
    /// As [`IdentityToken::on`] and [`IdentityProof::on`].
    pub(crate) fn of(
        &self,
        host: Arc<dyn Host>,
        region: String,
        source: Arc<dyn CredentialSource>,
    ) -> Result<Arc<dyn Identity>, Error> {
        if self.is_proof {
            return Ok(Arc::new(IdentityProof::on(host, self.audience(), region, source)?));
        }
        let mut options = TokenOptions::new(self.audience(), region);
        options.call = self.call.clone();
        Ok(Arc::new(IdentityToken::on(host, options, source)?))
    }
}
