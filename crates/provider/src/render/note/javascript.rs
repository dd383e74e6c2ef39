//! The call in JavaScript.

use serde_json::Value;

use super::call::Call;

/// A text in JSON is a string literal of JavaScript's
/// ([JSON ⊂ ECMAScript](https://tc39.es/proposal-json-superset/)).
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

pub(super) fn snippet(call: &Call<'_>) -> String {
    let region = format!("region: {}", literal(call.region));
    let (imports, options) = match call.arn {
        Some(arn) => {
            let mut options = vec![format!("roleArn: {}", literal(arn)), region];
            options.extend(call.external_id.map(|id| format!("externalId: {}", literal(id))));
            options.push(format!("sessionName: {}", literal(&call.session_name)));
            ("createFetch", options)
        }
        None => ("createFetch, fromEnv", vec!["credentials: fromEnv()".to_owned(), region]),
    };
    let options: String = options.iter().map(|option| format!("  {option},\n")).collect();
    let init = init(call.method, call.json());
    format!(
        "import {{ {imports} }} from \"xacct-sign\";

const api = createFetch({{
{options}}});
const answer = await api({url}{init});
console.log(answer.status);
",
        url = literal(&format!("{}{}", call.url, call.path)),
    )
}

/// The second argument of `fetch`, with the comma before it.
pub(super) fn init(method: &str, json: Option<&str>) -> String {
    let quoted = literal(method);
    match (method, json) {
        ("GET", _) => String::new(),
        (_, None) => format!(", {{ method: {quoted} }}"),
        (_, Some(json)) => format!(
            ", {{
  method: {quoted},
  headers: {{ \"content-type\": \"application/json\" }},
  body: JSON.stringify({json}),
}}"
        ),
    }
}
