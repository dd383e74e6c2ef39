//! What tests share: a manifest, and the evaluator.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use xacct_sign_provider::iam::{
    Context, Decision, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate,
};

/// One caller on one stage.
pub const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop" }
"#;

pub const CALLER: &str = "arn:aws:iam::000000000000:role/service-role/Shop";
pub const ROLE: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";

pub fn session() -> PrincipalIdentity {
    PrincipalIdentity::assumed_role(CALLER, "orders").unwrap()
}

/// A decision that outlives its documents.
pub struct Answer {
    pub effect: Effect,
    pub reasons: Vec<String>,
}

impl Answer {
    fn of(decision: &Decision<'_>) -> Self {
        let reasons: Vec<String> = decision.reasons().map(ToString::to_string).collect();
        assert_eq!(decision.to_string(), reasons.join("; "));
        Self { effect: decision.effect(), reasons }
    }

    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }
}

/// Evaluates one statement, given as JSON, for `sts:AssumeRole` by a session of [`CALLER`].
pub fn trust(statement: &str, context: Context) -> Answer {
    trust_for(Some(session()), statement, context)
}

pub fn trust_for(principal: Option<PrincipalIdentity>, statement: &str, context: Context) -> Answer {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let document = PolicyDocument::parse(&text, PolicyKind::Trust).unwrap();
    Answer::of(&evaluate(&[&document], &Request { principal, action: "sts:AssumeRole", resource: ROLE, context }))
}

/// Evaluates an identity policy's statements, given as JSON, for a session of [`CALLER`].
pub fn identity(statement: &str, action: &str, resource: &str, context: Context) -> Answer {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let document = PolicyDocument::parse(&text, PolicyKind::Identity).unwrap();
    Answer::of(&evaluate(&[&document], &Request { principal: Some(session()), action, resource, context }))
}
