//! Who calls, for a server that has no API Gateway in front: a token or a proof of the caller's credentials.

use std::sync::Arc;

use xacct_sign::Error;
use xacct_sign_client::{Identity, IdentityProof, IdentityToken, TokenOptions, sts_region};

use crate::caller::Caller;
use crate::request::refuse_user_info;

/// A token for an audience, made at the STS of the region that is typed, or that is known otherwise. Nothing is asked yet.
///
/// # Errors
///
/// `InvalidUrl` for an audience with a password in it, `InvalidRegion` if no region is known; as [`IdentityToken::on`].
pub(crate) fn token(
    caller: &Caller,
    audience: &str,
    change: impl FnOnce(&mut TokenOptions),
) -> Result<Arc<dyn Identity>, Error> {
    refuse_user_info("the audience", audience)?;
    let region = sts_region(&caller.host, &*caller.source, caller.region.as_deref())?;
    let mut options = TokenOptions::new(audience, region);
    change(&mut options);
    Ok(Arc::new(IdentityToken::on(Arc::clone(&caller.host), options, Arc::clone(&caller.source))?))
}

/// A proof for an audience. Nothing is asked yet.
///
/// # Errors
///
/// `InvalidUrl` for an audience with a password in it, `InvalidRegion` if no region is known; as [`IdentityProof::on`].
pub(crate) fn proof(caller: &Caller, audience: &str) -> Result<Arc<dyn Identity>, Error> {
    refuse_user_info("the audience", audience)?;
    let region = sts_region(&caller.host, &*caller.source, caller.region.as_deref())?;
    Ok(Arc::new(IdentityProof::on(Arc::clone(&caller.host), audience, region, Arc::clone(&caller.source))?))
}
