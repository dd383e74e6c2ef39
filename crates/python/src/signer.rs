//! `Signer`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use xacct_sign::{Scope, Signer};
use xacct_sign_client::{Patience, Signing};

use crate::convert::{Given, instant, lifetime};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::held::Held;
use crate::machine::machine;
use crate::request::{sign, with_request};
use crate::source::Source;
use crate::waiting::wait;

/// How long a presigned URL lives unless its lifetime is given.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_secs(900);

/// Signs requests for one service in one region.
///
/// The signing key is derived once a day (of the request, in UTC) and for each set of credentials; the object is safe to share
/// between threads.
///
/// Args:
///     credentials: what signs: an `AssumeRole`, whose credentials are refreshed; `Credentials`, which do not refresh and sign even
///         when they have expired; or anything else that `Session` takes as `credentials`.
///     region: the API's region; an `AssumeRole` brings its own.
///     service: the signing name, `execute-api` for API Gateway.
///
/// Raises:
///     ValidationError: `invalid_region`, `invalid_service`, `invalid_credentials`.
#[pyclass(name = "Signer", module = "xacct_sign", frozen)]
pub(crate) struct PySigner {
    signs: Signs,
    held: Held,
}

enum Signs {
    /// With credentials that stay: there is nothing to ask, and no lock on the way.
    Fixed(Signer),
    Changing(Signing, Scope),
}

impl PySigner {
    fn scope(&self) -> &Scope {
        match &self.signs {
            Signs::Fixed(signer) => signer.scope(),
            Signs::Changing(_, scope) => scope,
        }
    }

    /// Does something with the signer for the credentials of now, at the instant that is given or else the clock's: Python's users
    /// do not carry one about.
    fn with_signer<T>(
        &self,
        py: Python<'_>,
        at: Option<SystemTime>,
        then: impl FnOnce(&Signer, SystemTime) -> PyResult<T>,
    ) -> PyResult<T> {
        match &self.signs {
            Signs::Fixed(signer) => then(signer, at.unwrap_or_else(SystemTime::now)),
            Signs::Changing(signing, scope) => {
                let ask = |patience: &Patience| signing.signer_for(scope.clone(), patience);
                let signer = wait(py, Patience::default(), ask)?;
                then(&signer, at.unwrap_or_else(|| signing.clock().now()))
            }
        }
    }
}

#[pymethods]
impl PySigner {
    #[new]
    #[pyo3(
        signature = (credentials, region=None, service=Given(None)),
        text_signature = "(credentials, region=None, service='execute-api')"
    )]
    fn new(credentials: &Bound<'_, PyAny>, region: Option<&Bound<'_, PyAny>>, service: Given<'_>) -> PyResult<Self> {
        let service = service.0.unwrap_or_else(|| PyString::intern(credentials.py(), "execute-api").clone().into_any());
        let (source, held) = Source::signing(credentials)?;
        let scope = source.scope(region, &service)?;
        let signs = match source {
            Source::Given(credentials) => Signs::Fixed(Signer::new(credentials, scope)),
            source => Signs::Changing(Signing::on(Arc::new(machine()), source, scope.clone()), scope),
        };
        Ok(Self { signs, held })
    }

    #[getter]
    fn region(&self) -> &str {
        self.scope().region()
    }

    #[getter]
    fn service(&self) -> &str {
        self.scope().service()
    }

    /// What signs now; those of an `AssumeRole` are fetched where that is needed.
    #[getter]
    fn credentials(&self, py: Python<'_>) -> PyResult<PyCredentials> {
        self.with_signer(py, None, |signer, _| Ok(PyCredentials(signer.credentials().clone())))
    }

    /// The headers to add: `authorization`, `x-amz-date` and, where they apply, `x-amz-security-token` and
    /// `x-amz-content-sha256`. They replace what the request has under these names.
    ///
    /// Args:
    ///     method: as it will be sent.
    ///     url: absolute, exactly as it will be sent: `canonical_url` makes it so.
    ///     headers: a mapping or pairs of str to str (sent as UTF-8) or bytes; all are signed but those that proxies and
    ///         clients change on the way, such as `user-agent`.
    ///     body: bytes or str (sent as UTF-8), a `PayloadHash`, or `UNSIGNED_PAYLOAD` where the service takes it.
    ///     now: an aware datetime; None is the clock's. API Gateway takes it for five minutes.
    ///
    /// Raises:
    ///     ValidationError: for bad input, with its code.
    ///     CredentialsError, StsError, TransportError: as `AssumeRole.credentials`, where it signs with one.
    #[pyo3(signature = (method, url, headers=None, body=None, *, now=None))]
    fn sign<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let now = now.map(instant).transpose()?;
        with_request((method, url), headers, body, |request| {
            self.with_signer(py, now, |signer, now| sign(py, signer, request, now))
        })
    }

    /// The URL with the signature in its query. Whoever has it can send the request until it expires.
    ///
    /// Args:
    ///     expires_in: 1 to 604800 seconds; temporary credentials end it sooner.
    ///     headers: what else must be sent with it, and is signed: a `content-length`, too.
    ///
    /// The other arguments, and what is raised, are those of `sign`.
    #[pyo3(
        signature = (method, url, *, expires_in=Given(None), headers=None, body=None, now=None),
        text_signature = "($self, method, url, *, expires_in=900, headers=None, body=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python method")]
    fn presign(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        expires_in: Given<'_>,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let now = now.map(instant).transpose()?;
        with_request((method, url), headers, body, |request| {
            let expires_in = expires_in.0.map_or(Ok(DEFAULT_EXPIRES_IN), |seconds| lifetime(&seconds))?;
            self.with_signer(py, now, |signer, now| {
                py.detach(|| signer.presign(request, expires_in, now)).map_err(to_py)
            })
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }

    fn __repr__(&self) -> String {
        // What may have to be fetched for it is not shown.
        let key = match &self.signs {
            Signs::Fixed(signer) => format!("access_key_id='{}', ", signer.credentials().access_key_id()),
            Signs::Changing(..) => String::new(),
        };
        format!("Signer({key}region='{}', service='{}')", self.scope().region(), self.scope().service())
    }
}
