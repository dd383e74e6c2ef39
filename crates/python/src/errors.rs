//! Errors of the core → exceptions of `xacct_sign._errors`: the one place.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{Error, ErrorClass};

/// The exception for an error: its class by [`ErrorClass`], its code, message and hint as they are.
pub(crate) fn to_py(error: Error) -> PyErr {
    Python::attach(|py| build(py, &error).unwrap_or_else(|failure| failure))
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = match error.kind().class() {
        ErrorClass::Credentials => "CredentialsError",
        ErrorClass::AssumeRole => "AssumeRoleError",
        ErrorClass::Transport => "TransportError",
        ErrorClass::Timeout => "TransportTimeout",
        ErrorClass::HttpStatus => "HttpStatusError",
        _ => "ValidationError",
    };
    let arguments = PyDict::new(py);
    arguments.set_item("code", error.code())?;
    arguments.set_item("hint", error.hint())?;
    if let Some(aws) = error.aws() {
        arguments.set_item("aws_code", &aws.code)?;
        arguments.set_item("status", aws.status)?;
        arguments.set_item("request_id", aws.request_id.as_deref())?;
    }
    let class = py.import("xacct_sign._errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((error.to_string(),), Some(&arguments))?))
}
