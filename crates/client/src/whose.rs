//! Whose credentials they are: `GetCallerIdentity`.

use std::sync::Arc;

use xacct_sign::sts::{CallerIdentity, GetCallerIdentity};
use xacct_sign::{Error, ErrorKind};

use crate::clock::Clock;
use crate::credentials::sts::Asking;
use crate::credentials::{CredentialSource, sts_endpoint};
use crate::host::{Host, region_of_environment};
use crate::patience::Patience;

/// Asks STS whose credentials a source gives: at the endpoint of [`sts_region`]. It is asked once more as
/// [`Retry`](xacct_sign::retry::Retry) has it, and after a clock that is off was set right.
///
/// # Errors
///
/// As [`CredentialSource::credentials`]; [`ErrorKind::InvalidRegion`] if nobody has said a region; those of the STS call.
pub fn caller_identity(
    host: &Arc<dyn Host>,
    source: &dyn CredentialSource,
    region: Option<&str>,
    patience: &Patience,
) -> Result<CallerIdentity, Error> {
    let region = sts_region(host, source, region)?;
    let endpoint = sts_endpoint(&**host, &region)?;
    source.learn_region(&region)?;
    let clock = source.clock().unwrap_or_else(|| Clock::new(Arc::clone(host)));
    // Nobody else asks at this moment: there is nothing to spread.
    let asking = Asking { host, clock: &clock, base: source, endpoint: &endpoint, listener: None, seed: 0 };
    asking.ask(|_| GetCallerIdentity, patience)
}

/// The region whose STS is asked for credentials of a source: the one that is given, else the source's, else that of `AWS_REGION` or
/// `AWS_DEFAULT_REGION`, else the profile's.
///
/// # Errors
///
/// [`ErrorKind::InvalidRegion`] if nobody has said a region.
pub fn sts_region(host: &Arc<dyn Host>, source: &dyn CredentialSource, region: Option<&str>) -> Result<String, Error> {
    let given = region.or(source.region()).map(str::to_owned);
    let region = given.or_else(|| region_of_environment(&**host)).or_else(|| source.usual_region());
    region.ok_or_else(|| {
        Error::new(ErrorKind::InvalidRegion, "no region is given whose STS is asked")
            .with_hint("give a region, such as `ap-northeast-1`, or set AWS_REGION")
    })
}
