//! What signs: credentials, or a role's.

use std::sync::Arc;

use pyo3::prelude::*;
use xacct_sign::{Credentials, Error, ErrorKind, PartialScope, Scope};
use xacct_sign_client::host::Machine;
use xacct_sign_client::{Clock, CredentialSource, DefaultChain, Environment, Kept, Patience, RoleProvider};

use crate::asked::Asked;
use crate::convert::{optional_text, text, type_name};
use crate::credentials::PyCredentials;
use crate::default_credentials::PyDefaultCredentials;
use crate::environment::PyEnvironment;
use crate::errors::to_py;
use crate::held::Held;
use crate::machine::machine;
use crate::role::PyAssumeRole;

/// A source of credentials as Python has it.
#[derive(Debug)]
pub(crate) enum Source {
    Given(Credentials),
    Role(RoleProvider),
    Environment(Box<Machine>),
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
            return Ok((Self::Environment(Box::new(machine())), Held::default()));
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
            (Self::Asked(asked), held) if asked.is_called() => (Self::Kept(Kept::on(Arc::new(machine()), asked)), held),
            source => source,
        })
    }

    /// What it signs for, where no URL's host says so: a role brings its own region.
    pub(crate) fn scope(&self, region: Option<&Bound<'_, PyAny>>, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
        match (region, self.region()) {
            (Some(region), _) => scope(region, service),
            (None, Some(region)) => scope_of(region, service),
            (None, None) => Err(to_py(Error::new(ErrorKind::InvalidRegion, "no region is given"))),
        }
    }
}

/// A region and a service as Python has them.
pub(crate) fn scope(region: &Bound<'_, PyAny>, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
    scope_of(text(region, ErrorKind::InvalidRegion, "the region")?, service)
}

/// What is known of them before there is a URL, whose host says the rest.
pub(crate) fn partial_scope(
    region: Option<&Bound<'_, PyAny>>,
    service: Option<&Bound<'_, PyAny>>,
) -> PyResult<PartialScope> {
    let region = optional_text(region, ErrorKind::InvalidRegion, "the region")?;
    let service = optional_text(service, ErrorKind::InvalidService, "the service")?;
    PartialScope::new(region, service).map_err(to_py)
}

fn scope_of(region: &str, service: &Bound<'_, PyAny>) -> PyResult<Scope> {
    Scope::new(region, text(service, ErrorKind::InvalidService, "the service")?).map_err(to_py)
}

impl CredentialSource for Source {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        match self {
            Self::Given(credentials) => credentials.credentials(patience),
            Self::Role(role) => CredentialSource::credentials(role, patience),
            Self::Environment(machine) => Environment::read(&**machine),
            Self::Default(chain) => chain.credentials(patience),
            Self::Asked(asked) => asked.credentials(patience),
            Self::Kept(kept) => kept.credentials(patience),
        }
    }

    fn at_hand(&self) -> Option<Credentials> {
        match self {
            Self::Given(credentials) => credentials.at_hand(),
            Self::Role(role) => role.at_hand(),
            Self::Environment(machine) => Environment::read(&**machine).ok(),
            Self::Default(chain) => chain.at_hand(),
            Self::Kept(kept) => kept.at_hand(),
            // Python's code may take as long as it likes.
            Self::Asked(_) => None,
        }
    }

    fn region(&self) -> Option<&str> {
        match self {
            Self::Role(role) => role.region(),
            Self::Given(_) | Self::Environment(_) | Self::Default(_) | Self::Asked(_) | Self::Kept(_) => None,
        }
    }

    fn usual_region(&self) -> Option<String> {
        match self {
            Self::Role(role) => role.usual_region(),
            Self::Default(chain) => chain.usual_region(),
            Self::Asked(asked) => asked.usual_region(),
            Self::Kept(kept) => kept.usual_region(),
            Self::Given(_) | Self::Environment(_) => None,
        }
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        match self {
            Self::Role(role) => role.learn_region(region),
            Self::Given(_) | Self::Environment(_) | Self::Default(_) | Self::Asked(_) | Self::Kept(_) => Ok(()),
        }
    }

    fn clock(&self) -> Option<Clock> {
        match self {
            Self::Role(role) => role.clock(),
            Self::Default(chain) => chain.clock(),
            Self::Kept(kept) => kept.clock(),
            Self::Given(_) | Self::Environment(_) | Self::Asked(_) => None,
        }
    }
}
