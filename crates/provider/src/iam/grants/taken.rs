//! Taking policies apart into grants, in a time that grows with their length: a statement whose lists would make too many
//! grants of each principal or resource keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use xacct_sign::aws::{Arn, is_account_id, is_like};

use super::{Grant, GrantCondition, GrantSubject, GrantTerms, ON, RESOURCE};
use crate::iam::KNOWN_KEYS;
use crate::iam::elements::{statements, texts};
use crate::targets::HttpApi;

/// The most grants of one principal or resource that a statement is taken apart into.
const MAX_TERMS: usize = 64;

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// What a trust policy, or one on what its bearer may do, grants.
pub(crate) fn of_policy(policy: &Value, partition: &str) -> Vec<Grant> {
    statements(policy).iter().flat_map(|statement| of_statement(statement, partition)).collect()
}

fn of_statement(statement: &Value, partition: &str) -> Vec<Grant> {
    let is_denied = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let subjects = statement.get("Principal").or_else(|| statement.get("Resource"));
    let is_by_exclusion = ["NotPrincipal", "NotAction", "NotResource"].iter().any(|key| statement.get(key).is_some());
    let (Some(subjects), Some(actions), false) = (subjects, statement.get("Action"), is_by_exclusion) else {
        let subject = GrantSubject::Statement(statement.to_string());
        let terms = Arc::new(GrantTerms { actions: Vec::new(), conditions: BTreeSet::new() });
        return vec![Grant { subject, is_denied, terms }];
    };
    let actions = texts(actions);
    let mut conditions = conditions_of(statement.get("Condition"));
    let mut grants = Vec::new();
    let mut add = |subjects: &[GrantSubject], conditions: &[GrantCondition]| {
        for terms in terms_of(&actions, conditions) {
            let grant =
                |subject: &GrantSubject| Grant { subject: subject.clone(), is_denied, terms: Arc::clone(&terms) };
            grants.extend(subjects.iter().map(grant));
        }
    };
    if statement.get("Principal").is_none() {
        let resources: Vec<_> = texts(subjects).into_iter().map(with_every_route).map(GrantSubject::Resource).collect();
        add(&resources, &conditions);
        return grants;
    }
    let principals = principals_of(subjects, partition);
    // The policy of a resource, which may be of parts of it.
    if let Some(resources) = statement.get("Resource") {
        let values = texts(resources).into_iter().map(with_every_route).collect();
        conditions.push(GrantCondition { operator: ON.to_owned(), key: RESOURCE.to_owned(), values });
    }
    let by_arn = conditions.iter().position(names_principals);
    let Some((named, rest)) = by_arn.map(|at| without(&conditions, at)) else {
        let principals: Vec<_> = principals.into_iter().map(GrantSubject::Principal).collect();
        add(&principals, &conditions);
        return grants;
    };
    for (subjects, values) in narrowed(principals, &named.values) {
        let mut with = rest.clone();
        // Whoever is named exactly needs no condition for it.
        with.extend((!values.is_empty()).then(|| GrantCondition { values, ..named.clone() }));
        add(&subjects, &with);
    }
    grants
}

/// Each request to a stage has a method and a path, so `*/*` behind it is what `*` is.
fn with_every_route(resource: String) -> String {
    match resource.strip_suffix("/*/*").filter(|stage| HttpApi::of_arn(stage).is_some_and(|api| api.arn() == *stage)) {
        Some(stage) => format!("{stage}/*"),
        None => resource,
    }
}

/// Whether every name of a session meets it.
fn is_of_every_session(condition: &GrantCondition) -> bool {
    let GrantCondition { operator, key, values } = condition;
    operator == "StringLike" && key == "sts:RoleSessionName" && values.contains("*")
}

/// Whether a condition says whom a statement is about.
fn names_principals(condition: &GrantCondition) -> bool {
    let is_positive = matches!(condition.operator.as_str(), "ArnLike" | "StringEquals" | "StringLike");
    is_positive && condition.key == "aws:PrincipalArn" && !condition.values.is_empty()
}

