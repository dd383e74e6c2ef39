//! All that a document says of a stage, against what the manifest means: the policy of its API and its roles.

use serde_json::Value;

use super::diff::RoleDiff;
use super::error::{DeployedError, listed};
use super::opens;
use super::read::{self, ReadRoles};
use super::resource::ResourceDiff;
use super::role::DeployedRole;
use crate::manifest::Stage;
use crate::plan::Plan;
use crate::targets::Target;

/// The users and groups of a document: those of the API's account may call it without a role of the manifest's.
fn unread_principals(document: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    let of = |key: &str| document.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let count = of("UserDetailList").saturating_add(of("GroupDetailList"));
    (count > 0).then(|| match count {
        1 => "one user or group, who may call by policies of its own".to_owned(),
        _ => format!("{count} users and groups, who may call by policies of their own"),
    })
}

/// What may make a role that opens the stage, beside those that are compared.
fn what_may_open(unread: &[String], is_compared: bool) -> Option<String> {
    let which = if is_compared { "another role" } else { "a role" };
    (!unread.is_empty()).then(|| format!("whether {which} opens it by what is not read: {}", listed(unread)))
}

/// How what is deployed of a stage differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageDiff {
    /// The policy of its API or function, if the document holds it.
    pub policy: Option<ResourceDiff>,
    /// Its roles; none where it is called directly, and where the document is such a policy alone.
    pub roles: Vec<RoleDiff>,
    /// What the document does not say besides, in words.
    pub unsaid: Vec<String>,
    /// What it says and is not compared, in words.
    pub unread: Vec<String>,
}

impl StageDiff {
    /// Whether something differs, or could not be judged. What the document does not say does not count.
    #[must_use]
    pub fn is_different(&self) -> bool {
        self.policy.as_ref().is_some_and(ResourceDiff::is_different) || self.roles.iter().any(RoleDiff::is_different)
    }
}

impl Plan<'_> {
    /// Compares everything that a document says of a stage, in each form that [`read_roles`](crate::read_roles) and
    /// [`Self::diff_resource_policy`] read. By role, too, its API may have a policy that lets somebody in: a REST API's or a
    /// function's is compared with what the manifest means, which may be none.
    ///
    /// # Errors
    ///
    /// Those of [`Self::diff`], [`Self::diff_resource_policy`] and [`read_roles`](crate::read_roles).
    pub fn diff_stage(&self, stage: &Stage, only: Option<&str>, deployed: &str) -> Result<StageDiff, DeployedError> {
        let target = self.manifest.target(stage).ok_or_else(|| DeployedError::of_server(&stage.name))?;
        if stage.is_direct() {
            if only.is_some() {
                // It has none: an error that says so.
                self.diff(stage, only, &[])?;
            }
            let policy = Some(self.diff_resource_policy(stage, deployed)?);
            return Ok(StageDiff { policy, ..StageDiff::default() });
        }
        let policy = self.policy_beside_roles(stage, target, deployed)?;
        let read = match read::read(deployed) {
            Err(error) if policy.is_some() && error.code() == "no_role" => ReadRoles::default(),
            Ok(read) if policy.is_some() => read,
            read => read?.all()?,
        };
        let there = &read.roles;
        // A policy alone is of no role, and neither is a template of the API alone.
        let is_of_roles = policy.is_none() || read.is_of_roles();
        let roles = if is_of_roles { self.diff(stage, only, there)? } else { Vec::new() };
        let mut unsaid = Vec::new();
        // A file about one role alone says nothing of all else.
        if !there.iter().any(|role| role.is_alone) {
            if policy.is_none() && !matches!(target, Target::HttpApi(_)) {
                unsaid.push(format!("resource policy of `{}`", target.arn()));
            }
            if only.is_none() {
                unsaid.extend(self.others_unseen(stage, there, &roles));
            }
        }
        if only.is_none() {
            let is_compared = roles.iter().any(|role| role.is_deployed);
            unsaid.extend(what_may_open(&read.unread.left(is_compared), is_compared));
        }
        let unread = if only.is_none() { unread_principals(deployed) } else { None };
        Ok(StageDiff { policy, roles, unsaid, unread: unread.into_iter().collect() })
    }

    /// The policy of the API of a stage by role, if the document holds one.
    fn policy_beside_roles(
        &self,
        stage: &Stage,
        target: Target<'_>,
        deployed: &str,
    ) -> Result<Option<ResourceDiff>, DeployedError> {
        if matches!(target, Target::HttpApi(_)) {
            return Ok(None);
        }
        match self.diff_resource_policy(stage, deployed) {
            Ok(policy) => Ok(Some(policy)),
            Err(error) if ["no_resource_policy", "not_json"].contains(&error.code()) => Ok(None),
            // One that is there and cannot be read must not look as if there were none; where none is needed, the roles are
            // still worth a comparison.
            Err(error) if error.code() == "invalid_policy" && !stage.needs_resource_policy() => {
                Ok(Some(ResourceDiff::unjudged(target.arn(), error.to_string())))
            }
            Err(error) => Err(error),
        }
    }

    /// The roles that may open the stage by what the document does not say.
    fn others_unseen(&self, stage: &Stage, there: &[DeployedRole], compared: &[RoleDiff]) -> Option<String> {
        let is_compared = |name: &str| compared.iter().any(|diff| diff.role == name);
        let of_manifest = self.provider_roles();
        let is_of_another = |name: &str| of_manifest.iter().any(|role| role.name == name && role.stage != stage.name);
        let names: Vec<String> = there
            .iter()
            .filter_map(|role| role.name.as_deref().or(role.place.as_deref()).map(|name| (name, role)))
            .filter(|(name, role)| !is_compared(name) && !is_of_another(name) && !opens::unseen_rights(role).is_empty())
            .map(|(name, role)| role.name.as_ref().map_or_else(|| role.shown(), |_| format!("`{name}`")))
            .collect();
        let what = "whether other roles open it by their managed policies, or by what is not read";
        (!names.is_empty()).then(|| format!("{what}: {}", listed(&names)))
    }
}
