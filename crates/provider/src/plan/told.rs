//! What callers have been told, as the lock file has it, and what they have to be told now: a role whose ARN has changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::sharing::{Plan, RoleChange};
use crate::manifest::{Lock, Told};

/// What a caller is told in place of a role where it assumes none.
pub(crate) const DIRECT: &str = "direct";

/// What it is told where it shows a server who it is.
pub(crate) const IDENTITY: &str = "identity";

impl Plan<'_> {
    /// Callers that break when this is deployed and nobody tells them: their role has another ARN than the lock file knows,
    /// because they got or lost `routes`, were renamed as their stage may have been, moved to another of the shared roles, or
    /// because the API's `role_name` or account changed; or they assumed none, and now do, or the other way round
    /// (`direct`; `identity` for a server). What the lock file does not know is new, and no change.
    #[must_use]
    pub fn role_changes(&self) -> &[RoleChange] {
        &self.role_changes
    }

    /// Records what every caller is told, and what of it is another thing than before.
    pub(super) fn tell(&mut self, before: &Lock) {
        let by_name: BTreeMap<(&str, &str), &Told> =
            before.told().map(|(stage, caller, told)| ((stage, caller), told)).collect();
        let mut changes = Vec::new();
        // Of a caller that is several roles these stand together: it is told one role for all of them.
        let mut all: BTreeMap<(String, String), Told> = BTreeMap::new();
        for caller in self.caller_roles() {
            let directly = caller.may_call.keys().map(|stage| (stage.clone(), DIRECT.to_owned()));
            let by_identity = caller.audiences.keys().map(|stage| (stage.clone(), IDENTITY.to_owned()));
            for (stage, role) in caller.may_assume.into_iter().chain(directly).chain(by_identity) {
                let Some(api) = self.manifest.stages.get(&stage) else { continue };
                let principal = caller.organization.clone().unwrap_or_else(|| caller.arn.clone());
                match all.entry((caller.caller.clone(), stage)) {
                    Entry::Occupied(mut told) => told.get_mut().caller.push_str(&format!(",{principal}")),
                    Entry::Vacant(new) => {
                        new.insert(Told { api: api.target.identity(), caller: principal, role });
                    }
                }
            }
        }
        // Stages of one API are told apart by their names; what is left is of stages that were renamed.
        let is_same = |known: &Told, told: &Told| known.api == told.api && known.caller == told.caller;
        let is_found = |stage: &str, caller: &str, known: &Told| {
            all.get(&(caller.to_owned(), stage.to_owned())).is_some_and(|told| is_same(known, told))
        };
        let left = before.told().filter(|(stage, caller, known)| !is_found(stage, caller, known));
        let by_principal: BTreeMap<(&str, &str), &Told> =
            left.map(|(_, _, told)| ((told.api.as_str(), told.caller.as_str()), told)).collect();
        for ((caller, stage), told) in all {
            let by_name = by_name.get(&(stage.as_str(), caller.as_str()));
            let known = by_name.filter(|known| is_same(known, &told));
            let known = known.or_else(|| by_principal.get(&(told.api.as_str(), told.caller.as_str()))).or(by_name);
            if let Some(known) = known.filter(|known| known.role != told.role) {
                changes.push(RoleChange {
                    caller: caller.clone(),
                    stage: stage.clone(),
                    from: known.role.clone(),
                    to: told.role.clone(),
                });
            }
            self.lock.record_told(&stage, &caller, told);
        }
        self.role_changes = changes;
    }
}
