//! A role's credentials.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use once_cell::race::OnceBox;
use xacct_sign::aws::is_name_character;
use xacct_sign::call::HttpHosts;
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Error, ErrorKind, escaped};

use super::CredentialSource;
use super::endpoint;
use super::shared::{Fetch, Shared};
use super::shown;
use super::sts::Asking;
use crate::clock::Clock;
use crate::events::{Event, Listener};
use crate::host::{Host, Machine, region_of_environment};
use crate::patience::Patience;

/// A role, and how to assume it.
///
/// # Defaults
///
/// Session name: `AWS_ROLE_SESSION_NAME`, else the Lambda function's name made valid, else `xacct-sign`; read once, here.
/// Endpoint: `AWS_ENDPOINT_URL_STS`, else `AWS_ENDPOINT_URL`, else the regional one of the role's partition, the kind of which
/// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` say; read when the provider is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoleOptions {
    /// The parameters of each STS call.
    pub call: AssumeRole,
    /// The API's region, whose STS endpoint is called. `None` takes that of the first API that is called with the credentials; where
    /// they are asked for without one, `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// Another STS endpoint than the region's and the environment's.
    pub sts_endpoint: Option<String>,
    /// Hosts where STS may be over plain http, beside this machine and those of `XACCT_ALLOW_HTTP_HOSTS`: an emulator's in a
    /// compose file. The listener is told: [`Event::PlainHttp`].
    pub http_hosts: HttpHosts,
    /// Is told of each refresh, and of each that fails.
    pub listener: Option<Listener>,
}

impl RoleOptions {
    /// A role in a region, everything else by default.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, region: impl Into<String>) -> Self {
        Self::on(&Machine::default(), role_arn, region)
    }

    /// As [`RoleOptions::new`], with the environment of a [`Host`].
    #[must_use]
    pub fn on(host: &dyn Host, role_arn: impl Into<String>, region: impl Into<String>) -> Self {
        Self { region: Some(region.into()), ..Self::without_region_on(host, role_arn) }
    }

    /// A role whose region is that of the API, which its host says or the session.
    #[must_use]
    pub fn without_region(role_arn: impl Into<String>) -> Self {
        Self::without_region_on(&Machine::default(), role_arn)
    }

    /// As [`RoleOptions::without_region`], with the environment of a [`Host`].
    #[must_use]
    pub fn without_region_on(host: &dyn Host, role_arn: impl Into<String>) -> Self {
        let call = AssumeRole::new(role_arn, session_name(host));
        Self { call, region: None, sts_endpoint: None, http_hosts: HttpHosts::default(), listener: None }
    }
}

/// That nothing stands around an ARN, which a shell or a file has left there and nobody sees: else what is shown of it would be
/// nothing, since what does not begin as an ARN could be a secret. The core leaves this out: in JavaScript it would cost bytes.
///
/// # Errors
///
/// [`ErrorKind::InvalidRoleArn`].
fn check_around(arn: &str) -> Result<(), Error> {
    let bare = arn.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    if bare.len() == arn.len() || !bare.starts_with("arn:") {
        return Ok(());
    }
    let shown: String = arn.chars().take(200).collect();
    let message =
        format!("`{}` is not a role's ARN: a quote, a space or a line break stands around it", escaped(&shown));
    Err(Error::new(ErrorKind::InvalidRoleArn, message))
}

const SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";

/// The name of a session that nobody names.
pub(super) fn session_name(host: &dyn Host) -> String {
    if let Some(name) = host.variable(SESSION_NAME) {
        return name;
    }
    let function = host.variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let valid: String = function.chars().map(|c| if is_name_character(c) { c } else { '-' }).take(64).collect();
    if valid.len() >= 2 { valid } else { "xacct-sign".to_owned() }
}

/// Assumes a role when its credentials are needed, and again before they expire.
///
/// Cloning is cheap: share one provider among all threads and clients, it makes one STS call per lifetime, whoever asks. While
/// the credentials that there are still serve, nobody waits longer than a second for the next.
#[derive(Clone)]
pub struct RoleProvider(Shared<Role>);

struct Role {
    call: AssumeRole,
    region: Option<String>,
    sts_endpoint: Option<String>,
    http_hosts: HttpHosts,
    /// Known from the beginning, or from the first API on.
    endpoint: OnceBox<Endpoint>,
    base: Box<dyn CredentialSource>,
    host: Arc<dyn Host>,
    clock: Clock,
    listener: Option<Listener>,
    /// Spreads the pauses between tries.
    calls: AtomicU64,
}

impl RoleProvider {
    /// Checks the options; asks STS for nothing yet. `base` gives the credentials that assume the role, at each refresh.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::validate`] and [`AssumeRole::endpoint`]; `InvalidOption` for a variable that is neither true nor false.
    pub fn new(options: RoleOptions, base: impl CredentialSource + 'static) -> Result<Self, Error> {
        Self::on(Arc::new(Machine::default()), options, base)
    }

