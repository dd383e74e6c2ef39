//! Errors of the core → exceptions of `xacct_sign._errors`: the one place.

use std::error::Error as StdError;
use std::io;

use pyo3::exceptions::{PyException, PyOSError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{Error, ErrorClass};

use crate::raised;

/// The exception for an error: the one that it came from, if Python raised that; else its class by [`ErrorClass`], its code, message,
/// hint and causes as they are.
pub(crate) fn to_py(error: Error) -> PyErr {
    Python::attach(|py| build(py, &error).unwrap_or_else(|failure| failure))
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    if let Some(exception) = raised::exception(py, error) {
        return Ok(exception);
    }
    let class = match error.kind().class() {
        ErrorClass::Credentials => "CredentialsError",
        ErrorClass::Sts => "StsError",
        ErrorClass::Transport => "TransportError",
        ErrorClass::Timeout => "TransportTimeout",
        ErrorClass::Validation => "ValidationError",
        // `HttpStatusError` is raised by the package alone: it has the answer.
        _ => "XacctSignError",
    };
    let arguments = PyDict::new(py);
    arguments.set_item("code", error.code())?;
    arguments.set_item("hint", error.hint())?;
    arguments.set_item("retryable", error.is_retryable())?;
    if error.kind().class() == ErrorClass::Sts {
        let aws = error.aws();
        arguments.set_item("action", error.action())?;
        arguments.set_item("aws_code", aws.map_or("", |aws| &aws.code))?;
        arguments.set_item("status", aws.map(|aws| aws.status))?;
        arguments.set_item("request_id", aws.and_then(|aws| aws.request_id.as_deref()))?;
    }
    let class = py.import("xacct_sign._errors")?.getattr(class)?;
    let exception = PyErr::from_value(class.call((error.to_string(),), Some(&arguments))?);
    with_cause(py, exception, error.source())
}

/// What an error came from, with what that came from.
fn cause(py: Python<'_>, source: &(dyn StdError + 'static)) -> PyResult<PyErr> {
    if let Some(error) = source.downcast_ref::<Error>() {
        return build(py, error);
    }
    let text = source.to_string();
    let system = source.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    let exception = match system {
        // Python says the number itself.
        Some(number) => PyOSError::new_err((number, text.replace(&format!(" (os error {number})"), ""))),
        None => PyException::new_err(text),
    };
    with_cause(py, exception, source.source())
}

fn with_cause(py: Python<'_>, exception: PyErr, source: Option<&(dyn StdError + 'static)>) -> PyResult<PyErr> {
    if let Some(source) = source {
        exception.set_cause(py, Some(cause(py, source)?));
    }
    Ok(exception)
}
