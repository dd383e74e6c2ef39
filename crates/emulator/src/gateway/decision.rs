//! Whether somebody may call: the caller's own side and the API's together.
//! [`Sides`] decides; here stands what is said of it.

use std::sync::Arc;

use xacct_sign_provider::iam::{Context, Decision, Effect, PolicyDocument, Request};
use xacct_sign_provider::targets::Asked;
use xacct_sign_provider::{Side, Sides};

use crate::iam::sessions::Session;

/// Why not.
pub(crate) struct Denied {
    /// For the emulator's own log.
    pub(crate) detail: String,
    /// AWS's sentence, with which it tells it where it does
    /// ([access denied messages](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)).
    pub(crate) sentence: String,
}

/// What the API's side is: whose it is, and the policy that hangs on it.
pub(crate) struct Owner<'o> {
    pub(crate) account: &'o str,
    pub(crate) policy: Option<&'o PolicyDocument>,
    /// Whether it is a private API, which lets nobody in without a policy
    /// ([private APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html)).
    pub(crate) is_private: bool,
    /// What is to be said where there is no policy and somebody comes from another account.
    pub(crate) without_policy: &'static str,
}

/// The sentence about a side, as the log and AWS call it.
fn denied(side: Side, decision: &Decision<'_>, session: &Session, asked: &Asked) -> Denied {
    let (here, at_aws) = match side {
        Side::Own => ("the role's policy", "identity-based"),
        Side::Limit(0) if session.boundary.is_some() => ("the permissions boundary", "permissions boundary"),
        Side::Limit(_) => ("the session policy", "session"),
        _ => ("the resource policy", "resource-based"),
    };
    let policy = if at_aws.ends_with("boundary") { at_aws.to_owned() } else { format!("{at_aws} policy") };
    let clause = match decision.effect() {
        Effect::ExplicitDeny => {
            let article = if at_aws == "identity-based" { "an" } else { "a" };
            format!("with an explicit deny in {article} {policy}")
        }
        _ => format!("because no {policy} allows the {} action", asked.action),
    };
    Denied::new(format!("{here}: {decision}"), session, asked, &clause)
}

impl Denied {
    fn new(detail: String, session: &Session, asked: &Asked, clause: &str) -> Self {
        let (who, Asked { action, resource, .. }) = (session.principal.arn(), asked);
        let resource = with_hidden_account(resource);
        let sentence = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {clause}");
        Self { detail, sentence }
    }

    /// For a path that cannot be an ARN's.
    pub(crate) fn unreadable(session: &Session, api: &str) -> Self {
        let detail = "the path is none, or has a broken escape, a control character, or is not UTF-8".to_owned();
        let who = session.principal.arn();
        Self { detail, sentence: format!("User: {who} is not authorized to access {}", with_hidden_account(api)) }
    }
}

/// Whether the session may do what is asked.
pub(crate) fn decide(session: &Session, owner: &Owner<'_>, asked: &Asked, mut context: Context) -> Result<(), Denied> {
    if let Some((key, value)) = asked.key {
        context.set(key, value);
    }
    let principal = Some(session.principal.clone());
    let request = Request { principal, action: asked.action, resource: &asked.resource, context };
    let own: Vec<&PolicyDocument> = session.policies.iter().map(Arc::as_ref).collect();
    let limits: Vec<&PolicyDocument> = session.boundary.as_deref().into_iter().chain(&session.session_policy).collect();
    let is_of_the_account = session.principal.account() == owner.account;
    let is_private = owner.is_private;
    let sides = Sides { own: &own, limits: &limits, resource: owner.policy, is_of_the_account, is_private };
    let Err(refused) = sides.decide(&request) else { return Ok(()) };
    let Some(decision) = &refused.decision else {
        let (who, Owner { account, without_policy, .. }) = (session.principal.arn(), owner);
        let detail = match is_private {
            true => "the API is private, and has no resource policy: it lets nobody in".to_owned(),
            false => format!("`{who}` is not in the API's account, {account}: {without_policy}"),
        };
        let clause = format!("because no resource-based policy allows the {} action", asked.action);
        return Err(Denied::new(detail, session, asked, &clause));
    };
    Err(denied(refused.side, decision, session, asked))
}

/// An ARN as refusals show it: of the account the last four digits.
fn with_hidden_account(arn: &str) -> String {
    let hidden = |part: &str| match part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("********{}", part.get(8..).unwrap_or_default()),
        false => part.to_owned(),
    };
    let part = |(at, part): (usize, &str)| if at == 4 { hidden(part) } else { part.to_owned() };
    arn.splitn(6, ':').enumerate().map(part).collect::<Vec<_>>().join(":")
}
