//! `xacct-sign credentials`.

use serde::Serialize;
use xacct_sign::aws::format_rfc3339;
use xacct_sign_client::Patience;

use crate::arguments::CredentialsArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::output;

/// What AWS's SDKs and its CLI read from a `credential_process`
/// ([AWS SDKs and Tools](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html)).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessCredentials<'c> {
    version: u8,
    access_key_id: &'c str,
    secret_access_key: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

pub(crate) fn run(arguments: &CredentialsArguments) -> Result<(), Failure> {
    let caller = Caller::of_role(&arguments.role, None)?;
    let credentials = caller.source.credentials(&Patience::default())?;
    output::json(&ProcessCredentials {
        version: 1,
        access_key_id: credentials.access_key_id(),
        secret_access_key: credentials.secret_access_key(),
        session_token: credentials.session_token(),
        expiration: credentials.expires_at().and_then(format_rfc3339),
    })
}
