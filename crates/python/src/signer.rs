//! `Signer`, `PayloadHash` and `canonical_url`.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use xacct_sign::{Error, ErrorKind, Payload, Request, Signer};

use crate::convert::{Body, HeaderObjects, instant_or_now};
use crate::credentials::PyCredentials;
use crate::errors::to_py;

/// From this size on, other threads run while a body is hashed.
const DETACH_FROM: usize = 64 * 1024;

/// As a body: its SHA-256 in 64 lower-case hexadecimal digits, where the body itself is not at hand.
#[pyclass(name = "PayloadHash", module = "xacct_sign", frozen)]
pub(crate) struct PyPayloadHash(Option<String>);

impl PyPayloadHash {
    /// `None` for an unsigned payload.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[pymethods]
impl PyPayloadHash {
    #[new]
    fn new(sha256: String) -> Self {
        Self(Some(sha256))
    }

    /// The payload that is not signed.
    #[staticmethod]
    fn unsigned() -> Self {
        Self(None)
    }

    fn __repr__(&self) -> String {
        self.0.as_ref().map_or_else(|| "UNSIGNED_PAYLOAD".to_owned(), |hash| format!("PayloadHash('{hash}')"))
    }
}

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
    #[pyo3(signature = (credentials, region, service="execute-api"))]
    fn new(credentials: &Bound<'_, PyCredentials>, region: &str, service: &str) -> PyResult<Self> {
        Signer::new(credentials.get().0.clone(), region, service).map(Self).map_err(to_py)
    }

    #[getter]
    fn region(&self) -> &str {
        self.0.region()
    }

    #[getter]
    fn service(&self) -> &str {
        self.0.service()
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
        method: &str,
        url: &str,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let now = instant_or_now(now)?;
        let headers = HeaderObjects::new(headers)?;
        let headers = headers.borrowed()?;
        let body = Body::new(body)?;
        let request = Request { method, url, headers: &headers, payload: body.payload()? };
        let signed = if is_large(&request.payload) {
            py.detach(|| self.0.sign_parts(&request, now))
        } else {
            self.0.sign_parts(&request, now)
        }
        .map_err(to_py)?;
        let added = PyDict::new(py);
        for (name, value) in signed.headers() {
            added.set_item(PyString::intern(py, name), value)?;
        }
        Ok(added)
    }

    /// The URL with the signature in its query. Whoever has it can send the request until it expires.
    ///
    /// Args:
    ///     expires_in: 1 to 604800 seconds; temporary credentials end it sooner.
    ///     headers: what else must be sent with it, and is signed.
    ///
    /// The other arguments, and what is raised, are those of `sign`.
    #[pyo3(signature = (method, url, *, expires_in=900, headers=None, body=None, now=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python method")]
    fn presign(
        &self,
        py: Python<'_>,
        method: &str,
        url: &str,
        expires_in: i64,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let now = instant_or_now(now)?;
        let headers = HeaderObjects::new(headers)?;
        let headers = headers.borrowed()?;
        let body = Body::new(body)?;
        let request = Request { method, url, headers: &headers, payload: body.payload()? };
        let expires_in = lifetime(expires_in)?;
        py.detach(|| self.0.presign(&request, expires_in, now)).map_err(to_py)
    }

    fn __repr__(&self) -> String {
        let key = self.0.credentials().access_key_id();
        format!("Signer(access_key_id='{key}', region='{}', service='{}')", self.0.region(), self.0.service())
    }
}

fn is_large(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::Bytes(bytes) if bytes.len() >= DETACH_FROM)
}

/// The lifetime of a presigned URL; a negative one is refused as the core refuses zero.
pub(crate) fn lifetime(seconds: i64) -> PyResult<Duration> {
    u64::try_from(seconds).map(Duration::from_secs).map_err(|_| {
        to_py(
            Error::new(ErrorKind::InvalidExpiresIn, format!("a presigned URL cannot live {seconds} seconds"))
                .with_hint("choose 1 to 604800 seconds; temporary credentials end it sooner"),
        )
    })
}

/// The URL in the form in which every verifier reads it alike, ready to be signed and sent.
///
/// Dot segments are resolved and `//` left alone; what cannot be sent is percent-encoded as UTF-8; the query is encoded
/// strictly and sorted by key; scheme and host are in lower case, without default port, user info and fragment.
///
/// Raises:
///     ValidationError: `invalid_url` if it is relative or malformed, or holds a control character.
#[pyfunction]
pub(crate) fn canonical_url(url: &str) -> PyResult<String> {
    xacct_sign::canonical_url(url).map_err(to_py)
}

/// Refuses a URL to which a signed request must not go.
#[pyfunction]
pub(crate) fn _check_private(url: &str) -> PyResult<()> {
    xacct_sign_client::check_private(url).map_err(to_py)
}

/// The bytes that a session sends for a body.
pub(crate) fn body_bytes(body: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<u8>> {
    match Body::new(body)?.payload()? {
        Payload::Bytes(bytes) => Ok(bytes.to_vec()),
        _ => Err(to_py(
            Error::new(ErrorKind::InvalidBody, "a session sends bytes or str, not the hash of a body")
                .with_hint("pass the body itself"),
        )),
    }
}
