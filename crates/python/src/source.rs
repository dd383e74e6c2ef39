//! What signs: credentials, or a role's.

use pyo3::prelude::*;
use xacct_sign::{Credentials, Error, ErrorKind, Scope};
use xacct_sign_client::{CredentialSource, Environment, Patience, RoleProvider};

use crate::convert::{text, type_name};
use crate::credentials::PyCredentials;
use crate::environment::PyEnvironment;
use crate::errors::to_py;

/// A source of credentials as Python has it.
#[derive(Debug)]
pub(crate) enum Source {
    Given(Credentials),
    Role(RoleProvider),
    Environment,
}

impl Source {
    /// What assumes a role.
    pub(crate) fn base(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::known(source).ok_or_else(|| no_credentials(source, "pass Credentials or Environment()"))
    }

    /// Credentials of a kind that needs no STS.
    pub(crate) fn known(source: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(credentials) = source.cast::<PyCredentials>() {
            return Some(Self::Given(credentials.get().0.clone()));
        }
        source.is_instance_of::<PyEnvironment>().then_some(Self::Environment)
    }

    /// What it signs for: a role brings its own region.
    pub(crate) fn scope(&self, region: Option<&Bound<'_, PyAny>>, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
        match (region, self) {
            (Some(region), _) => scope(region, service),
            (None, Self::Role(role)) => scope_of(role.region(), service),
            (None, _) => Err(to_py(Error::new(ErrorKind::InvalidRegion, "no region is given"))),
        }
    }
}

/// A region and a service as Python has them.
pub(crate) fn scope(region: &Bound<'_, PyAny>, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
    scope_of(text(region, ErrorKind::InvalidRegion, "the region")?, service)
}

fn scope_of(region: &str, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
    Scope::new(region, text(service, ErrorKind::InvalidService, "the service")?).map_err(to_py)
}

/// That an object is none of our credentials: the full name of its type, as others have a `Credentials` too.
pub(crate) fn no_credentials(given: &Bound<'_, PyAny>, hint: &'static str) -> PyErr {
    let message = format!("`{}` is no credentials of xacct_sign", type_name(given));
    to_py(Error::new(ErrorKind::InvalidCredentials, message).with_hint(hint))
}

impl CredentialSource for Source {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        match self {
            Self::Given(credentials) => credentials.credentials(patience),
            Self::Role(role) => CredentialSource::credentials(role, patience),
            Self::Environment => Environment.credentials(patience),
        }
    }
}
