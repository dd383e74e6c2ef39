//! Exceptions of Python's on their way through Rust: each comes out as it went in.

use std::error::Error as StdError;
use std::fmt;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyTraceback;
use xacct_sign::{Error, ErrorKind};

use crate::convert::type_name;

/// An exception, as what an [`Error`] came from.
struct Raised {
    exception: PyErr,
    /// As it was when it came here: each time it is raised again, Python adds to it.
    traceback: Option<Py<PyTraceback>>,
    /// The exception's text may hold a secret.
    class: String,
}

/// The error that brings an exception to whoever waits. One that is no `Exception`, such as `KeyboardInterrupt`, ends the waiting
/// and says nothing of what was waited for.
pub(crate) fn raised(py: Python<'_>, exception: PyErr) -> Error {
    let is_failure = exception.is_instance_of::<PyException>(py);
    let kind = if is_failure { ErrorKind::CredentialsNotFound } else { ErrorKind::Interrupted };
    interruption(py, exception, kind)
}

/// As [`raised`], with a kind.
pub(crate) fn interruption(py: Python<'_>, exception: PyErr, kind: ErrorKind) -> Error {
    let class = type_name(exception.value(py));
    let traceback = exception.traceback(py).map(Bound::unbind);
    let message = format!("Python raised `{class}`");
    Error::new(kind, message).with_source(Raised { exception, traceback, class })
}

/// The exception that an error came from, if it was one.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(raised) = current.downcast_ref::<Raised>() {
            let exception = raised.exception.clone_ref(py);
            exception.set_traceback(py, raised.traceback.as_ref().map(|traceback| traceback.bind(py).clone()));
            return Some(exception);
        }
        source = current.source();
    }
    None
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class)
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class)
    }
}

impl StdError for Raised {}
