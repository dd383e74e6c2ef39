//! Python values → the core's arguments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMapping, PyMemoryView, PyString, PyTuple};
use xacct_sign::{Error, ErrorKind, Payload};

use crate::errors::to_py;
use crate::signer::PyPayloadHash;

/// An aware `datetime` → an instant.
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<SystemTime> {
    let py = value.py();
    if !value.is_instance(&py.import("datetime")?.getattr("datetime")?)? {
        return Err(PyTypeError::new_err("a time is an aware datetime.datetime"));
    }
    if value.call_method0("utcoffset")?.is_none() {
        return Err(to_py(
            Error::new(ErrorKind::InvalidTime, "the datetime has no time zone")
                .with_hint("use an aware one, such as `datetime.now(timezone.utc)`"),
        ));
    }
    let seconds: f64 = value.call_method0("timestamp")?.extract()?;
    // Microseconds are what a datetime has; the float holds them until the year 2255.
    let since = Duration::try_from_secs_f64(seconds).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
    since.ok_or_else(|| to_py(Error::new(ErrorKind::InvalidTime, "the time is before 1970")))
}

/// `None` is the system's clock: Python's users do not carry one about.
pub(crate) fn instant_or_now(value: Option<&Bound<'_, PyAny>>) -> PyResult<SystemTime> {
    value.map_or_else(|| Ok(SystemTime::now()), instant)
}

/// An instant → an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, at: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let module = py.import("datetime")?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    module.getattr("datetime")?.call_method1("fromtimestamp", (seconds, utc))
}

/// The headers of a mapping, or of an iterable of pairs.
pub(crate) struct HeaderObjects<'py>(Vec<(Bound<'py, PyString>, HeaderValue<'py>)>);

enum HeaderValue<'py> {
    Text(Bound<'py, PyString>),
    Bytes(Bound<'py, PyBytes>),
}

impl<'py> HeaderObjects<'py> {
    pub(crate) fn new(headers: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let mut pairs = Vec::new();
        let Some(headers) = headers else { return Ok(Self(pairs)) };
        if let Ok(dict) = headers.cast::<PyDict>() {
            pairs.reserve(dict.len());
            for (name, value) in dict {
                pairs.push(pair(name, value)?);
            }
            return Ok(Self(pairs));
        }
        let items = match headers.cast::<PyMapping>() {
            Ok(mapping) => mapping.items()?.into_any(),
            Err(_) => headers.clone(),
        };
        for item in items.try_iter()? {
            let item = item?;
            let item = item.cast::<PyTuple>().map_err(|_| not_a_header())?;
            if item.len() != 2 {
                return Err(not_a_header());
            }
            pairs.push(pair(item.get_item(0)?, item.get_item(1)?)?);
        }
        Ok(Self(pairs))
    }

    /// Names, and values as they go on the wire: text as UTF-8.
    pub(crate) fn borrowed(&self) -> PyResult<Vec<(&str, &[u8])>> {
        self.0
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    HeaderValue::Text(text) => text.to_str().map_err(|_| not_text())?.as_bytes(),
                    HeaderValue::Bytes(bytes) => bytes.as_bytes(),
                };
                Ok((name.to_str().map_err(|_| not_text())?, value))
            })
            .collect()
    }
}

fn pair<'py>(name: Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyString>, HeaderValue<'py>)> {
    let name = match name.cast_into::<PyString>() {
        Ok(name) => name,
        // Some clients (aiohttp, requests) carry names as bytes or as subclasses of str.
        Err(other) => match other.into_inner().cast_into::<PyBytes>() {
            Ok(bytes) => bytes.call_method1("decode", ("ascii",)).map_err(|_| not_text())?.cast_into::<PyString>()?,
            Err(_) => return Err(not_a_header()),
        },
    };
    let value = match value.cast_into::<PyString>() {
        Ok(text) => HeaderValue::Text(text),
        Err(other) => HeaderValue::Bytes(other.into_inner().cast_into::<PyBytes>().map_err(|_| not_a_header())?),
    };
    Ok((name, value))
}

fn not_text() -> PyErr {
    to_py(
        Error::new(
            ErrorKind::InvalidHeader,
            "a header's name is not ASCII, or its value is text that cannot be encoded",
        )
        .with_hint("give the value as bytes"),
    )
}

fn not_a_header() -> PyErr {
    to_py(
        Error::new(ErrorKind::InvalidHeader, "a header's name or value is neither str nor bytes")
            .with_hint("give headers as a mapping, or as pairs, of str to str or bytes"),
    )
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
            Body::Text(text) => Payload::Bytes(text.to_str()?.as_bytes()),
            Body::Bytes(bytes) => Payload::Bytes(bytes.as_bytes()),
            Body::Hash(hex) => Payload::Sha256(hex),
            Body::Unsigned => Payload::Unsigned,
        })
    }
}

/// A timeout in seconds; `None` waits forever.
pub(crate) fn timeout(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let invalid = || {
        to_py(
            Error::new(ErrorKind::InvalidOption, "a timeout is a positive number of seconds")
                .with_hint("`None` waits forever"),
        )
    };
    seconds
        .map(|seconds| {
            Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero()).ok_or_else(invalid)
        })
        .transpose()
}
