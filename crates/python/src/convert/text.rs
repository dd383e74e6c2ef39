//! Texts and whole numbers.

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString};
use xacct_sign::{Error, ErrorKind};

use crate::errors::to_py;

/// An argument that may be left out; given as `None` it is not left out.
pub(crate) struct Given<'py>(pub(crate) Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Given<'py> {
    type Error = std::convert::Infallible;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(value.to_owned())))
    }
}

/// What is wrong with a text, in the words of its kind: `what` is "the region".
pub(crate) fn text<'a>(value: &'a Bound<'_, PyAny>, kind: ErrorKind, what: &str) -> PyResult<&'a str> {
    text_for(value, what, &|message| Error::new(kind, message))
}

/// As [`text`]; what is none is refused by an error that has the hint of what it is for.
pub(crate) fn text_for<'a>(
    value: &'a Bound<'_, PyAny>,
    what: &str,
    refused: &dyn Fn(String) -> Error,
) -> PyResult<&'a str> {
    let text = value.cast::<PyString>().map_err(|_| to_py(refused(not_a("str", value, what))))?;
    // A lone surrogate is no character.
    text.to_str().map_err(|_| to_py(refused(format!("{what} cannot be written as UTF-8"))))
}

/// As [`text`], where `None` stands for none.
pub(crate) fn optional_text(value: Option<&Bound<'_, PyAny>>, kind: ErrorKind, what: &str) -> PyResult<Option<String>> {
    value.map(|value| text(value, kind, what).map(str::to_owned)).transpose()
}

/// The texts of an iterable that is none itself.
pub(crate) fn texts(value: Option<&Bound<'_, PyAny>>, kind: ErrorKind, what: &str) -> PyResult<Vec<String>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let is_one = value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>();
    let items = value.try_iter().ok().filter(|_| !is_one);
    let items = items.ok_or_else(|| wrong_type(value, kind, what, "list"))?;
    items.map(|item| text(&item?, kind, &format!("an item of {what}")).map(str::to_owned)).collect()
}

/// A whole number; what has more than 64 bits is refused as the core refuses what is too large, by an error that has the hint of what
/// it is for.
pub(crate) fn integer(value: &Bound<'_, PyAny>, what: &str, refused: impl Fn(String) -> Error) -> PyResult<i64> {
    // A bool is an int, and no number of seconds.
    let number = value.extract().ok().filter(|_| !value.is_instance_of::<PyBool>());
    number
        .ok_or_else(|| to_py(refused(format!("{what} is a `{}`, or too large: not a whole number", type_name(value)))))
}

/// That a value is of another type than the one wanted.
pub(crate) fn wrong_type(value: &Bound<'_, PyAny>, kind: ErrorKind, what: &str, wanted: &str) -> PyErr {
    to_py(Error::new(kind, not_a(wanted, value, what)))
}

fn not_a(wanted: &str, value: &Bound<'_, PyAny>, what: &str) -> String {
    format!("{what} is a `{}`, not a `{wanted}`", type_name(value))
}

/// `botocore.credentials.Credentials`; a builtin by its name alone.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().fully_qualified_name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
