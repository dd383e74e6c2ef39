//! What `xacct_sign.Session` sends with.

use std::sync::Arc;

use http::HeaderMap;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign::call::{BaseUrl, header_text};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{Body, Patience, Request, Sent, Session, http_hosts_of};

use crate::convert::{HeaderObjects, body_bytes, text, timeout};
use crate::errors::to_py;
use crate::explain::PySent;
use crate::file::PyFile;
use crate::held::Held;
use crate::http_hosts::given;
use crate::identity::PyBearing;
use crate::log::listener;
use crate::machine::machine;
use crate::source::{Source, partial_scope};
use crate::stream::PyStream;
use crate::waiting::{here, wait};

/// Status, final URL, headers; body: bytes, or what is read as it comes; what an error shows of the body and of the emulator's reason;
/// what was sent, if the status is 400 or more.
type Answer<'py> =
    (u16, String, Vec<(String, String)>, Bound<'py, PyAny>, Option<String>, Option<String>, Option<PySent>);

/// How much of a body an error looks at, in bytes.
const SHOWN: usize = 1 << 16;

/// The header in which the emulator says why it refuses.
const REASON: &str = "x-xacct-reason";

#[pyclass(name = "Session", module = "xacct_sign._native", frozen)]
pub(crate) struct PySession {
    session: Session,
    held: Held,
}

#[pymethods]
impl PySession {
    #[new]
    #[pyo3(signature = (source, region, service, base_url, headers, http_hosts))]
    fn new(
        py: Python<'_>,
        source: Option<&Bound<'_, PyAny>>,
        region: Option<&Bound<'_, PyAny>>,
        service: Option<&Bound<'_, PyAny>>,
        base_url: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        http_hosts: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let no_role = || to_py(Error::new(ErrorKind::RoleNotGiven, "no role to assume is given"));
        let source = source.ok_or_else(no_role)?;
        let host = Arc::new(machine());
        let (session, held) = if let Ok(bearing) = source.cast::<PyBearing>() {
            let PyBearing { identity, name, .. } = bearing.get();
            let session = Session::of_identity_on(host, Arc::clone(identity));
            let session = session.with_identity_header(name.as_str()).map_err(to_py)?;
            (session, Held::new(source))
        } else {
            let (source, held) = Source::signing(source)?;
            (Session::on(host, source, partial_scope(region, service)?), held)
        };
        let http_hosts = given(Some(http_hosts))?;
        let session = session.with_listener(listener());
        let session = session.with_headers(owned(headers)?).with_http_hosts(http_hosts.clone());
        let session = match base_url {
            Some(base_url) => {
                // Asked of the environment only where it matters.
                let http_hosts = http_hosts.and(here(py, || http_hosts_of(&machine()))?);
                let base_url = text(base_url, ErrorKind::InvalidEndpoint, "the base URL")?;
                session.with_base_url(BaseUrl::parse_with(base_url, &http_hosts).map_err(to_py)?)
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
        allow_redirects: bool,
        stream: bool,
    ) -> PyResult<Answer<'py>> {
        let headers = owned(headers)?;
        let file = match body {
            Some(body) if body.hasattr("read")? => Some(PyFile(body.clone().unbind())),
            _ => None,
        };
        let bytes = body_bytes(body.filter(|_| file.is_none()))?;
        let (connect_timeout, total) = (timeout(connect_timeout)?, timeout(total)?);
        let method = text(method, ErrorKind::InvalidMethod, "the method")?;
        let url = text(url, ErrorKind::InvalidUrl, "the URL")?;
        let part = |part| text(part, ErrorKind::InvalidOption, "an item of `params`").map(str::to_owned);
        let query = query.iter().map(|(key, value)| Ok((part(key)?, part(value)?))).collect::<PyResult<_>>()?;
        let mut request = Request::new(method, url);
        (request.query, request.headers, request.body) = (query, headers, bytes.into());
        (request.connect_timeout, request.follows_redirects) = (connect_timeout, allow_redirects);
        let patience = Patience::of(total);
        let with_body = |mut request: Request| {
            if let Some(file) = file {
                request.body = Body::file(file)?;
            }
            Ok(request)
        };
        if stream {
            let answer =
                wait(py, patience, |patience| self.session.send_streamed_within(with_body(request)?, patience))?;
            let (status, url, headers) = (answer.status, answer.url.clone(), pairs(&answer.headers));
            let reason = answer.headers.get(REASON).and_then(|reason| answer.without_secrets(reason.as_bytes()));
            let sent = sent(answer.sent(), status, &answer.headers);
            return Ok((status, url, headers, Bound::new(py, PyStream::new(answer))?.into_any(), None, reason, sent));
        }
        let answer = wait(py, patience, |patience| self.session.send_within(with_body(request)?, patience))?;
        let headers = pairs(&answer.headers);
        let said = answer.without_secrets(answer.body.get(..SHOWN).unwrap_or(&answer.body));
        let reason = answer.headers.get(REASON).and_then(|reason| answer.without_secrets(reason.as_bytes()));
        let sent = sent(answer.sent(), answer.status, &answer.headers);
        Ok((answer.status, answer.url, headers, PyBytes::new(py, &answer.body).into_any(), said, reason, sent))
    }

    fn close(&self) {
        self.session.close();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}

fn sent(sent: Option<&Sent>, status: u16, headers: &HeaderMap) -> Option<PySent> {
    sent.map(|sent| PySent { sent: sent.clone(), status, headers: headers.clone() })
}

fn owned(headers: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, Vec<u8>)>> {
    let headers = HeaderObjects::new(headers)?;
    Ok(headers.borrowed()?.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect())
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), header_text(value))).collect()
}
