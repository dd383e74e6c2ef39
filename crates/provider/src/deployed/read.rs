//! Roles as they are deployed, or are about to be: read back from the forms in which AWS and its tools show them.

use serde_json::{Map, Value};
use xacct_sign::encode::percent_decoded;

use super::error::DeployedError;
use crate::iam::json::Strict;

/// A role with its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeployedRole {
    /// The role's name; `None` of a bare trust policy.
    pub name: Option<String>,
    /// Whether the document is about this role alone, and so says nothing of a stage's other roles: a bare trust policy, and
    /// what `aws iam get-role` prints.
    pub is_alone: bool,
    /// The role's path, `/` if the document does not say.
    pub path: String,
    /// The longest session that the role gives, in seconds; 3600 if the document does not say.
    pub max_session_duration: u32,
    /// Who may assume the role, a policy in JSON.
    pub trust_policy: Value,
    /// The inline policies that the document holds, in JSON.
    pub policies: Vec<Value>,
}

/// Every role of a document: a bare trust policy; what `aws iam get-role`, `list-roles` or
/// `get-account-authorization-details` print, policies URL-encoded or not; a CloudFormation template; and what
/// [`Plan::render`](crate::Plan::render) makes.
///
/// # Errors
///
/// [`DeployedError`] when the text is not JSON, holds no role, or a policy is not one.
pub fn read_roles(text: &str) -> Result<Vec<DeployedRole>, DeployedError> {
    let Strict(value) = serde_json::from_str(text)
        .map_err(|error| DeployedError::new("not_json", format!("it is not JSON: {error}")))?;
    let none = || DeployedError::new("no_role", "it holds neither a role nor a trust policy");
    let Value::Object(document) = &value else {
        return Err(none());
    };
    let roles = if document.contains_key("Statement") {
        vec![bare(value.clone())]
    } else if let Some(Value::Object(resources)) = document.get("Resources") {
        let is_role = |resource: &&Value| text_of(resource, "Type") == Some("AWS::IAM::Role");
        let properties = resources.values().filter(is_role).filter_map(|resource| resource.get("Properties"));
        properties.map(|role| read(role, "AssumeRolePolicyDocument", "Policies")).collect::<Result<_, _>>()?
    } else if let Some(role) = document.get("Role") {
        vec![DeployedRole { is_alone: true, ..read(role, "AssumeRolePolicyDocument", "RolePolicyList")? }]
    } else if let Some(Value::Array(roles)) = document.get("Roles").or_else(|| document.get("RoleDetailList")) {
        roles.iter().map(|role| read(role, "AssumeRolePolicyDocument", "RolePolicyList")).collect::<Result<_, _>>()?
    } else if let Some(Value::Array(roles)) = document.get("roles") {
        roles.iter().map(rendered).collect::<Result<_, _>>()?
    } else if let Some(Value::Object(resource)) = document.get("resource") {
        terraform(resource)?
    } else {
        Vec::new()
    };
    if roles.is_empty() { Err(none()) } else { Ok(roles) }
}

fn bare(trust_policy: Value) -> DeployedRole {
    let (name, path) = (None, "/".to_owned());
    DeployedRole { name, is_alone: true, path, max_session_duration: 3_600, trust_policy, policies: Vec::new() }
}

/// A role as IAM and CloudFormation write it.
fn read(role: &Value, trust: &str, policies: &str) -> Result<DeployedRole, DeployedError> {
    let trust_policy = policy(role.get(trust))?;
    let inline = role.get(policies).and_then(Value::as_array).into_iter().flatten();
    Ok(DeployedRole {
        name: text_of(role, "RoleName").map(str::to_owned),
        is_alone: false,
        path: text_of(role, "Path").unwrap_or("/").to_owned(),
        max_session_duration: duration(role.get("MaxSessionDuration")),
        policies: inline.map(|inline| policy(inline.get("PolicyDocument"))).collect::<Result<_, _>>()?,
        trust_policy,
    })
}

/// A role as [`Format::Json`](crate::Format::Json) writes it.
fn rendered(role: &Value) -> Result<DeployedRole, DeployedError> {
    Ok(DeployedRole {
        name: text_of(role, "name").map(str::to_owned),
        is_alone: false,
        path: text_of(role, "path").unwrap_or("/").to_owned(),
        max_session_duration: duration(role.get("max_session_duration")),
        trust_policy: policy(role.get("trust_policy"))?,
        policies: vec![policy(role.get("invoke_policy"))?],
    })
}

fn terraform(resource: &Map<String, Value>) -> Result<Vec<DeployedRole>, DeployedError> {
    let of_type = |kind: &str| resource.get(kind).and_then(Value::as_object);
    let literal = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or_default();
        Value::String(text.replace("$${", "${").replace("%%{", "%{"))
    };
    let mut roles = Vec::new();
    for (label, role) in of_type("aws_iam_role").into_iter().flatten() {
        let reference = format!("${{aws_iam_role.{label}.");
        let inline = of_type("aws_iam_role_policy").into_iter().flatten().map(|(_, inline)| inline);
        let inline = inline.filter(|i| text_of(i, "role").is_some_and(|role| role.starts_with(&reference)));
        roles.push(DeployedRole {
            name: literal(role.get("name")).as_str().map(str::to_owned),
            is_alone: false,
            path: text_of(role, "path").unwrap_or("/").to_owned(),
            max_session_duration: duration(role.get("max_session_duration")),
            trust_policy: policy(Some(&literal(role.get("assume_role_policy"))))?,
            policies: inline.map(|inline| policy(Some(&literal(inline.get("policy"))))).collect::<Result<_, _>>()?,
        });
    }
    Ok(roles)
}

fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn duration(value: Option<&Value>) -> u32 {
    value.and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(3_600)
}

/// A policy as an object, as JSON in a text, or as that URL-encoded, which is how IAM's API answers.
fn policy(value: Option<&Value>) -> Result<Value, DeployedError> {
    let invalid = |why: &str| DeployedError::new("invalid_policy", format!("a policy of a role {why}"));
    match value {
        Some(Value::Object(policy)) => Ok(Value::Object(policy.clone())),
        Some(Value::String(text)) => {
            let text = if text.trim_start().starts_with('{') {
                text.clone()
            } else {
                String::from_utf8_lossy(&percent_decoded(text)).into_owned()
            };
            let parsed: Result<Strict, _> = serde_json::from_str(&text);
            parsed.map(|Strict(value)| value).map_err(|error| invalid(&format!("is not JSON: {error}")))
        }
        Some(_) => Err(invalid("is neither an object nor a text")),
        None => Err(invalid("is missing")),
    }
}
