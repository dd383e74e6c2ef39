//! When to ask for a role's credentials again: a state machine, without a clock and without a thread.

use std::time::{Duration, SystemTime};

use crate::credentials::Credentials;
use crate::error::Error;

/// Of the lifetime, at the end: refreshed when someone asks, while the old credentials still serve.
const ADVISORY_PART: u32 = 4;
const ADVISORY_AT_MOST: Duration = Duration::from_secs(300);
/// Of the lifetime, at the end: nobody is given the old credentials any more.
const MANDATORY_PART: u32 = 20;
const MANDATORY_AT_MOST: Duration = Duration::from_secs(60);
/// After a failed early refresh, the next waits so long.
const BACKOFF: Duration = Duration::from_secs(10);

/// The credentials of one assumed role, and whether they must be fetched anew.
///
/// The driver calls [`RoleCredentials::poll`] before each use. An answer that asks for a refresh is given to one caller
/// only; that one fetches, and reports with [`RoleCredentials::succeeded`] or [`RoleCredentials::failed`]. Until then the
/// others are told to use what there is, or to wait. Time is the wall clock's: a frozen process's monotonic clock stands
/// still while credentials expire.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign::{Credentials, refresh::{Poll, RoleCredentials}};
///
/// let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
/// let mut role = RoleCredentials::new(0);
/// assert!(matches!(role.poll(now), Poll::Refresh));
/// assert!(matches!(role.poll(now), Poll::Wait));
/// let fetched = Credentials::new("ASIAEXAMPLE", "secret", Some("token".into()), Some(now + Duration::from_secs(3600)))?;
/// role.succeeded(fetched, now);
/// assert!(matches!(role.poll(now), Poll::Use(_)));
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Debug)]
pub struct RoleCredentials {
    current: Option<Current>,
    refreshing: bool,
    retry_at: Option<SystemTime>,
    jitter_seed: u64,
}

#[derive(Debug)]
struct Current {
    credentials: Credentials,
    advisory_at: SystemTime,
    mandatory_at: SystemTime,
}

/// What to do now.
#[derive(Debug, Clone)]
#[must_use = "a poll that asks for a refresh counts on it being made"]
pub enum Poll {
    /// Use these.
    Use(Credentials),
    /// Fetch new ones; if that fails, these still serve.
    UseAndRefresh(Credentials),
    /// Fetch new ones first: there is nothing to use.
    Refresh,
    /// Someone else is fetching: wait for the outcome, then poll again.
    Wait,
}

impl RoleCredentials {
    /// Nothing fetched yet. The seed spreads the early refreshes of many processes: any number that differs among them.
    #[must_use]
    pub fn new(jitter_seed: u64) -> Self {
        Self { current: None, refreshing: false, retry_at: None, jitter_seed }
    }

    /// What to do at `now`. See the type for who may get which answer.
    pub fn poll(&mut self, now: SystemTime) -> Poll {
        let usable = self.current.as_ref().filter(|current| now < current.mandatory_at);
        let Some(current) = usable else {
            if self.refreshing {
                return Poll::Wait;
            }
            self.refreshing = true;
            return Poll::Refresh;
        };
        let credentials = current.credentials.clone();
        let may_retry = self.retry_at.is_none_or(|at| now >= at);
        if now >= current.advisory_at && !self.refreshing && may_retry {
            self.refreshing = true;
            return Poll::UseAndRefresh(credentials);
        }
        Poll::Use(credentials)
    }

    /// The fetch that a poll asked for gave these, at `now`.
    ///
    /// Credentials without an expiry are never refreshed.
    pub fn succeeded(&mut self, credentials: Credentials, now: SystemTime) {
        self.refreshing = false;
        self.retry_at = None;
        // A century stands for "never".
        let never = now.checked_add(Duration::from_secs(100 * 365 * 86_400)).unwrap_or(now);
        let expires_at = credentials.expires_at().unwrap_or(never);
        let lifetime = expires_at.duration_since(now).unwrap_or_default();
        let mandatory = (lifetime / MANDATORY_PART).min(MANDATORY_AT_MOST);
        let advisory = (lifetime / ADVISORY_PART).min(ADVISORY_AT_MOST);
        // Between half and all of what lies between the windows, so that early refreshes spread.
        let spread = advisory.saturating_sub(mandatory);
        let advisory = mandatory + spread / 2 + spread / 2 * self.jitter() / 1000;
        let before = |window: Duration| expires_at.checked_sub(window).unwrap_or(now);
        self.current = Some(Current { credentials, advisory_at: before(advisory), mandatory_at: before(mandatory) });
    }

    /// The fetch that a poll asked for failed. While the old credentials serve, the error is theirs to swallow: `None`.
    /// Else it comes back, for whoever asked.
    pub fn failed(&mut self, error: Error, now: SystemTime) -> Option<Error> {
        self.refreshing = false;
        let serves = self.current.as_ref().is_some_and(|current| now < current.mandatory_at);
        if serves {
            self.retry_at = now.checked_add(BACKOFF);
            return None;
        }
        Some(error)
    }

    /// Whoever was fetching never reports: a process forked while its parent fetched is in this place.
    pub fn abandoned(&mut self) {
        self.refreshing = false;
    }

    /// A number from 0 to 1000 that the seed decides (one round of splitmix64).
    fn jitter(&self) -> u32 {
        let mut x = self.jitter_seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((x ^ (x >> 31)) % 1001).unwrap_or_default()
    }
}
