//! `Credentials`.

use pyo3::prelude::*;
use xacct_sign::{Credentials, ErrorKind};

use crate::convert::{datetime, instant, optional_text, text};
use crate::errors::to_py;

/// An access key id, its secret and, for temporary credentials, the session token and the instant they expire.
///
/// Args:
///     access_key_id: `AKIA...` for long-term, `ASIA...` for temporary credentials.
///     secret_access_key: shown by no `repr` and no error.
///     session_token: for temporary credentials; an empty one counts as none.
///     expires_at: an aware datetime; from then on sessions, adapters and STS calls refuse them. A `Signer` signs what it is
///         told to.
///
/// Raises:
///     ValidationError: `invalid_credentials` for a part that is empty or holds white space, `invalid_time` for a naive
///         datetime.
#[pyclass(name = "Credentials", module = "xacct_sign", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct PyCredentials(pub(crate) Credentials);

#[pymethods]
impl PyCredentials {
    #[new]
    #[pyo3(signature = (access_key_id, secret_access_key, session_token=None, expires_at=None))]
    fn new(
        access_key_id: &Bound<'_, PyAny>,
        secret_access_key: &Bound<'_, PyAny>,
        session_token: Option<&Bound<'_, PyAny>>,
        expires_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let part = |value, what| text(value, ErrorKind::InvalidCredentials, what);
        let access_key_id = part(access_key_id, "the access key id")?;
        let secret_access_key = part(secret_access_key, "the secret access key")?;
        let session_token = optional_text(session_token, ErrorKind::InvalidCredentials, "the session token")?;
        let expires_at = expires_at.map(instant).transpose()?;
        Credentials::new(access_key_id, secret_access_key, session_token, expires_at).map(Self).map_err(to_py)
    }

    #[getter]
    fn access_key_id(&self) -> &str {
        self.0.access_key_id()
    }

    #[getter]
    fn secret_access_key(&self) -> &str {
        self.0.secret_access_key()
    }

    #[getter]
    fn session_token(&self) -> Option<&str> {
        self.0.session_token()
    }

    /// The instant from which AWS refuses these credentials, as an aware datetime; None for long-term ones.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.expires_at().map(|at| datetime(py, at)).transpose()
    }

    fn __repr__(&self) -> String {
        let expiry =
            self.0.expires_at().and_then(xacct_sign::aws::format_rfc3339).unwrap_or_else(|| "never".to_owned());
        format!("Credentials(access_key_id='{}', expires_at={expiry})", self.0.access_key_id())
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.access_key_id().hash(&mut hasher);
        hasher.finish()
    }
}
