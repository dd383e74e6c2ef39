//! How far a clock is off.

use std::time::{Duration, SystemTime};

use crate::small::time::parse_http_date;

/// By how much AWS's clock is ahead of this machine's, in whole seconds; below zero it is behind.
///
/// It is learned from an answer's `Date`, or from what STS says of a signature's time, and applied to the instants of later
/// signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skew(i64);

impl Skew {
    /// What does no harm. Signatures are refused beyond five minutes by some services, beyond fifteen by others; an answer is some
    /// seconds old.
    pub const TOLERATED: Duration = Duration::from_secs(4 * 60);

    /// A skew of so many seconds.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// In seconds.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        self.0
    }

    /// What lies between two clocks, if it is more than four minutes: less does no harm.
    #[must_use]
    pub fn between(theirs: SystemTime, ours: SystemTime) -> Option<Self> {
        let (apart, sign) = match theirs.duration_since(ours) {
            Ok(ahead) => (ahead, 1),
            Err(behind) => (behind.duration(), -1),
        };
        let seconds = i64::try_from(apart.as_secs()).ok()?;
        (apart > Self::TOLERATED).then_some(Self(sign * seconds))
    }

    /// What lies between the `Date` of an answer that came at `ours` and that, if it is more than four minutes
    /// (RFC 9110, section 6.6.1).
    #[must_use]
    pub fn of_date(date: &str, ours: SystemTime) -> Option<Self> {
        Self::between(parse_http_date(date.as_bytes())?, ours)
    }

    /// What AWS's clock says when this machine's says `ours`.
    #[must_use]
    pub fn apply(self, ours: SystemTime) -> SystemTime {
        let seconds = Duration::from_secs(self.0.unsigned_abs());
        let applied = if self.0 < 0 { ours.checked_sub(seconds) } else { ours.checked_add(seconds) };
        // What no clock can show is for the signature to refuse.
        applied.unwrap_or(ours)
    }
}
