//! Callers whose terms do not hold, because a wider caller on the same stage lets them in on laxer ones.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::RoleName;

use crate::manifest::{Caller, CallerPrincipals, Manifest, RolePattern, Route, WhichRole};

/// How many of the wider callers on a stage are named.
const NAMED: usize = 3;

/// The callers of a manifest that are more than a role of an account, by what tells the API of their stages from others.
pub(crate) struct WideCallers<'m> {
    by_api: BTreeMap<String, OnStage<'m>>,
    manifest: &'m Manifest,
}

#[derive(Default)]
struct OnStage<'m> {
    organizations: Alike<'m>,
    /// Roles of a name, or by a pattern of names, in every account.
    any_account: Alike<'m>,
    /// Those of a name, by it.
    any_account_by_role: BTreeMap<&'m RoleName, Alike<'m>>,
    whole_accounts: BTreeMap<&'m str, &'m Caller>,
    /// Those that are roles by a pattern of their names, by account; `*` for a pattern of every account.
    patterns: BTreeMap<&'m str, Vec<(&'m RolePattern, &'m Caller)>>,
}

/// Callers by their external id; of those with the same terms the first, which lifts what the others do.
#[derive(Default)]
struct Alike<'m> {
    by_external_id: BTreeMap<Option<&'m str>, BTreeMap<Terms<'m>, &'m Caller>>,
}

/// What tells the terms of two callers with the same external id apart.
type Terms<'m> = (&'m Option<Vec<Route>>, &'m [String], bool);

impl<'m> Alike<'m> {
    fn push(&mut self, caller: &'m Caller) {
        let terms = (&caller.routes, caller.session_names.as_slice(), caller.is_third_party);
        self.by_external_id.entry(caller.external_id.as_deref()).or_default().entry(terms).or_insert(caller);
    }

    /// Those that could let the caller in: they ask for no external id, or for the one that it sends.
    fn open_to<'s>(&'s self, caller: &'m Caller) -> impl Iterator<Item = &'m Caller> + 's {
        let own = caller.external_id.as_deref();
        let ids = std::iter::once(None).chain(own.map(Some));
        ids.filter_map(|id| self.by_external_id.get(&id)).flat_map(BTreeMap::values).copied()
    }
}

impl<'m> WideCallers<'m> {
    pub(crate) fn of(manifest: &'m Manifest) -> Self {
        let mut by_api: BTreeMap<String, OnStage<'_>> = BTreeMap::new();
        let api_of = |stage: &str| api_of(manifest, stage);
        for caller in manifest.callers.values() {
            match &caller.principals {
                CallerPrincipals::Organization { stages, .. } => {
                    for stage in stages {
                        by_api.entry(api_of(stage)).or_default().organizations.push(caller);
                    }
                }
                CallerPrincipals::Roles { account, roles, .. } => {
                    for (stage, role) in roles.iter().flat_map(|(stage, of)| of.iter().map(move |role| (stage, role))) {
                        match role {
                            WhichRole::Like(pattern) => {
                                let on_stage = by_api.entry(api_of(stage)).or_default();
                                on_stage.patterns.entry(account).or_default().push((pattern, caller));
                                if account == "*" {
                                    on_stage.any_account.push(caller);
                                }
                            }
                            WhichRole::Every => {
                                by_api.entry(api_of(stage)).or_default().whole_accounts.insert(account, caller);
                            }
                            WhichRole::Named(role) if account == "*" => {
                                let on_stage = by_api.entry(api_of(stage)).or_default();
                                on_stage.any_account.push(caller);
                                on_stage.any_account_by_role.entry(role).or_default().push(caller);
                            }
                            WhichRole::Named(_) => {}
                        }
                    }
                }
            }
        }
        Self { by_api, manifest }
    }

    /// What a caller's terms are worth: the stage and one sentence for each stage and wider caller that lets it in without some of them, up
    /// to three a stage.
    pub(crate) fn lifted(&self, caller: &'m Caller) -> Vec<(&'m str, String)> {
        let mut found = Vec::new();
        if !has_terms(caller) {
            return found;
        }
        let routes = caller.routes.as_ref().map(|routes| routes.iter().flat_map(Route::arn_suffixes).collect());
        let on_api = |stage: &str| self.by_api.get(&api_of(self.manifest, stage));
        // A server's verifier takes a role for the narrowest caller that it fits, and keeps that to its terms.
        let is_server = |stage: &&str| self.manifest.stages.get(*stage).is_some_and(|stage| stage.audience().is_some());
        let stages = caller.stages().filter(|stage| !is_server(stage));
        for (stage, on_stage) in stages.filter_map(|stage| Some((stage, on_api(stage)?))) {
            let lifted = on_stage.covering(caller, stage).into_iter().filter_map(|wider| {
                let terms = terms_lifted(caller, routes.as_ref(), wider)?;
                Some((stage, format!("on stage `{stage}` caller `{}` lets it in without its {terms}", wider.name)))
            });
            found.extend(lifted.take(NAMED));
        }
        found
    }
}

