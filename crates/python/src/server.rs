//! Who is calling: the verifier of `xacct_sign.server`.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyDict;
use xacct_sign_client::server::{
    Caller, Callers, CallersError, CheckError, Development, EVENT_MEMBERS, Line, METHOD_OVERRIDES, PLACES, Refusal,
    RefusalKind, Seen, Verifier, paths,
};
use xacct_sign_client::{Patience, host::Host};

use crate::errors::to_py;
use crate::log::listener;
use crate::machine::machine;
use crate::waiting::waited;

/// Who is calling: one of the callers of the list.
///
/// Attributes:
///     name: the caller's name in the manifest: what to decide by.
///     account: its account, 12 digits; None where it came in by a role that an organization, or every account, may assume.
///     arn: as AWS said it: a role's with its path (by token), or a role's session's.
///     role: the name of its own role, where it is known.
///     session: the name of the role's session, which the caller chose; None for a token.
///     organization: its organization, where AWS said it.
///     via: how it is known: `token`, `proof`, `http_api`, `rest_api` or `function_url`.
#[pyclass(name = "Caller", module = "xacct_sign.server", frozen)]
pub(crate) struct PyCaller(Arc<Caller>);

#[pymethods]
impl PyCaller {
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    #[getter]
    fn arn(&self) -> &str {
        &self.0.arn
    }

    #[getter]
    fn role(&self) -> Option<&str> {
        self.0.role.as_deref()
    }

    #[getter]
    fn session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    #[getter]
    fn organization(&self) -> Option<&str> {
        self.0.organization.as_deref()
    }

    #[getter]
    fn via(&self) -> &'static str {
        self.0.via.name()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        format!("<Caller {} via {}: {}>", self.0.name, self.0.via.name(), self.0.arn)
    }
}

/// The verifier under `xacct_sign.server.Verifier`.
#[pyclass(name = "Verifier", module = "xacct_sign._native", frozen)]
pub(crate) struct PyVerifier(Verifier);

#[pymethods]
impl PyVerifier {
    #[new]
    fn new(py: Python<'_>, callers: PyBackedBytes, development: bool) -> PyResult<Self> {
        let development = if development { Development::Yes } else { Development::No };
        let callers = Callers::parse(&callers, development).map_err(|error| invalid(py, &error))?;
        let host: Arc<dyn Host> = Arc::new(machine());
        Verifier::with_host(callers, host).map(|verifier| Self(verifier.with_listener(listener()))).map_err(to_py)
    }

    /// The stage's name in the manifest.
    #[getter]
    fn stage(&self) -> &str {
        self.0.callers().stage()
    }

    /// Whether it takes issuers on this machine.
    #[getter]
    fn is_development(&self) -> bool {
        self.0.callers().is_development()
    }

    /// Who makes a request, whatever has to be waited for.
    fn check(
        &self,
        py: Python<'_>,
        authorization: Vec<PyBackedBytes>,
        methods: Vec<PyBackedStr>,
        paths: Vec<PyBackedStr>,
    ) -> PyResult<PyCaller> {
        let values: Vec<&[u8]> = authorization.iter().map(AsRef::as_ref).collect();
        let methods: Vec<&str> = methods.iter().map(AsRef::as_ref).collect();
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        let checked = waited(py, Patience::default(), |patience| self.0.check(&values, &methods, &paths, patience))?;
        caller(py, checked)
    }

    /// The same, if nobody has to wait: None where keys or STS are to be asked first.
    fn check_at_hand(
        &self,
        py: Python<'_>,
        authorization: Vec<PyBackedBytes>,
        methods: Vec<PyBackedStr>,
        paths: Vec<PyBackedStr>,
    ) -> PyResult<Option<PyCaller>> {
        let values: Vec<&[u8]> = authorization.iter().map(AsRef::as_ref).collect();
        let methods: Vec<&str> = methods.iter().map(AsRef::as_ref).collect();
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        match py.detach(|| self.0.check_at_hand(&values, &methods, &paths)) {
            Some(checked) => caller(py, checked).map(Some),
            None => Ok(None),
        }
    }

    /// The headers whose values stand behind the method, in lower case.
    #[classattr]
    const METHOD_OVERRIDES: [&'static str; 3] = METHOD_OVERRIDES;

    /// The members of an event that are read.
    #[classattr]
    const EVENT_MEMBERS: [&'static str; 7] = EVENT_MEMBERS;

    /// The paths to check: of the target as it was sent, if the server says so, and of what the application sees, decoded.
    #[staticmethod]
    fn paths(sent: Option<PyBackedStr>, seen: PyBackedBytes) -> Vec<String> {
        paths(sent.as_deref(), Seen::Decoded(&seen))
    }

    /// How many checks may wait in one line.
    #[classattr]
    const PLACES: usize = PLACES;

    /// Each line, and how many threads are for its checks.
    #[classattr]
    #[allow(non_snake_case, reason = "a constant of the class")]
    fn THREADS() -> [(&'static str, usize); 3] {
        Line::ALL.map(|line| (line.name(), line.threads()))
    }

    /// In which line a request waits that has to: `token`, `known_proof` or `proof`.
    fn line(&self, authorization: Vec<PyBackedBytes>) -> &'static str {
        let values: Vec<&[u8]> = authorization.iter().map(AsRef::as_ref).collect();
        self.0.line(&values).name()
    }

    /// Who makes the request of a Lambda function's event, given as JSON.
    fn check_event(&self, py: Python<'_>, event: PyBackedBytes) -> PyResult<PyCaller> {
        let checked = waited(py, Patience::default(), |patience| self.0.check_event(&event, patience))?;
        caller(py, checked)
    }
}

fn caller(py: Python<'_>, checked: Result<Arc<Caller>, CheckError>) -> PyResult<PyCaller> {
    match checked {
        Ok(caller) => Ok(PyCaller(caller)),
        Err(CheckError::Refused(refusal)) => Err(refused(py, &refusal)),
        Err(CheckError::GivenUp(error)) => Err(to_py(error)),
    }
}

/// The error of a refusal that a face finds: its code, and what it is about.
#[pyfunction]
#[pyo3(name = "_refusal")]
pub(crate) fn refusal(py: Python<'_>, code: &str, about: &str) -> PyResult<PyErr> {
    let kind = RefusalKind::ALL.iter().find(|kind| kind.code() == code);
    let kind = kind.ok_or_else(|| PyKeyError::new_err(code.to_owned()))?;
    Ok(refused(py, &Refusal::from(*kind).because(about)))
}

fn refused(py: Python<'_>, refusal: &Refusal) -> PyErr {
    let raise = || {
        let arguments = PyDict::new(py);
        arguments.set_item("code", refusal.code())?;
        arguments.set_item("status", refusal.status())?;
        arguments.set_item("hint", refusal.hint())?;
        let class = py.import("xacct_sign.server._refused")?.getattr("RefusedError")?;
        Ok(PyErr::from_value(class.call((refusal.to_string(),), Some(&arguments))?))
    };
    raise().unwrap_or_else(|failure: PyErr| failure)
}

fn invalid(py: Python<'_>, error: &CallersError) -> PyErr {
    let raise = || {
        let arguments = PyDict::new(py);
        arguments.set_item("code", error.code())?;
        arguments.set_item("hint", error.hint())?;
        let class = py.import("xacct_sign._errors")?.getattr("ValidationError")?;
        Ok(PyErr::from_value(class.call((error.to_string(),), Some(&arguments))?))
    };
    raise().unwrap_or_else(|failure: PyErr| failure)
}
