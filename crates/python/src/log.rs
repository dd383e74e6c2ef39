//! The logger `xacct_sign`, in programs that have imported `logging`.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::aws::format_rfc3339;
use xacct_sign_client::{Event, Listener};

use crate::collected::{Line, add};
use crate::shutdown;
use crate::warnings::{plain_http, warn};

/// `logging`'s levels.
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;

/// Writes what happens to the log.
pub(crate) fn listener() -> Listener {
    Listener::new(|event| {
        let Some(line) = line(event) else { return };
        // A thread of our own. There is no caller that an exception could go to.
        if let Some(line) = add(line) {
            let lines = [line];
            let tell = |py: Python<'_>| warn_of(py, &lines).and_then(|()| write(py, &lines));
            shutdown::attach(|py| tell(py).unwrap_or_else(|error| error.write_unraisable(py, None)));
        }
    })
}

/// Warns of what is loud. The program may have made an error of that.
pub(crate) fn warn_of(py: Python<'_>, lines: &[Line]) -> PyResult<()> {
    lines.iter().filter(|line| line.is_loud).try_for_each(|line| warn(py, &line.text))
}

/// Writes the other lines, if anybody listens.
pub(crate) fn write(py: Python<'_>, lines: &[Line]) -> PyResult<()> {
    let Some(logging) = imported(py, "logging")? else { return Ok(()) };
    // Another thread may be importing it now.
    let Some(logger) = logging.getattr_opt("getLogger")? else { return Ok(()) };
    let logger = logger.call1(("xacct_sign",))?;
    for line in lines.iter().filter(|line| !line.is_loud) {
        logger.call_method1("log", (line.level, &line.text))?;
    }
    Ok(())
}

/// A module, if the program has imported it: that costs time, which is the program's to spend.
pub(crate) fn imported<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    py.import("sys")?.getattr("modules")?.cast::<PyDict>()?.get_item(name)
}

fn line(event: &Event<'_>) -> Option<Line> {
    let (level, text) = match event {
        Event::Refreshed { role, action, expires_at, duration, .. } => {
            let expiry = expires_at.and_then(format_rfc3339).unwrap_or_else(|| "they are replaced".to_owned());
            (INFO, format!("{action} gave new credentials of {role}, good until {expiry}, in {duration:.3?}"))
        }
        Event::RefreshFailed { role, action, is_early: true, error, duration, .. } => {
            let why = format!("{}: {error}", error.code());
            (
                WARNING,
                format!(
                    "{action} gave no new credentials of {role}, whose old ones still serve, in {duration:.3?}: {why}"
                ),
            )
        }
        Event::TokenMade { audience, expires_at, duration, .. } => {
            let expiry = format_rfc3339(*expires_at).unwrap_or_default();
            (
                INFO,
                format!("GetWebIdentityToken gave a new token for {audience}, good until {expiry}, in {duration:.3?}"),
            )
        }
        Event::TokenFailed { audience, is_early: true, error, duration, .. } => {
            let why = format!("{}: {error}", error.code());
            (
                WARNING,
                format!(
                    "GetWebIdentityToken gave no new token for {audience}, whose old one still serves, in {duration:.3?}: {why}"
                ),
            )
        }
        Event::KeysFailed { url, is_early: true, error, duration, .. } => {
            let why = format!("{}: {error}", error.code());
            (
                WARNING,
                format!(
                    "the keys at {url} were not fetched anew, and those at hand still serve, in {duration:.3?}: {why}"
                ),
            )
        }
        Event::Request { method, url, outcome, duration, .. } => {
            let outcome = outcome.map_or_else(|error| error.code().to_owned(), |status| status.to_string());
            (DEBUG, format!("{method} {url}: {outcome} in {duration:.3?}"))
        }
        Event::ClockSkew { seconds, .. } => {
            let way = if *seconds < 0 { "ahead of" } else { "behind" };
            let by = seconds.unsigned_abs();
            (WARNING, format!("this machine's clock is {by} s {way} AWS's: signatures are made by AWS's"))
        }
        Event::PlainHttp { host, .. } => return Some(Line { level: WARNING, text: plain_http(host), is_loud: true }),
        // Whoever asked for the credentials is told.
        _ => return None,
    };
    Some(Line { level, text, is_loud: false })
}
