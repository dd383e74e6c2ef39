//! Roles as they are deployed, or are about to be: read back from the forms in which AWS and its tools show them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::configuration::Configuration;
use super::error::DeployedError;
use super::form::{self, IAM, RENDERED, inline, text_of};
use super::role::{DeployedRole, RolePart};
use super::template::Template;
use super::terraform;
use crate::iam::elements::{is_denying, statements};
use crate::iam::json::Strict;

/// Every role of a document: a bare trust policy; what `aws iam get-role`, `list-roles` or
/// `get-account-authorization-details` print, policies URL-encoded or not; a CloudFormation template; and what
/// [`Plan::render`](crate::Plan::render) makes. A list may be empty.
///
/// # Errors
///
/// [`DeployedError`] when the text is not JSON or none of these, is a part of a list, or a policy is not one.
pub fn read_roles(text: &str) -> Result<Vec<DeployedRole>, DeployedError> {
    let Strict(value) = serde_json::from_str(text)
        .map_err(|error| DeployedError::new("not_json", format!("it is not JSON: {error}")))?;
    let Value::Object(document) = &value else {
        return Err(DeployedError::no_role());
    };
    if let Some(error) = terraform::not_configuration(&value) {
        return Err(error);
    }
    // What is missing would look as if it were not there.
    if document.get("IsTruncated") == Some(&Value::Bool(true)) || text_of(&value, "NextToken").is_some() {
        return Err(DeployedError::new("truncated", "it is a part of a list, which goes on"));
    }
    let roles = if document.contains_key("Statement") {
        if statements(&value).iter().any(|statement| statement.get("Resource").is_some()) {
            return Err(DeployedError::of_no_trust());
        }
        vec![bare(value.clone())]
    } else if let Some(template) = Template::of(document) {
        template.roles()?
    } else if let Some(role) = document.get("Role") {
        vec![DeployedRole { is_alone: true, ..of_iam(role, &[RolePart::ManagedPolicies])? }]
    } else if let Some(Value::Array(roles)) = document.get("Roles") {
        let unseen = [RolePart::ManagedPolicies, RolePart::PermissionsBoundary, RolePart::Tags];
        roles.iter().map(|role| of_iam(role, &unseen)).collect::<Result<_, _>>()?
    } else if let Some(Value::Array(roles)) = document.get("RoleDetailList") {
        let managed = managed_policies(document.get("Policies"));
        roles.iter().map(|role| Ok(with_managed(of_iam(role, &[])?, &managed))).collect::<Result<_, _>>()?
    } else if let Some(Value::Array(roles)) = document.get("roles") {
        roles.iter().map(rendered).collect::<Result<_, _>>()?
    } else if let Some(configuration) = Configuration::of(document) {
        terraform::roles(&configuration)?
    } else {
        return Err(DeployedError::no_role());
    };
    Ok(roles)
}

fn bare(trust_policy: Value) -> DeployedRole {
    DeployedRole {
        name: None,
        arn: None,
        place: None,
        is_alone: true,
        path: "/".to_owned(),
        max_session_duration: 3_600,
        trust_policy,
        policies: Vec::new(),
        managed_policies: Vec::new(),
        permissions_boundary: None,
        tags: BTreeMap::new(),
        unseen: BTreeSet::from(RolePart::ALL),
        ignored: Vec::new(),
    }
}

/// A role as IAM prints it; each command leaves something out, whether the role has it or not.
fn of_iam(role: &Value, unseen: &[RolePart]) -> Result<DeployedRole, DeployedError> {
    let mut read = IAM.read(role, &place(role))?;
    read.policies = inline(role, "RolePolicyList", &mut read)?;
    for (key, part) in [
        ("Path", RolePart::Path),
        ("MaxSessionDuration", RolePart::MaxSessionDuration),
        ("RolePolicyList", RolePart::InlinePolicies),
    ] {
        read.unseen.extend(role.get(key).is_none().then_some(part));
    }
    let is_there = |part: &RolePart| match part {
        RolePart::ManagedPolicies => role.get("AttachedManagedPolicies").is_some(),
        RolePart::PermissionsBoundary => role.get("PermissionsBoundary").is_some(),
        _ => role.get("Tags").is_some(),
    };
    read.unseen.extend(unseen.iter().filter(|part| !is_there(part)));
    Ok(read)
}

/// A role as [`Format::Json`](crate::Format::Json) writes it.
fn rendered(role: &Value) -> Result<DeployedRole, DeployedError> {
    let name = text_of(role, "name").unwrap_or_default();
    let mut read = RENDERED.read(role, &format!("role `{name}`"))?;
    read.policies = vec![form::policy(role.get("invoke_policy"))?];
    Ok(read)
}

/// The managed policies that `get-account-authorization-details` prints, by their ARNs: of each the version that is in force
/// ([ManagedPolicyDetail](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ManagedPolicyDetail.html)). Without those that
/// cannot be read; and without those that deny, which take from what a role may and give it nothing.
fn managed_policies(listed: Option<&Value>) -> BTreeMap<&str, Value> {
    let in_force = |policy| {
        let versions = Value::as_array(Value::get(policy, "PolicyVersionList")?)?;
        let default = versions.iter().find(|version| version.get("IsDefaultVersion") == Some(&Value::Bool(true)))?;
        Some((text_of(policy, "Arn")?, default.get("Document")))
    };
    let all = listed.and_then(Value::as_array).into_iter().flatten().filter_map(in_force);
    let read = all.filter_map(|(arn, document)| Some((arn, form::policy(document).ok()?)));
    read.filter(|(_, policy)| !is_denying(policy)).collect()
}

/// What of a role's managed policies is there in full counts as its own does; the others stay what is not read.
fn with_managed(mut role: DeployedRole, known: &BTreeMap<&str, Value>) -> DeployedRole {
    role.managed_policies.retain(|arn| match known.get(arn.as_str()) {
        Some(policy) => {
            role.policies.push(policy.clone());
            false
        }
        None => true,
    });
    role
}

fn place(role: &Value) -> String {
    format!("role `{}`", text_of(role, "RoleName").unwrap_or_default())
}
