//! A machine in virtual time: nothing is waited for, and what is sent is answered by the test.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use xacct_sign::Error;
use xacct_sign_client::Patience;
use xacct_sign_client::host::{Host, Output, Sending};

use crate::example_instant;

/// What answers, told the true time.
type Answer = dyn FnMut(&Request<&[u8]>, SystemTime) -> Result<Response<Vec<u8>>, Error> + Send;

/// Its clock, its variables, and who answers.
pub struct VirtualHost {
    state: Mutex<State>,
    answer: Mutex<Box<Answer>>,
    variables: BTreeMap<String, String>,
}

struct State {
    /// The true time.
    time: SystemTime,
    /// By how many seconds this machine's clock is ahead of it.
    ahead: i64,
    slept: Vec<Duration>,
    sent: usize,
}

impl VirtualHost {
    /// A machine whose clock is right, at the instant of AWS's examples.
    pub fn new(
        answer: impl FnMut(&Request<&[u8]>, SystemTime) -> Result<Response<Vec<u8>>, Error> + Send + 'static,
    ) -> Self {
        let state = State { time: example_instant(), ahead: 0, slept: Vec::new(), sent: 0 };
        Self { state: Mutex::new(state), answer: Mutex::new(Box::new(answer)), variables: BTreeMap::new() }
    }

    /// The same with a clock that is so many seconds ahead.
    #[must_use]
    pub fn ahead(self, seconds: i64) -> Self {
        self.state().ahead = seconds;
        self
    }

    /// The same with a variable in its environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time goes by.
    pub fn pass(&self, time: Duration) {
        self.state().time += time;
    }

    /// The true time.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.state().time
    }

    /// How often something was sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.state().sent
    }

    /// How long it was waited, each time.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        self.state().slept.clone()
    }
}

impl Host for VirtualHost {
    fn now(&self) -> SystemTime {
        let state = self.state();
        let apart = Duration::from_secs(state.ahead.unsigned_abs());
        if state.ahead < 0 { state.time - apart } else { state.time + apart }
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        let mut state = self.state();
        state.time += duration;
        state.slept.push(duration);
        drop(state);
        patience.check()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn replace(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn run(&self, program: &str, _: &[String], _: &Patience) -> Result<Output, Error> {
        panic!("there is no program `{program}`")
    }

    fn send(&self, request: &Request<&[u8]>, _: Sending, patience: &Patience) -> Result<Response<Vec<u8>>, Error> {
        patience.check()?;
        self.state().sent += 1;
        let time = self.time();
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer(request, time)
    }
}

impl fmt::Debug for VirtualHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualHost").finish_non_exhaustive()
    }
}
