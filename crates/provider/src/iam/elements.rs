//! The parts of a policy as it stands in JSON, before anything is made of them: the one place that takes it apart.

use serde_json::Value;

/// The statements of a policy, which may be one without a list; none where there are none.
pub(crate) fn statements(policy: &Value) -> &[Value] {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Whether one of its statements denies.
pub(crate) fn is_denying(policy: &Value) -> bool {
    statements(policy).iter().any(denies)
}

/// Whether each of its statements does.
pub(crate) fn only_denies(policy: &Value) -> bool {
    !statements(policy).is_empty() && statements(policy).iter().all(denies)
}

fn denies(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
}

/// A text, or each of a list; what is no text as JSON, so that it is not lost.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }
}
