//! A role's credentials, fetched when needed, shared by every thread.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

use xacct_sign::aws::is_name_character;
use xacct_sign::refresh::{GRACE, Poll, Refresh};
use xacct_sign::sts::{ANSWER_LIMIT, Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Error, ErrorKind};

use super::CredentialSource;
use super::environment::variable;
use crate::now;
use crate::transport::{Timeouts, Transport};

/// A role, and how to assume it.
///
/// # Defaults
///
/// Session name: `AWS_ROLE_SESSION_NAME`, else the Lambda function's name made valid, else `xacct-sign`; read once, here.
/// Endpoint: `AWS_ENDPOINT_URL_STS`, else the regional one of the role's partition.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
            sts_endpoint: variable("AWS_ENDPOINT_URL_STS"),
        }
    }
}

fn default_session_name() -> String {
    if let Some(name) = variable("AWS_ROLE_SESSION_NAME") {
        return name;
    }
    let function = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let valid: String = function.chars().map(|c| if is_name_character(c) { c } else { '-' }).take(64).collect();
    if valid.len() >= 2 { valid } else { "xacct-sign".to_owned() }
}

/// Assumes a role when its credentials are needed, and again before they expire.
///
/// Cloning is cheap: share one provider among all threads and clients, it makes one STS call per lifetime, whoever asks. While
/// the credentials that there are still serve, nobody waits longer than a second for the next.
#[derive(Clone)]
pub struct RoleProvider(Arc<Role>);

struct Role {
    call: AssumeRole,
    endpoint: Endpoint,
    base: Box<dyn CredentialSource>,
    transport: Transport,
    state: Mutex<State>,
    settled: Condvar,
}

struct State {
    /// The process that `refresh` is of.
    process: u32,
    refresh: Refresh,
    /// What `refresh` speaks of.
    current: Option<Credentials>,
    /// Counts the fetches that came to an end.
    fetches: u64,
    /// Why the last one failed, if it did.
    last_error: Option<Error>,
}

impl RoleProvider {
    /// Checks the options; asks STS for nothing yet. `base` gives the credentials that assume the role, at each refresh.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::validate`] and [`AssumeRole::endpoint`].
    pub fn new(options: RoleOptions, base: impl CredentialSource + 'static) -> Result<Self, Error> {
        options.call.validate()?;
        let endpoint = options.call.endpoint(&options.region, options.sts_endpoint.as_deref())?;
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&options.call.session_name);
        let refresh = Refresh::new(seed);
        let state = State { process: process::id(), refresh, current: None, fetches: 0, last_error: None };
        Ok(Self(Arc::new(Role {
            call: options.call,
            endpoint,
            base: Box::new(base),
            transport: Transport::default(),
            state: Mutex::new(state),
            settled: Condvar::new(),
        })))
    }

    /// The region whose STS endpoint is called: the API's.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.endpoint.scope().region()
    }

    /// The role's ARN.
    #[must_use]
    pub fn role_arn(&self) -> &str {
        &self.0.call.role_arn
    }

    /// The session name of every STS call.
    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.0.call.session_name
    }

    /// Credentials that are valid now; calls STS where that is needed, and waits where another thread already does.
    ///
    /// # Errors
    ///
    /// The kinds `Sts*`, `Transport`, `Timeout`, `CredentialsNotFound`, `CredentialsExpired` of the STS call. A failed early
    /// refresh is no error: the old credentials still serve.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        CredentialSource::credentials(self, now())
    }

    /// Fetches meanwhile, and waits for that no longer than [`GRACE`].
    fn refresh_early(&self) {
        let role = Arc::clone(&self.0);
        let before = role.lock().fetches;
        // Where there are no threads to be had, this one fetches.
        if thread::Builder::new().spawn(move || drop(role.fetch_and_report())).is_err() {
            drop(self.0.fetch_and_report());
            return;
        }
        let settled = self.0.settled.wait_timeout_while(self.0.lock(), GRACE, |state| state.fetches == before);
        drop(settled.unwrap_or_else(PoisonError::into_inner));
    }
}

impl CredentialSource for RoleProvider {
    fn credentials(&self, at: SystemTime) -> Result<Credentials, Error> {
        let mut at = at;
        loop {
            let mut state = self.0.lock();
            match (state.refresh.poll(at), &state.current) {
                (Poll::Use, Some(current)) => return Ok(current.clone()),
                (Poll::UseAndRefresh, _) => {
                    drop(state);
                    self.refresh_early();
                }
                (Poll::Wait, _) => {
                    let before = state.fetches;
                    let settled = self.0.settled.wait_while(state, |state| state.fetches == before);
                    if let Some(error) = &settled.unwrap_or_else(PoisonError::into_inner).last_error {
                        return Err(error.clone());
                    }
                }
                (Poll::Refresh | Poll::Use, _) => {
                    drop(state);
                    return self.0.fetch_and_report();
                }
            }
            // Time went by.
            at = now();
        }
    }
}

impl Role {
    /// Fetches, and tells the state machine and those who wait.
    fn fetch_and_report(&self) -> Result<Credentials, Error> {
        let turn = Turn { role: self, outcome: None };
        turn.finish(self.fetch())
    }

    fn fetch(&self) -> Result<Credentials, Error> {
        let base = self.base.credentials(now())?;
        let request = self.call.request(&base, &self.endpoint, now())?;
        let response = self.transport.send(&request, Timeouts::default(), ANSWER_LIMIT.into())?;
        Ok(self.call.read_response(&base, &response, now())?.credentials)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // INVARIANT: the state is whole at every point where its holder could panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            // A forked child has the state, and not the thread that was fetching.
            state.process = process::id();
            state.refresh.abandoned();
        }
        state
    }
}

/// One thread's turn to fetch. Should it panic, the others do not wait forever.
struct Turn<'r> {
    role: &'r Role,
    outcome: Option<()>,
}

impl Turn<'_> {
    fn finish(mut self, fetched: Result<Credentials, Error>) -> Result<Credentials, Error> {
        self.outcome = Some(());
        self.settle(fetched)
    }

    fn settle(&self, fetched: Result<Credentials, Error>) -> Result<Credentials, Error> {
        let mut state = self.role.lock();
        let result = match fetched {
            Ok(credentials) => {
                state.refresh.succeeded(credentials.expires_at(), now());
                state.current = Some(credentials.clone());
                Ok(credentials)
            }
            Err(error) => {
                let serves = state.refresh.failed(now());
                state.current.clone().filter(|_| serves).ok_or(error)
            }
        };
        state.last_error = result.as_ref().err().cloned();
        state.fetches += 1;
        self.role.settled.notify_all();
        result
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            let broken = Error::new(ErrorKind::StsFailed, "the thread that asked STS broke off")
                .with_action(self.role.call.name());
            // Whoever waits gets the error; this thread is unwinding.
            let _ = self.settle(Err(broken));
        }
    }
}

impl fmt::Debug for RoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleProvider")
            .field("role_arn", &self.role_arn())
            .field("session_name", &self.session_name())
            .field("endpoint", &self.0.endpoint.url())
            .finish_non_exhaustive()
    }
}
