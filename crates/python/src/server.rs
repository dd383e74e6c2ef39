//! Who is calling: the verifier of `xacct_sign.server`.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use xacct_sign_client::server::{
    Caller, Callers, CallersError, CheckError, Development, EVENT_MEMBERS, Line, METHOD_OVERRIDES, PLACES, Refusal,
    RefusalKind, Seen, Verifier, paths,
};
use xacct_sign_client::{Patience, host::Host};

use crate::errors::to_py;
use crate::log::listener;
use crate::machine::machine;
use crate::waiting::waited;

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

    /// That its callers come by the header of a request; raises what is wrong where they do not.
    fn check_takes_headers(&self) -> PyResult<()> {
        self.0.callers().check_takes_headers().map_err(to_py)
    }

    /// Who makes a request, whatever has to be waited for.
    fn check<'py>(
        &self,
        py: Python<'py>,
        authorization: Vec<PyBackedBytes>,
        methods: Vec<PyBackedStr>,
        paths: Vec<PyBackedStr>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values: Vec<&[u8]> = authorization.iter().map(AsRef::as_ref).collect();
        let methods: Vec<&str> = methods.iter().map(AsRef::as_ref).collect();
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        let checked = waited(py, Patience::default(), |patience| self.0.check(&values, &methods, &paths, patience))?;
        caller(py, checked)
    }

    /// The same, if nobody has to wait: None where keys or STS are to be asked first.
    fn check_at_hand<'py>(
        &self,
        py: Python<'py>,
        authorization: Vec<PyBackedBytes>,
        methods: Vec<PyBackedStr>,
        paths: Vec<PyBackedStr>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
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

    /// In which line a request waits that has to: `token`, `known_proof` or `proof`; by a number for what; and by which its place is
    /// counted.
    fn waits(&self, authorization: Vec<PyBackedBytes>) -> (&'static str, u64, u64) {
        let values: Vec<&[u8]> = authorization.iter().map(AsRef::as_ref).collect();
        let (line, what) = self.0.waits(&values);
        (line.name(), what, line.place(what))
    }

    /// Who makes the request of a Lambda function's event, given as JSON.
    fn check_event<'py>(&self, py: Python<'py>, event: PyBackedBytes) -> PyResult<Bound<'py, PyAny>> {
        let checked = waited(py, Patience::default(), |patience| self.0.check_event(&event, patience))?;
        caller(py, checked)
    }
}

fn caller<'py>(py: Python<'py>, checked: Result<Arc<Caller>, CheckError>) -> PyResult<Bound<'py, PyAny>> {
    match checked {
        Ok(caller) => made(py, &caller),
        Err(CheckError::Refused(refusal)) => Err(refused(py, &refusal)),
        Err(CheckError::GivenUp(error)) => Err(to_py(error)),
    }
}

/// A caller as Python has it. A frozen dataclass's own `__init__` takes a fifth of the time of a check.
fn made<'py>(py: Python<'py>, caller: &Caller) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "xacct_sign.server._caller", "Caller")?;
    let made = class.call_method1(intern!(py, "__new__"), (class,))?;
    let fields = made.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let told = [
        (intern!(py, "name"), Some(&*caller.name)),
        (intern!(py, "account"), caller.account.as_deref()),
        (intern!(py, "arn"), Some(&*caller.arn)),
        (intern!(py, "role"), caller.role.as_deref()),
        (intern!(py, "session"), caller.session.as_deref()),
        (intern!(py, "organization"), caller.organization.as_deref()),
        (intern!(py, "via"), Some(caller.via.name())),
    ];
    for (name, value) in told {
        fields.set_item(name, value)?;
    }
    Ok(made)
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
