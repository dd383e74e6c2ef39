//! How long a call may take, and what ends it before.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xacct_sign::call::TIMEOUT;
use xacct_sign::{Error, ErrorKind};

/// Asked again and again while a call waits: an error ends the call. A watch that has given one gives it again.
pub type Watch = dyn Fn() -> Result<(), Error> + Send + Sync;

/// How often a [`Watch`] is asked.
pub(crate) const SLICE: Duration = Duration::from_millis(25);

/// How long a caller waits: for everything that its call needs, STS and the sources of credentials included.
///
/// # Defaults
///
/// [`Patience::default`] ends after [`TIMEOUT`], and nobody watches.
#[derive(Clone)]
pub struct Patience {
    until: Option<Instant>,
    watch: Option<Arc<Watch>>,
}

impl Patience {
    /// As long as `total` from now; `None` waits as long as it takes.
    #[must_use]
    pub fn of(total: Option<Duration>) -> Self {
        // What no clock can reach is no end.
        Self { until: total.and_then(|total| Instant::now().checked_add(total)), watch: None }
    }

    /// The same, with somebody who may end it: `watch` is called on the thread that waits, every few hundredths of a second.
    #[must_use]
    pub fn watched(mut self, watch: Arc<Watch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// The same, but no longer than `total` from now.
    #[must_use]
    pub fn at_most(&self, total: Duration) -> Self {
        let until = Instant::now().checked_add(total);
        Self { until: [self.until, until].into_iter().flatten().min(), watch: self.watch.clone() }
    }

    /// What is left of it; `None` without end.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Whether to go on waiting.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] once it is used up; the watch's error.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(watch) = &self.watch {
            watch()?;
        }
        if self.left().is_some_and(|left| left.is_zero()) {
            return Err(Error::new(ErrorKind::Timeout, "the time for the whole call ran out"));
        }
        Ok(())
    }

    /// Whether an error says that the waiting was given up, and nothing of what was waited for.
    pub(crate) fn is_over_with(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Interrupted || self.left().is_some_and(|left| left.is_zero())
    }

    /// How long to wait at once before [`Patience::check`] is due; `None` for as long as it takes.
    pub(crate) fn slice(&self) -> Option<Duration> {
        let slice = self.watch.as_ref().map(|_| SLICE);
        [slice, self.left()].into_iter().flatten().min()
    }

    /// The same, with its end as a part of the watch.
    pub(crate) fn as_watch(&self) -> Self {
        let all = self.clone();
        self.clone().watched(Arc::new(move || all.check()))
    }

    pub(crate) fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::of(Some(TIMEOUT))
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").field("left", &self.left()).field("is_watched", &self.watch.is_some()).finish()
    }
}
