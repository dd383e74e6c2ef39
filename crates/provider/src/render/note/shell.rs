//! The call in a POSIX shell.

use std::borrow::Cow;

use serde_json::{Map, Value};
use shlex::Quoter;

use super::call::Call;

/// A word of the shell's, also where it is pasted into an interactive one, which reads `!` within double quotes.
pub(super) fn word(text: &str) -> Cow<'_, str> {
    // No other text than one with a NUL is an error, and no value of a manifest has one.
    Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed("''"))
}

/// The parameters of `AssumeRole` in JSON: as options of their own the AWS CLI would take a value that begins with `-` for an
/// option, and one that begins with `file://` for a file to be read and sent.
fn parameters(arn: &str, call: &Call<'_>) -> String {
    let mut parameters = Map::from_iter([
        ("RoleArn".to_owned(), Value::from(arn)),
        ("RoleSessionName".to_owned(), Value::from(call.session_name.as_str())),
    ]);
    parameters.extend(call.external_id.map(|id| ("ExternalId".to_owned(), Value::from(id))));
    Value::from(parameters).to_string()
}

/// In a shell of its own, so that the reader's variables stay as they are; and what is secret reaches curl by its standard
/// input, since everybody on the machine can read the arguments of a program.
pub(super) fn snippet(call: &Call<'_>) -> String {
    let credentials = match call.arn {
        Some(arn) => format!(
            "  credentials=$(aws sts assume-role --region {region} \\
    --cli-input-json {parameters} \\
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text) || exit
  read -r id secret token <<EOF
$credentials
EOF",
            region = word(call.region),
            parameters = word(&parameters(arn, call)),
        ),
        // What the AWS CLI itself would sign with, as assignments.
        None => "  credentials=$(aws configure export-credentials --format env-no-export) || exit
  eval \"$credentials\"
  id=$AWS_ACCESS_KEY_ID secret=$AWS_SECRET_ACCESS_KEY token=$AWS_SESSION_TOKEN"
            .to_owned(),
    };
    format!(
        "(
{credentials}
  curl --config - --aws-sigv4 {signed}{request} \\
    {url} <<EOF
user = \"$id:$secret\"
header = \"x-amz-security-token: $token\"
EOF
)
",
        signed = word(&format!("aws:amz:{}:{}", call.region, call.service)),
        request = request(call.method, call.json()),
        url = word(&format!("{}{}", call.url, call.path)),
    )
}

/// curl's words for method and body.
pub(super) fn request(method: &str, json: Option<&str>) -> String {
    let body =
        json.map(|json| format!(" \\\n    --header {} --data {}", word("content-type: application/json"), word(json)));
    let method = match method {
        "GET" => String::new(),
        "HEAD" => " --head".to_owned(),
        other => format!(" --request {}", word(other)),
    };
    format!("{method}{}", body.unwrap_or_default())
}
