//! The evaluation: what each statement says to a request.

use super::condition::Lookup as _;
use super::decision::{Decision, Mismatch, Outcome, StatementOutcome};
use super::parse::{Matcher, PolicyDocument, Statement};
use super::pattern::{self, Case};
use super::principal::PrincipalIdentity;
use super::request::Request;

/// Evaluates documents together, as IAM does with all that apply to a request: one that denies wins
/// over all that allow, and what none allows is denied.
///
/// Crossing accounts takes two calls that both allow: one with the identity policies of the caller,
/// one with the trust policy of the role.
pub fn evaluate<'a>(documents: &[&'a PolicyDocument], request: &'a Request<'_>) -> Decision<'a> {
    let mut outcomes = Vec::new();
    for (policy, document) in documents.iter().enumerate() {
        for (index, statement) in document.statements.iter().enumerate() {
            outcomes.push(StatementOutcome {
                policy,
                statement: index,
                sid: statement.sid.as_deref(),
                outcome: apply(statement, &document.malformed, request),
                is_only_policy: documents.len() == 1,
            });
        }
    }
    Decision::of(outcomes)
}

fn apply<'a>(statement: &'a Statement, malformed: &'a [String], request: &'a Request<'_>) -> Outcome<'a> {
    if !statement.unsupported.is_empty() {
        let what = &statement.unsupported;
        return if statement.allows { Outcome::CannotAllow(what) } else { Outcome::AlwaysDenies(what) };
    }
    if let Err(why) = matches(statement, request) {
        return Outcome::DoesNotApply(why);
    }
    if statement.allows && !malformed.is_empty() {
        return Outcome::CannotAllow(malformed);
    }
    let Request { action, resource, .. } = *request;
    if !statement.allows {
        return Outcome::Denies { action, resource };
    }
    let who = request.principal.as_ref();
    let mut principals = statement.principals.iter().flatten();
    Outcome::Allows { action, resource, is_to_itself: principals.any(|one| !one.is_account() && one.matches(who)) }
}

fn matches<'a>(statement: &'a Statement, request: &'a Request<'_>) -> Result<(), Mismatch<'a>> {
    if let Some(principals) = &statement.principals {
        let who = request.principal.as_ref();
        if !principals.iter().any(|principal| principal.matches(who)) {
            return Err(Mismatch::Principal(who.map(PrincipalIdentity::arn)));
        }
    }
    let allows = statement.allows;
    if !covers(&statement.actions, request.action, Case::Insensitive, request, allows) {
        return Err(Mismatch::Action(request.action));
    }
    if let Some(resources) = &statement.resources
        && !covers(resources, request.resource, Case::Sensitive, request, allows)
    {
        return Err(Mismatch::Resource(request.resource));
    }
    for condition in &statement.conditions {
        condition.holds(request, allows).map_err(Mismatch::Condition)?;
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
