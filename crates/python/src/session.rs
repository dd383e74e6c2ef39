//! What `xacct_sign.Session` sends with.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign::call::{BaseUrl, header_text};
use xacct_sign_client::{Request, Session, Timeouts};

use crate::convert::{HeaderObjects, body_bytes, timeout};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::role::PyAssumeRole;
use crate::source::Source;

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
        region: Option<&str>,
        service: &str,
        base_url: Option<&str>,
    ) -> PyResult<Self> {
        let source = Source::new(role.map(Bound::get), credentials.map(Bound::get));
        let scope = source.scope(region, service)?;
        let session = Session::new(source, scope);
        Ok(Self(match base_url {
            Some(base_url) => session.with_base_url(BaseUrl::parse(base_url).map_err(to_py)?),
            None => session,
        }))
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
        let mut request = Request::new(method, url);
        (request.query, request.headers, request.body, request.timeouts) = (query, headers, body, timeouts);
        let answer = py.detach(|| self.0.send(request)).map_err(to_py)?;
        let headers =
            answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), header_text(value))).collect();
        Ok((answer.status, answer.url, headers, PyBytes::new(py, &answer.body)))
    }
}
