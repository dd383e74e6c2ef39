//! `AssumeRole`.

mod methods;

use pyo3::prelude::*;
use xacct_sign_client::RoleProvider;

use crate::held::Held;

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
///     allow_http_hosts: hosts such as `localstack` or `localstack:4566` where STS may be over plain http, beside those of
///         `XACCT_ALLOW_HTTP_HOSTS`. A `UserWarning` says so: whoever sees the traffic can read the role's credentials.
///
/// Raises:
///     ValidationError: for any argument that STS would refuse; nothing is sent.
#[pyclass(name = "AssumeRole", module = "xacct_sign", frozen)]
pub(crate) struct PyAssumeRole {
    pub(crate) provider: RoleProvider,
    pub(super) held: Held,
}
