//! What a trust policy grants, one line for each principal, action and condition, however the policy writes it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use xacct_sign::aws::{Arn, is_account_id};

/// The most grants that one statement is taken apart into; beyond it, lists of values stay together.
const MAX_GRANTS: usize = 10_000;

/// One thing that a trust policy allows or denies one principal.
///
/// A role named by its ARN, and one named by its account with its ARN in a condition on `aws:PrincipalArn`, are the same
/// grant. `Display` is a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Grant {
    /// Who: an ARN, an account's being that of its root; `*` for everybody; `Service:` and the like before others.
    pub principal: String,
    /// What, such as `sts:AssumeRole`.
    pub action: String,
    /// Whether it is denied instead of allowed.
    pub is_denied: bool,
    /// Under which conditions: operator, key and value.
    pub conditions: BTreeSet<(String, String, String)>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = if self.is_denied { "must not" } else { "may" };
        write!(f, "`{}` {may} {}", self.principal, self.action)?;
        for (index, (operator, key, value)) in self.conditions.iter().enumerate() {
            let word = if index == 0 { "if" } else { "and" };
            write!(f, " {word} {key} {operator} `{value}`")?;
        }
        // IAM shows the unique id where the role's ARN stood, once the role is gone.
        if self.principal.starts_with("AROA") || self.principal.starts_with("AIDA") {
            write!(f, " (the id of a principal that was deleted: it lets nobody in)")?;
        }
        Ok(())
    }
}

impl Grant {
    /// Whether everything that the other one allows is allowed by this one too.
    fn covers(&self, other: &Self) -> bool {
        let who = self.principal == other.principal
            || self.principal == "*"
            || account_of_root(&self.principal).is_some_and(|account| Some(account) == account_of(&other.principal));
        let what = match self.action.strip_suffix('*') {
            Some(start) => other.action.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase()),
            None => self.action.eq_ignore_ascii_case(&other.action),
        };
        who && what && self.is_denied == other.is_denied && self.conditions.is_subset(&other.conditions)
    }
}

/// The grants of `these` that none of `others` covers.
pub(crate) fn beyond(these: &BTreeSet<Grant>, others: &BTreeSet<Grant>) -> Vec<Grant> {
    // Most are simply there; only the rest is compared with all.
    let missing = these.iter().filter(|grant| !others.contains(*grant));
    missing.filter(|grant| !others.iter().any(|other| other.covers(grant))).cloned().collect()
}

/// Takes a trust policy apart. A statement that names by exclusion (`NotPrincipal`, `NotAction`) is one grant, as it
/// stands.
pub(crate) fn of_policy(policy: &Value, partition: &str) -> BTreeSet<Grant> {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    statements.into_iter().flat_map(|statement| of_statement(statement, partition)).collect()
}

fn of_statement(statement: &Value, partition: &str) -> Vec<Grant> {
    let is_denied = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let (Some(principals), Some(actions)) = (statement.get("Principal"), statement.get("Action")) else {
        let whole = Grant {
            principal: format!("statement {statement}"),
            action: "*".to_owned(),
            is_denied,
            conditions: BTreeSet::new(),
        };
        return vec![whole];
    };
    let principals = principals_of(principals, partition);
    let conditions = alternatives(statement.get("Condition"));
    let actions = texts(actions);
    let mut grants = Vec::new();
    for conditions in &conditions {
        for principal in &principals {
            let Some((principal, conditions)) = narrowed(principal, conditions) else { continue };
            for action in &actions {
                let (principal, action) = (principal.clone(), action.clone());
                grants.push(Grant { principal, action, is_denied, conditions: conditions.clone() });
            }
        }
    }
    grants
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

type Conditions = BTreeSet<(String, String, String)>;

/// The conditions as alternatives: values of one key are *or*, keys are *and*.
fn alternatives(value: Option<&Value>) -> Vec<Conditions> {
    let mut alternatives = vec![Conditions::new()];
    let operators = value.and_then(Value::as_object).into_iter().flatten();
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: BTreeSet<String> = texts(values).into_iter().collect();
            let operator = operator_of(operator, &values);
            let is_split = !operator.contains("Not")
                && !operator.starts_with("ForAllValues:")
                && alternatives.len().saturating_mul(values.len()) <= MAX_GRANTS;
            let values = if is_split {
                values.into_iter().collect()
            } else {
                vec![values.into_iter().collect::<Vec<_>>().join("`, `")]
            };
            alternatives = alternatives
                .iter()
                .flat_map(|alternative| {
                    values.iter().map(|value| {
                        let mut with = alternative.clone();
                        with.insert((operator.clone(), key_of(key), value.clone()));
                        with
                    })
                })
                .collect();
        }
    }
    alternatives
}

/// `ArnEquals` and `ArnLike` are the same, and `StringLike` without wildcards is `StringEquals`.
fn operator_of(operator: &str, values: &BTreeSet<String>) -> String {
    let is_plain = || !values.iter().any(|value| value.contains(['*', '?']));
    match operator {
        "ArnEquals" => "ArnLike".to_owned(),
        "StringLike" if is_plain() => "StringEquals".to_owned(),
        other => other.to_owned(),
    }
}

/// Keys are the same in any case: those that we know are written as AWS does.
fn key_of(key: &str) -> String {
    let known = super::KNOWN_KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
    known.map_or_else(|| key.to_owned(), |known| (*known).to_owned())
}

/// The principal that is left when a condition names one of the account; `None` when nobody is.
fn narrowed(principal: &str, conditions: &Conditions) -> Option<(String, Conditions)> {
    let arn_condition = conditions.iter().find(|(operator, key, _)| {
        key == "aws:PrincipalArn" && matches!(operator.as_str(), "ArnLike" | "StringEquals" | "StringLike")
    });
    let Some(condition) = arn_condition else {
        return Some((principal.to_owned(), conditions.clone()));
    };
    let arn = &condition.2;
    let account = account_of(arn);
    if let Some(root) = account_of_root(principal) {
        if account != Some(root) && !account.is_some_and(|account| account.contains(['*', '?'])) {
            return None;
        }
    } else if principal != "*" {
        return Some((principal.to_owned(), conditions.clone()));
    }
    if arn.contains(['*', '?']) {
        return Some((principal.to_owned(), conditions.clone()));
    }
    let rest = conditions.iter().filter(|other| *other != condition).cloned().collect();
    Some((arn.clone(), rest))
}

fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn).map(|arn| arn.account)
}

fn account_of_root(arn: &str) -> Option<&str> {
    account_of(arn).filter(|_| arn.ends_with(":root"))
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }
}
