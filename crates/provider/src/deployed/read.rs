//! Roles as they are deployed, or are about to be: read back from the forms in which AWS and its tools show them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xacct_sign::aws::RoleArn;

use super::configuration::Configuration;
use super::error::DeployedError;
use super::form::{self, IAM, RENDERED, inline, text_of};
use super::role::{DeployedRole, RolePart};
use super::template::Template;
use super::terraform;
use crate::iam::elements::statements;
use crate::iam::json::Strict;

/// What a document says of roles.
#[derive(Default)]
pub(crate) struct ReadRoles {
    pub(crate) roles: Vec<DeployedRole>,
    pub(crate) unread: Unread,
    /// Whether it is a list of the roles that there are: one without roles says that there are none.
    is_list: bool,
}

/// What of a document may make roles, or give them rights, and is not read, in words.
#[derive(Default)]
pub(crate) struct Unread {
    /// What may change every role, or hang something on it: each of the roles has it among what is ignored.
    of_each: Vec<String>,
    /// What may make roles of its own, or gives rights to one that is not there: none of the roles says it.
    beside: Vec<String>,
}

impl Unread {
    pub(super) fn new(of_each: Vec<String>, beside: Vec<String>) -> Self {
        Self { of_each, beside }
    }

    /// What of it is still to be said, where a role of the document is shown with what is ignored of it, or none is.
    pub(crate) fn left(&self, is_role_shown: bool) -> Vec<String> {
        if is_role_shown {
            return self.beside.clone();
        }
        let more = self.beside.iter().filter(|one| !self.of_each.contains(one));
        self.of_each.iter().chain(more).cloned().collect()
    }
}

impl ReadRoles {
    fn of_one(role: DeployedRole) -> Self {
        Self { roles: vec![role], ..Self::default() }
    }

    fn listed(roles: Result<Vec<DeployedRole>, DeployedError>) -> Result<Self, DeployedError> {
        Ok(Self { roles: roles?, is_list: true, ..Self::default() })
    }

    /// What a template says.
    pub(super) fn of_template(roles: Vec<DeployedRole>, unread: Unread) -> Self {
        Self { roles, unread, is_list: false }
    }

    /// Whether it says something of roles: not where it is a policy alone, which could be that of an API, or a template without any.
    pub(super) fn is_of_roles(&self) -> bool {
        self.is_list || self.roles.iter().any(|one| one.name.is_some() || !one.is_alone)
    }

    /// The same, without roles only where nothing else may make some.
    pub(crate) fn all(self) -> Result<Self, DeployedError> {
        let unread = self.unread.left(false);
        if self.roles.is_empty() && !unread.is_empty() { Err(DeployedError::of_unread(&unread)) } else { Ok(self) }
    }
}

/// Every role of a document: a bare trust policy; what `aws iam get-role`, `list-roles` or
/// `get-account-authorization-details` print, policies URL-encoded or not; a CloudFormation template; and what
/// [`Plan::render`](crate::Plan::render) makes. A list may be empty.
///
/// # Errors
///
/// [`DeployedError`] when the text is not JSON or none of these, is a part of a list, or a policy is not one; and for a template
/// without a role in which something that is not read may make some.
pub fn read_roles(text: &str) -> Result<Vec<DeployedRole>, DeployedError> {
    read(text)?.all().map(|read| read.roles)
}

pub(crate) fn read(text: &str) -> Result<ReadRoles, DeployedError> {
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
    if document.contains_key("Statement") {
        if statements(&value).iter().any(|statement| statement.get("Resource").is_some()) {
            return Err(DeployedError::of_no_trust());
        }
        Ok(ReadRoles::of_one(bare(value.clone())))
    } else if let Some(template) = Template::of(document) {
        template.roles()
    } else if let Some(role) = document.get("Role") {
        let role = of_iam(role, &[RolePart::ManagedPolicies])?;
        Ok(ReadRoles::of_one(DeployedRole { is_alone: true, ..role }))
    } else if let Some(Value::Array(roles)) = document.get("Roles") {
        let unseen = [RolePart::ManagedPolicies, RolePart::PermissionsBoundary, RolePart::Tags];
        ReadRoles::listed(roles.iter().map(|role| of_iam(role, &unseen)).collect())
    } else if let Some(Value::Array(roles)) = document.get("RoleDetailList") {
        let managed = managed_policies(document.get("Policies"));
        ReadRoles::listed(roles.iter().map(|role| Ok(with_managed(of_iam(role, &[])?, &managed))).collect())
    } else if let Some(Value::Array(roles)) = document.get("roles") {
        ReadRoles::listed(roles.iter().map(rendered).collect())
    } else if let Some(configuration) = Configuration::of(document) {
        terraform::roles(&configuration)
    } else if !document.is_empty() && document.keys().all(|key| RoleArn::parse(key).is_ok()) {
        Err(DeployedError::by_role())
    } else {
        Err(DeployedError::no_role())
    }
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
        managed: BTreeMap::new(),
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
/// cannot be read.
fn managed_policies(listed: Option<&Value>) -> BTreeMap<&str, Value> {
    let in_force = |policy| {
        let versions = Value::as_array(Value::get(policy, "PolicyVersionList")?)?;
        let default = versions.iter().find(|version| version.get("IsDefaultVersion") == Some(&Value::Bool(true)))?;
        Some((text_of(policy, "Arn")?, default.get("Document")))
    };
    let all = listed.and_then(Value::as_array).into_iter().flatten().filter_map(in_force);
    all.filter_map(|(arn, document)| Some((arn, form::policy(document).ok()?))).collect()
}

/// What of a role's managed policies is there in full counts as its own does; the others stay what is not read.
fn with_managed(mut role: DeployedRole, known: &BTreeMap<&str, Value>) -> DeployedRole {
    role.managed_policies.retain(|arn| match known.get(arn.as_str()) {
        Some(policy) => {
            role.managed.insert(role.policies.len(), arn.clone());
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
