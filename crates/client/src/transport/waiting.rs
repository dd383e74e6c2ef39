//! Waiting that ends in time, and when whoever watches says so.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ureq::Error as U;
use ureq::unversioned::transport::NextTimeout;
use xacct_sign::Error;

use super::exchange;
use crate::host::begin;
use crate::patience::{SLICE, Watch};

/// The end of one wait.
pub(super) struct Waiting {
    timeout: NextTimeout,
    end: Option<Instant>,
    watch: Option<Arc<Watch>>,
}

impl Waiting {
    pub(super) fn new(timeout: NextTimeout) -> Self {
        // `not_zero` makes a second of nothing, which `left` tells apart before.
        let end = timeout.not_zero().and_then(|timeout| Instant::now().checked_add(*timeout));
        Self {
            timeout,
            end: if timeout.after.is_zero() { Some(Instant::now()) } else { end },
            watch: exchange::watch(),
        }
    }

    /// What is left; `None` without end.
    fn left(&self) -> Result<Option<Duration>, U> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) { Err(U::Timeout(self.timeout.reason)) } else { Ok(left) }
    }

    /// How long to wait before [`Waiting::check`] is due.
    pub(super) fn slice(&self) -> Result<Option<Duration>, U> {
        let slice = self.watch.as_ref().map(|_| SLICE);
        // The system takes no shorter time, and none at all for forever.
        Ok([slice, self.left()?].into_iter().flatten().min().map(|slice| slice.max(Duration::from_millis(1))))
    }

    /// Whether to go on.
    pub(super) fn check(&self) -> Result<(), U> {
        if let Some(watch) = &self.watch {
            watch().map_err(|error| U::Other(Box::new(GivenUp(error))))?;
        }
        self.left().map(drop)
    }

    /// Does what cannot be broken off, such as a look-up of a name, in a thread that is left behind when the wait is over.
    pub(super) fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, U> {
        let (sender, receiver) = channel();
        // Nobody may be there any more to take it.
        begin(move || drop(sender.send(work())))?;
        loop {
            match receiver.recv_timeout(self.slice()?.unwrap_or(Duration::from_secs(1))) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Timeout) => self.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(U::ConnectionFailed),
            }
        }
    }

    /// Whether anybody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.watch.is_some()
    }
}

/// What whoever watched said.
#[derive(Debug)]
pub(super) struct GivenUp(pub(super) Error);

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for GivenUp {}
