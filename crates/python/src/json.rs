//! JSON without Python's `json` module, whose import costs more than a signed call.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};

/// What is nested deeper is left to Python, which tells a cycle from depth.
const DEEPEST: usize = 64;

/// The value in compact JSON, or `None` where only Python's `json` knows what to do: subclasses and other types, keys that
/// are no `str`, integers beyond 64 bits, NaN, deep nesting.
#[pyfunction]
#[pyo3(name = "_dumps")]
pub(crate) fn dumps<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBytes>> {
    serde_json::to_vec(&Value { value, depth: 0, bytes: Bytes::Refused }).ok().map(|text| PyBytes::new(py, &text))
}

/// The same as a text, for Rust. Bytes are texts there, as the bodies of answers are.
pub(crate) fn json(value: &Bound<'_, PyAny>) -> Option<String> {
    serde_json::to_string(&Value { value, depth: 0, bytes: Bytes::AsText }).ok()
}

/// What is made of bytes: JSON has none.
#[derive(Clone, Copy, PartialEq)]
enum Bytes {
    Refused,
    AsText,
}

struct Value<'a, 'py> {
    value: &'a Bound<'py, PyAny>,
    depth: usize,
    bytes: Bytes,
}

impl Serialize for Value<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value;
        if self.depth > DEEPEST {
            return Err(S::Error::custom("nested too deep"));
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            return serializer.serialize_str(text.to_str().map_err(S::Error::custom)?);
        }
        if let Ok(truth) = value.cast_exact::<PyBool>() {
            return serializer.serialize_bool(truth.is_true());
        }
        if value.is_exact_instance_of::<PyInt>() {
            return serializer.serialize_i64(value.extract().map_err(S::Error::custom)?);
        }
        if let Ok(number) = value.cast_exact::<PyFloat>() {
            let number = number.value();
            return if number.is_finite() {
                serializer.serialize_f64(number)
            } else {
                Err(S::Error::custom("no number"))
            };
        }
        if value.is_none() {
            return serializer.serialize_unit();
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let mut map = serializer.serialize_map(Some(dict.len()))?;
            for (key, value) in dict {
                let key = key.cast_exact::<PyString>().map_err(S::Error::custom)?;
                map.serialize_entry(key.to_str().map_err(S::Error::custom)?, &self.inner(&value))?;
            }
            return map.end();
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            return self.sequence(list.iter(), serializer);
        }
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return self.sequence(tuple.iter(), serializer);
        }
        if self.bytes == Bytes::AsText
            && let Ok(bytes) = value.extract::<Cow<'_, [u8]>>()
        {
            return serializer.serialize_str(&String::from_utf8_lossy(&bytes));
        }
        Err(S::Error::custom("another type"))
    }
}

impl<'py> Value<'_, 'py> {
    fn inner<'b>(&self, value: &'b Bound<'py, PyAny>) -> Value<'b, 'py> {
        Value { value, depth: self.depth + 1, bytes: self.bytes }
    }

    fn sequence<S: Serializer>(
        &self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut sequence = serializer.serialize_seq(None)?;
        for item in items {
            sequence.serialize_element(&self.inner(&item))?;
        }
        sequence.end()
    }
}
