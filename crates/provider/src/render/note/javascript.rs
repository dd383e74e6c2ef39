//! The call in JavaScript.

use serde_json::Value;

use super::call::Call;

/// A text in JSON is a string literal of JavaScript's
/// ([JSON ⊂ ECMAScript](https://tc39.es/proposal-json-superset/)).
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

pub(super) fn snippet(call: &Call<'_>) -> String {
    let mut options = vec![format!("roleArn: {}", literal(call.arn)), format!("region: {}", literal(call.region))];
    options.extend(call.external_id.map(|id| format!("externalId: {}", literal(id))));
    options.extend(call.session_name.as_ref().map(|name| format!("sessionName: {}", literal(name))));
    let options: String = options.iter().map(|option| format!("  {option},\n")).collect();
    let method = match call.method {
        "GET" => String::new(),
        other => format!(", {{ method: {} }}", literal(other)),
    };
    format!(
        "import {{ createFetch }} from \"xacct-sign\";

const api = createFetch({{
{options}}});
const answer = await api({url}{method});
console.log(answer.status);
",
        url = literal(&format!("{}{}", call.url, call.path)),
    )
}
