//! What the adapters for HTTP clients sign with.

use std::sync::Arc;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{Signer, Skew};
use xacct_sign_client::{Listener, Patience, Signing};

use crate::held::Held;
use crate::log;
use crate::signer::sign;
use crate::source::Source;
use crate::waiting::wait;

#[pyclass(name = "Signing", module = "xacct_sign._native", frozen)]
pub(crate) struct PySigning {
    signing: Arc<Signing>,
    held: Held,
}

#[pymethods]
impl PySigning {
    #[new]
    #[pyo3(signature = (source, region, service))]
    fn new(source: &Bound<'_, PyAny>, region: Option<&Bound<'_, PyAny>>, service: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (source, held) = Source::signing(source)?;
        let scope = source.scope(region, service)?;
        Ok(Self { signing: Arc::new(Signing::new(source, scope)), held })
    }

    /// What signs with credentials that are valid now; calls STS where that is needed.
    fn ready(&self, py: Python<'_>) -> PyResult<PyReady> {
        signer_of_now(py, &self.signing).map(|signer| self.ready_with(signer))
    }

    /// The same, if nobody has to wait for it; else None. An early refresh goes on beside.
    fn at_hand(&self) -> Option<PyReady> {
        self.signing.signer_at_hand().map(|signer| self.ready_with(signer))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}

impl PySigning {
    fn ready_with(&self, signer: Arc<Signer>) -> PyReady {
        let signing = Arc::clone(&self.signing);
        let known = signing.skew();
        PyReady { signing, signer, known, listener: log::listener() }
    }
}

/// Signs the attempts of one request, with the credentials of one moment.
#[pyclass(name = "Ready", module = "xacct_sign._native", frozen)]
pub(crate) struct PyReady {
    signing: Arc<Signing>,
    signer: Arc<Signer>,
    /// By how much the clock was known to be off.
    known: Skew,
    listener: Listener,
}

#[pymethods]
impl PyReady {
    /// As `Signer.sign`, now.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        body: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        sign(py, &self.signer, (method, url), Some(headers), body, self.signing.now())
    }

    /// Takes note of an answer to what it signed. Whether the request may be signed anew and sent once more: the signature was
    /// wrong, as the answer's `Date` shows, or the credentials have expired meanwhile.
    fn was_wrong(&self, py: Python<'_>, status: u16, date: Option<&str>) -> PyResult<bool> {
        let (is_wrong, told) =
            log::collect(|| self.signing.was_wrong((&self.signer, self.known), (status, date), &self.listener));
        log::write(py, &told)?;
        Ok(is_wrong)
    }
}

/// The signer for credentials that are valid now.
pub(crate) fn signer_of_now(py: Python<'_>, signing: &Signing) -> PyResult<Arc<Signer>> {
    wait(py, Patience::default(), |patience| signing.signer(patience))
}
