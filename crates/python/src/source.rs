//! What signs: credentials, or a role's.

use std::time::SystemTime;

use pyo3::prelude::*;
use xacct_sign::{Credentials, Error, ErrorKind, Scope};
use xacct_sign_client::{CredentialSource, Environment, RoleProvider};

use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::role::PyAssumeRole;

/// A source of credentials as Python has it.
#[derive(Debug)]
pub(crate) enum Source {
    Given(Credentials),
    Role(RoleProvider),
    Environment,
}

impl Source {
    /// A role, else credentials, else the environment's.
    pub(crate) fn new(role: Option<&PyAssumeRole>, credentials: Option<&PyCredentials>) -> Self {
        match (role, credentials) {
            (Some(role), _) => Self::Role(role.0.clone()),
            (None, Some(credentials)) => Self::Given(credentials.0.clone()),
            (None, None) => Self::Environment,
        }
    }

    /// Credentials of either kind.
    pub(crate) fn of(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(role) = source.cast::<PyAssumeRole>() {
            return Ok(Self::new(Some(role.get()), None));
        }
        if let Ok(credentials) = source.cast::<PyCredentials>() {
            return Ok(Self::new(None, Some(credentials.get())));
        }
        let message = format!("a {} is no credentials", source.get_type().name()?);
        let error = Error::new(ErrorKind::InvalidCredentials, message);
        Err(to_py(error.with_hint("pass Credentials or an AssumeRole")))
    }

    /// What it signs for: a role brings its own region.
    pub(crate) fn scope(&self, region: Option<&str>, service: &str) -> PyResult<Scope> {
        let region = match (region, self) {
            (Some(region), _) => region,
            (None, Self::Role(role)) => role.region(),
            (None, _) => return Err(to_py(Error::new(ErrorKind::InvalidRegion, "no region is given"))),
        };
        Scope::new(region, service).map_err(to_py)
    }
}

impl CredentialSource for Source {
    fn credentials(&self, now: SystemTime) -> Result<Credentials, Error> {
        match self {
            Self::Given(credentials) => credentials.credentials(now),
            Self::Role(role) => CredentialSource::credentials(role, now),
            Self::Environment => Environment.credentials(now),
        }
    }
}
