//! The call in a POSIX shell.

use std::borrow::Cow;

use serde_json::{Map, Value};
use shlex::Quoter;

use super::call::Call;
use crate::target::HttpApi;

/// A word of the shell's, also where it is pasted into an interactive one, which reads `!` within double quotes.
fn word(text: &str) -> Cow<'_, str> {
    // No other text than one with a NUL is an error, and no value of a manifest has one.
    Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed("''"))
}

/// The parameters of `AssumeRole` in JSON: as options of their own the AWS CLI would take a value that begins with `-` for an
/// option, and one that begins with `file://` for a file to be read and sent.
fn parameters(call: &Call<'_>) -> String {
    let mut parameters = Map::from_iter([
        ("RoleArn".to_owned(), Value::from(call.arn)),
        ("RoleSessionName".to_owned(), Value::from(call.any_session_name())),
    ]);
    parameters.extend(call.external_id.map(|id| ("ExternalId".to_owned(), Value::from(id))));
    Value::from(parameters).to_string()
}

pub(super) fn snippet(call: &Call<'_>) -> String {
    let method = match call.method {
        "GET" => String::new(),
        "HEAD" => " --head".to_owned(),
        other => format!(" --request {}", word(other)),
    };
    format!(
        "read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<EOF
$(aws sts assume-role --region {region} \\
  --cli-input-json {parameters} \\
  --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
EOF
curl{method} --aws-sigv4 {signed} --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" \\
  --header \"x-amz-security-token: $AWS_SESSION_TOKEN\" {url}
",
        region = word(call.region),
        parameters = word(&parameters(call)),
        signed = word(&format!("aws:amz:{}:{}", call.region, HttpApi::SIGNING_NAME)),
        url = word(&format!("{}{}", call.url, call.path)),
    )
}
