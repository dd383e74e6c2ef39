//! The manifest's text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::{NamedCaller, Names};
use super::trust::Who;
use super::{ApiRole, Place};
use crate::limits::{TRUST_POLICY, TRUST_POLICY_RAISED};
use crate::manifest::names::{is_production, words_of};

/// The manifest, ending in a newline.
pub(super) fn manifest(roles: &[ApiRole<'_>], names: &Names, place: &Place) -> String {
    let mut text = "# Read from deployed roles by `xacct-sign init --from`. Stages and callers may get other names: `role_name` keeps the roles'.\n".to_owned();
    let path = roles.first().map(|role| role.deployed.path.as_str()).unwrap_or_default();
    let role_name = format!("{}{}", path.strip_prefix('/').unwrap_or(path), names.base);
    let mut line = |key: &str, value: String| {
        // A text of ours takes whatever is written.
        let _ = writeln!(text, "{key} = {value}");
    };
    // Behind a comment, a table.
    line("\n[api]\naccount", quoted(&place.account));
    line("region", quoted(&place.region));
    line("role_name", quoted(&role_name));
    // The least that one gives: more would be given to others.
    let seconds = roles.iter().map(|role| role.deployed.max_session_duration).min().unwrap_or(3_600);
    if seconds != 3_600 {
        line("max_session_duration", seconds.to_string());
    }
    let longest = roles.iter().map(|role| role.deployed.trust_policy.to_string().chars().count()).max();
    if longest.is_some_and(|longest| longest > TRUST_POLICY.at_most) {
        line("role_trust_policy_length", TRUST_POLICY_RAISED.at_most.to_string());
    }
    let boundary = roles.first().and_then(|role| role.deployed.permissions_boundary.as_ref());
    if let Some(boundary) = boundary {
        line("permissions_boundary", quoted(boundary));
    }
    let tags = tags(roles);
    if !tags.is_empty() {
        let tags: Vec<String> =
            tags.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value))).collect();
        line("tags", format!("{{ {} }}", tags.join(", ")));
    }
    for (name, stage) in &names.stages {
        let Some(role) = roles.get(stage.role) else { continue };
        let opened = &role.opened;
        line(&format!("\n[stages.{name}]\napi_id"), quoted(&opened.api_id));
        if !opened.vpc_endpoints.is_empty() || role.is_rest_api {
            line("target", quoted("rest_api"));
        }
        if opened.api_stage != crate::targets::HttpApi::DEFAULT_STAGE {
            line("api_stage", quoted(&opened.api_stage));
        }
        if !opened.vpc_endpoints.is_empty() {
            line("vpc_endpoints", list(&opened.vpc_endpoints));
        }
        // The API's stage may say so where this one's name does not, and so may what the roles of the only one begin with.
        let is_said = |name: &str| is_production(&words_of(name).join("-"));
        let is_by_base = names.stages.len() == 1 && is_said(&names.base);
        if !is_production(name) && (is_said(&opened.api_stage) || is_by_base) {
            line("production", "true".to_owned());
        }
        if let Some(part) = &stage.role_name {
            line("role_name", quoted(part));
        }
    }
    for (name, caller) in &names.callers {
        for (key, value) in caller_lines(name, caller) {
            line(&key, value);
        }
    }
    text
}

fn caller_lines(name: &str, caller: &NamedCaller) -> Vec<(String, String)> {
    let first = |key: &str| format!("\n[callers.{name}]\n{key}");
    let mut lines = Vec::new();
    match caller.what.whom.first() {
        Some(Who::Organization(id)) => {
            lines.push((first("organization"), quoted(id)));
            lines.push(("stages".to_owned(), list(&caller.stages)));
        }
        Some(Who::Account(account)) => {
            lines.push((first("account"), quoted(account)));
            lines.push(("roles".to_owned(), by_stage(caller, &quoted("*"))));
            lines.push(("trust".to_owned(), quoted("account")));
        }
        Some(Who::Role { account, by_account, .. }) => {
            let roles = caller.what.whom.iter().filter_map(|who| match who {
                Who::Role { role, .. } => Some(role.clone()),
                _ => None,
            });
            let roles: Vec<String> = roles.collect();
            lines.push((first("account"), quoted(account)));
            let roles = match roles.as_slice() {
                [one] => quoted(one),
                several => list(several),
            };
            lines.push(("roles".to_owned(), by_stage(caller, &roles)));
            if *by_account {
                lines.push(("trust".to_owned(), quoted("account")));
            }
        }
        None => {}
    }
    let terms = &caller.what.terms;
    lines.extend(terms.external_id.iter().map(|id| ("external_id".to_owned(), quoted(id))));
    let lists =
        [("session_names", &terms.session_names), ("tags", &terms.tags), ("source_identity", &terms.source_identity)];
    let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
    lines.extend(lists.map(|(key, values)| (key.to_owned(), list(values))));
    lines.extend(caller.what.routes.iter().map(|routes| ("routes".to_owned(), list(routes))));
    lines.extend(caller.role_name.iter().map(|part| ("role_name".to_owned(), quoted(part))));
    lines
}

fn by_stage(caller: &NamedCaller, role: &str) -> String {
    let stages: Vec<String> = caller.stages.iter().map(|stage| format!("{stage} = {role}")).collect();
    format!("{{ {} }}", stages.join(", "))
}

/// The tags that all roles have.
fn tags(roles: &[ApiRole<'_>]) -> BTreeMap<String, String> {
    let mut all = roles.iter().map(|role| role.deployed.tags.iter().collect::<BTreeSet<_>>());
    let first = all.next().unwrap_or_default();
    let common = all.fold(first, |common, tags| common.intersection(&tags).copied().collect());
    common.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    format!("[{}]", texts.into_iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}
