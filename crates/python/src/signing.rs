//! What the adapters for HTTP clients sign with.

use std::sync::Arc;

use http::{Method, StatusCode};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{ErrorKind, Signer, Skew, Url};
use xacct_sign_client::{Listener, Patience, Signing};

use crate::beside;
use crate::collected::collect;
use crate::convert::text;
use crate::errors::to_py;
use crate::held::Held;
use crate::log;
use crate::machine::machine;
use crate::request::{sign, with_request};
use crate::source::{Source, partial_scope};
use crate::waiting::{here, tell, wait};

#[pyclass(name = "Signing", module = "xacct_sign._native", frozen)]
pub(crate) struct PySigning {
    signing: Arc<Signing>,
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
        Ok(Self { signing: Arc::new(Signing::on(Arc::new(machine()), source, scope)), held })
    }

    /// What signs requests to the URL's host, with credentials that are valid now; calls STS where that is needed.
    fn ready(&self, py: Python<'_>, url: &Bound<'_, PyAny>) -> PyResult<PyReady> {
        let url = parsed(url)?;
        let signer = wait(py, Patience::default(), |patience| self.signing.signer(url, patience))?;
        Ok(self.ready_with(signer, url))
    }

    /// The same, if nobody has to wait for it; else None. An early refresh goes on beside.
    fn at_hand(&self, py: Python<'_>, url: &Bound<'_, PyAny>) -> PyResult<Option<PyReady>> {
        let url = parsed(url)?;
        let signer = here(py, || self.signing.signer_at_hand(url))?;
        Ok(signer.map(|signer| self.ready_with(signer, url)))
    }

    /// The same on a thread beside, for which the program does not wait at its end. A `concurrent.futures.Future` is told what it
    /// gives, or raises.
    fn fetch(slf: Bound<'_, Self>, url: &Bound<'_, PyAny>, future: Bound<'_, PyAny>) -> PyResult<()> {
        parsed(url)?;
        let url = text(url, ErrorKind::InvalidUrl, "the URL")?.to_owned();
        let fetched_from = Arc::clone(&slf.get().signing);
        // It holds what it fetches from.
        let signing = slf.unbind();
        // The fetch is for all who wait: it has a time of its own, and nobody's Ctrl-C ends it.
        let place = url.clone();
        let fetch = move || Url::parse(&url).and_then(|url| fetched_from.signer(url, &Patience::default()));
        beside::fetch(future, fetch, move |py, signer| {
            let url = Url::parse(&place).map_err(to_py)?;
            Ok(Py::new(py, signing.get().ready_with(signer, url))?.into_any())
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}

impl PySigning {
    fn ready_with(&self, signer: Arc<Signer>, url: Url<'_>) -> PyReady {
        let signing = Arc::clone(&self.signing);
        let (origin, known) = (url.origin().to_string(), signing.clock().skew_at(url.origin()));
        PyReady { signing, signer, origin, known, listener: log::listener() }
    }
}

fn parsed<'a>(url: &'a Bound<'_, PyAny>) -> PyResult<Url<'a>> {
    Url::parse(text(url, ErrorKind::InvalidUrl, "the URL")?).map_err(to_py)
}

/// Signs the attempts of one request, with the credentials of one moment.
#[pyclass(name = "Ready", module = "xacct_sign._native", frozen)]
pub(crate) struct PyReady {
    signing: Arc<Signing>,
    signer: Arc<Signer>,
    origin: String,
    /// By how much the origin's clock was known to be ahead.
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
        with_request((method, url), Some(headers), body, |request| {
            sign(py, &self.signer, request, self.signing.clock().now_by(self.known))
        })
    }

    /// Takes note of an answer to what it signed; of its headers only `get` is asked, with names in lower case. Whether the request may
    /// be signed anew and sent once more: the signature was wrong, as the answer's `Date` shows, or the credentials have expired
    /// meanwhile; and nothing was done.
    fn was_wrong(&self, py: Python<'_>, method: &str, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<bool> {
        if status != 403 {
            return Ok(false);
        }
        // What is no text says nothing.
        let header = |name: &str| headers.call_method1("get", (name,)).ok()?.extract().ok();
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap_or(Method::POST);
        let origin = Url::parse(&self.origin).map_err(to_py)?.origin();
        let signed = (origin, &*self.signer, self.known);
        let answer = (&method, StatusCode::FORBIDDEN);
        let (is_wrong, told) = collect(|| self.signing.was_wrong(signed, answer, &header, &self.listener));
        tell(py, &told)?;
        Ok(is_wrong)
    }
}
