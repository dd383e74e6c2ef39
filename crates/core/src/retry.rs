//! When a call of STS is made again: a state machine, without a clock and without randomness of its own.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::small::draw::draw;

/// How often a call is tried.
pub const TRIES: u32 = 3;

/// How long a driver waits for the answer to one try: another may be answered where one hangs.
pub const TRY: Duration = Duration::from_secs(10);

/// Before the second try, at most, in microseconds; before each further one at most twice as long.
const PAUSE: u64 = 200_000;
/// The same after STS said that there are too many calls.
const PAUSE_THROTTLED: u64 = 1_000_000;

/// The tries of one call.
///
/// A driver sends, and reports what failed with [`Retry::failed`]; as long as that says how long to wait, it waits so long, if its
/// own deadline lets it, and sends again, signed anew. What may be tried again is what [`Error::is_retryable`] says: throttling,
/// failures of the server, broken connections and time limits; a refusal stands. The pause is drawn from all of what it may be
/// ("full jitter": <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), so that many who failed together do
/// not come back together.
///
/// ```
/// use std::time::Duration;
/// use xacct_sign::retry::Retry;
/// use xacct_sign::{Error, ErrorKind};
///
/// let mut retry = Retry::new(0);
/// let broken = Error::new(ErrorKind::Transport, "the connection broke");
/// assert!(retry.failed(&broken).is_some_and(|pause| pause <= Duration::from_millis(200)));
/// assert!(retry.failed(&broken).is_some_and(|pause| pause <= Duration::from_millis(400)));
/// assert_eq!(retry.failed(&broken), None);
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    seed: u64,
    failures: u32,
    knows_skew: bool,
}

impl Retry {
    /// A call that was not tried yet. The seed spreads the pauses: any number that differs among processes and calls.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, failures: 0, knows_skew: false }
    }

    /// How long to wait before the next try; `None` if the error stands.
    #[must_use = "the call is tried again only if it is sent again"]
    pub fn failed(&mut self, error: &Error) -> Option<Duration> {
        if error.skew().is_some() && !self.knows_skew {
            // The clock is known now: the next signature is right.
            self.knows_skew = true;
            return Some(Duration::ZERO);
        }
        self.failures += 1;
        if self.failures >= TRIES || !error.is_retryable() {
            return None;
        }
        let pause = if error.kind() == ErrorKind::StsThrottled { PAUSE_THROTTLED } else { PAUSE };
        let most = pause << (self.failures - 1);
        Some(Duration::from_micros(draw(self.seed, u64::from(self.failures), most + 1)))
    }
}
