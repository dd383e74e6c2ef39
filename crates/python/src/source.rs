//! What signs: credentials, or a role's.

use pyo3::prelude::*;
use xacct_sign::{Credentials, Error, ErrorKind, Scope, Skew};
use xacct_sign_client::{CredentialSource, DefaultChain, Environment, Kept, Patience, RoleProvider};

use crate::asked::Asked;
use crate::convert::{text, type_name};
use crate::credentials::PyCredentials;
use crate::default_credentials::PyDefaultCredentials;
use crate::environment::PyEnvironment;
use crate::errors::to_py;
use crate::held::Held;
use crate::role::PyAssumeRole;

/// A source of credentials as Python has it.
#[derive(Debug)]
pub(crate) enum Source {
    Given(Credentials),
    Role(RoleProvider),
    Environment,
    Default(DefaultChain),
    /// Asked at each refresh.
    Asked(Asked),
    Kept(Kept),
}

impl Source {
    /// What assumes a role, asked anew at each refresh; and what has to be held for it.
    pub(crate) fn base(source: &Bound<'_, PyAny>) -> PyResult<(Self, Held)> {
        if let Ok(credentials) = source.cast::<PyCredentials>() {
            return Ok((Self::Given(credentials.get().0.clone()), Held::default()));
        }
        if source.is_instance_of::<PyEnvironment>() {
            return Ok((Self::Environment, Held::default()));
        }
        if let Ok(chain) = source.cast::<PyDefaultCredentials>() {
            return Ok((Self::Default(chain.get().0.clone()), Held::default()));
        }
        let held = Held::new(source);
        if let Ok(role) = source.cast::<PyAssumeRole>() {
            return Ok((Self::Role(role.get().provider.clone()), held));
        }
        if let Some(asked) = Asked::of(source, &held) {
            return Ok((Self::Asked(asked), held));
        }
        // The full name of its type, as others have a `Credentials` too.
        let message = format!("`{}` is no credentials of xacct_sign, and gives none", type_name(source));
        let hint = "pass an AssumeRole, DefaultCredentials(), Credentials, a callable that returns Credentials, or what botocore has";
        Err(to_py(Error::new(ErrorKind::InvalidCredentials, message).with_hint(hint)))
    }

    /// What signs requests: asked for each, so that what a callable gives is kept as long as it lasts.
    pub(crate) fn signing(source: &Bound<'_, PyAny>) -> PyResult<(Self, Held)> {
        Ok(match Self::base(source)? {
            (Self::Asked(asked), held) if asked.is_called() => (Self::Kept(Kept::new(asked)), held),
            source => source,
        })
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

impl CredentialSource for Source {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        match self {
            Self::Given(credentials) => credentials.credentials(patience),
            Self::Role(role) => CredentialSource::credentials(role, patience),
            Self::Environment => Environment.credentials(patience),
            Self::Default(chain) => chain.credentials(patience),
            Self::Asked(asked) => asked.credentials(patience),
            Self::Kept(kept) => kept.credentials(patience),
        }
    }

    fn at_hand(&self) -> Option<Credentials> {
        match self {
            Self::Given(credentials) => credentials.at_hand(),
            Self::Role(role) => role.at_hand(),
            Self::Environment => Environment.at_hand(),
            Self::Default(chain) => chain.at_hand(),
            Self::Kept(kept) => kept.at_hand(),
            // Python's code may take as long as it likes.
            Self::Asked(_) => None,
        }
    }

    fn skew(&self) -> Skew {
        match self {
            Self::Role(role) => role.skew(),
            Self::Default(chain) => chain.skew(),
            Self::Kept(kept) => kept.skew(),
            Self::Given(_) | Self::Environment | Self::Asked(_) => Skew::default(),
        }
    }
}
