//! A role as a document shows it, and what of a role a document does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// A role with its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeployedRole {
    /// The role's name; `None` of a bare trust policy.
    pub name: Option<String>,
    /// The role's ARN, if the document says it.
    pub arn: Option<String>,
    /// Where it stands in the document, of one without a literal name.
    pub(crate) place: Option<String>,
    /// Whether the document is about this role alone, and so says nothing of a stage's other roles: a bare trust policy, and
    /// what `aws iam get-role` prints.
    pub is_alone: bool,
    /// The role's path, `/` if the document does not say.
    pub path: String,
    /// The longest session that the role gives, in seconds; 3600 if the document does not say.
    pub max_session_duration: u32,
    /// Who may assume the role, a policy in JSON.
    pub trust_policy: Value,
    /// What its sessions may do, by policies that the document holds, in JSON: its inline ones, and of those that are attached
    /// what it holds.
    pub policies: Vec<Value>,
    /// Which of these are managed ones: the ARN by the number of the policy.
    pub(crate) managed: BTreeMap<usize, String>,
    /// The ARNs of the other managed policies that are attached to it, or what stands for them.
    pub managed_policies: Vec<String>,
    /// The ARN of its permissions boundary, or what stands for it.
    pub permissions_boundary: Option<String>,
    /// Its tags, but for those of AWS's own (`aws:...`).
    pub tags: BTreeMap<String, String>,
    /// What the document does not say of a role.
    pub unseen: BTreeSet<RolePart>,
    /// What stands in the document and decides in AWS, but is not read, in words.
    pub ignored: Vec<String>,
}

impl DeployedRole {
    /// Which role it is, in words.
    pub(crate) fn shown(&self) -> String {
        match (&self.name, &self.place) {
            (Some(name), _) => format!("role `{name}`"),
            (None, Some(place)) => format!("the role of {place}"),
            (None, None) => "the role".to_owned(),
        }
    }
}

/// What belongs to a role besides its trust policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RolePart {
    /// The path, and so the ARN.
    Path,
    /// The longest session that it gives.
    MaxSessionDuration,
    /// What its sessions may do, by policies of its own.
    InlinePolicies,
    /// What they may do by policies that are attached.
    ManagedPolicies,
    /// What they may do at most.
    PermissionsBoundary,
    /// Its tags.
    Tags,
}

impl RolePart {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Path,
        Self::MaxSessionDuration,
        Self::InlinePolicies,
        Self::ManagedPolicies,
        Self::PermissionsBoundary,
        Self::Tags,
    ];
}

impl fmt::Display for RolePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::MaxSessionDuration => "maximum session duration",
            Self::InlinePolicies => "inline policies",
            Self::ManagedPolicies => "managed policies",
            Self::PermissionsBoundary => "permissions boundary",
            Self::Tags => "tags",
        })
    }
}
