//! A role that is assumed with a web identity.

use std::sync::Arc;

use xacct_sign::{Credentials, Error, ErrorKind};

use super::found::Found;
use crate::host::Host;
use crate::patience::Patience;

/// The one that the environment names.
pub(super) fn from_environment(_host: &Arc<dyn Host>, _patience: &Patience) -> Result<Found, Error> {
    Ok(Found::Nothing("not asked yet".to_owned()))
}

/// The one that the environment or a profile names.
pub(super) fn load(
    _host: &Arc<dyn Host>,
    _patience: &Patience,
    _role_arn: &str,
    _token_file: &str,
    _session_name: Option<&str>,
    _region: Option<&str>,
) -> Result<Credentials, Error> {
    Err(Error::new(ErrorKind::CredentialsNotFound, "web identities are not asked yet"))
}