fn without(conditions: &[GrantCondition], at: usize) -> (GrantCondition, Vec<GrantCondition>) {
    let mut rest = conditions.to_vec();
    let one = rest.remove(at);
    (one, rest)
}

/// Who is left of principals by a condition on their ARN, each with those of its values that are still to be met.
fn narrowed(principals: Vec<String>, values: &BTreeSet<String>) -> Vec<(Vec<GrantSubject>, BTreeSet<String>)> {
    let of_principals =
        |principals: Vec<String>| principals.into_iter().map(GrantSubject::Principal).collect::<Vec<_>>();
    let is_everybody = principals.iter().any(|principal| principal == "*");
    let (wide, single): (Vec<_>, Vec<_>) =
        principals.into_iter().partition(|principal| principal == "*" || account_of_root(principal).is_some());
    let roots: BTreeSet<(&str, &str)> = wide.iter().filter_map(|principal| account_of_root(principal)).collect();
    let (exact, open): (Vec<_>, Vec<_>) = values.iter().partition(|value| is_one_principal(value));

    let is_in = |arn: &&String| is_everybody || account_of(arn).is_some_and(|account| roots.contains(&account));
    let exact: Vec<String> = exact.into_iter().filter(is_in).cloned().collect();
    let mut left = vec![(of_principals(exact), BTreeSet::new()), (of_principals(single), values.clone())];

    // A pattern for one account concerns that one and everybody, the others everyone.
    let mut of_account: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    let mut of_all = BTreeSet::new();
    for value in open {
        match account_of(value).filter(|(partition, account)| is_plain(partition) && is_account_id(account)) {
            Some(account) => of_account.entry(account).or_default().insert(value.clone()),
            None => of_all.insert(value.clone()),
        };
    }
    for (account, values) in of_account {
        let mut subjects: Vec<String> = is_everybody.then(|| "*".to_owned()).into_iter().collect();
        subjects.extend(roots.contains(&account).then(|| format!("arn:{}:iam::{}:root", account.0, account.1)));
        left.push((of_principals(subjects), values));
    }
    if !of_all.is_empty() {
        left.push((of_principals(wide.clone()), of_all));
    }
    left.retain(|(subjects, _)| !subjects.is_empty());
    left
}

/// Whether a value of `aws:PrincipalArn` is that of one role or user, who can be a principal by it: a root's is not, for as a
/// principal it is its whole account.
fn is_one_principal(value: &str) -> bool {
    let is_one = |arn: &Arn<'_>| arn.resource.starts_with("role/") || arn.resource.starts_with("user/");
    is_plain(value) && account_of(value).is_some() && Arn::parse(value).is_some_and(|arn| is_one(&arn))
}

fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '$'])
}

fn principals_of(value: &Value, partition: &str) -> Vec<String> {
    let Value::Object(by_type) = value else {
        return texts(value);
    };
    let mut principals = Vec::new();
    for (kind, values) in by_type {
        for text in texts(values) {
            principals.push(match kind.as_str() {
                "AWS" if is_account_id(&text) => format!("arn:{partition}:iam::{text}:root"),
                "AWS" => text,
                _ => format!("{kind}:{text}"),
            });
        }
    }
    principals
}

fn conditions_of(value: Option<&Value>) -> Vec<GrantCondition> {
    let mut conditions = Vec::new();
    for (operator, keys) in value.and_then(Value::as_object).into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: BTreeSet<String> = texts(values).into_iter().collect();
            let mut condition = GrantCondition { operator: operator_of(operator, &values), key: key_of(key), values };
            if is_of_every_session(&condition) {
                condition.values.retain(|value| value == "*");
            }
            conditions.push(condition);
        }
    }
    conditions
}

