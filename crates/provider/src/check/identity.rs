//! What a verifier would have to refuse: callers that cannot come in, and callers that nobody can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::may_be_same;

use super::{Findings, quoted};
use crate::finding::{Finding, FindingCode as Code, Subject};
use crate::manifest::{Caller, CallerPrincipals, Manifest, RolePattern, Stage, WhichRole};
use crate::plan::Plan;

impl Plan<'_> {
    /// What verifiers cannot do with these stages and callers. Who never makes one is not told what it would not know.
    pub(super) fn check_identity(&self, found: &mut Findings<'_>) {
        let manifest = self.manifest;
        check_audiences(manifest, found);
        check_dev_issuers(manifest, found);
        check_issuers(manifest, found);
        let has_verifiers =
            manifest.identity.line.is_some() || manifest.stages.values().any(|stage| stage.audience().is_some());
        let is_looked_at = |stage: &&Stage| has_verifiers || stage.accept.contains_key(&Code::CallersNotToldApart);
        for stage in manifest.stages.values().filter(is_looked_at) {
            if let Some(message) = self.not_told_apart(stage) {
                found.add(Code::CallersNotToldApart, Subject::Stage(stage.name.clone()), message);
            }
        }
    }

    /// The finding `callers_not_told_apart` on a stage whose verifier is made, whether or not [`Self::findings`] looks for it.
    #[must_use]
    pub fn callers_not_told_apart(&self, stage: &Stage) -> Option<Finding> {
        let mut found = Findings { manifest: self.manifest, findings: Vec::new() };
        found.add(Code::CallersNotToldApart, Subject::Stage(stage.name.clone()), self.not_told_apart(stage)?);
        found.findings.pop().filter(|finding| finding.accepted.is_none())
    }

    /// Which callers a verifier refuses for that, in one sentence with the first two of them.
    fn not_told_apart(&self, stage: &Stage) -> Option<String> {
        if !stage.is_by_role() {
            let (one, other, pattern) = alike(self.manifest, stage)?;
            return Some(format!(
                "roles of one name may be caller `{}` and caller `{}`, by the pattern `{pattern}`",
                one.name, other.name
            ));
        }
        self.stage_roles(stage).into_iter().find_map(|role| {
            let callers: Vec<&Caller> =
                role.callers.iter().filter_map(|name| self.manifest.callers.get(name)).collect();
            let (one, other) = pair(&callers, |one, other| share(&one.session_names, &other.session_names))?;
            Some(format!(
                "callers `{}` and `{}` share the role `{}`, and may take the same session name",
                one.name, other.name, role.name
            ))
        })
    }
}

fn check_audiences(manifest: &Manifest, found: &mut Findings<'_>) {
    let mut by_audience: BTreeMap<&str, Vec<&Stage>> = BTreeMap::new();
    for stage in manifest.stages.values() {
        if let Some(audience) = stage.audience() {
            by_audience.entry(audience).or_default().push(stage);
        }
    }
    for (audience, mut stages) in by_audience {
        stages.sort_by_key(|stage| stage.line);
        let Some((first, others)) = stages.split_first() else { continue };
        for stage in others {
            let message = format!("its audience `{audience}` is that of stage `{}`, too", first.name);
            found.add(Code::AudienceIsShared, Subject::Stage(stage.name.clone()), message);
        }
    }
}

/// On each server, since the table is of all of them: where one is for development only, it is accepted there.
fn check_dev_issuers(manifest: &Manifest, found: &mut Findings<'_>) {
    let issuers: Vec<&str> = manifest.identity.dev_issuers.iter().map(String::as_str).collect();
    if issuers.is_empty() {
        return;
    }
    for stage in manifest.stages.values().filter(|stage| stage.audience().is_some()) {
        let message = format!("its callers.json has the `dev_issuers` {}", quoted(&issuers));
        found.add(Code::DevelopmentOnly, Subject::Stage(stage.name.clone()), message);
    }
}

