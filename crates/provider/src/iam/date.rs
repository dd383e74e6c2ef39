//! Instants as conditions write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xacct_sign::aws::parse_iso8601;

/// An instant of 1970 or later in ISO 8601, or whole seconds since 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let Ok(seconds) = text.parse::<i64>() else { return parse_iso8601(text) };
    let length = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(length) } else { UNIX_EPOCH.checked_add(length) }
}
