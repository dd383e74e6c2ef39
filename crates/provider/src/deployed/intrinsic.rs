//! Policies for which, or for parts of which, an intrinsic function stands: what they grant, only the deployment knows.

use serde_json::Value;

use super::error::DeployedError;
use super::role::DeployedRole;
use crate::iam::elements::statements;

/// The function that stands in a value's place, or adds to what stands there.
pub(super) fn function(value: &Value) -> Option<&str> {
    value.as_object()?.keys().map(String::as_str).find(|key| *key == "Ref" || key.starts_with("Fn::"))
}

/// Why nothing of a policy can be read, without a subject: it is a function, or one stands for its statements.
pub(super) fn whole(policy: &Value) -> Option<String> {
    let is_one = function(policy).map(|name| format!("is `{name}`"));
    let has_one = || Some(format!("has `{}` for its statements", policy.get("Statement").and_then(function)?));
    Some(unread(&is_one.or_else(has_one)?))
}

/// The same where a statement is one, or what says whether and what it allows. One for a principal, a resource or a condition is
/// shown as what it is.
fn part(policy: &Value) -> Option<String> {
    let of = |statement| {
        let elements = ["Effect", "Action", "NotAction"];
        function(statement).or_else(|| elements.iter().find_map(|key| Value::get(statement, key).and_then(within)))
    };
    statements(policy).iter().find_map(of).map(|name| unread(&format!("has `{name}` within its statements")))
}

/// The function that stands for a value, or for one of a list.
fn within(value: &Value) -> Option<&str> {
    match value {
        Value::Array(values) => values.iter().find_map(function),
        one => function(one),
    }
}

fn unread(why: &str) -> String {
    format!("{why}, and cannot be read from the template")
}

/// Why an inline policy of a role cannot be read, be it in part.
pub(super) fn of_rights(role: &DeployedRole) -> Option<String> {
    role.policies.iter().find_map(|policy| whole(policy).or_else(|| part(policy)))
}

/// Which policy of a role cannot be read at all, and why: what it has would look as if it had not.
pub(crate) fn unread_whole(role: &DeployedRole) -> Option<String> {
    which(role, whole)
}

/// The same of a policy that cannot be read in part.
pub(super) fn unread_at_all(role: &DeployedRole) -> Option<String> {
    which(role, |policy| whole(policy).or_else(|| part(policy)))
}

fn which(role: &DeployedRole, why: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let trust = why(&role.trust_policy).map(|why| format!("trust policy {why}"));
    trust.or_else(|| role.policies.iter().find_map(&why).map(|why| format!("inline policy {why}")))
}

/// That a role's policy does not stand there.
pub(super) fn refused(role: &DeployedRole, which: &str) -> DeployedError {
    DeployedError::new("invalid_policy", format!("{}: its {which}", role.shown()))
}
