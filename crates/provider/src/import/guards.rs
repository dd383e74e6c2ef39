//! Managed policies that do nothing but deny, as an organization attaches them to all of its roles: what they deny beside an API, a
//! manifest may leave out.

use std::mem;

use serde_json::Value;

use crate::deployed::{DeployedRole, opens};
use crate::iam::elements::only_denies;
use crate::targets::HttpApi;

/// Such a policy.
pub(super) struct Guard {
    pub(super) arn: String,
    policy: Value,
}

impl Guard {
    /// Whether it denies any of what the role's other policies open.
    pub(super) fn denies_what_opens(&self, role: &DeployedRole) -> bool {
        opens::denies(&self.policy, HttpApi::INVOKE, &opens::opened(role))
    }
}

/// Takes them from a role.
pub(super) fn taken_from(role: &mut DeployedRole) -> Vec<Guard> {
    let mut guards = Vec::new();
    for (number, policy) in mem::take(&mut role.policies).into_iter().enumerate() {
        match role.managed.remove(&number) {
            Some(arn) if only_denies(&policy) => guards.push(Guard { arn, policy }),
            arn => {
                role.managed.extend(arn.map(|arn| (role.policies.len(), arn)));
                role.policies.push(policy);
            }
        }
    }
    guards
}