fn check_issuers(manifest: &Manifest, found: &mut Findings<'_>) {
    let mut accounts: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut callers: Vec<&Caller> = manifest.callers.values().collect();
    callers.sort_by_key(|caller| caller.line);
    for caller in callers {
        let CallerPrincipals::Roles { account, .. } = &caller.principals else { continue };
        let subject = || Subject::Caller(caller.name.clone());
        if let Some(issuer) = &caller.issuer {
            let (known, of) = *accounts.entry(issuer).or_insert((account, &caller.name));
            if known != account {
                let message = format!("its issuer is that of account `{known}`, too, by caller `{of}`");
                found.add(Code::IssuerShared, subject(), message);
            }
        }
        let servers = manifest.stages.values().filter(|stage| stage.audience().is_some() && caller.is_on(&stage.name));
        let servers: Vec<&str> = servers.map(|stage| stage.name.as_str()).collect();
        let takes_proofs = !manifest.identity.regions.is_empty();
        // Of what stands on several stages once.
        let roles_that = |which: fn(&WhichRole) -> Option<String>| -> BTreeSet<String> {
            servers.iter().flat_map(|stage| caller.roles_on(stage)).filter_map(which).collect()
        };
        let below_paths = roles_that(|role| match role {
            WhichRole::Named(role) => (role.path() != "/").then(|| role.to_string()),
            WhichRole::Like(_) | WhichRole::Every => None,
        });
        if takes_proofs && !below_paths.is_empty() {
            let message = format!("a proof does not say the path of {}", quoted_all(&below_paths));
            found.add_on(&servers, Code::RolePathNotProved, subject(), message);
        }
        if servers.is_empty() || manifest.issuer_of(account).is_some() {
            continue;
        }
        if !takes_proofs {
            let message = format!("it has no `issuer`, and on {} no proofs are taken", quoted(&servers));
            found.add_on(&servers, Code::IssuerMissing, subject(), message);
            continue;
        }
        let patterns = roles_that(|role| match role {
            WhichRole::Like(pattern) => Some(pattern.to_string()),
            WhichRole::Named(_) | WhichRole::Every => None,
        });
        if !patterns.is_empty() {
            let patterns = quoted_all(&patterns);
            let message = format!("it has no `issuer`, and a proof names nobody by the pattern {patterns}");
            found.add_on(&servers, Code::IssuerMissing, subject(), message);
        }
    }
}

fn quoted_all(names: &BTreeSet<String>) -> String {
    quoted(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The first two callers of a stage with a pattern each that one role's name may fit.
fn alike<'m>(manifest: &'m Manifest, stage: &Stage) -> Option<(&'m Caller, &'m Caller, &'m RolePattern)> {
    let mut by_place: BTreeMap<(&str, &str), Vec<(&Caller, &RolePattern)>> = BTreeMap::new();
    for caller in manifest.callers.values() {
        let CallerPrincipals::Roles { account, .. } = &caller.principals else { continue };
        for role in caller.roles_on(&stage.name) {
            if let WhichRole::Like(pattern) = role {
                by_place.entry((account, pattern.path())).or_default().push((caller, pattern));
            }
        }
    }
    by_place.values().find_map(|all| {
        let is_of_two = |one: &(&Caller, &RolePattern), other: &(&Caller, &RolePattern)| {
            one.0.name != other.0.name && one.1.meets(other.1)
        };
        let ((one, _), (other, pattern)) = pair(all, is_of_two)?;
        Some((*one, *other, *pattern))
    })
}

/// The first two of which it is so.
fn pair<T>(all: &[T], is_so: impl Fn(&T, &T) -> bool) -> Option<(&T, &T)> {
    let mut rest = all;
    while let Some((one, others)) = rest.split_first() {
        if let Some(other) = others.iter().find(|other| is_so(one, other)) {
            return Some((one, other));
        }
        rest = others;
    }
    None
}

/// Whether a session name may be one of either list; none is any.
fn share(one: &[String], other: &[String]) -> bool {
    if one.is_empty() || other.is_empty() {
        return true;
    }
    one.iter().any(|a| other.iter().any(|b| may_be_same(a, b)))
}
