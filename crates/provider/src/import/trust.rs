//! Statements of a trust policy, as they are read into callers.

use std::collections::BTreeMap;

use serde_json::Value;
use xacct_sign::aws::{Arn, WhichRole, is_account_id, is_organization_id};

use crate::iam::elements;

/// The texts of an element; none where it is not there, or is an object.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    value.filter(|value| !value.is_object()).map(elements::texts).unwrap_or_default()
}

/// Whom a statement trusts, as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A role, in the manifest's words, of an account; `*` for each. A name may be a pattern.
    Role { account: String, role: String, by_account: bool },
    /// Everybody of an account.
    Account(String),
    /// Everybody of an organization.
    Organization(String),
}

/// What stands for a condition that every name of a session meets. It asks for nothing where there is one, which is with
/// `sts:AssumeRole` alone.
pub(super) const EVERY_SESSION: &str = "every_session";

/// A statement that a manifest can say.
pub(super) struct Trusting {
    pub(super) actions: Vec<String>,
    pub(super) whom: Vec<Who>,
    /// The values that are asked for, by the manifest's key.
    pub(super) terms: BTreeMap<&'static str, Vec<String>>,
    /// The conditions that ask for them, in words.
    pub(super) conditions: BTreeMap<&'static str, String>,
}

/// Reads a statement.
///
/// # Errors
///
/// What of it no manifest says.
pub(super) fn trusting(statement: &Value, partition: &str) -> Result<Trusting, String> {
    let known = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let elements = statement.as_object();
    if let Some(other) = elements.into_iter().flatten().map(|(key, _)| key).find(|key| !known.contains(&key.as_str())) {
        return Err(format!("a statement with `{other}`"));
    }
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return Err("a statement that denies".to_owned());
    }
    let principals = match statement.get("Principal") {
        Some(Value::String(everybody)) => vec![everybody.clone()],
        principals => texts(principals.and_then(|by_type| by_type.get("AWS"))),
    };
    let mut terms: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut conditions = BTreeMap::new();
    let (mut arns, mut not_arns, mut organizations) = (None, Vec::new(), None);
    for (operator, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = texts(Some(values));
            let is_exact = values.iter().all(|value| !value.contains(['*', '?', '$']));
            let folded = key.to_ascii_lowercase();
            let shown = || format!("condition `{operator}` on `{key}`");
            let term = match (operator.as_str(), folded.as_str()) {
                ("StringEquals", "sts:externalid") => "external_id",
                ("StringLike", "sts:rolesessionname") if values.iter().any(|value| value == "*") => EVERY_SESSION,
                ("StringLike", "sts:rolesessionname") => "session_names",
                ("StringEquals", "sts:rolesessionname") if is_exact => "session_names",
                ("StringLike", "sts:sourceidentity") => "source_identity",
                ("StringEquals", "sts:sourceidentity") if is_exact => "source_identity",
                ("ForAllValues:StringEquals", "aws:tagkeys") => "tags",
                ("Null", "aws:tagkeys") if values == ["false"] => continue,
                ("ArnEquals" | "ArnLike", "aws:principalarn") if arns.is_none() => {
                    arns = Some(values);
                    continue;
                }
                ("StringEquals", "aws:principalarn") if arns.is_none() && is_exact => {
                    arns = Some(values);
                    continue;
                }
                ("ArnNotEquals" | "ArnNotLike", "aws:principalarn") if not_arns.is_empty() => {
                    not_arns = values;
                    continue;
                }
                ("StringEquals", "aws:principalorgid") if organizations.is_none() => {
                    organizations = Some(values);
                    continue;
                }
                _ => return Err(shown()),
            };
            if terms.insert(term, values).is_some() {
                return Err(format!("{}, beside another on it", shown()));
            }
            conditions.insert(term, shown());
        }
    }
    if !not_arns.iter().all(|not| arns.as_deref().is_some_and(|arns| is_deeper(not, arns, partition))) {
        return Err("a condition that leaves principals out".to_owned());
    }
    if terms.get("external_id").is_some_and(|ids| ids.len() > 1) {
        return Err("several external ids".to_owned());
    }
    let mut whom = Vec::new();
    for principal in &principals {
        match (&organizations, &arns) {
            (Some(ids), None) if principal == "*" => {
                whom.extend(ids.iter().filter(|id| is_organization_id(id)).cloned().map(Who::Organization));
            }
            (Some(_), _) => return Err("an organization beside other conditions".to_owned()),
            (None, Some(arns)) => {
                let of = account_of(principal, partition);
                if of.is_none() && principal != "*" {
                    return Err("a condition on `aws:PrincipalArn` beside a principal that is no account".to_owned());
                }
                let is_of = |account: &str| of.as_deref().is_none_or(|of| of == account);
                let roles = arns.iter().filter_map(|arn| role(arn, partition, true));
                whom.extend(roles.filter(|who| matches!(who, Who::Role { account, .. } if is_of(account))));
            }
            (None, None) => match account_of(principal, partition) {
                Some(account) => whom.push(Who::Account(account)),
                None => whom.extend(role(principal, partition, false)),
            },
        }
    }
    if whom.is_empty() {
        return Err(format!("principal `{}`", first_named(arns.as_deref(), statement)));
    }
    Ok(Trusting { actions: texts(statement.get("Action")), whom, terms, conditions })
}

/// The first whom a statement names: by a condition, or as what stands there, an intrinsic function as JSON.
fn first_named(arns: Option<&[String]>, statement: &Value) -> String {
    let principals = statement.get("Principal").map(|by_type| by_type.get("AWS").unwrap_or(by_type));
    let principals = principals.map(elements::texts).unwrap_or_default();
    arns.into_iter().flatten().chain(&principals).next().cloned().unwrap_or_default()
}

/// Whether what is left out is roles of deeper paths than these, which is what a manifest means by its patterns.
fn is_deeper(not: &str, arns: &[String], partition: &str) -> bool {
    let path = not.strip_prefix(&format!("arn:{partition}:iam::*:role")).and_then(|rest| rest.strip_suffix("*/*"));
    let is_of_path = |arn: &String| {
        let role = Arn::parse(arn).and_then(|arn| arn.resource.strip_prefix("role"));
        role.and_then(|role| role.rfind('/').and_then(|end| role.get(..=end))) == path
    };
    path.is_some() && arns.iter().all(is_of_path)
}

/// The account that a principal is the whole of.
fn account_of(principal: &str, partition: &str) -> Option<String> {
    let root = principal.strip_prefix(&format!("arn:{partition}:iam::")).and_then(|rest| rest.strip_suffix(":root"));
    Some(root.unwrap_or(principal)).filter(|account| is_account_id(account)).map(str::to_owned)
}

fn role(arn: &str, partition: &str, by_account: bool) -> Option<Who> {
    let arn =
        Arn::parse(arn).filter(|arn| arn.partition == partition && arn.service == "iam" && arn.region.is_empty())?;
    let role = arn.resource.strip_prefix("role/")?;
    let is_account = is_account_id(arn.account) || (by_account && arn.account == "*");
    match WhichRole::parse(role)? {
        WhichRole::Every => (by_account && is_account_id(arn.account)).then(|| Who::Account(arn.account.to_owned())),
        WhichRole::Like(_) if !by_account => None,
        WhichRole::Named(_) | WhichRole::Like(_) => {
            is_account.then(|| Who::Role { account: arn.account.to_owned(), role: role.to_owned(), by_account })
        }
    }
}
