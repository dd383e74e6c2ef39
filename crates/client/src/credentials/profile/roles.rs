//! The roles of profiles.

use std::sync::Arc;

use xacct_sign::aws::{Partition, RoleArn};
use xacct_sign::{Credentials, Error, ErrorClass, ErrorKind};

use super::plan::{Role, Settings};
use crate::clock::Clock;
use crate::credentials::{CredentialSource, RoleOptions, RoleProvider, endpoint, shown};
use crate::host::Host;
use crate::patience::Patience;

/// The credentials of a role that is assumed now. They are kept by whoever asked.
pub(super) fn assume(
    role: &Role,
    settings: &Settings,
    base: Credentials,
    clock: &Clock,
    patience: &Patience,
) -> Result<Credentials, Error> {
    let provider = provider(role, settings, base, clock).map_err(|error| {
        // It is a value in the profile that is wrong.
        shown::about(&format!("the profile {}", shown::name(&role.profile)), error)
    })?;
    CredentialSource::credentials(&provider, patience).map_err(|error| match error.kind().class() {
        ErrorClass::Sts => error,
        _ => shown::about(&format!("the role of the profile {}", shown::name(&role.profile)), error),
    })
}

fn provider(role: &Role, settings: &Settings, base: Credentials, clock: &Clock) -> Result<RoleProvider, Error> {
    let host = clock.host();
    let region = region(&**host, &role.arn, &[&role.profile], settings).ok_or_else(|| {
        Error::new(ErrorKind::InvalidConfig, "no region says whose STS gives the role's credentials")
            .with_hint("set `region` in the profile, or AWS_REGION")
    })?;
    let mut options = RoleOptions::on(&**host, &role.arn, &region);
    if let Some(name) = &role.session_name {
        options.call.session_name.clone_from(name);
    }
    if let Some(seconds) = role.duration_seconds {
        options.call.duration_seconds = seconds;
    }
    options.call.external_id.clone_from(&role.external_id);
    options.sts_endpoint = Some(endpoint::of_sts(&**host, &role.arn, &region, settings)?.url().to_owned());
    RoleProvider::on(Arc::clone(host), options, Base(base, clock.clone()))
}

/// What assumes the role, by the chain's clock.
#[derive(Debug)]
struct Base(Credentials, Clock);

impl CredentialSource for Base {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        Ok(self.0.clone())
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.1.clone())
    }
}

/// Whose STS is called: the environment's region before the profile's, as the SDKs have it; but one of another partition than the
/// role's is only taken if there is no better one.
pub(super) fn region(host: &dyn Host, role_arn: &str, profiles: &[&str], settings: &Settings) -> Option<String> {
    let environment = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter_map(|name| host.variable(name));
    let files = profiles.iter().flat_map(|profile| settings.regions(profile)).map(str::to_owned);
    let regions: Vec<String> = environment.chain(files).collect();
    let partition = RoleArn::parse(role_arn).map(|role| role.partition().to_owned()).unwrap_or_default();
    let fitting = regions.iter().find(|region| Partition::of_region(region).name() == partition);
    fitting.or(regions.first()).cloned()
}
