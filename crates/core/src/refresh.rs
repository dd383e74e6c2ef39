//! When to fetch credentials again: a state machine, without a clock and without a thread.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::small::draw::draw;

/// Of the lifetime, at the end: refreshed when someone asks, while the old credentials still serve. At most so many milliseconds.
const ADVISORY_PART: u64 = 4;
const ADVISORY_AT_MOST: u64 = 300_000;
/// Of the lifetime, at the end: nobody is given the old credentials any more. At most so many milliseconds.
const MANDATORY_PART: u64 = 20;
const MANDATORY_AT_MOST: u64 = 60_000;
/// After a failed early refresh, the next waits so long.
const BACKOFF: Duration = Duration::from_secs(10);
/// After a failed one that callers waited for, its error stands for about so many seconds: a loop of calls must not hammer STS.
const STANDS: [u64; 5] = [1, 2, 4, 8, 10];

/// How long a driver lets somebody who has valid credentials wait for an early refresh.
pub const GRACE: Duration = Duration::from_secs(1);

/// Whether credentials must be fetched anew. It knows their instants; the credentials themselves its driver keeps.
///
/// The driver calls [`Refresh::poll`] before each use. An answer that asks for a refresh is given to one caller only; that one
/// fetches, and reports with [`Refresh::succeeded`] or [`Refresh::failed`]. Until then the others are told to use what there is,
/// or to wait. Time is the wall clock's: a frozen process's monotonic clock stands still while credentials expire.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign::refresh::{Poll, Refresh};
///
/// let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
/// let mut refresh = Refresh::new(0);
/// assert_eq!(refresh.poll(now), Poll::Refresh);
/// assert_eq!(refresh.poll(now), Poll::Wait);
/// refresh.succeeded(Some(now + Duration::from_secs(3600)), now);
/// assert_eq!(refresh.poll(now), Poll::Use);
/// ```
#[derive(Debug, Clone)]
pub struct Refresh {
    windows: Option<Windows>,
    is_refreshing: bool,
    /// After a failure, until when nothing is fetched.
    pause: Option<Pause>,
    /// Since credentials were fetched: fetches that failed with nothing left that served.
    failures: usize,
    jitter_seed: u64,
}

/// From a failure on. A clock that is set back ends it too.
#[derive(Debug, Clone, Copy)]
struct Pause {
    from: SystemTime,
    until: SystemTime,
}

impl Pause {
    fn of(from: SystemTime, length: Duration) -> Option<Self> {
        from.checked_add(length).map(|until| Self { from, until })
    }

    fn holds(self, now: SystemTime) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// Of the credentials that there are.
#[derive(Debug, Clone, Copy)]
struct Windows {
    advisory_at: SystemTime,
    mandatory_at: SystemTime,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a poll that asks for a refresh counts on it being made"]
pub enum Poll {
    /// Use what there is.
    Use,
    /// Fetch new ones, for which nobody waits longer than [`GRACE`]; what there is still serves.
    UseAndRefresh,
    /// Fetch new ones first: there is nothing to use.
    Refresh,
    /// Someone else is fetching: wait for the outcome, then poll again.
    Wait,
    /// The last fetch failed a moment ago, and there is nothing to use: its error stands.
    Failed,
}

impl Refresh {
    /// Nothing fetched yet. The seed spreads the early refreshes of many processes: any number that differs among them.
    #[must_use]
    pub fn new(jitter_seed: u64) -> Self {
        Self { windows: None, is_refreshing: false, pause: None, failures: 0, jitter_seed }
    }

    /// What to do at `now`. See the type for who may get which answer.
    pub fn poll(&mut self, now: SystemTime) -> Poll {
        let Some(windows) = self.windows.filter(|windows| now < windows.mandatory_at) else {
            if self.is_refreshing {
                return Poll::Wait;
            }
            // An early refresh that failed is no reason to wait once nothing serves any more.
            if self.failures > 0 && self.pauses(now) {
                return Poll::Failed;
            }
            self.is_refreshing = true;
            return Poll::Refresh;
        };
        if now >= windows.advisory_at && !self.is_refreshing && !self.pauses(now) {
            self.is_refreshing = true;
            return Poll::UseAndRefresh;
        }
        Poll::Use
    }

    /// Whether what there is may be used at `now`, so that a poll would ask nobody to wait.
    #[must_use]
    pub fn serves(&self, now: SystemTime) -> bool {
        self.windows.is_some_and(|windows| now < windows.mandatory_at)
    }

    /// The fetch that a poll asked for gave credentials at `now` that expire at `expires_at`; those that never do are never
    /// refreshed.
    pub fn succeeded(&mut self, expires_at: Option<SystemTime>, now: SystemTime) {
        self.is_refreshing = false;
        self.pause = None;
        self.failures = 0;
        // A century stands for "never".
        let never = now.checked_add(Duration::from_secs(100 * 365 * 86_400)).unwrap_or(now);
        let expires_at = expires_at.unwrap_or(never);
        let lifetime = milliseconds(expires_at.duration_since(now).unwrap_or_default());
        let mandatory = (lifetime / MANDATORY_PART).min(MANDATORY_AT_MOST);
        let advisory = (lifetime / ADVISORY_PART).min(ADVISORY_AT_MOST);
        // Between half and all of what lies between the windows, so that early refreshes spread.
        let half = advisory.saturating_sub(mandatory) / 2;
        let advisory = mandatory + half + half * self.jitter(now) / 1000;
        let before = |window| expires_at.checked_sub(Duration::from_millis(window)).unwrap_or(now);
        self.windows = Some(Windows { advisory_at: before(advisory), mandatory_at: before(mandatory) });
    }

    /// The fetch that a poll asked for failed. Whether the old credentials still serve, so that nobody need be told.
    pub fn failed(&mut self, now: SystemTime) -> bool {
        self.is_refreshing = false;
        let serve = self.serves(now);
        let length = if serve {
            BACKOFF
        } else {
            self.failures = (self.failures + 1).min(STANDS.len());
            let seconds = STANDS.get(self.failures - 1).copied().unwrap_or_default();
            // Between three quarters and all of it.
            Duration::from_millis(seconds * (750 + self.jitter(now) / 4))
        };
        self.pause = Pause::of(now, length);
        serve
    }

    fn pauses(&self, now: SystemTime) -> bool {
        self.pause.is_some_and(|pause| pause.holds(now))
    }

    /// Whoever was fetching never reports: a process forked while its parent fetched is in this place.
    pub fn abandoned(&mut self) {
        self.is_refreshing = false;
    }

    /// A number from 0 to 1000 that the seed and the instant decide: processes that were restored from one snapshot have the same
    /// seed, and fetch at instants of their own.
    fn jitter(&self, now: SystemTime) -> u64 {
        let instant = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let round = instant.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(instant.subsec_nanos()));
        draw(self.jitter_seed, round, 1001)
    }
}

/// Counted so rather than as a `Duration`, whose arithmetic costs bytes of the WebAssembly module.
fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}
