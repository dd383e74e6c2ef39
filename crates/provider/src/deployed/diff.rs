//! The difference between what is deployed and what the manifest means.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize as _;

use super::error::DeployedError;
use super::read::DeployedRole;
use crate::iam::document::Document;
use crate::iam::grants::{self, Grant};
use crate::manifest::Stage;
use crate::plan::Plan;

/// How one role differs; both lists are empty when it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleDiff {
    /// The role's name.
    pub role: String,
    /// Whether the manifest means this role.
    pub is_meant: bool,
    /// Whether the role is deployed.
    pub is_deployed: bool,
    /// What the deployed trust policy grants, and the manifest does not.
    pub only_deployed: Vec<Grant>,
    /// What the manifest grants, and the deployed trust policy does not.
    pub only_meant: Vec<Grant>,
}

impl RoleDiff {
    /// Whether both grant the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.is_meant == self.is_deployed && self.only_deployed.is_empty() && self.only_meant.is_empty()
    }
}

impl Plan<'_> {
    /// Compares the trust policies of a stage's roles with those that are deployed, by what they grant.
    ///
    /// Roles are matched by name. Of a list or a template, those count that the manifest means, there or not, and those that
    /// are named as a role of this stage would be. A document about one role is compared with that role alone. A bare policy
    /// hangs on the role `only`, or on the stage's only role.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] `role_unknown` when it cannot be told which role a policy hangs on.
    pub fn diff(
        &self,
        stage: &Stage,
        only: Option<&str>,
        deployed: &[DeployedRole],
    ) -> Result<Vec<RoleDiff>, DeployedError> {
        let partition = self.manifest.api.partition();
        let mut meant: BTreeMap<String, BTreeSet<Grant>> = BTreeMap::new();
        for role in self.stage_roles(stage) {
            meant.insert(role.name, grants_of(&role.trust_policy, partition));
        }
        let mut there: BTreeMap<String, BTreeSet<Grant>> = BTreeMap::new();
        for role in deployed {
            let name = match (&role.name, only, meant.len()) {
                (Some(name), ..) => name.clone(),
                (None, Some(name), _) => name.to_owned(),
                (None, None, 1) => meant.keys().next().cloned().unwrap_or_default(),
                (None, None, count) => {
                    let message =
                        format!("stage `{}` has {count} roles, and the policy does not say whose it is", stage.name);
                    return Err(DeployedError::new("role_unknown", message));
                }
            };
            there.insert(name, grants::of_policy(&role.trust_policy, partition));
        }
        let names: BTreeSet<String> = match (only, deployed) {
            (Some(name), _) => BTreeSet::from([name.to_owned()]),
            (None, [one]) if one.is_alone => there.keys().cloned().collect(),
            (None, _) => {
                let of_stage = there.keys().filter(|name| self.is_named_for(name, stage));
                meant.keys().chain(of_stage).cloned().collect()
            }
        };
        if let Some(name) = only.filter(|name| !meant.contains_key(*name) && !there.contains_key(*name)) {
            let message = format!("neither the manifest nor the file has a role `{name}` for stage `{}`", stage.name);
            return Err(DeployedError::new("role_unknown", message));
        }
        let none = BTreeSet::new();
        let compare = |role: String| {
            let (ours, theirs) = (meant.get(&role), there.get(&role));
            RoleDiff {
                is_meant: ours.is_some(),
                is_deployed: theirs.is_some(),
                only_deployed: grants::beyond(theirs.unwrap_or(&none), ours.unwrap_or(&none)),
                only_meant: grants::beyond(ours.unwrap_or(&none), theirs.unwrap_or(&none)),
                role,
            }
        };
        Ok(names.into_iter().map(compare).collect())
    }

    /// Whether a role is named as one of this stage would be, and not as one of another stage.
    fn is_named_for(&self, role: &str, stage: &Stage) -> bool {
        let base = self.manifest.api.role_name.name();
        let starts_with = |stage: &Stage| role.starts_with(&format!("{base}{}", stage.role_part()));
        let other = self.manifest.stages.values().filter(|other| other.name != stage.name);
        let has_longer = |other: &Stage| other.role_part().len() > stage.role_part().len() && starts_with(other);
        starts_with(stage) && !other.into_iter().any(has_longer)
    }
}

fn grants_of(document: &Document, partition: &str) -> BTreeSet<Grant> {
    // A document serializes to an object: texts, lists and maps with text keys.
    let value = document.serialize(serde_json::value::Serializer).unwrap_or_default();
    grants::of_policy(&value, partition)
}
