//! What `AssumeRole` does. Apart from what it is, since a role may be the base of another.

use std::sync::Arc;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyMapping;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{CredentialSource, DefaultChain, Patience, RoleOptions, RoleProvider};

use super::PyAssumeRole;
use crate::convert::{Given, integer, optional_text, text, texts, wrong_type};
use crate::credentials::PyCredentials;
use crate::errors::to_py;
use crate::held::Held;
use crate::http_hosts::given;
use crate::log::listener;
use crate::machine::machine;
use crate::source::Source;
use crate::waiting::{here, wait};

#[pymethods]
impl PyAssumeRole {
    #[new]
    #[pyo3(signature = (
        role_arn, *, region=None, session_name=None, external_id=None, duration_seconds=Given(None), policy=None, policy_arns=None,
        tags=None, transitive_tag_keys=None, source_identity=None, base=None, sts_endpoint=None, allow_http_hosts=None
    ), text_signature = "(role_arn, *, region=None, session_name=None, external_id=None, duration_seconds=3600, policy=None, \
        policy_arns=None, tags=None, transitive_tag_keys=None, source_identity=None, base=None, sts_endpoint=None, allow_http_hosts=None)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Python class")]
    fn new(
        py: Python<'_>,
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
        allow_http_hosts: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        use ErrorKind as Kind;
        let host = Arc::new(machine());
        let role_arn = text(role_arn, Kind::InvalidRoleArn, "the role's ARN")?;
        let mut options = here(py, || Ok(RoleOptions::without_region_on(&*host, role_arn)))?;
        options.region = optional_text(region, Kind::InvalidRegion, "the region")?;
        if let Some(session_name) = optional_text(session_name, Kind::InvalidSessionName, "the session name")? {
            options.call.session_name = session_name;
        }
        if let Some(endpoint) = optional_text(sts_endpoint, Kind::InvalidEndpoint, "the STS endpoint")? {
            options.sts_endpoint = Some(endpoint);
        }
        options.http_hosts = given(allow_http_hosts)?;
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
        let default = || Ok((Source::Default(DefaultChain::on(host.clone(), None)), Held::default()));
        let (base, held) = base.map_or_else(default, Source::base)?;
        let provider = here(py, || RoleProvider::on(host, options, base))?;
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
    let refused = |message| Error::new(ErrorKind::InvalidDuration, message);
    let seconds = integer(seconds, "`duration_seconds`", refused)?;
    u32::try_from(seconds).map_err(|_| to_py(refused(format!("a duration of {seconds} seconds is not allowed"))))
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
