//! Bodies, and what stands for them.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use xacct_sign::{Error, ErrorKind, Payload};

use super::text;
use crate::errors::to_py;

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
    fn new(sha256: &Bound<'_, PyAny>) -> PyResult<Self> {
        text(sha256, ErrorKind::InvalidBody, "a hash").map(|sha256| Self(Some(sha256.to_owned())))
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

/// A body as its user has it, held so that it can be borrowed as a [`Payload`].
pub(crate) enum Body<'py> {
    Empty,
    Text(Bound<'py, PyString>),
    Bytes(Bound<'py, PyBytes>),
    Hash(String),
    Unsigned,
}

impl<'py> Body<'py> {
    pub(crate) fn new(body: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let Some(body) = body.filter(|body| !body.is_none()) else { return Ok(Body::Empty) };
        if let Ok(bytes) = body.cast::<PyBytes>() {
            return Ok(Body::Bytes(bytes.clone()));
        }
        if let Ok(text) = body.cast::<PyString>() {
            return Ok(Body::Text(text.clone()));
        }
        if let Ok(hash) = body.cast::<PyPayloadHash>() {
            return Ok(hash.get().sha256().map_or(Body::Unsigned, |hex| Body::Hash(hex.to_owned())));
        }
        if body.is_instance_of::<PyByteArray>() || body.is_instance_of::<PyMemoryView>() {
            let bytes = body.py().get_type::<PyBytes>().call1((body,))?;
            return Ok(Body::Bytes(bytes.cast_into::<PyBytes>()?));
        }
        Err(to_py(
            Error::new(
                ErrorKind::InvalidBody,
                format!("a body of type `{}` cannot be signed", body.get_type().name()?),
            )
            .with_hint(
                "pass bytes or str: serialise a dict, read a file or a generator first; or pass `PayloadHash(sha256)`",
            ),
        ))
    }

    pub(crate) fn payload(&self) -> PyResult<Payload<'_>> {
        Ok(match self {
            Body::Empty => Payload::Bytes(b""),
            Body::Text(text) => Payload::Bytes(
                text.to_str()
                    .map_err(|_| to_py(Error::new(ErrorKind::InvalidBody, "the body cannot be written as UTF-8")))?
                    .as_bytes(),
            ),
            Body::Bytes(bytes) => Payload::Bytes(bytes.as_bytes()),
            Body::Hash(hex) => Payload::Sha256(hex),
            Body::Unsigned => Payload::Unsigned,
        })
    }
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
