//! URLs.

use pyo3::prelude::*;
use xacct_sign::{CanonicalUrl, Error, call};

use crate::errors::to_py;

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

/// The URL in its canonical form, if a signed request may go there.
#[pyfunction]
pub(crate) fn _reachable_url(url: &str) -> PyResult<String> {
    let reachable = |url: CanonicalUrl| call::check_reachable(url.as_url()).map(|()| url.into_string());
    CanonicalUrl::parse(url).and_then(reachable).map_err(to_py)
}

/// Where a reference in an answer leads, in its canonical form, and whether that is the same origin.
#[pyfunction]
pub(crate) fn _join_url(url: &str, reference: &str) -> PyResult<(String, bool)> {
    let join = || -> Result<(String, bool), Error> {
        let from = CanonicalUrl::parse(url)?;
        let target = from.join(reference)?;
        let is_same = target.as_url().origin() == from.as_url().origin();
        Ok((target.into_string(), is_same))
    };
    join().map_err(to_py)
}
