//! Which roles open a stage, whatever they are called: the one answer of `diff` and of `init`.

use serde_json::Value;
use xacct_sign::aws::{is_like, may_be_same};

use super::intrinsic;
use super::role::{DeployedRole, RolePart};
use crate::iam::elements::{statements, texts};
use crate::iam::grants::{self, Grant, GrantSubject};
use crate::targets::{FunctionUrl, HttpApi, Target};

/// The statements of a role's own policies that allow an action, by exclusion or not.
pub(crate) fn allowing<'p>(policies: &'p [Value], action: &str) -> Vec<&'p Value> {
    let all = policies.iter().flat_map(statements);
    all.filter(|statement| is_about(statement, "Allow", action)).collect()
}

/// Whether a policy denies an action on any part of these resources, under whatever conditions.
pub(crate) fn denies(policy: &Value, action: &str, resources: &[String]) -> bool {
    let is_on_one = |statement: &Value| resources.iter().any(|resource| is_on(statement, &open(resource)));
    statements(policy).iter().any(|statement| is_about(statement, "Deny", action) && is_on_one(statement))
}

fn is_about(statement: &Value, effect: &str, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let names = |key: &str| {
        let patterns = statement.get(key).map(texts)?;
        Some(patterns.iter().any(|pattern| is_like(&pattern.to_ascii_lowercase(), &action)))
    };
    let is_named = names("Action").or_else(|| names("NotAction").map(|is_excluded| !is_excluded));
    statement.get("Effect").and_then(Value::as_str) == Some(effect) && is_named.unwrap_or_default()
}

/// On what a role's own policies allow to call anything.
pub(crate) fn opened(role: &DeployedRole) -> Vec<String> {
    let actions = [HttpApi::INVOKE, FunctionUrl::INVOKE_URL, FunctionUrl::INVOKE];
    let allowing = actions.iter().flat_map(|action| allowing(&role.policies, action));
    let mut resources: Vec<String> = allowing.filter_map(|one| one.get("Resource")).flat_map(texts).collect();
    resources.sort();
    resources.dedup();
    resources
}

/// Whether a role's own policies open any part of what is called. What they do not say in full may be that.
pub(super) fn opens(role: &DeployedRole, target: Target<'_>) -> bool {
    let arn = target.arn();
    // Of an API what follows its stage; a function's is the whole of it.
    let whole = if target.enforces_routes() { format!("{arn}/*") } else { arn };
    let is_open = |action: &str| allowing(&role.policies, action).into_iter().any(|one| is_on(one, &whole));
    match target {
        Target::HttpApi(_) | Target::RestApi(_) => is_open(HttpApi::INVOKE),
        // A service that invokes the function does not come by its URL; whoever may assume the role would not have to.
        Target::FunctionUrl(_) => {
            is_open(FunctionUrl::INVOKE_URL) || (lets_principals_in(role) && is_open(FunctionUrl::INVOKE))
        }
    }
}

/// Where the rights of a role stand that the document does not say, in words; none where nobody may assume it who could be a
/// caller.
pub(crate) fn unseen_rights(role: &DeployedRole) -> Vec<String> {
    if !lets_principals_in(role) {
        return Vec::new();
    }
    let inline = role.unseen.contains(&RolePart::InlinePolicies).then(|| "inline policies".to_owned());
    let intrinsic = intrinsic::of_rights(role).map(|why| format!("an inline policy, which {why}"));
    let managed = role.managed_policies.iter().map(|arn| format!("managed policy `{arn}`"));
    inline.into_iter().chain(intrinsic).chain(managed).chain(role.ignored.iter().cloned()).collect()
}

/// Whether anybody may assume the role who is no service, and no user of an identity provider's: whom a manifest could name. Of a
/// trust policy that does not stand there nobody can say.
pub(crate) fn lets_principals_in(role: &DeployedRole) -> bool {
    let is_principal = |grant: &Grant| match &grant.subject {
        GrantSubject::Principal(principal) => {
            !["Service:", "Federated:", "CanonicalUser:"].iter().any(|kind| principal.starts_with(kind))
        }
        GrantSubject::Resource(_) | GrantSubject::Statement(_) => true,
    };
    // Which partition it is changes nobody's kind.
    intrinsic::whole(&role.trust_policy).is_some()
        || grants::of_policy(&role.trust_policy, "aws").iter().any(|grant| !grant.is_denied && is_principal(grant))
}

/// Whether a statement is about any part of a resource.
fn is_on(statement: &Value, whole: &str) -> bool {
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(resources), _) => texts(resources).iter().any(|resource| may_be_same(&open(resource), whole)),
        (None, Some(excluded)) => !texts(excluded).iter().any(|resource| is_like(resource, whole)),
        (None, None) => false,
    }
}

/// A resource's pattern with a `*` for each variable; for what is no text, any.
fn open(resource: &str) -> String {
    if !resource.starts_with("arn:") {
        return "*".to_owned();
    }
    let mut parts = resource.split("${");
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        pattern.push('*');
        pattern.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    pattern
}
