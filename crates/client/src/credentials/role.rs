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
use zeroize::Zeroizing;

use super::CredentialSource;
use super::endpoint;
use super::environment::variable;
use crate::now;
use crate::transport::{Timeouts, Transport};

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
    /// The API's region, whose STS endpoint is called.
    pub region: String,
    /// Another STS endpoint than the region's and the environment's.
    pub sts_endpoint: Option<String>,
}

impl RoleOptions {
    /// A role in a region, everything else by default.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, region: impl Into<String>) -> Self {
        Self { call: AssumeRole::new(role_arn, default_session_name()), region: region.into(), sts_endpoint: None }
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
    /// Whose fetch counts, while there is one.
    turn: Option<Turn>,
    turns: u64,
    /// Why the last fetch failed that callers had to wait for, if it did.
    last_error: Option<Error>,
}

/// A turn to fetch. Who is given it fetches, and settles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    number: u64,
    /// While the credentials that there are still serve: nobody counts on it.
    is_early: bool,
}

impl State {
    fn begin(&mut self, is_early: bool) -> Turn {
        self.turns += 1;
        let turn = Turn { number: self.turns, is_early };
        self.turn = Some(turn);
        turn
    }

    /// Whoever fetches is no longer counted on: the next who polls is given a turn.
    fn abandon(&mut self) {
        self.turn = None;
        self.refresh.abandoned();
    }
}

impl RoleProvider {
    /// Checks the options; asks STS for nothing yet. `base` gives the credentials that assume the role, at each refresh.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::validate`] and [`AssumeRole::endpoint`]; `InvalidOption` for a variable that is neither true nor false.
    pub fn new(options: RoleOptions, base: impl CredentialSource + 'static) -> Result<Self, Error> {
        options.call.validate()?;
        let endpoint = match &options.sts_endpoint {
            Some(url) => options.call.endpoint(&options.region, Some(url))?,
            None => endpoint::from_environment(&options.call, &options.region)?,
        };
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&options.call.session_name);
        let refresh = Refresh::new(seed);
        let state = State { process: process::id(), refresh, current: None, turn: None, turns: 0, last_error: None };
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
    fn refresh_early(&self, turn: Turn) {
        let role = Arc::clone(&self.0);
        // Where there are no threads to be had, this one fetches.
        if thread::Builder::new().spawn(move || drop(role.fetch_and_settle(turn))).is_err() {
            drop(self.0.fetch_and_settle(turn));
            return;
        }
        drop(self.0.wait_for_early(self.0.lock(), turn));
    }
}

impl CredentialSource for RoleProvider {
    fn credentials(&self, at: SystemTime) -> Result<Credentials, Error> {
        let role = &*self.0;
        let mut at = at;
        loop {
            let mut state = role.lock();
            let poll = state.refresh.poll(at);
            if let (Poll::Use, Some(current)) = (poll, &state.current) {
                return Ok(current.clone());
            }
            match (poll, state.turn) {
                (Poll::UseAndRefresh, _) => {
                    let turn = state.begin(true);
                    drop(state);
                    self.refresh_early(turn);
                }
                (Poll::Wait, Some(turn)) if turn.is_early => {
                    let mut state = role.wait_for_early(state, turn);
                    if state.turn == Some(turn) {
                        // What was to come in time did not: it is asked for anew.
                        state.abandon();
                    }
                }
                (Poll::Wait, Some(turn)) => {
                    if let Some(error) = &role.wait_for(state, turn).last_error {
                        return Err(error.clone());
                    }
                }
                // There is no `Use` without credentials, and no `Wait` without a turn: were there, it would be time to fetch.
                (Poll::Refresh | Poll::Wait | Poll::Use, _) => {
                    let turn = state.begin(false);
                    drop(state);
                    return role.fetch_and_settle(turn);
                }
            }
            // Time went by.
            at = now();
        }
    }
}

impl Role {
    fn wait_for<'r>(&self, state: MutexGuard<'r, State>, turn: Turn) -> MutexGuard<'r, State> {
        let settled = self.settled.wait_while(state, |state| state.turn == Some(turn));
        settled.unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_early<'r>(&self, state: MutexGuard<'r, State>, turn: Turn) -> MutexGuard<'r, State> {
        let settled = self.settled.wait_timeout_while(state, GRACE, |state| state.turn == Some(turn));
        settled.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Fetches, and tells the state machine and those who wait.
    fn fetch_and_settle(&self, turn: Turn) -> Result<Credentials, Error> {
        let mut unsettled = Unsettled { role: self, turn, is_over: false };
        let fetched = self.fetch();
        unsettled.is_over = true;
        self.settle(turn, fetched)
    }

    fn fetch(&self) -> Result<Credentials, Error> {
        let base = self.base.credentials(now())?;
        let request = self.call.request(&base, &self.endpoint, now())?;
        let response = self.transport.send(&request, Timeouts::default(), ANSWER_LIMIT.into())?;
        // It holds the secret.
        let response = response.map(Zeroizing::new);
        Ok(self.call.read_response(&base, &response, now())?.credentials)
    }

    fn settle(&self, turn: Turn, fetched: Result<Credentials, Error>) -> Result<Credentials, Error> {
        let mut state = self.lock();
        if state.turn != Some(turn) {
            // Another has taken its place.
            return fetched;
        }
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
        state.last_error = result.as_ref().err().filter(|_| !turn.is_early).cloned();
        state.turn = None;
        self.settled.notify_all();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // INVARIANT: the state is whole at every point where its holder could panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            // A forked child has the state, and not the thread that was fetching.
            state.process = process::id();
            state.abandon();
        }
        state
    }
}

/// A turn that is not settled yet. Should its thread panic, the others do not wait forever.
struct Unsettled<'r> {
    role: &'r Role,
    turn: Turn,
    is_over: bool,
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let broken = Error::new(ErrorKind::StsFailed, "the thread that asked STS broke off")
                .with_action(self.role.call.name());
            // Whoever waits gets the error; this thread is unwinding.
            let _ = self.role.settle(self.turn, Err(broken));
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
