//! What `xacct_sign.Session` sends with.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign::call::{BaseUrl, header_text};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{Patience, Request, Session};

use crate::convert::{HeaderObjects, body_bytes, text, timeout};
use crate::errors::to_py;
use crate::held::Held;
use crate::log::listener;
use crate::source::{Source, partial_scope};
use crate::waiting::wait;

/// Status, final URL, headers, body.
type Answer<'py> = (u16, String, Vec<(String, String)>, Bound<'py, PyBytes>);

#[pyclass(name = "Session", module = "xacct_sign._native", frozen)]
pub(crate) struct PySession {
    session: Session,
    held: Held,
}

#[pymethods]
impl PySession {
    #[new]
    #[pyo3(signature = (source, region, service, base_url))]
    fn new(
        source: Option<&Bound<'_, PyAny>>,
        region: Option<&Bound<'_, PyAny>>,
        service: Option<&Bound<'_, PyAny>>,
        base_url: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let no_role = || to_py(Error::new(ErrorKind::RoleNotGiven, "no role to assume is given"));
        let (source, held) = Source::signing(source.ok_or_else(no_role)?)?;
        let scope = partial_scope(region, service)?;
        let session = Session::new(source, scope).with_listener(listener());
        let session = match base_url {
            Some(base_url) => {
                let base_url = text(base_url, ErrorKind::InvalidEndpoint, "the base URL")?;
                session.with_base_url(BaseUrl::parse(base_url).map_err(to_py)?)
            }
            None => session,
        };
        Ok(Self { session, held })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a request")]
    fn send<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        query: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        connect_timeout: Option<f64>,
        total: Option<f64>,
    ) -> PyResult<Answer<'py>> {
        let headers = HeaderObjects::new(headers)?;
        let headers = headers.borrowed()?.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        let body = body_bytes(body)?;
        let (connect_timeout, total) = (timeout(connect_timeout)?, timeout(total)?);
        let method = text(method, ErrorKind::InvalidMethod, "the method")?;
        let url = text(url, ErrorKind::InvalidUrl, "the URL")?;
        let part = |part| text(part, ErrorKind::InvalidOption, "an item of `params`").map(str::to_owned);
        let query = query.iter().map(|(key, value)| Ok((part(key)?, part(value)?))).collect::<PyResult<_>>()?;
        let mut request = Request::new(method, url);
        (request.query, request.headers, request.body) = (query, headers, body);
        request.connect_timeout = connect_timeout;
        let answer = wait(py, Patience::of(total), |patience| self.session.send_within(request, patience))?;
        let headers =
            answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), header_text(value))).collect();
        Ok((answer.status, answer.url, headers, PyBytes::new(py, &answer.body)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}
