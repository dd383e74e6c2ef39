//! Roles as Terraform's JSON syntax writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::DeployedError;
use super::form::{self, Form};
use super::role::DeployedRole;

const ROLE: Form = Form {
    name: "name",
    path: "path",
    max_session_duration: "max_session_duration",
    trust_policy: "assume_role_policy",
    managed_policies: "managed_policy_arns",
    permissions_boundary: "permissions_boundary",
    tags: "tags",
    others: &["description", "depends_on", "force_detach_policies", "lifecycle", "provider"],
};

/// The resources that attach something to roles, or take it from them, and are not read.
const BESIDE_ROLES: [&str; 4] = [
    "aws_iam_role_policy_attachment",
    "aws_iam_policy_attachment",
    "aws_iam_role_policies_exclusive",
    "aws_iam_role_policy_attachments_exclusive",
];

pub(super) fn roles(resource: &Map<String, Value>) -> Result<Vec<DeployedRole>, DeployedError> {
    let of_type = |kind: &str| resource.get(kind).and_then(Value::as_object).into_iter().flatten();
    let mut ignored = Vec::new();
    for kind in BESIDE_ROLES.into_iter().filter(|kind| resource.contains_key(*kind)) {
        ignored.push(format!("resource of type `{kind}`"));
    }
    for kind in ["aws_iam_role", "aws_iam_role_policy"] {
        if resource.get(kind).is_some_and(|resources| !resources.is_object()) {
            ignored.push(format!("resources of type `{kind}` that are no object"));
        }
    }
    let mut roles = BTreeMap::new();
    for (label, written) in of_type("aws_iam_role") {
        let read = ROLE.read(&unescaped(written), &format!("resource `aws_iam_role.{label}`"))?;
        roles.insert(label.as_str(), read);
    }
    for (label, inline) in of_type("aws_iam_role_policy") {
        let place = format!("resource `aws_iam_role_policy.{label}`");
        let attributes = inline.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let unknown = attributes.filter(|name| !["name", "role", "policy", "depends_on", "provider"].contains(name));
        let unknown: Vec<String> = unknown.map(|name| format!("`{name}` of {place}")).collect();
        let on = form::text_of(inline, "role").unwrap_or_default();
        let is_on = |label: &str, role: &DeployedRole| {
            let reference = on.strip_prefix("${aws_iam_role.").and_then(|rest| rest.strip_suffix('}'));
            let referred = reference.and_then(|reference| reference.strip_prefix(label));
            matches!(referred, Some(".name" | ".id")) || role.name.as_deref() == Some(on)
        };
        match roles.iter_mut().find(|(label, role)| is_on(label, role)) {
            Some((_, role)) => {
                role.policies.push(form::policy(unescaped(inline).get("policy"))?);
                role.ignored.extend(unknown);
            }
            None => ignored.push(place),
        }
    }
    Ok(roles.into_values().map(|role| form::with_ignored(role, &ignored)).collect())
}

/// What a resource says, with a policy that stands there in full.
pub(super) fn read(written: &Value, policy: &str, place: &str) -> Result<Value, DeployedError> {
    if written.get(policy).is_some_and(|policy| policy.is_string() && is_expression(policy)) {
        let message = format!("`{policy}` of {place} is an expression, and cannot be read from the configuration");
        return Err(DeployedError::new("invalid_policy", message));
    }
    Ok(unescaped(written))
}

/// Why what `terraform show -json` prints, and the state itself, is not read: in a plan, what is only known after it is applied is not there.
pub(super) fn not_configuration(value: &Value) -> Option<DeployedError> {
    let is_shown =
        ["planned_values", "values", "prior_state"].iter().any(|key| value.get(key).is_some_and(Value::is_object));
    let message = "it is a state or a plan of Terraform's, which is not read";
    let is_state = value.get("terraform_version").is_some() && value.get("resources").is_some_and(Value::is_array);
    (is_state || (is_shown && value.get("format_version").is_some()))
        .then(|| DeployedError::new("terraform_state", message))
}

/// Whether a text is what Terraform makes of it somewhere else.
pub(super) fn is_expression(value: &Value) -> bool {
    value.as_str().is_none_or(|text| text.replace("$${", "").contains("${"))
}

/// An object whose texts are what Terraform makes of them, unless they hold expressions.
pub(super) fn unescaped(value: &Value) -> Value {
    let text = |text: &str| Value::String(text.replace("$${", "${").replace("%%{", "%{"));
    match value {
        Value::String(written) => text(written),
        Value::Array(values) => values.iter().map(unescaped).collect(),
        Value::Object(values) => values.iter().map(|(key, value)| (key.clone(), unescaped(value))).collect(),
        other => other.clone(),
    }
}