/// `ArnEquals` and `ArnLike` are the same, and `StringLike` without wildcards is `StringEquals`.
fn operator_of(operator: &str, values: &BTreeSet<String>) -> String {
    match operator {
        "ArnEquals" => "ArnLike".to_owned(),
        "StringLike" if values.iter().all(|value| is_plain(value)) => "StringEquals".to_owned(),
        other => other.to_owned(),
    }
}

/// Keys are the same in any case: those that we know are written as AWS does.
fn key_of(key: &str) -> String {
    let known = KNOWN_KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
    known.map_or_else(|| key.to_owned(), |known| (*known).to_owned())
}

/// The alternatives of a statement: its actions, and the values of each condition where one of them is enough. With
/// `sts:AssumeRole` each session has a name, so a `*` for it asks for nothing; other actions know none.
fn terms_of(actions: &[String], conditions: &[GrantCondition]) -> Vec<Arc<GrantTerms>> {
    let is_split = |condition: &GrantCondition| {
        let GrantCondition { operator, values, .. } = condition;
        let all = operator.contains("Not") || operator.starts_with("ForAllValues:") || operator == "Null";
        !all && !values.is_empty()
    };
    let (of_every_session, others): (Vec<_>, Vec<_>) = conditions.iter().cloned().partition(is_of_every_session);
    let is_assuming = |action: &String| action.eq_ignore_ascii_case(ASSUME_ROLE);
    let count = others.iter().filter(|condition| is_split(condition)).map(|condition| condition.values.len());
    if count.fold(actions.len(), usize::saturating_mul) > MAX_TERMS {
        let asked = if actions.iter().all(is_assuming) { others } else { conditions.to_vec() };
        let mut actions = actions.to_vec();
        actions.sort_by_key(|action| action.to_ascii_lowercase());
        actions.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        return vec![Arc::new(GrantTerms { actions, conditions: asked.into_iter().collect() })];
    }
    let alternatives = alternatives_of(&others, is_split);
    let terms_of_action = |action: &str, more: &[GrantCondition]| {
        let with = |conditions: &BTreeSet<GrantCondition>| conditions.iter().chain(more).cloned().collect();
        let terms = |conditions| GrantTerms { actions: vec![action.to_owned()], conditions: with(conditions) };
        alternatives.iter().map(terms).map(Arc::new).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for action in actions {
        if is_assuming(action) {
            all.extend(terms_of_action(action, &[]));
            continue;
        }
        all.extend(terms_of_action(action, &of_every_session));
        let may_assume = || is_like(&action.to_ascii_lowercase(), &ASSUME_ROLE.to_ascii_lowercase());
        if !of_every_session.is_empty() && may_assume() {
            all.extend(terms_of_action(ASSUME_ROLE, &[]));
        }
    }
    all
}

/// Each way to meet all of the conditions, by one value of those that are split.
fn alternatives_of(
    conditions: &[GrantCondition],
    is_split: impl Fn(&GrantCondition) -> bool,
) -> Vec<BTreeSet<GrantCondition>> {
    let mut alternatives = vec![BTreeSet::new()];
    for condition in conditions {
        let each: Vec<GrantCondition> = if is_split(condition) {
            let one = |value: &String| GrantCondition { values: BTreeSet::from([value.clone()]), ..condition.clone() };
            condition.values.iter().map(one).collect()
        } else {
            vec![condition.clone()]
        };
        let with = |condition: &GrantCondition, set: &BTreeSet<GrantCondition>| {
            let mut set = set.clone();
            set.insert(condition.clone());
            set
        };
        alternatives = alternatives.iter().flat_map(|set| each.iter().map(|one| with(one, set))).collect();
    }
    alternatives
}

/// Partition and account of an ARN of IAM.
pub(super) fn account_of(arn: &str) -> Option<(&str, &str)> {
    Arn::parse(arn).filter(|arn| arn.service == "iam" && arn.region.is_empty()).map(|arn| (arn.partition, arn.account))
}

pub(super) fn account_of_root(arn: &str) -> Option<(&str, &str)> {
    account_of(arn).filter(|_| arn.ends_with(":root"))
}
