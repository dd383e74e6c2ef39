//! Why a call was refused, for `HttpStatusError.explain` and `xacct_sign.diagnose`.

use http::HeaderMap;
use pyo3::prelude::*;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::Sent;
use xacct_sign_diagnosis::{Evidence, Exchange, Finding, InvalidInput};

use crate::errors::to_py;
use crate::json::json;

/// What is broken in a call.
///
/// Attributes:
///     code: the stable code, such as `clock_off`; docs/troubleshooting.md has all of them.
///     side: who can change it: `caller`, `provider`, `network` or `aws`.
///     reason: how it shows here.
///     hint: what to do.
#[pyclass(name = "Finding", module = "xacct_sign", frozen, eq, get_all)]
#[derive(PartialEq)]
pub(crate) struct PyFinding {
    code: &'static str,
    side: &'static str,
    reason: String,
    hint: String,
}

#[pymethods]
impl PyFinding {
    fn __str__(&self) -> String {
        format!("{} ({}): {}", self.code, self.side, self.reason)
    }

    fn __repr__(&self) -> String {
        format!("<Finding {}>", self.__str__())
    }
}

impl From<Finding> for PyFinding {
    fn from(finding: Finding) -> Self {
        let (code, side) = (finding.code(), finding.side.name());
        Self { code, side, reason: finding.reason, hint: finding.hint }
    }
}

fn converted(found: Vec<Finding>) -> Vec<PyFinding> {
    found.into_iter().map(PyFinding::from).collect()
}

/// What a refused call sent, and how it was answered, but for the body.
#[pyclass(name = "Sent", module = "xacct_sign._native", frozen)]
pub(crate) struct PySent {
    pub(crate) sent: Sent,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

#[pymethods]
impl PySent {
    /// Whether it was a token or a proof, and no signature.
    #[getter]
    fn has_bearer(&self) -> bool {
        self.sent.has_bearer()
    }

    fn explain(&self, body: Option<&[u8]>) -> Vec<PyFinding> {
        converted(self.sent.explain(self.status, &self.headers, body))
    }
}

/// The broken link of a call's chain, and on whose side it is, by what was seen on the way.
///
/// Args:
///     evidence: what was seen, as docs/troubleshooting.md has it; what was not looked at is left out. Bodies may be bytes.
///
/// Returns:
///     What is broken; empty where nothing is.
///
/// Raises:
///     ValidationError: `invalid_option` if the evidence has other keys or values.
#[pyfunction]
pub(crate) fn diagnose(evidence: &Bound<'_, PyAny>) -> PyResult<Vec<PyFinding>> {
    let evidence = Evidence::from_json(&text(evidence, "the evidence")?).map_err(|error| invalid(&error))?;
    Ok(converted(xacct_sign_diagnosis::diagnose(&evidence)))
}

/// A hook for the tests: an exchange as every face passes it.
#[pyfunction]
#[pyo3(name = "_explain")]
pub(crate) fn explain(exchange: &Bound<'_, PyAny>) -> PyResult<Vec<PyFinding>> {
    let exchange = Exchange::from_json(&text(exchange, "the exchange")?).map_err(|error| invalid(&error))?;
    Ok(converted(xacct_sign_diagnosis::explain(&exchange)))
}

fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let no_json = || Error::new(ErrorKind::InvalidOption, format!("{what} cannot be written as JSON"));
    let hint = "give dicts, lists, texts and numbers, as docs/troubleshooting.md has them";
    json(value).ok_or_else(|| to_py(no_json().with_hint(hint)))
}

fn invalid(error: &InvalidInput) -> PyErr {
    let message = format!("what is to be judged cannot be read: {error}");
    to_py(Error::new(ErrorKind::InvalidOption, message).with_hint("docs/troubleshooting.md has its fields"))
}
