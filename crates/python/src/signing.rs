//! What the adapters for HTTP clients sign with.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign_client::{Patience, Signing};

use crate::errors::to_py;
use crate::role::signing_source;
use crate::signer::sign;

#[pyclass(name = "Signing", module = "xacct_sign._native", frozen)]
pub(crate) struct PySigning(Signing);

#[pymethods]
impl PySigning {
    #[new]
    #[pyo3(signature = (source, region, service))]
    fn new(source: &Bound<'_, PyAny>, region: Option<&Bound<'_, PyAny>>, service: &Bound<'_, PyAny>) -> PyResult<Self> {
        let source = signing_source(source)?;
        let scope = source.scope(region, service)?;
        Ok(Self(Signing::new(source, scope)))
    }

    /// As `Signer.sign`, with credentials that are valid now; calls STS where that is needed.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        body: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let signer = py.detach(|| self.0.signer(&Patience::default())).map_err(to_py)?;
        sign(py, &signer, (method, url), Some(headers), body, self.0.now())
    }
}
