//! What all forms of a role have in common: which of its keys says what, and that no other is overlooked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xacct_sign::encode::percent_decoded;

use super::error::DeployedError;
use super::intrinsic::function;
use super::role::DeployedRole;
use crate::iam::json::Strict;

/// Under which keys a form of a role has its parts.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) max_session_duration: &'static str,
    pub(super) trust_policy: &'static str,
    pub(super) managed_policies: &'static str,
    pub(super) permissions_boundary: &'static str,
    pub(super) tags: &'static str,
    /// Keys that decide nothing, or are read elsewhere.
    pub(super) others: &'static [&'static str],
}

/// [GetRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html) and
/// [RoleDetail](https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleDetail.html).
pub(super) const IAM: Form = Form {
    name: "RoleName",
    path: "Path",
    max_session_duration: "MaxSessionDuration",
    trust_policy: "AssumeRolePolicyDocument",
    managed_policies: "AttachedManagedPolicies",
    permissions_boundary: "PermissionsBoundary",
    tags: "Tags",
    others: &["RoleId", "Arn", "CreateDate", "Description", "RoleLastUsed", "InstanceProfileList", "RolePolicyList"],
};

pub(super) const CLOUDFORMATION: Form =
    Form { managed_policies: "ManagedPolicyArns", others: &["Description", "Policies"], ..IAM };

pub(super) const RENDERED: Form = Form {
    name: "name",
    path: "path",
    max_session_duration: "max_session_duration",
    trust_policy: "trust_policy",
    managed_policies: "managed_policies",
    permissions_boundary: "permissions_boundary",
    tags: "tags",
    others: &["arn", "invoke_policy", "callers"],
};

impl Form {
    /// Reads a role, without its inline policies; what it holds besides is noted as ignored, with its place.
    pub(super) fn read(&self, role: &Value, place: &str) -> Result<DeployedRole, DeployedError> {
        let mut ignored = Vec::new();
        let mut ignore = |key: &str| ignored.push(format!("`{key}` of {place}"));
        let known = [
            self.name,
            self.path,
            self.max_session_duration,
            self.trust_policy,
            self.managed_policies,
            self.permissions_boundary,
            self.tags,
        ];
        for (key, value) in role.as_object().into_iter().flatten() {
            if !known.contains(&key.as_str()) && !self.others.contains(&key.as_str()) && !value.is_null() {
                ignore(key);
            }
        }
        let there = |key: &str| role.get(key).filter(|value| !value.is_null());
        if there(self.path).is_some_and(|path| !path.is_string()) {
            ignore(self.path);
        }
        let duration = there(self.max_session_duration);
        let seconds = duration.and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok());
        if duration.is_some() && seconds.is_none() {
            ignore(self.max_session_duration);
        }
        Ok(DeployedRole {
            name: text_of(role, self.name).map(str::to_owned),
            arn: role.get("Arn").or_else(|| role.get("arn")).and_then(Value::as_str).map(str::to_owned),
            place: text_of(role, self.name).is_none().then(|| place.to_owned()),
            is_alone: false,
            path: text_of(role, self.path).unwrap_or("/").to_owned(),
            max_session_duration: seconds.unwrap_or(3_600),
            trust_policy: policy(role.get(self.trust_policy))?,
            policies: Vec::new(),
            managed: BTreeMap::new(),
            managed_policies: there(self.managed_policies).map(managed_policies).unwrap_or_default(),
            permissions_boundary: there(self.permissions_boundary).map(boundary),
            tags: there(self.tags).map(tags).unwrap_or_default(),
            unseen: BTreeSet::new(),
            ignored,
        })
    }
}

/// The ARN within an object of IAM's, or a text; of everything else what stands there.
fn arn_of(value: &Value, key: &str) -> String {
    value.as_str().or_else(|| text_of(value, key)).map_or_else(|| value.to_string(), str::to_owned)
}

fn boundary(value: &Value) -> String {
    arn_of(value, "PermissionsBoundaryArn")
}

fn managed_policies(value: &Value) -> Vec<String> {
    match value {
        Value::Array(policies) => policies.iter().map(|policy| arn_of(policy, "PolicyArn")).collect(),
        other => vec![other.to_string()],
    }
}

/// A list of `Key` and `Value`, or an object.
fn tags(value: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let all: Vec<(String, String)> = match value {
        Value::Object(tags) => tags.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        Value::Array(tags) => {
            let tag = |tag: &Value| match (text_of(tag, "Key"), tag.get("Value")) {
                (Some(key), Some(value)) => (key.to_owned(), text(value)),
                _ => (tag.to_string(), String::new()),
            };
            tags.iter().map(tag).collect()
        }
        other => vec![(other.to_string(), String::new())],
    };
    all.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect()
}

pub(super) fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// A policy as an object, as JSON in a text, or as that URL-encoded, which is how IAM's API answers.
pub(super) fn policy(value: Option<&Value>) -> Result<Value, DeployedError> {
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

/// The inline policies of a role, each an object with its document.
pub(super) fn inline(role: &Value, key: &str, read: &mut DeployedRole) -> Result<Vec<Value>, DeployedError> {
    match role.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        // What is none, but a function that makes one, is kept as what it is.
        Some(Value::Array(inline)) => {
            let document =
                |one: &Value| policy(if function(one).is_some() { Some(one) } else { one.get("PolicyDocument") });
            inline.iter().map(document).collect()
        }
        Some(_) => {
            read.ignored.push(format!("`{key}`, which is no list"));
            Ok(Vec::new())
        }
    }
}
