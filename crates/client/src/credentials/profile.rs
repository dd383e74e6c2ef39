//! A profile of the files that AWS's SDKs and tools share.

use std::sync::Arc;

use xacct_sign::Error;

use super::found::Found;
use crate::host::Host;
use crate::patience::Patience;

/// The profile's keys, where it has some that need only be read.
pub(super) fn read(_host: &dyn Host, _profile: Option<&str>) -> Result<Found, Error> {
    Ok(Found::Nothing("not read yet".to_owned()))
}

/// The profile's credentials, whatever it takes to get them.
pub(super) fn load(_host: &Arc<dyn Host>, _patience: &Patience, _profile: Option<&str>) -> Result<Found, Error> {
    Ok(Found::Nothing("not read yet".to_owned()))
}
