//! Keys that say nothing: no stage reads them.

use std::collections::BTreeSet;

use super::{Findings, quoted};
use crate::finding::{FindingCode as Code, Subject};
use crate::limits::TRUST_POLICY;
use crate::manifest::{
    Caller, CallerPrincipals, Identity, MIN_SESSION_DURATION, Manifest, Stage, TrustForm, WhichRole,
};

/// Each table's keys that no stage reads. One that says what is so without it is not among them.
pub(super) fn check_unused_keys(manifest: &Manifest, found: &mut Findings<'_>) {
    let has = |is_such: fn(&Stage) -> bool| manifest.stages.values().any(is_such);
    // Of a manifest without stages nothing is known yet.
    if manifest.stages.is_empty() {
        return;
    }
    if !has(Stage::is_by_role) {
        let keys = said_of_roles(manifest);
        report(found, Subject::Api, &keys, "callers of no stage assume a role");
    }
    let identity = &manifest.identity;
    if !has(is_server) {
        report(found, Subject::Identity, &said_of_servers(manifest), "no stage is a server");
    } else if let Some(audience) = &identity.audience {
        let mut servers = manifest.stages.values().filter_map(Stage::audience);
        if servers.all(|own| own != audience) {
            report(found, Subject::Identity, &["audience"], "every server has one of its own");
        }
    }
    let on_servers = accounts_on_servers(manifest);
    for caller in manifest.callers.values() {
        let subject = || Subject::Caller(caller.name.clone());
        let on_some =
            |is_such: fn(&Stage) -> bool| caller.stages().filter_map(|stage| manifest.stages.get(stage)).any(is_such);
        if caller.issuer.is_some() && !account(caller).is_some_and(|account| on_servers.contains(account)) {
            report(found, subject(), &["issuer"], "no caller of its account is on a server");
        }
        if caller.role_name.is_some() && !(caller.routes.is_some() && on_some(Stage::is_by_role)) {
            report(found, subject(), &["role_name"], "no role is its own: it has no `routes`, or assumes none");
        }
        if caller.session_names.iter().any(|name| name == "*") {
            report(found, subject(), &["session_names"], "`*` among them is every name");
        }
        if is_trust_said(caller) && !on_some(|stage| !is_server(stage)) {
            report(found, subject(), &["trust"], "it is on servers only, which are told its role");
        }
    }
}

fn report(found: &mut Findings<'_>, subject: Subject, keys: &[&str], why: &str) {
    if !keys.is_empty() {
        found.add(Code::UnusedKey, subject, format!("{}: {why}", quoted(keys)));
    }
}

fn is_server(stage: &Stage) -> bool {
    stage.audience().is_some()
}

fn said<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    keys.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect()
}

fn said_of_roles(manifest: &Manifest) -> Vec<&'static str> {
    let api = &manifest.api;
    said([
        ("role_name", api.role_name.name() != crate::manifest::DEFAULT_ROLE_NAME),
        ("path", api.role_name.path() != "/"),
        ("permissions_boundary", api.permissions_boundary.is_some()),
        ("tags", !api.tags.is_empty()),
        ("max_session_duration", api.max_session_duration != MIN_SESSION_DURATION),
        ("role_trust_policy_length", api.role_trust_policy_length != TRUST_POLICY.at_most),
    ])
}

fn said_of_servers(manifest: &Manifest) -> Vec<&'static str> {
    let (identity, without) = (&manifest.identity, Identity::of_region(Some(&manifest.api.region)));
    said([
        ("audience", identity.audience.is_some()),
        ("algorithm", identity.algorithm != without.algorithm),
        ("max_duration_seconds", identity.max_duration_seconds != without.max_duration_seconds),
        ("regions", identity.regions != without.regions),
        ("dev_issuers", !identity.dev_issuers.is_empty()),
    ])
}

/// The accounts with callers on a server: at whichever of an account's callers its issuer stands, it is of all of them.
fn accounts_on_servers(manifest: &Manifest) -> BTreeSet<&str> {
    let is_on_server = |caller: &&Caller| caller.stages().filter_map(|stage| manifest.stages.get(stage)).any(is_server);
    manifest.callers.values().filter(is_on_server).filter_map(account).collect()
}

fn account(caller: &Caller) -> Option<&str> {
    match &caller.principals {
        CallerPrincipals::Roles { account, .. } => Some(account),
        CallerPrincipals::Organization { .. } => None,
    }
}

/// Whether `trust` says what would not be so without it, nor has to be said for the names of its roles.
fn is_trust_said(caller: &Caller) -> bool {
    let CallerPrincipals::Roles { roles, trust: TrustForm::Account, .. } = &caller.principals else { return false };
    roles.values().flatten().all(|role| matches!(role, WhichRole::Named(_)))
}
