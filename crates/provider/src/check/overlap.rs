//! Callers whose terms do not hold, because a wider caller on the same stage lets them in on laxer ones.

use std::collections::BTreeMap;

use xacct_sign::aws::RoleName;

use crate::manifest::{Caller, CallerPrincipals, Manifest, WhichRole};

/// The callers of a manifest that are more than a role of an account, by stage.
pub(crate) struct WideCallers<'m> {
    by_stage: BTreeMap<&'m str, OnStage<'m>>,
}

#[derive(Default)]
struct OnStage<'m> {
    organizations: Vec<&'m Caller>,
    /// A role of this name in every account.
    any_account: Vec<(&'m RoleName, &'m Caller)>,
    whole_accounts: BTreeMap<&'m str, &'m Caller>,
}

impl<'m> WideCallers<'m> {
    pub(crate) fn of(manifest: &'m Manifest) -> Self {
        let mut by_stage: BTreeMap<&str, OnStage<'_>> = BTreeMap::new();
        for caller in manifest.callers.values() {
            match &caller.principals {
                CallerPrincipals::Organization { stages, .. } => {
                    for stage in stages {
                        by_stage.entry(stage).or_default().organizations.push(caller);
                    }
                }
                CallerPrincipals::Roles { account, roles, .. } => {
                    for (stage, role) in roles {
                        match role {
                            WhichRole::Every => {
                                by_stage.entry(stage).or_default().whole_accounts.insert(account, caller);
                            }
                            WhichRole::Named(role) if account == "*" => {
                                by_stage.entry(stage).or_default().any_account.push((role, caller));
                            }
                            WhichRole::Named(_) => {}
                        }
                    }
                }
            }
        }
        Self { by_stage }
    }

    /// What a caller's terms are worth: one sentence for each stage and wider caller that lets it in without some of them.
    pub(crate) fn lifted(&self, caller: &'m Caller) -> Vec<String> {
        let mut found = Vec::new();
        if !has_terms(caller) {
            return found;
        }
        for stage in caller.stages() {
            for wider in self.by_stage.get(stage).into_iter().flat_map(|on_stage| on_stage.covering(caller, stage)) {
                let terms = terms_lifted(caller, wider);
                if !terms.is_empty() {
                    found.push(format!("on stage `{stage}` caller `{}` lets it in without its {terms}", wider.name));
                }
            }
        }
        found
    }
}

impl<'m> OnStage<'m> {
    /// The wider callers that the caller's principals are part of, or may be: the manifest does not say which accounts an
    /// organization has.
    fn covering(&self, caller: &'m Caller, stage: &str) -> Vec<&'m Caller> {
        let any_account = |of: &dyn Fn(&RoleName) -> bool| {
            self.any_account.iter().filter(|(role, _)| of(role)).map(|(_, wider)| *wider).collect::<Vec<_>>()
        };
        match &caller.principals {
            CallerPrincipals::Organization { .. } => any_account(&|_| true),
            CallerPrincipals::Roles { account, roles, .. } => {
                let mut wider = self.organizations.clone();
                match roles.get(stage) {
                    Some(WhichRole::Every) => wider.extend(any_account(&|_| true)),
                    Some(WhichRole::Named(role)) if account != "*" => {
                        wider.extend(self.whole_accounts.get(account.as_str()));
                        wider.extend(any_account(&|of| of == role));
                    }
                    Some(WhichRole::Named(_)) | None => {}
                }
                wider
            }
        }
    }
}

fn has_terms(caller: &Caller) -> bool {
    caller.external_id.is_some() || caller.routes.is_some() || caller.is_third_party || !caller.session_names.is_empty()
}

/// The narrower caller's keys that the wider one's terms do not ask for.
fn terms_lifted(narrow: &Caller, wide: &Caller) -> String {
    // An id that the narrower caller does not send keeps it out.
    if wide.external_id.is_some() && wide.external_id != narrow.external_id {
        return String::new();
    }
    let routes = narrow.routes.as_ref().is_some_and(|routes| {
        wide.routes.as_ref().is_none_or(|wider| wider.iter().any(|route| !routes.contains(route)))
    });
    let session_names = !narrow.session_names.is_empty()
        && (wide.session_names.is_empty()
            || wide.session_names.iter().any(|name| !narrow.session_names.contains(name)));
    let has_no_id = wide.external_id.is_none();
    let lifted = [
        (narrow.external_id.is_some() && has_no_id, "`external_id`"),
        (routes, "`routes`"),
        (session_names, "`session_names`"),
        (narrow.is_third_party && !wide.is_third_party && has_no_id, "`third_party`"),
    ];
    let lifted: Vec<&str> = lifted.iter().filter(|(is_lifted, _)| *is_lifted).map(|(_, key)| *key).collect();
    lifted.join(", ")
}
