//! Roles as Terraform's JSON syntax writes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::configuration::{Configuration, module};
use super::error::DeployedError;
use super::form::{self, Form};
use super::mention::{is_named, refers};
use super::read::{ReadRoles, Unread};
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

/// The resources that attach something to roles, or take it from them, each with the key that says to which; they are not read.
const BESIDE_ROLES: [(&str, &str); 4] = [
    ("aws_iam_role_policy_attachment", "role"),
    ("aws_iam_policy_attachment", "roles"),
    ("aws_iam_role_policies_exclusive", "role_name"),
    ("aws_iam_role_policy_attachments_exclusive", "role_name"),
];

pub(super) fn roles(configuration: &Configuration<'_>) -> Result<ReadRoles, DeployedError> {
    let mut roles: BTreeMap<&str, DeployedRole> = BTreeMap::new();
    for resource in configuration.of_type("aws_iam_role") {
        let mut read = ROLE.read(&unescaped(resource.written), &resource.place())?;
        // Which name it is, is known once it is applied.
        if resource.written.get("name").is_some_and(is_expression) {
            (read.name, read.place) = (None, Some(resource.place()));
        }
        roles.insert(resource.label, read);
    }
    let given: BTreeMap<&str, Vec<String>> =
        roles.iter().map(|(label, role)| (*label, configuration.given(&|text| is_role(text, label, role)))).collect();
    let (mut ignored, mut beside) = (configuration.unread(), configuration.may_make());
    for resource in configuration.of_type("aws_iam_role_policy") {
        match whose(resource.written.get("role"), &roles, &given) {
            Whose::Roles(labels) => {
                beside.extend(labels.is_empty().then(|| resource.place()));
                for label in labels {
                    let Some(role) = roles.get_mut(label.as_str()) else { continue };
                    role.policies.push(form::policy(unescaped(resource.written).get("policy"))?);
                    let known = ["name", "role", "policy", "depends_on", "provider"];
                    let attributes = resource.written.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
                    let unknown = attributes.filter(|name| !known.contains(name));
                    role.ignored.extend(unknown.map(|name| format!("`{name}` of {}", resource.place())));
                }
            }
            Whose::Unknown => ignored.push(resource.place()),
        }
    }
    for (kind, key) in BESIDE_ROLES {
        for resource in configuration.of_type(kind) {
            let on = resource.written.get(key);
            if on.is_none() && ["users", "groups"].iter().any(|key| resource.written.get(key).is_some()) {
                continue;
            }
            match whose(on, &roles, &given) {
                Whose::Roles(labels) => {
                    beside.extend(labels.is_empty().then(|| resource.place()));
                    for label in labels {
                        let Some(role) = roles.get_mut(label.as_str()) else { continue };
                        role.ignored.push(resource.place());
                    }
                }
                Whose::Unknown => ignored.push(resource.place()),
            }
        }
    }
    for (label, role) in &mut roles {
        role.ignored.extend(given.get(label).into_iter().flatten().cloned());
        role.ignored.extend_from_slice(&ignored);
    }
    let roles = roles.into_values().collect();
    Ok(ReadRoles::of_template(roles, Unread::new(ignored, beside)))
}

fn is_role(text: &str, label: &str, role: &DeployedRole) -> bool {
    refers(text, &format!("aws_iam_role.{label}")) || role.name.as_ref().is_some_and(|name| is_named(text, name))
}

/// Whose something is that says on which roles it hangs.
enum Whose {
    /// Of these roles of the configuration, by label; of none where they are others'.
    Roles(Vec<String>),
    /// That is known once it is applied.
    Unknown,
}

/// A name, a reference, or a list of them. What a module says of itself is a role of its own, unless it is given one of these.
fn whose(on: Option<&Value>, roles: &BTreeMap<&str, DeployedRole>, given: &BTreeMap<&str, Vec<String>>) -> Whose {
    let all = match on {
        Some(Value::Array(all)) => all.iter().collect(),
        one => one.into_iter().collect::<Vec<_>>(),
    };
    let mut labels = Vec::new();
    for one in &all {
        let Some(text) = one.as_str() else { return Whose::Unknown };
        let name = text.replace("$${", "${");
        if !is_expression(one) {
            labels.extend(
                roles
                    .iter()
                    .filter(|(_, role)| role.name.as_ref() == Some(&name))
                    .map(|(label, _)| (*label).to_owned()),
            );
            continue;
        }
        let reference = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]\"".contains(c);
        let mut parts = reference.split(['.', '[']);
        match (parts.next(), parts.next()) {
            _ if !reference.chars().all(is_plain) => return Whose::Unknown,
            (Some("aws_iam_role"), Some(label)) => labels.extend(roles.contains_key(label).then(|| label.to_owned())),
            (Some("module"), Some(name)) if !given.values().flatten().any(|given| *given == module(name)) => {}
            _ => return Whose::Unknown,
        }
    }
    if all.is_empty() { Whose::Unknown } else { Whose::Roles(labels) }
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
