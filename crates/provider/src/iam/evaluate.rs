//! The decision.

use super::condition::Lookup;
use super::context::Context;
use super::parse::{Matcher, PolicyDocument, Statement};
use super::pattern::{self, Case};
use super::principal::PrincipalIdentity;

/// What is asked of the policies.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Who asks; `None` for a request without credentials.
    pub principal: Option<PrincipalIdentity>,
    /// The action, such as `sts:AssumeRole`.
    pub action: &'a str,
    /// The ARN of what it is asked on: the role to assume, the route to call.
    pub resource: &'a str,
    /// The values of condition keys.
    pub context: Context,
}

impl Lookup for Request<'_> {
    fn values(&self, key: &str) -> Option<Vec<&str>> {
        if let Some(value) = self.principal.as_ref().and_then(|p| p.value(key)) {
            return Some(vec![value]);
        }
        let values = self.context.values(key)?;
        Some(values.iter().map(String::as_str).collect())
    }
}

/// What policies say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it, whatever others allow.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Whether the request may go on.
    pub effect: Effect,
    /// Why, in plain words, a sentence for each statement that counts: those that allow or deny, or
    /// for an implicit deny every statement with what kept it from allowing. Never empty.
    pub reasons: Vec<String>,
}

impl Decision {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }
}

enum Outcome {
    Allows,
    Denies,
    DoesNotApply,
}

/// Evaluates documents together, as IAM does with all that apply to a request: one that denies wins
/// over all that allow, and what none allows is denied.
///
/// Crossing accounts takes two calls that both allow: one with the identity policies of the caller,
/// one with the trust policy of the role.
pub fn evaluate(documents: &[&PolicyDocument], request: &Request<'_>) -> Decision {
    let mut allowing = Vec::new();
    let mut denying = Vec::new();
    let mut other = Vec::new();
    for (document_index, document) in documents.iter().enumerate() {
        for (index, statement) in document.statements.iter().enumerate() {
            let mut label = format!("statement {}", index.saturating_add(1));
            if let Some(sid) = &statement.sid {
                label = format!("{label} (`{sid}`)");
            }
            if documents.len() > 1 {
                label = format!("policy {}, {label}", document_index.saturating_add(1));
            }
            let (outcome, why) = apply(statement, request);
            let reason = format!("{label}: {why}");
            match outcome {
                Outcome::Allows => allowing.push(reason),
                Outcome::Denies => denying.push(reason),
                Outcome::DoesNotApply => other.push(reason),
            }
        }
    }
    if !denying.is_empty() {
        Decision { effect: Effect::ExplicitDeny, reasons: denying }
    } else if !allowing.is_empty() {
        Decision { effect: Effect::Allow, reasons: allowing }
    } else {
        if other.is_empty() {
            other.push("there is no policy that could allow it".to_owned());
        }
        Decision { effect: Effect::ImplicitDeny, reasons: other }
    }
}

fn apply(statement: &Statement, request: &Request<'_>) -> (Outcome, String) {
    if !statement.unsupported.is_empty() {
        let what = statement.unsupported.join(", ");
        return if statement.allows {
            (Outcome::DoesNotApply, format!("cannot allow, because it holds what is not supported: {what}"))
        } else {
            (Outcome::Denies, format!("denies, because it holds what is not supported: {what}"))
        };
    }
    if let Err(why) = matches(statement, request) {
        return (Outcome::DoesNotApply, why);
    }
    let what = format!("`{}` on `{}`", request.action, request.resource);
    if statement.allows {
        (Outcome::Allows, format!("allows {what}"))
    } else {
        (Outcome::Denies, format!("denies {what}"))
    }
}

fn matches(statement: &Statement, request: &Request<'_>) -> Result<(), String> {
    if let Some(principals) = &statement.principals {
        let who = request.principal.as_ref();
        if !principals.iter().any(|principal| principal.matches(who)) {
            let who = who.map_or("nobody", PrincipalIdentity::arn);
            return Err(format!("principal: it does not name `{who}`"));
        }
    }
    let allows = statement.allows;
    if !covers(&statement.actions, request.action, Case::Insensitive, request, allows) {
        return Err(format!("action: it does not cover `{}`", request.action));
    }
    if let Some(resources) = &statement.resources
        && !covers(resources, request.resource, Case::Sensitive, request, allows)
    {
        return Err(format!("resource: it does not cover `{}`", request.resource));
    }
    for condition in &statement.conditions {
        condition.holds(request, allows)?;
    }
    Ok(())
}

/// A variable without a value matches nothing. Behind `NotResource` that would allow more instead of
/// less, so there it goes against the request.
fn covers(matcher: &Matcher, text: &str, case: Case, request: &Request<'_>, allows: bool) -> bool {
    let mut is_undecided = false;
    for template in &matcher.templates {
        match template.resolve(&|key| request.value(key)) {
            Some(tokens) if pattern::matches(&tokens, text, case) => return !matcher.is_negated,
            Some(_) => {}
            None => is_undecided = true,
        }
    }
    matcher.is_negated && !(is_undecided && allows)
}
