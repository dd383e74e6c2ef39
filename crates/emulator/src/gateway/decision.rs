//! Whether somebody may call: the caller's own side and the API's together.
//!
//! What any policy denies is denied. Within the API's account either side suffices; across accounts both have to allow
//! ([how resource policies affect authorization](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html),
//! tables A and B; [cross-account evaluation](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).

use std::sync::Arc;

use xacct_sign_provider::iam::{Context, Decision, Effect, PolicyDocument, Request, evaluate};

use crate::iam::sessions::Session;

/// What policies are asked about.
pub(crate) struct Asked {
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    /// A condition key that this action has, with its value.
    pub(crate) key: Option<(&'static str, &'static str)>,
}

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

/// A policy, as the log and AWS call it.
struct Side<'d> {
    here: &'static str,
    at_aws: &'static str,
    decision: Decision<'d>,
}

impl<'d> Side<'d> {
    fn of(here: &'static str, at_aws: &'static str, policies: &[&'d PolicyDocument], request: &'d Request<'_>) -> Self {
        Self { here, at_aws, decision: evaluate(policies, request) }
    }

    fn denied(&self, session: &Session, asked: &Asked) -> Denied {
        let Self { here, at_aws, decision } = self;
        let clause = match decision.effect() {
            Effect::ExplicitDeny => {
                let article = if *at_aws == "identity-based" { "an" } else { "a" };
                format!("with an explicit deny in {article} {at_aws} policy")
            }
            _ => format!("because no {at_aws} policy allows the {} action", asked.action),
        };
        Denied::new(format!("{here}: {decision}"), session, asked, &clause)
    }
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
    let identity = Side::of("the role's policy", "identity-based", &own, &request);
    let limit = session.session_policy.as_ref();
    let limit = limit.map(|policy| Side::of("the session policy", "session", &[policy], &request));
    let resource = owner.policy.map(|policy| Side::of("the resource policy", "resource-based", &[policy], &request));

    let sides = || [Some(&identity), limit.as_ref(), resource.as_ref()].into_iter().flatten();
    if let Some(denying) = sides().find(|side| side.decision.effect() == Effect::ExplicitDeny) {
        return Err(denying.denied(session, asked));
    }
    let is_of_the_account = session.principal.account() == owner.account;
    if resource.is_none() && (owner.is_private || !is_of_the_account) {
        let (who, Owner { account, without_policy, .. }) = (session.principal.arn(), owner);
        let detail = match owner.is_private {
            true => "the API is private, and has no resource policy: it lets nobody in".to_owned(),
            false => format!("`{who}` is not in the API's account, {account}: {without_policy}"),
        };
        let clause = format!("because no resource-based policy allows the {} action", asked.action);
        return Err(Denied::new(detail, session, asked, &clause));
    }
    // A session policy limits what a session gets from either side.
    let has_leave = is_of_the_account && resource.as_ref().is_some_and(|side| side.decision.is_allowed());
    let needed = match (is_of_the_account, has_leave) {
        (true, true) => [limit.as_ref(), None, None],
        (true, false) => [Some(&identity), limit.as_ref(), None],
        (false, _) => [resource.as_ref(), Some(&identity), limit.as_ref()],
    };
    match needed.into_iter().flatten().find(|side| !side.decision.is_allowed()) {
        Some(side) => Err(side.denied(session, asked)),
        None => Ok(()),
    }
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
