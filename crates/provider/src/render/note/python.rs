//! The call in Python.

use serde_json::Value;

use super::call::Call;

/// A text in JSON is a string literal of Python's: it has the same escapes
/// ([String literals](https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences)).
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

pub(super) fn snippet(call: &Call<'_>) -> String {
    let made = match call.arn {
        Some(arn) => {
            let mut arguments = vec![literal(arn), format!("region={}", literal(call.region))];
            arguments.extend(call.external_id.map(|id| format!("external_id={}", literal(id))));
            arguments.push(format!("session_name={}", literal(&call.session_name)));
            let arguments: String = arguments.iter().map(|argument| format!("    {argument},\n")).collect();
            format!("role = xacct_sign.AssumeRole(\n{arguments})\napi = xacct_sign.Session(role, ")
        }
        None => {
            // A custom domain does not say it.
            let region = call.is_custom.then(|| format!("region={}, ", literal(call.region)));
            let region = region.unwrap_or_default();
            format!("api = xacct_sign.Session(credentials=xacct_sign.DefaultCredentials(), {region}")
        }
    };
    format!(
        "import xacct_sign

{made}base_url={url})
print(api.{method}({path}{json}).status_code)
",
        url = literal(call.url),
        method = call.method.to_ascii_lowercase(),
        path = literal(&call.path),
        json = call.json().map(|json| format!(", json={json}")).unwrap_or_default(),
    )
}
