//! Instants and lengths of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use xacct_sign::{Error, ErrorKind};

use super::{integer, type_name};
use crate::errors::to_py;

/// The real classes: tests put others in their place in the module `datetime` (freezegun, `unittest.mock`).
fn datetime_module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("_datetime").or_else(|_| py.import("datetime"))
}

/// An aware `datetime` → an instant.
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<SystemTime> {
    let invalid = |message: String| {
        to_py(
            Error::new(ErrorKind::InvalidTime, message)
                .with_hint("use an aware datetime, such as `datetime.now(timezone.utc)`"),
        )
    };
    if !value.is_instance(&datetime_module(value.py())?.getattr("datetime")?)? {
        return Err(invalid(format!("a time is a `datetime.datetime`, not a `{}`", type_name(value))));
    }
    if value.call_method0("utcoffset")?.is_none() {
        return Err(invalid("the datetime has no time zone".to_owned()));
    }
    let seconds: f64 = value.call_method0("timestamp")?.extract()?;
    // Microseconds are what a datetime has; the float holds them until the year 2255.
    let since = Duration::try_from_secs_f64(seconds).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
    since.ok_or_else(|| to_py(Error::new(ErrorKind::InvalidTime, "the time is before 1970")))
}

/// An instant → an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, at: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let module = datetime_module(py)?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    module.getattr("datetime")?.call_method1("fromtimestamp", (seconds, utc))
}

/// The lifetime of a presigned URL; a negative one is refused as the core refuses zero.
pub(crate) fn lifetime(seconds: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let refused = |message| Error::new(ErrorKind::InvalidExpiresIn, message);
    let seconds = integer(seconds, "`expires_in`", refused)?;
    let live = u64::try_from(seconds).map(Duration::from_secs);
    live.map_err(|_| to_py(refused(format!("a presigned URL cannot live {seconds} seconds"))))
}

/// A timeout in seconds; `None` waits forever.
pub(crate) fn timeout(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let invalid = || {
        to_py(
            Error::new(ErrorKind::InvalidOption, "a timeout is a positive number of seconds")
                .with_hint("`None` waits forever"),
        )
    };
    seconds
        .map(|seconds| {
            Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero()).ok_or_else(invalid)
        })
        .transpose()
}
