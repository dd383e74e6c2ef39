//! `DefaultCredentials`.

use std::sync::Arc;

use pyo3::prelude::*;
use xacct_sign::ErrorKind;
use xacct_sign_client::{CredentialSource, DefaultChain, Patience};

use crate::convert::optional_text;
use crate::credentials::PyCredentials;
use crate::machine::machine;
use crate::waiting::wait;

/// The credentials of wherever the program runs, from where AWS's SDKs look for them, in their order: the environment's keys; the
/// profile's files (keys, `credential_process`, `role_arn`, SSO); the environment's web identity (EKS); the container's endpoint
/// (ECS, EKS Pod Identity, Lambda SnapStart); the instance's metadata.
///
/// What signs or assumes a role asks it anew: keys in the environment are read each time, those in files if that was more than a second
/// ago; what had to be fetched is kept until shortly before it expires. It is what assumes a role unless something else is given.
///
/// Args:
///     profile: the profile in the place of `AWS_PROFILE`'s; the environment's keys do not count then.
///
/// Raises:
///     ValidationError: `invalid_option` if the profile is no str.
#[pyclass(name = "DefaultCredentials", module = "xacct_sign", frozen)]
pub(crate) struct PyDefaultCredentials(pub(crate) DefaultChain);

#[pymethods]
impl PyDefaultCredentials {
    #[new]
    #[pyo3(signature = (profile=None))]
    fn new(profile: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let profile = optional_text(profile, ErrorKind::InvalidOption, "the profile")?;
        Ok(Self(DefaultChain::on(Arc::new(machine()), profile)))
    }

    /// Credentials that are valid now.
    ///
    /// Raises:
    ///     CredentialsError: there are none; what was looked at, and why it had none, is said.
    ///     ValidationError: a file or a variable is malformed.
    ///     StsError: STS refused a role of the profile.
    ///     TransportError: the network failed; `TransportTimeout` if a time limit ran out.
    fn credentials(&self, py: Python<'_>) -> PyResult<PyCredentials> {
        wait(py, Patience::default(), |patience| self.0.credentials(patience)).map(PyCredentials)
    }

    /// The profile that was given.
    #[getter]
    fn profile(&self) -> Option<&str> {
        self.0.profile()
    }

    fn __repr__(&self) -> &'static str {
        // A profile's name may be long, or a secret in the wrong place.
        "DefaultCredentials()"
    }
}
