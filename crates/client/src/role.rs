//! A role's credentials, fetched when needed, shared by every thread.

use std::env;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use xacct_sign::refresh::{Poll, RoleCredentials};
use xacct_sign::sts::{AssumeRole, Endpoint};
use xacct_sign::{Credentials, Error, ErrorKind};

use crate::base::Base;
use crate::now;
use crate::transport::{Timeouts, Transport};

/// STS's answers are a few kB; whatever is longer is none.
const ANSWER_LIMIT: u64 = 1 << 20;

/// A role, and how to assume it.
///
/// # Defaults
///
/// Session name: `AWS_ROLE_SESSION_NAME`, else the Lambda function's name made valid, else `xacct-sign`; read once, here.
/// Endpoint: `AWS_ENDPOINT_URL_STS`, else the regional one of the role's partition.
#[derive(Debug, Clone)]
pub struct RoleOptions {
    /// The parameters of each STS call.
    pub call: AssumeRole,
    /// The API's region, whose STS endpoint is called.
    pub region: String,
    /// Another STS endpoint than the region's.
    pub sts_endpoint: Option<String>,
}

impl RoleOptions {
    /// A role in a region, everything else by default.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            call: AssumeRole::new(role_arn, default_session_name()),
            region: region.into(),
            sts_endpoint: env::var("AWS_ENDPOINT_URL_STS").ok().filter(|url| !url.is_empty()),
        }
    }
}

fn default_session_name() -> String {
    let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(name) = read("AWS_ROLE_SESSION_NAME") {
        return name;
    }
    let function: String = read("AWS_LAMBDA_FUNCTION_NAME")
        .unwrap_or_default()
        .chars()
        .map(
            |c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-') { c } else { '-' },
        )
        .take(64)
        .collect();
    if function.len() >= 2 { function } else { "xacct-sign".to_owned() }
}

/// Assumes a role when its credentials are needed, and again before they expire.
///
/// Share one provider among all threads and clients: it makes one STS call per lifetime, whoever asks.
pub struct RoleProvider {
    call: AssumeRole,
    endpoint: Endpoint,
    base: Base,
    transport: Transport,
    state: Mutex<State>,
    settled: Condvar,
}

struct State {
    /// The process that `role` is of.
    process: u32,
    role: RoleCredentials,
    /// Counts the fetches that came to an end.
    fetches: u64,
    /// Why the last one failed, if it did.
    last_error: Option<Error>,
}

impl RoleProvider {
    /// Checks the options; asks STS for nothing yet.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::validate`] and [`Endpoint::new`].
    pub fn new(options: RoleOptions, base: Base) -> Result<Self, Error> {
        options.call.validate()?;
        let endpoint = Endpoint::new(&options.call.role_arn, &options.region, options.sts_endpoint.as_deref())?;
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&options.call.session_name);
        let state = State { process: process::id(), role: RoleCredentials::new(seed), fetches: 0, last_error: None };
        Ok(Self {
            call: options.call,
            endpoint,
            base,
            transport: Transport::default(),
            state: Mutex::new(state),
            settled: Condvar::new(),
        })
    }

    /// The region whose STS endpoint is called: the API's.
    #[must_use]
    pub fn region(&self) -> &str {
        self.endpoint.region()
    }

    /// The role's ARN.
    #[must_use]
    pub fn role_arn(&self) -> &str {
        &self.call.role_arn
    }

    /// The session name of every STS call.
    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.call.session_name
    }

    /// Credentials that are valid now; calls STS where that is needed, and waits where another thread already does.
    ///
    /// # Errors
    ///
    /// The kinds `AssumeRole*`, `Transport`, `Timeout`, `CredentialsNotFound` of the STS call. A failed early refresh is
    /// no error: the old credentials still serve.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        let mut state = self.lock();
        loop {
            match state.role.poll(now()) {
                Poll::Use(credentials) => return Ok(credentials),
                Poll::UseAndRefresh(old) => {
                    drop(state);
                    return self.fetch_and_report().map(|fetched| fetched.unwrap_or(old));
                }
                Poll::Refresh => {
                    drop(state);
                    // Without old credentials a failure is an error, so there is always something to unwrap.
                    let fetched = self.fetch_and_report()?;
                    return fetched.ok_or_else(|| Error::new(ErrorKind::AssumeRoleFailed, "there are no credentials"));
                }
                Poll::Wait => {
                    let before = state.fetches;
                    while state.fetches == before {
                        state = self.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
                    }
                    if let Some(error) = &state.last_error {
                        return Err(error.clone());
                    }
                }
            }
        }
    }

    /// Fetches, and tells the state machine and those who wait. `None`: it failed, but the old credentials serve.
    fn fetch_and_report(&self) -> Result<Option<Credentials>, Error> {
        let turn = Turn { provider: self, outcome: None };
        turn.finish(self.fetch())
    }

    fn fetch(&self) -> Result<Credentials, Error> {
        let base = self.base.credentials()?;
        let request = self.call.request(&base, &self.endpoint, now())?;
        let response = self.transport.send(&request, Timeouts::default(), ANSWER_LIMIT)?;
        Ok(self.call.read_response(&base, &response)?.credentials)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // INVARIANT: the state is whole at every point where its holder could panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            // A forked child has the state, and not the thread that was fetching.
            state.process = process::id();
            state.role.abandoned();
        }
        state
    }
}

/// One thread's turn to fetch. Should it panic, the others do not wait forever.
struct Turn<'p> {
    provider: &'p RoleProvider,
    outcome: Option<()>,
}

impl Turn<'_> {
    fn finish(mut self, fetched: Result<Credentials, Error>) -> Result<Option<Credentials>, Error> {
        self.outcome = Some(());
        self.settle(fetched)
    }

    fn settle(&self, fetched: Result<Credentials, Error>) -> Result<Option<Credentials>, Error> {
        let mut state = self.provider.lock();
        let result = match fetched {
            Ok(credentials) => {
                state.role.succeeded(credentials.clone(), now());
                Ok(Some(credentials))
            }
            Err(error) => match state.role.failed(error, now()) {
                Some(error) => Err(error),
                None => Ok(None),
            },
        };
        state.last_error = result.as_ref().err().cloned();
        state.fetches += 1;
        self.provider.settled.notify_all();
        result
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            let broken = Error::new(ErrorKind::AssumeRoleFailed, "the thread that asked STS broke off");
            // Whoever waits gets the error; this thread is unwinding.
            let _ = self.settle(Err(broken));
        }
    }
}

impl fmt::Debug for RoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleProvider")
            .field("role_arn", &self.call.role_arn)
            .field("session_name", &self.call.session_name)
            .field("endpoint", &self.endpoint.url())
            .finish_non_exhaustive()
    }
}

impl Timeouts {
    /// 5 s to connect, 35 s to read: API Gateway gives up at 30 s, and says so.
    pub const DEFAULT: Timeouts =
        Timeouts { connect: Some(Duration::from_secs(5)), read: Some(Duration::from_secs(35)) };
}