/// What tells the API of a stage from others: whoever may call one of its stages may call all.
fn api_of(manifest: &Manifest, stage: &str) -> String {
    manifest.stages.get(stage).map(|stage| stage.target.identity()).unwrap_or_default()
}

impl<'m> OnStage<'m> {
    /// The wider callers that some of the caller's principals are part of, or may be: the manifest does not say which accounts an
    /// organization has.
    fn covering(&self, caller: &'m Caller, stage: &str) -> Vec<&'m Caller> {
        let CallerPrincipals::Roles { account, .. } = &caller.principals else {
            return self.any_account.open_to(caller).collect();
        };
        let mut covering: Vec<&'m Caller> = self.organizations.open_to(caller).collect();
        let is_any = account == "*";
        for role in caller.roles_on(stage) {
            match role {
                WhichRole::Every => covering.extend(self.any_account.open_to(caller)),
                WhichRole::Named(role) => {
                    covering.extend(self.whole_accounts.get(account.as_str()));
                    if !is_any {
                        let alike = self.any_account_by_role.get(role).into_iter();
                        covering.extend(alike.flat_map(|alike| alike.open_to(caller)));
                    }
                    let patterns = self.patterns_of(account).chain(self.patterns_of("*"));
                    covering.extend(
                        patterns
                            .filter(|(pattern, _)| pattern.fits(Some(role.path()), role.name()))
                            .map(|(_, wider)| *wider),
                    );
                }
                WhichRole::Like(own) => {
                    covering.extend(self.whole_accounts.get(account.as_str()));
                    // Who is the same account's, and narrower, is let in as it is meant to be.
                    let is_wider = |of: &RolePattern| of.meets(own) && (of.covers(own) || !own.covers(of));
                    let patterns = self.patterns_of(account).filter(|(of, _)| is_wider(of));
                    covering.extend(patterns.map(|(_, wider)| *wider));
                    if !is_any {
                        let meeting = self.patterns_of("*").filter(|(of, _)| of.meets(own));
                        covering.extend(meeting.map(|(_, wider)| *wider));
                        let named = self
                            .any_account_by_role
                            .iter()
                            .filter(|(role, _)| own.fits(Some(role.path()), role.name()));
                        covering.extend(named.flat_map(|(_, alike)| alike.open_to(caller)));
                    }
                }
            }
        }
        // Several roles of one caller may be covered by the same wider one.
        let mut seen = BTreeSet::new();
        covering.retain(|wider| seen.insert(wider.name.as_str()));
        covering
    }

    fn patterns_of(&self, account: &str) -> impl Iterator<Item = &(&'m RolePattern, &'m Caller)> {
        self.patterns.get(account).into_iter().flatten()
    }
}

fn has_terms(caller: &Caller) -> bool {
    caller.external_id.is_some() || caller.routes.is_some() || caller.is_third_party || !caller.session_names.is_empty()
}

/// The narrower caller's keys that the wider one's terms do not ask for, if there are any.
fn terms_lifted(narrow: &Caller, routes: Option<&BTreeSet<String>>, wide: &Caller) -> Option<String> {
    // An id that the narrower caller does not send keeps it out.
    if wide.external_id.is_some() && wide.external_id != narrow.external_id {
        return None;
    }
    let routes = routes.is_some_and(|routes| {
        let is_beyond = |route: &Route| route.arn_suffixes().iter().any(|suffix| !routes.contains(suffix));
        wide.routes.as_ref().is_none_or(|wider| wider.iter().any(is_beyond))
    });
    // Both are sorted.
    let session_names = !narrow.session_names.is_empty()
        && (wide.session_names.is_empty()
            || wide.session_names.iter().any(|name| narrow.session_names.binary_search(name).is_err()));
    let has_no_id = wide.external_id.is_none();
    let lifted = [
        (narrow.external_id.is_some() && has_no_id, "`external_id`"),
        (routes, "`routes`"),
        (session_names, "`session_names`"),
        (narrow.is_third_party && !wide.is_third_party && has_no_id, "`third_party`"),
    ];
    let lifted: Vec<&str> = lifted.iter().filter(|(is_lifted, _)| *is_lifted).map(|(_, key)| *key).collect();
    (!lifted.is_empty()).then(|| lifted.join(", "))
}
