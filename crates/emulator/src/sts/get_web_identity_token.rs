//! `GetWebIdentityToken`
//! ([GetWebIdentityToken](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html)).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use xacct_sign::sts::TokenAlgorithm;
use xacct_sign_provider::iam::Context;

use crate::iam::Iam;
use crate::iam::sessions::Session;
use crate::reason::{Kind, Reason};
use crate::sts::fault::Fault;
use crate::sts::xml::Xml;

/// Under what the claims stand that are AWS's own.
const NAMESPACE: &str = "https://sts.amazonaws.com/";

/// How long the claims may be, in bytes. AWS documents that there is a limit, and not which.
const MAX_CLAIM_BYTES: usize = 4_096;

/// What is asked for, its limits checked.
pub(crate) struct TokenCall {
    pub(crate) audiences: Vec<String>,
    pub(crate) algorithm: TokenAlgorithm,
    pub(crate) duration_seconds: u32,
    pub(crate) tags: Vec<(String, String)>,
}

/// Issues a token that says who the caller is, if its own account lets it have one.
pub(crate) fn get_web_identity_token(
    iam: &mut Iam,
    caller: &Session,
    call: &TokenCall,
    now: SystemTime,
) -> Result<Xml, Fault> {
    let account = caller.principal.account();
    if !iam.issuers.is_switched_on(account) {
        return Err(Fault::federation_disabled(account));
    }
    let context = context(caller.context(&iam.region, now), call);
    let mut actions = vec!["sts:GetWebIdentityToken"];
    if !call.tags.is_empty() {
        actions.push("sts:TagGetWebIdentityToken");
    }
    for action in actions {
        caller.may(action, "*", context.clone()).map_err(|why| {
            Fault::denied(caller.principal.arn(), action, "*", Reason::new(Kind::CallerNotAllowed, why))
        })?;
    }
    let expires_at = now.checked_add(Duration::from_secs(call.duration_seconds.into())).unwrap_or(now);
    if caller.credentials.expires_at().is_some_and(|end| end < expires_at) {
        return Err(Fault::session_duration_escalation(call.duration_seconds));
    }
    let claims = claims(iam, caller, call, (now, expires_at));
    let bytes = claims.to_string().len();
    if bytes > MAX_CLAIM_BYTES {
        return Err(Fault::payload_too_large(bytes, MAX_CLAIM_BYTES));
    }
    let token = iam.issuers.sign(account, call.algorithm, &claims).map_err(|error| Fault::internal(&error))?;
    let expiration = xacct_sign::aws::format_rfc3339(expires_at).unwrap_or_default();
    Ok(Xml::Node(
        "GetWebIdentityTokenResult",
        vec![Xml::text("WebIdentityToken", token), Xml::text("Expiration", expiration)],
    ))
}

/// The condition keys of the call
/// ([AWS STS condition keys](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html)).
fn context(mut context: Context, call: &TokenCall) -> Context {
    context.set_all("sts:IdentityTokenAudience", &call.audiences);
    context.set("sts:SigningAlgorithm", call.algorithm.name());
    context.set("sts:DurationSeconds", call.duration_seconds.to_string());
    for (key, value) in &call.tags {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    context.set_all("aws:TagKeys", call.tags.iter().map(|(key, _)| key));
    context
}

fn claims(iam: &mut Iam, caller: &Session, call: &TokenCall, (now, expires_at): (SystemTime, SystemTime)) -> Value {
    let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let account = caller.principal.account();
    // The role with its path, and no session name.
    let subject = caller.principal.role_arn().unwrap_or_else(|| caller.principal.arn());
    let mut own = json!({ "aws_account": account, "source_region": iam.region, "principal_id": subject });
    let mut say = |name: &str, value: Option<Value>| {
        if let (Some(members), Some(value)) = (own.as_object_mut(), value) {
            members.insert(name.to_owned(), value);
        }
    };
    say("org_id", caller.organization.clone().map(Value::from));
    say("source_identity", caller.source_identity.clone().map(Value::from));
    let principal_tags = caller.role_tags.iter().chain(caller.tags.iter().map(|(key, value)| (key, value)));
    say("principal_tags", tags(principal_tags));
    say("request_tags", tags(call.tags.iter().map(|(key, value)| (key, value))));
    let audience = match call.audiences.as_slice() {
        [only] => json!(only),
        several => json!(several),
    };
    let mut claims = json!({
        "iss": iam.issuers.url(account),
        "aud": audience,
        "sub": subject,
        "iat": seconds(now),
        "exp": seconds(expires_at),
        "jti": iam.entropy.request_id(),
    });
    if let Some(members) = claims.as_object_mut() {
        members.insert(NAMESPACE.to_owned(), own);
    }
    claims
}

/// A claim with tags, if there are some; a later one takes the place of an earlier.
fn tags<'t>(tags: impl Iterator<Item = (&'t String, &'t String)>) -> Option<Value> {
    let tags: Map<String, Value> = tags.map(|(key, value)| (key.clone(), json!(value))).collect();
    (!tags.is_empty()).then_some(Value::Object(tags))
}
