//! `AssumeRole`.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyMapping;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{CredentialSource, DefaultChain, Patience, RoleOptions, RoleProvider};

use crate::convert::{Given, integer, optional_text, text, texts, wrong_type};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::held::Held;
use crate::log::listener;
use crate::source::Source;
use crate::waiting::wait;

/// A role's credentials: fetched from STS when they are needed, and again before they expire.
///
/// Share one object among all threads and clients: it makes one STS call per lifetime, whoever asks. Parameters and limits
/// are those of STS's `AssumeRole` (AWS STS API Reference).
///
/// Args:
///     role_arn: `arn:{partition}:iam::{account}:role/{name}`.
///     region: the API's region, whose STS endpoint is called; None takes that of the first API that is called with the
///         credentials, or where they are asked for without one, `AWS_REGION` or `AWS_DEFAULT_REGION`.
///     session_name: 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`; how the other side's logs tell callers apart. None takes
///         `AWS_ROLE_SESSION_NAME`, else the Lambda function's name, else `xacct-sign`.
///     external_id: what the role's trust policy asks a third party for.
///     duration_seconds: 900 to 43200; at most 3600 if the base credentials are a role's themselves.
///     policy: a session policy as JSON, up to 2048 characters.
///     policy_arns: up to 10 managed policies of the role's account, used like `policy`.
///     tags: up to 50 session tags.
///     transitive_tag_keys: keys of `tags` that go on to the next role of a chain.
///     source_identity: 2 to 64 characters, as for `session_name`.
///     base: what gives the credentials that assume the role, asked again at each refresh, on the thread that makes it:
///         `DefaultCredentials()`, which None stands for; `Environment()`; `Credentials`; another `AssumeRole`; a callable that
///         returns `Credentials` or what botocore has; a `boto3.Session`, a session or credentials of botocore.
///     sts_endpoint: a URL instead of the regional endpoint's; None takes `AWS_ENDPOINT_URL_STS` or
///         `AWS_ENDPOINT_URL`, if set.
///
/// Raises:
///     ValidationError: for any argument that STS would refuse; nothing is sent.
#[pyclass(name = "AssumeRole", module = "xacct_sign", frozen)]
pub(crate) struct PyAssumeRole {
    pub(crate) provider: RoleProvider,
    held: Held,
}

#[pymethods]
impl PyAssumeRole {
    #[new]
    #[pyo3(signature = (
        role_arn, *, region=None, session_name=None, external_id=None, duration_seconds=Given(None), policy=None, policy_arns=None,
        tags=None, transitive_tag_keys=None, source_identity=None, base=None, sts_endpoint=None
    ), text_signature = "(role_arn, *, region=None, session_name=None, external_id=None, duration_seconds=3600, policy=None, \
        policy_arns=None, tags=None, transitive_tag_keys=None, source_identity=None, base=None, sts_endpoint=None)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python class")]
    fn new(
        role_arn: &Bound<'_, PyAny>,
        region: Option<&Bound<'_, PyAny>>,
        session_name: Option<&Bound<'_, PyAny>>,
        external_id: Option<&Bound<'_, PyAny>>,
        duration_seconds: Given<'_>,
        policy: Option<&Bound<'_, PyAny>>,
        policy_arns: Option<&Bound<'_, PyAny>>,
        tags: Option<&Bound<'_, PyAny>>,
        transitive_tag_keys: Option<&Bound<'_, PyAny>>,
        source_identity: Option<&Bound<'_, PyAny>>,
        base: Option<&Bound<'_, PyAny>>,
        sts_endpoint: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        use ErrorKind as Kind;
        let mut options = RoleOptions::without_region(text(role_arn, Kind::InvalidRoleArn, "the role's ARN")?);
        options.region = optional_text(region, Kind::InvalidRegion, "the region")?;
        if let Some(session_name) = optional_text(session_name, Kind::InvalidSessionName, "the session name")? {
            options.call.session_name = session_name;
        }
        if let Some(endpoint) = optional_text(sts_endpoint, Kind::InvalidEndpoint, "the STS endpoint")? {
            options.sts_endpoint = Some(endpoint);
        }
        let call = &mut options.call;
        call.external_id = optional_text(external_id, Kind::InvalidExternalId, "the external id")?;
        if let Some(seconds) = duration_seconds.0 {
            call.duration_seconds = duration(&seconds)?;
        }
        call.policy = optional_text(policy, Kind::InvalidSessionPolicy, "the session policy")?;
        call.policy_arns = texts(policy_arns, Kind::InvalidSessionPolicy, "`policy_arns`")?;
        call.tags = pairs(tags)?;
        call.transitive_tag_keys = texts(transitive_tag_keys, Kind::InvalidTag, "`transitive_tag_keys`")?;
        call.source_identity = optional_text(source_identity, Kind::InvalidSourceIdentity, "the source identity")?;
        options.listener = Some(listener());
        let (base, held) =
            base.map_or_else(|| Ok((Source::Default(DefaultChain::new()), Held::default())), Source::base)?;
        let provider = RoleProvider::new(options, base).map_err(to_py)?;
        Ok(Self { provider, held })
    }

    /// Credentials that are valid now; calls STS where that is needed, and waits where another thread already does.
    ///
    /// A failed early refresh is no error: the old credentials still serve.
    ///
    /// Raises:
    ///     CredentialsError: there are no base credentials, or they have expired.
    ///     StsError: STS refused or failed.
    ///     TransportError: the network failed; `TransportTimeout` if a time limit ran out.
    ///     Exception: what a callable that is the base raised, as it is.
    fn credentials(&self, py: Python<'_>) -> PyResult<PyCredentials> {
        wait(py, Patience::default(), |patience| CredentialSource::credentials(&self.provider, patience))
            .map(PyCredentials)
    }

    #[getter]
    fn role_arn(&self) -> &str {
        self.provider.role_arn()
    }

    #[getter]
    fn region(&self) -> Option<&str> {
        self.provider.region()
    }

    #[getter]
    fn session_name(&self) -> &str {
        self.provider.session_name()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }

    fn __repr__(&self) -> String {
        let region = self.provider.region().map_or_else(String::new, |region| format!("region='{region}', "));
        let (arn, name) = (self.provider.role_arn(), self.provider.session_name());
        format!("AssumeRole('{arn}', {region}session_name='{name}')")
    }
}

fn duration(seconds: &Bound<'_, PyAny>) -> PyResult<u32> {
    let seconds = integer(seconds, ErrorKind::InvalidDuration, "`duration_seconds`")?;
    u32::try_from(seconds).map_err(|_| {
        to_py(Error::new(ErrorKind::InvalidDuration, format!("a duration of {seconds} seconds is not allowed")))
    })
}

/// Session tags, of a mapping.
fn pairs(tags: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, String)>> {
    let Some(tags) = tags else { return Ok(Vec::new()) };
    let part = |part: &Bound<'_, PyAny>, what| text(part, ErrorKind::InvalidTag, what).map(str::to_owned);
    let Ok(tags) = tags.cast::<PyMapping>() else {
        return Err(wrong_type(tags, ErrorKind::InvalidTag, "`tags`", "dict"));
    };
    let items = tags.items()?;
    items
        .iter()
        .map(|item| Ok((part(&item.get_item(0)?, "a tag's key")?, part(&item.get_item(1)?, "a tag's value")?)))
        .collect()
}
