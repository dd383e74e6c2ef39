//! Instants, as JavaScript counts them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasm_bindgen::JsValue;
use xacct_sign::{Error, ErrorKind};

use crate::error;

/// Milliseconds since 1970 → an instant. What lies beyond the year 9999 the core refuses.
pub(crate) fn instant(milliseconds: f64) -> Result<SystemTime, JsValue> {
    // Comparing this way round, NaN is no instant either.
    (milliseconds >= 0.0)
        .then(|| UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds as u64)))
        .flatten()
        .ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidTime, "the time is before 1970 or no time at all");
            error::to_js(&error.with_hint("give an instant from 1970 to 9999"))
        })
}
