//! Headers.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping, PyString, PyTuple};
use xacct_sign::{Error, ErrorKind};

use super::text::type_name;
use crate::errors::to_py;

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
        for item in items.try_iter().map_err(|_| not_a_header())? {
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
                let name = name.to_str().map_err(|_| not_ascii())?;
                let value = match value {
                    HeaderValue::Text(text) => text.to_str().map_err(|_| not_text(name))?.as_bytes(),
                    HeaderValue::Bytes(bytes) => bytes.as_bytes(),
                };
                Ok((name, value))
            })
            .collect()
    }
}

fn pair<'py>(name: Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyString>, HeaderValue<'py>)> {
    let name = match name.cast_into::<PyString>() {
        Ok(name) => name,
        // Some clients (aiohttp, requests) carry names as bytes or as subclasses of str.
        Err(other) => match other.into_inner().cast_into::<PyBytes>() {
            Ok(bytes) => bytes.call_method1("decode", ("ascii",)).map_err(|_| not_ascii())?.cast_into::<PyString>()?,
            Err(other) => {
                return Err(refused(&format!("a header's name is a `{}`", type_name(&other.into_inner())), NO_PAIRS));
            }
        },
    };
    let value = match value.cast_into::<PyString>() {
        Ok(text) => HeaderValue::Text(text),
        Err(other) => match other.into_inner().cast_into::<PyBytes>() {
            Ok(bytes) => HeaderValue::Bytes(bytes),
            Err(other) => {
                let called = called(name.to_str().unwrap_or_default());
                let of = type_name(&other.into_inner());
                return Err(refused(&format!("{called} is a `{of}`, neither `str` nor `bytes`"), NO_PAIRS));
            }
        },
    };
    Ok((name, value))
}

const NO_PAIRS: &str = "give headers as a mapping, or as pairs, of str to str or bytes";

/// A header by its name, unless that could be a secret in the wrong place.
fn called(name: &str) -> String {
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        && name.split('-').all(|word| word.len() <= 16);
    if is_name { format!("the header `{name}`") } else { "a header".to_owned() }
}

fn not_ascii() -> PyErr {
    refused("a header's name is not ASCII", "a header name is letters, digits and hyphens")
}

fn not_text(name: &str) -> PyErr {
    refused(&format!("{} cannot be written as UTF-8", called(name)), "give the value as bytes")
}

fn not_a_header() -> PyErr {
    refused("the headers are, or hold, something else than pairs", NO_PAIRS)
}

fn refused(message: &str, hint: &'static str) -> PyErr {
    to_py(Error::new(ErrorKind::InvalidHeader, message).with_hint(hint))
}
