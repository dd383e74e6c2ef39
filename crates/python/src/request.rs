//! One request of Python's, signed.

use std::time::SystemTime;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use xacct_sign::{ErrorKind, Payload, Request, Signer, Url};

use crate::convert::{Body, HeaderObjects, text};
use crate::errors::to_py;

/// From this size on, other threads run while a body is hashed.
const DETACH_FROM: usize = 64 * 1024;

fn is_large(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::Bytes(bytes) if bytes.len() >= DETACH_FROM)
}

/// The headers that a signer adds, as a dict.
pub(crate) fn sign<'py>(
    py: Python<'py>,
    signer: &Signer,
    request: &Request<'_>,
    now: SystemTime,
) -> PyResult<Bound<'py, PyDict>> {
    let signed = if is_large(&request.payload) {
        py.detach(|| signer.sign_parts(request, now))
    } else {
        signer.sign_parts(request, now)
    }
    .map_err(to_py)?;
    let added = PyDict::new(py);
    for (name, value) in signed.headers() {
        // A text that Python has already: making one takes as long as hashing a block.
        let name = match name {
            "authorization" => intern!(py, "authorization"),
            "x-amz-date" => intern!(py, "x-amz-date"),
            "x-amz-security-token" => intern!(py, "x-amz-security-token"),
            name => &PyString::intern(py, name),
        };
        added.set_item(name, value)?;
    }
    Ok(added)
}

/// A request of what Python has, which lives as long as that is held.
pub(crate) fn with_request<T>(
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
