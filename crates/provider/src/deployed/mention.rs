//! Whether what stands in a file is given something: by a reference, or by its name.

use serde_json::Value;

/// Whether a value is so, or anything within it.
pub(super) fn anywhere(value: &Value, is_so: &dyn Fn(&Value) -> bool) -> bool {
    let within = match value {
        Value::Array(values) => values.iter().any(|value| anywhere(value, is_so)),
        Value::Object(values) => values.values().any(|value| anywhere(value, is_so)),
        _ => false,
    };
    within || is_so(value)
}

/// Whether a text is the name, or an ARN with it.
pub(super) fn is_named(text: &str, name: &str) -> bool {
    let is_name = |part: &str| part == name;
    text == name || (text.contains("arn:") && text.split([':', '/', '"', '\'', ',', ' ']).any(is_name))
}

/// Whether a text has an address within it, and none that only begins or ends so.
pub(super) fn refers(text: &str, address: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(address).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at.saturating_add(address.len())..).and_then(|text| text.chars().next());
        !before.is_some_and(|c| is_part(c) || c == '.') && !after.is_some_and(is_part)
    })
}
