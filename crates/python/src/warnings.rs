//! Warnings, as Python's users see them.

use std::ffi::CString;

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

/// What is said of a host to which requests go without TLS.
pub(crate) fn plain_http(host: &str) -> String {
    format!("signed requests go to `{host}` over plain http: whoever sees the traffic can read and repeat them")
}

/// As `warnings.warn`, at whoever called the method that called.
pub(crate) fn warn(py: Python<'_>, text: &str) -> PyResult<()> {
    // No host holds a zero.
    let text = CString::new(text).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 3)
}