    /// As [`RoleProvider::new`], on a [`Host`].
    ///
    /// # Errors
    ///
    /// As [`RoleProvider::new`].
    pub fn on(host: Arc<dyn Host>, options: RoleOptions, base: impl CredentialSource + 'static) -> Result<Self, Error> {
        check_around(&options.call.role_arn)?;
        options.call.validate().map_err(|error| {
            let is_variables = host.variable(SESSION_NAME).is_some_and(|name| name == options.call.session_name);
            match error.kind() == ErrorKind::InvalidSessionName && is_variables {
                true => shown::about(&format!("the environment variable `{SESSION_NAME}`"), error),
                false => error,
            }
        })?;
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&options.call.session_name);
        let RoleOptions { call, region, sts_endpoint, http_hosts, listener } = options;
        let clock = base.clock().unwrap_or_else(|| Clock::new(Arc::clone(&host)));
        let (base, endpoint, calls) = (Box::new(base), OnceBox::new(), AtomicU64::new(seed));
        let role = Role { call, region, sts_endpoint, http_hosts, endpoint, base, host, clock, listener, calls };
        if let Some(region) = &role.region {
            role.call_sts_in(region)?;
        }
        Ok(Self(Shared::new(role, seed)))
    }

    /// The region that was given.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.source().region.as_deref()
    }

    /// The role's ARN.
    #[must_use]
    pub fn role_arn(&self) -> &str {
        &self.0.source().call.role_arn
    }

    /// The session name of every STS call.
    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.0.source().call.session_name
    }

    /// Where the role is assumed. Where nobody has said a region, the environment does so now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`] if the environment says none either.
    pub fn endpoint(&self) -> Result<&Endpoint, Error> {
        self.0.source().endpoint()
    }

    /// Credentials that are valid now; calls STS where that is needed, and waits where another thread already does, for as long as
    /// [`Patience::default`] has it.
    ///
    /// # Errors
    ///
    /// The kinds `Sts*`, `Transport`, `Timeout`, `CredentialsNotFound`, `CredentialsExpired` of the STS call. A failed early
    /// refresh is no error: the old credentials still serve. [`ErrorKind::InvalidRegion`] if nobody has said a region.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        CredentialSource::credentials(self, &Patience::default())
    }
}

impl CredentialSource for RoleProvider {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        // That it is missing is nothing that STS said, and is not kept as if it were.
        self.0.source().endpoint()?;
        self.0.current(patience)
    }

    fn at_hand(&self) -> Option<Credentials> {
        self.0.at_hand()
    }

    fn region(&self) -> Option<&str> {
        self.region()
    }

    fn usual_region(&self) -> Option<String> {
        self.0.source().base.usual_region()
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        self.0.source().call_sts_in(region).map(drop)
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.0.source().clock.clone())
    }
}

impl Role {
    /// The endpoint: that of the region, unless it is known already.
    fn call_sts_in(&self, region: &str) -> Result<&Endpoint, Error> {
        if let Some(known) = self.endpoint.get() {
            return Ok(known);
        }
        let place = (self.call.role_arn.as_str(), region);
        let endpoint = endpoint::of_role(&*self.host, place, self.sts_endpoint.as_deref(), &self.http_hosts)?;
        // A role that assumes this one, and has no region either, is assumed there too.
        self.base.learn_region(region)?;
        if self.endpoint.set(Box::new(endpoint)).is_err() {
            // Another thread was faster, and has told what there is to tell.
            return self.endpoint();
        }
        let known = self.endpoint()?;
        if let Some(listener) = self.listener.as_ref().filter(|_| !known.is_private()) {
            listener.tell(&Event::PlainHttp { host: known.host() });
        }
        Ok(known)
    }

    fn endpoint(&self) -> Result<&Endpoint, Error> {
        if let Some(known) = self.endpoint.get() {
            return Ok(known);
        }
        let region = region_of_environment(&*self.host).or_else(|| self.base.usual_region()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidRegion, "no region is given whose STS the role is assumed at")
                .with_hint("give the API's region, such as `ap-northeast-1`, or set AWS_REGION")
        })?;
        self.call_sts_in(&region)
    }
}

impl Fetch for Role {
    type Item = Credentials;

    fn fetch(&self, patience: &Patience) -> Result<Credentials, Error> {
        // With the instant in it, since processes that were restored from one snapshot count alike.
        let instant = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let asking = Asking {
            host: &self.host,
            clock: &self.clock,
            base: &*self.base,
            endpoint: self.endpoint()?,
            listener: self.listener.as_ref(),
            seed: self.calls.fetch_add(1, Ordering::Relaxed) ^ u64::from(instant.subsec_nanos()),
        };
        Ok(asking.ask(|_| self.call.clone(), patience)?.credentials)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn fetched(&self, result: Result<&Credentials, &Error>, is_early: bool, duration: Duration) {
        let Some(listener) = &self.listener else { return };
        let (role, action) = (self.call.role_arn.as_str(), self.call.name());
        listener.tell(&match result {
            Ok(new) => Event::Refreshed { role, action, expires_at: new.expires_at(), duration },
            Err(error) => Event::RefreshFailed { role, action, is_early, error, duration },
        });
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::StsFailed, "the thread that asked STS broke off").with_action(self.call.name())
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleProvider")
            .field("role_arn", &self.call.role_arn)
            .field("session_name", &self.call.session_name)
            .field("endpoint", &self.endpoint.get().map(Endpoint::url))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
