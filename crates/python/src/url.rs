//! URLs.

use pyo3::prelude::*;
use xacct_sign::{CanonicalUrl, ErrorKind};

use crate::convert::text;
use crate::errors::to_py;

/// The URL in the form in which every verifier reads it alike, ready to be signed and sent.
///
/// Dot segments are resolved and `//` left alone; what cannot be sent is percent-encoded as UTF-8; the query is encoded
/// strictly and sorted by key; scheme and host are in lower case, without default port, user info and fragment.
///
/// Raises:
///     ValidationError: `invalid_url` if it is relative or malformed, or holds a control character.
#[pyfunction]
pub(crate) fn canonical_url(url: &Bound<'_, PyAny>) -> PyResult<String> {
    xacct_sign::canonical_url(text(url, ErrorKind::InvalidUrl, "the URL")?).map_err(to_py)
}

/// The canonical form of `target`, if it lies in the origin of `url`: both are absolute, and taken as they will be sent.
#[pyfunction]
pub(crate) fn _within_origin(url: &str, target: &str) -> PyResult<Option<String>> {
    let (from, target) = (CanonicalUrl::parse(url).map_err(to_py)?, CanonicalUrl::parse(target).map_err(to_py)?);
    Ok((target.as_url().origin() == from.as_url().origin()).then(|| target.into_string()))
}
