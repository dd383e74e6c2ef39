//! What the adapters for HTTP clients sign with.

use std::sync::Arc;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{Scope, Signer};
use xacct_sign_client::{Patience, Signing};

use crate::held::Held;
use crate::signer::{sign, with_request};
use crate::source::{Source, partial_scope};
use crate::waiting::wait;

#[pyclass(name = "Signing", module = "xacct_sign._native", frozen)]
pub(crate) struct PySigning {
    signing: Signing,
    held: Held,
}

#[pymethods]
impl PySigning {
    #[new]
    #[pyo3(signature = (source, region, service))]
    fn new(
        source: &Bound<'_, PyAny>,
        region: Option<&Bound<'_, PyAny>>,
        service: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let (source, held) = Source::signing(source)?;
        let scope = partial_scope(region, service)?;
        Ok(Self { signing: Signing::new(source, scope), held })
    }

    /// As `Signer.sign`, for what the URL's host says, with credentials that are valid now; calls STS where that is needed.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        body: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        with_request((method, url), Some(headers), body, |request| {
            let signer = wait(py, Patience::default(), |patience| self.signing.signer(request.url, patience))?;
            sign(py, &signer, request, self.signing.clock().now())
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}

/// The signer for a scope, with credentials that are valid now.
pub(crate) fn signer_of_now(py: Python<'_>, signing: &Signing, scope: &Scope) -> PyResult<Arc<Signer>> {
    wait(py, Patience::default(), |patience| signing.signer_for(scope.clone(), patience))
}
