//! Instants and lengths of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use xacct_sign::{Error, ErrorKind};

use crate::errors::to_py;

/// An aware `datetime` → an instant.
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<SystemTime> {
    let py = value.py();
    if !value.is_instance(&py.import("datetime")?.getattr("datetime")?)? {
        return Err(PyTypeError::new_err("a time is an aware datetime.datetime"));
    }
    if value.call_method0("utcoffset")?.is_none() {
        return Err(to_py(
            Error::new(ErrorKind::InvalidTime, "the datetime has no time zone")
                .with_hint("use an aware one, such as `datetime.now(timezone.utc)`"),
        ));
    }
    let seconds: f64 = value.call_method0("timestamp")?.extract()?;
    // Microseconds are what a datetime has; the float holds them until the year 2255.
    let since = Duration::try_from_secs_f64(seconds).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
    since.ok_or_else(|| to_py(Error::new(ErrorKind::InvalidTime, "the time is before 1970")))
}

/// `None` is the system's clock: Python's users do not carry one about.
pub(crate) fn instant_or_now(value: Option<&Bound<'_, PyAny>>) -> PyResult<SystemTime> {
    value.map_or_else(|| Ok(SystemTime::now()), instant)
}

/// An instant → an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, at: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let module = py.import("datetime")?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    module.getattr("datetime")?.call_method1("fromtimestamp", (seconds, utc))
}

/// The lifetime of a presigned URL; a negative one is refused as the core refuses zero.
pub(crate) fn lifetime(seconds: i64) -> PyResult<Duration> {
    u64::try_from(seconds).map(Duration::from_secs).map_err(|_| {
        to_py(Error::new(ErrorKind::InvalidExpiresIn, format!("a presigned URL cannot live {seconds} seconds")))
    })
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
