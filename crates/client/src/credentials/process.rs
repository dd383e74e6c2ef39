//! Credentials that a program prints
//! ([process credentials](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html)).

use serde_json::Value;
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Credentials, Error, ErrorKind};
use zeroize::Zeroizing;

use super::{shown, temporary};
use crate::host::Host;
use crate::patience::Patience;

/// Those of the `credential_process` of a profile.
pub(super) fn load(
    host: &dyn Host,
    patience: &Patience,
    profile: &str,
    program: &str,
    arguments: &[String],
) -> Result<Credentials, Error> {
    let what = format!("the `credential_process` of the profile {}", shown::name(profile));
    run(host, patience, &what, program, arguments)
}

/// Runs a program, which errors call `what`, and reads what it prints. Its standard error may be shown, its output never.
pub(super) fn run(
    host: &dyn Host,
    patience: &Patience,
    what: &str,
    program: &str,
    arguments: &[String],
) -> Result<Credentials, Error> {
    let output = host.run(program, arguments, patience).map_err(|error| shown::about(what, error))?;
    let stdout = Zeroizing::new(output.stdout);
    if output.code != Some(0) {
        let ended = match output.code {
            Some(code) => format!("ended with code {code}"),
            None => "was ended by a signal".to_owned(),
        };
        let said = shown::ending(&String::from_utf8_lossy(&output.stderr));
        let said = if said.is_empty() { " and says nothing on standard error".to_owned() } else { format!(": {said}") };
        return Err(Error::new(ErrorKind::CredentialsRefused, format!("{what} {ended}{said}")));
    }
    read(&stdout).map_err(|wrong| {
        Error::new(ErrorKind::CredentialsRefused, format!("{what} prints {wrong}")).with_hint(
            "it should print `{\"Version\": 1, \"AccessKeyId\": ..., \"SecretAccessKey\": ..., \"SessionToken\": ..., \
             \"Expiration\": ...}` to standard output, the last two where there are such",
        )
    })
}

/// The error ends the sentence "it prints".
fn read(stdout: &[u8]) -> Result<Credentials, String> {
    // The parser's own error could show what it met.
    let value: Value = serde_json::from_slice(stdout).map_err(|_| "no JSON document".to_owned())?;
    if value.get("Version").and_then(Value::as_u64) != Some(1) {
        return Err("a document whose `Version` is not 1".to_owned());
    }
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("a document whose `{key}` is no text")),
    };
    let needed = |key: &str| text(key)?.ok_or_else(|| format!("a document without `{key}`"));
    let expires_at = match text("Expiration")? {
        Some(at) => Some(parse_rfc3339(at).ok_or("a document whose `Expiration` is no RFC 3339 instant")?),
        None => None,
    };
    let (key_id, secret, token) = (needed("AccessKeyId")?, needed("SecretAccessKey")?, text("SessionToken")?);
    Credentials::new(key_id, secret, token.map(str::to_owned), expires_at)
        .and_then(|credentials| temporary::with_token(credentials, "print `SessionToken`, too"))
        .map_err(|error| format!("malformed credentials: {error}"))
}
