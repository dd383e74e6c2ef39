//! `Signer`.

use std::time::{Duration, SystemTime};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use xacct_sign::{ErrorKind, Payload, Request, Signer, Url};

use crate::convert::{Body, Given, HeaderObjects, instant_or_now, lifetime, text};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::source::{no_credentials, scope};

/// From this size on, other threads run while a body is hashed.
const DETACH_FROM: usize = 64 * 1024;

/// How long a presigned URL lives unless its lifetime is given.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_secs(900);

/// Signs requests for one service in one region with one set of credentials.
///
/// The signing key is derived once a day (of the request, in UTC); the object is safe to share between threads.
///
/// Args:
///     credentials: what signs. They do not refresh: take a signer of `AssumeRole.credentials()` for each request, or let
///         `Session` or `SigV4Auth` do so.
///     region: the API's region.
///     service: the signing name, `execute-api` for API Gateway.
///
/// Raises:
///     ValidationError: `invalid_region`, `invalid_service`.
#[pyclass(name = "Signer", module = "xacct_sign", frozen)]
pub(crate) struct PySigner(Signer);

#[pymethods]
impl PySigner {
    #[new]
    #[pyo3(
        signature = (credentials, region, service=Given(None)),
        text_signature = "(credentials, region, service='execute-api')"
    )]
    fn new(credentials: &Bound<'_, PyAny>, region: &Bound<'_, PyAny>, service: Given<'_>) -> PyResult<Self> {
        let Ok(credentials) = credentials.cast::<PyCredentials>() else {
            return Err(no_credentials(credentials, "pass Credentials; `AssumeRole.credentials()` gives some"));
        };
        let scope = match service.0 {
            Some(service) => scope(region, &service)?,
            None => scope(region, PyString::intern(region.py(), "execute-api").as_any())?,
        };
        Ok(Self(Signer::new(credentials.get().0.clone(), scope)))
    }

    #[getter]
    fn region(&self) -> &str {
        self.0.scope().region()
    }

    #[getter]
    fn service(&self) -> &str {
        self.0.scope().service()
    }

    #[getter]
    fn credentials(&self) -> PyCredentials {
        PyCredentials(self.0.credentials().clone())
    }

    /// The headers to add: `authorization`, `x-amz-date` and, where they apply, `x-amz-security-token` and
    /// `x-amz-content-sha256`. They replace what the request has under these names.
    ///
    /// Args:
    ///     method: as it will be sent.
    ///     url: absolute, exactly as it will be sent: `canonical_url` makes it so.
    ///     headers: a mapping or pairs of str to str (sent as UTF-8) or bytes; all are signed but those that proxies and
    ///         clients change on the way, such as `user-agent`.
    ///     body: bytes or str (sent as UTF-8), a `PayloadHash`, or `UNSIGNED_PAYLOAD` where the service takes it.
    ///     now: an aware datetime; None is the clock's. API Gateway takes it for five minutes.
    ///
    /// Raises:
    ///     ValidationError: for bad input, with its code.
    #[pyo3(signature = (method, url, headers=None, body=None, *, now=None))]
    fn sign<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        sign(py, &self.0, (method, url), headers, body, instant_or_now(now)?)
    }

    /// The URL with the signature in its query. Whoever has it can send the request until it expires.
    ///
    /// Args:
    ///     expires_in: 1 to 604800 seconds; temporary credentials end it sooner.
    ///     headers: what else must be sent with it, and is signed.
    ///
    /// The other arguments, and what is raised, are those of `sign`.
    #[pyo3(
        signature = (method, url, *, expires_in=Given(None), headers=None, body=None, now=None),
        text_signature = "($self, method, url, *, expires_in=900, headers=None, body=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python method")]
    fn presign(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        expires_in: Given<'_>,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let now = instant_or_now(now)?;
        with_request((method, url), headers, body, |request| {
            let expires_in = expires_in.0.map_or(Ok(DEFAULT_EXPIRES_IN), |seconds| lifetime(&seconds))?;
            py.detach(|| self.0.presign(request, expires_in, now)).map_err(to_py)
        })
    }

    fn __repr__(&self) -> String {
        let key = self.0.credentials().access_key_id();
        format!(
            "Signer(access_key_id='{key}', region='{}', service='{}')",
            self.0.scope().region(),
            self.0.scope().service()
        )
    }
}

fn is_large(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::Bytes(bytes) if bytes.len() >= DETACH_FROM)
}

/// The headers that a signer adds, as a dict.
pub(crate) fn sign<'py>(
    py: Python<'py>,
    signer: &Signer,
    (method, url): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
    headers: Option<&Bound<'py, PyAny>>,
    body: Option<&Bound<'py, PyAny>>,
    now: SystemTime,
) -> PyResult<Bound<'py, PyDict>> {
    with_request((method, url), headers, body, |request| {
        let signed = if is_large(&request.payload) {
            py.detach(|| signer.sign_parts(request, now))
        } else {
            signer.sign_parts(request, now)
        }
        .map_err(to_py)?;
        let added = PyDict::new(py);
        for (name, value) in signed.headers() {
            added.set_item(PyString::intern(py, name), value)?;
        }
        Ok(added)
    })
}

/// A request of what Python has, which lives as long as that is held.
fn with_request<T>(
    (method, url): (&Bound<'_, PyAny>, &Bound<'_, PyAny>),
    headers: Option<&Bound<'_, PyAny>>,
    body: Option<&Bound<'_, PyAny>>,
    then: impl FnOnce(&Request<'_>) -> PyResult<T>,
) -> PyResult<T> {
    let headers = HeaderObjects::new(headers)?;
    let headers = headers.borrowed()?;
    let body = Body::new(body)?;
    let method = text(method, ErrorKind::InvalidMethod, "the method")?;
    let url = Url::parse(text(url, ErrorKind::InvalidUrl, "the URL")?).map_err(to_py)?;
    then(&Request { method, url, headers: &headers, payload: body.payload()? })
}
