//! `AssumeRole`.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{Environment, RoleOptions, RoleProvider};

use crate::credentials::PyCredentials;
use crate::errors::to_py;

/// A role's credentials: fetched from STS when they are needed, and again before they expire.
///
/// Share one object among all threads and clients: it makes one STS call per lifetime, whoever asks. Parameters and limits
/// are those of STS's `AssumeRole` (AWS STS API Reference).
///
/// Args:
///     role_arn: `arn:{partition}:iam::{account}:role/{name}`.
///     region: the API's region, whose STS endpoint is called.
///     session_name: 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`; how the other side's logs tell callers apart. None takes
///         `AWS_ROLE_SESSION_NAME`, else the Lambda function's name, else `xacct-sign`.
///     external_id: what the role's trust policy asks a third party for.
///     duration_seconds: 900 to 43200; at most 3600 if the base credentials are a role's themselves.
///     policy: a session policy as JSON, up to 2048 characters.
///     policy_arns: up to 10 managed policies of the role's account, used like `policy`.
///     tags: up to 50 session tags.
///     transitive_tag_keys: keys of `tags` that go on to the next role of a chain.
///     source_identity: 2 to 64 characters, as for `session_name`.
///     base: the credentials that assume the role; None takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
///         `AWS_SESSION_TOKEN`, read again at each refresh.
///     sts_endpoint: a URL instead of the regional endpoint's; None takes `AWS_ENDPOINT_URL_STS`, if set.
///
/// Raises:
///     ValidationError: for any argument that STS would refuse; nothing is sent.
#[pyclass(name = "AssumeRole", module = "xacct_sign", frozen)]
pub(crate) struct PyAssumeRole(pub(crate) RoleProvider);

#[pymethods]
impl PyAssumeRole {
    #[new]
    #[pyo3(signature = (
        role_arn, *, region, session_name=None, external_id=None, duration_seconds=3600, policy=None, policy_arns=Vec::new(),
        tags=None, transitive_tag_keys=Vec::new(), source_identity=None, base=None, sts_endpoint=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python class")]
    fn new(
        role_arn: String,
        region: String,
        session_name: Option<String>,
        external_id: Option<String>,
        duration_seconds: i64,
        policy: Option<String>,
        policy_arns: Vec<String>,
        tags: Option<&Bound<'_, PyDict>>,
        transitive_tag_keys: Vec<String>,
        source_identity: Option<String>,
        base: Option<&Bound<'_, PyCredentials>>,
        sts_endpoint: Option<String>,
    ) -> PyResult<Self> {
        let mut options = RoleOptions::new(role_arn, region);
        if let Some(session_name) = session_name {
            options.call.session_name = session_name;
        }
        if sts_endpoint.is_some() {
            options.sts_endpoint = sts_endpoint;
        }
        options.call.external_id = external_id;
        options.call.duration_seconds = u32::try_from(duration_seconds).map_err(|_| {
            to_py(Error::new(
                ErrorKind::InvalidDuration,
                format!("a duration of {duration_seconds} seconds is not allowed"),
            ))
        })?;
        options.call.policy = policy;
        options.call.policy_arns = policy_arns;
        if let Some(tags) = tags {
            options.call.tags =
                tags.iter().map(|(key, value)| Ok((key.extract()?, value.extract()?))).collect::<PyResult<_>>()?;
        }
        options.call.transitive_tag_keys = transitive_tag_keys;
        options.call.source_identity = source_identity;
        match base {
            Some(base) => RoleProvider::new(options, base.get().0.clone()),
            None => RoleProvider::new(options, Environment),
        }
        .map(Self)
        .map_err(to_py)
    }

    /// Credentials that are valid now; calls STS where that is needed, and waits where another thread already does.
    ///
    /// A failed early refresh is no error: the old credentials still serve.
    ///
    /// Raises:
    ///     CredentialsError: there are no base credentials, or they have expired.
    ///     StsError: STS refused or failed.
    ///     TransportError: the network failed; `TransportTimeout` if a time limit ran out.
    fn credentials(&self, py: Python<'_>) -> PyResult<PyCredentials> {
        py.detach(|| self.0.credentials()).map(PyCredentials).map_err(to_py)
    }

    #[getter]
    fn role_arn(&self) -> &str {
        self.0.role_arn()
    }

    #[getter]
    fn region(&self) -> &str {
        self.0.region()
    }

    #[getter]
    fn session_name(&self) -> &str {
        self.0.session_name()
    }

    fn __repr__(&self) -> String {
        format!(
            "AssumeRole('{}', region='{}', session_name='{}')",
            self.0.role_arn(),
            self.0.region(),
            self.0.session_name()
        )
    }
}
