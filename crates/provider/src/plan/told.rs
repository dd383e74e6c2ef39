//! What callers have been told, as the lock file has it, and what they have to be told now: a role whose ARN has changed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::sharing::{Plan, RoleChange};
use crate::manifest::{Lock, Told};

/// What a caller is told in place of a role where it assumes none.
pub(crate) const DIRECT: &str = "direct";

/// What it is told where it shows a server who it is.
pub(crate) const IDENTITY: &str = "identity";

/// A stage and a caller by the names that they had, and what the caller was told.
pub(crate) type Before<'l> = (&'l str, &'l str, &'l Told);

impl Plan<'_> {
    /// Callers that break when this is deployed and nobody tells them: their role has another ARN than the lock file knows,
    /// because they got or lost `routes`, were renamed as their stage may have been, moved to another of the shared roles, or
    /// because the API's `role_name` or account changed; or they assumed none, and now do, or the other way round
    /// (`direct`; `identity` for a server). What the lock file does not know is new, and no change.
    #[must_use]
    pub fn role_changes(&self) -> &[RoleChange] {
        &self.role_changes
    }

    /// What the lock file knows of each caller on each stage, both as they are now: by what stays when they are renamed.
    pub(crate) fn told_before<'l>(&'l self, before: &'l Lock) -> BTreeMap<(&'l str, &'l str), Before<'l>> {
        let by_name: BTreeMap<(&str, &str), Before<'l>> = before.told().map(|one| ((one.0, one.1), one)).collect();
        // Stages of one API are told apart by their names; what is left is of stages that were renamed.
        let is_same = |known: &Told, told: &Told| known.api == told.api && known.caller == told.caller;
        let now: BTreeMap<(&str, &str), &Told> =
            self.lock.told().map(|(stage, caller, told)| ((stage, caller), told)).collect();
        let is_found =
            |(stage, caller, known): &Before<'l>| now.get(&(*stage, *caller)).is_some_and(|told| is_same(known, told));
        let left = before.told().filter(|one| !is_found(one));
        let by_principal: BTreeMap<(&str, &str), Before<'l>> =
            left.map(|one| ((one.2.api.as_str(), one.2.caller.as_str()), one)).collect();
        let mut known: BTreeMap<(&str, &str), Before<'l>> = BTreeMap::new();
        for (key, told) in &now {
            let same = by_name.get(key).filter(|known| is_same(known.2, told));
            let same = same.or_else(|| by_principal.get(&(told.api.as_str(), told.caller.as_str())));
            known.extend(same.map(|same| (*key, *same)));
        }
        // A name that another had before stands for that one.
        let taken: BTreeSet<(&str, &str)> = known.values().map(|one| (one.0, one.1)).collect();
        let others = by_name.into_iter().filter(|(key, _)| now.contains_key(key) && !taken.contains(key));
        for (key, one) in others {
            known.entry(key).or_insert(one);
        }
        known
    }

    /// Records what every caller is told, and what of it is another thing than before.
    pub(super) fn tell(&mut self, before: &Lock) {
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
        for ((caller, stage), told) in all {
            self.lock.record_told(&stage, &caller, told);
        }
        let known = self.told_before(before);
        let now = self
            .lock
            .told()
            .filter_map(|(stage, caller, told)| Some((stage, caller, told, known.get(&(stage, caller))?)));
        let changed = now.filter(|(_, _, told, (_, _, known))| known.role != told.role);
        let mut changes: Vec<RoleChange> = changed
            .map(|(stage, caller, told, (_, _, known))| RoleChange {
                caller: caller.to_owned(),
                stage: stage.to_owned(),
                from: known.role.clone(),
                to: told.role.clone(),
            })
            .collect();
        changes.sort_by(|a, b| (&a.caller, &a.stage).cmp(&(&b.caller, &b.stage)));
        self.role_changes = changes;
    }
}
