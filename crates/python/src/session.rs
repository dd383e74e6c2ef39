//! What `xacct_sign.Session` sends with.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign_client::{Base, Request, Session, Source, Timeouts};

use crate::convert::{HeaderObjects, timeout};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::role::PyAssumeRole;
use crate::signer::body_bytes;

/// Status, final URL, headers, body.
type Answer<'py> = (u16, String, Vec<(String, String)>, Bound<'py, PyBytes>);

#[pyclass(name = "Session", module = "xacct_sign._native", frozen)]
pub(crate) struct PySession(Session);

#[pymethods]
impl PySession {
    #[new]
    #[pyo3(signature = (role, credentials, region, service, base_url))]
    fn new(
        role: Option<&Bound<'_, PyAssumeRole>>,
        credentials: Option<&Bound<'_, PyCredentials>>,
        region: &str,
        service: &str,
        base_url: Option<&str>,
    ) -> PyResult<Self> {
        let source = match (role, credentials) {
            (Some(role), _) => Source::Role(role.get().0.clone()),
            (None, Some(credentials)) => Source::Base(Base::Explicit(credentials.get().0.clone())),
            (None, None) => Source::Base(Base::Environment),
        };
        let session = Session::new(source, region, service).map_err(to_py)?;
        match base_url {
            Some(base_url) => session.with_base_url(base_url).map_err(to_py).map(Self),
            None => Ok(Self(session)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a request")]
    fn send<'py>(
        &self,
        py: Python<'py>,
        method: String,
        url: String,
        query: Vec<(String, String)>,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        connect_timeout: Option<f64>,
        read_timeout: Option<f64>,
    ) -> PyResult<Answer<'py>> {
        let headers = HeaderObjects::new(headers)?;
        let headers = headers.borrowed()?.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        let body = body_bytes(body)?;
        let timeouts = Timeouts { connect: timeout(connect_timeout)?, read: timeout(read_timeout)? };
        let request = Request { method, url, query, headers, body, timeouts };
        let answer = py.detach(|| self.0.send(request)).map_err(to_py)?;
        // Header values are bytes; those that are no UTF-8 read as ISO 8859-1, as HTTP once had it.
        let text = |value: &[u8]| match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
        };
        let headers =
            answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect();
        Ok((answer.status, answer.url, headers, PyBytes::new(py, &answer.body)))
    }
}
