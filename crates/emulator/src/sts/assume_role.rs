//! `AssumeRole`
//! ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use xacct_sign::sts::AssumeRole;
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};

use crate::iam::Iam;
use crate::iam::roles::ProviderRole;
use crate::iam::sessions::{Session, allowed, issue, same_key};
use crate::options::Options;
use crate::reason::{Kind, Reason};
use crate::sts::fault::Fault;
use crate::sts::xml::Xml;

/// The longest session of a role that a session of a role makes, in seconds
/// ([Role chaining](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining)). A Lambda
/// function's own credentials are a role's session, so it is what every caller here gets at most.
const MAX_CHAINED_SECONDS: u32 = 3_600;

/// Issues credentials of the role, if both accounts let the caller have it.
pub(crate) fn assume_role(
    iam: &mut Iam,
    options: &Options,
    caller: &Session,
    call: &AssumeRole,
    now: SystemTime,
) -> Result<Xml, Fault> {
    if !call.policy_arns.is_empty() {
        return Err(Fault::policy_arns());
    }
    let session_policy = match &call.policy {
        Some(text) => {
            Some(PolicyDocument::parse(text, PolicyKind::Identity).map_err(|error| Fault::malformed_policy(&error))?)
        }
        None => None,
    };
    let role = authorize(iam, caller, call, now)?;
    if call.mfa.is_some() {
        return Err(Fault::mfa());
    }
    if call.duration_seconds > role.max_session_seconds {
        return Err(Fault::too_long_for_role(call.duration_seconds, role.max_session_seconds));
    }
    if caller.principal.role_arn().is_some() && call.duration_seconds > MAX_CHAINED_SECONDS {
        return Err(Fault::too_long_for_chaining(call.duration_seconds));
    }

    let asked = Duration::from_secs(call.duration_seconds.into());
    let lifetime = options.credential_lifetime.map_or(asked, |lifetime| lifetime.min(asked));
    let expires_at = now.checked_add(lifetime);
    iam.sessions.tidy(now);
    let principal =
        PrincipalIdentity::assumed_role(&role.arn, &call.session_name).map_err(|error| Fault::internal(&error))?;
    let session = iam.sessions.add(Session {
        credentials: issue(&mut iam.entropy, expires_at).map_err(|error| Fault::internal(&error))?,
        principal,
        caller: caller.caller.clone(),
        user_id: format!("{}:{}", role.id, call.session_name),
        policies: role.policies.clone(),
        boundary: role.boundary.clone(),
        organization: options.organizations.get(&iam.account).cloned(),
        session_policy,
        role_tags: role.tags.clone(),
        tags: caller.transitive_tags().chain(&call.tags).cloned().collect(),
        transitive_tag_keys: caller
            .transitive_tags()
            .map(|(key, _)| key)
            .chain(&call.transitive_tag_keys)
            .cloned()
            .collect(),
        source_identity: call.source_identity.clone().or_else(|| caller.source_identity.clone()),
    });
    Ok(issued(&session, call))
}

/// Whether both accounts let the caller assume the role: its own, and the role's
/// ([Cross-account policy evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).
/// Within one account the role's is enough where its trust policy names the caller, and not all of the account
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
/// Session tags and a source identity are actions of their own, on both sides.
fn authorize(iam: &Iam, caller: &Session, call: &AssumeRole, now: SystemTime) -> Result<Arc<ProviderRole>, Fault> {
    let arn = caller.principal.arn();
    let denied = |action, code, why: String| Fault::denied(arn, action, &call.role_arn, Reason::new(code, why));
    let Some(role) = iam.roles.get(&call.role_arn).cloned() else {
        let why = format!("there is no role `{}` here", call.role_arn);
        return Err(denied("sts:AssumeRole", Kind::RoleNotFound, why));
    };
    if let (Some(set), Some(asked)) = (&caller.source_identity, &call.source_identity)
        && set != asked
    {
        let why = format!("the session's source identity `{set}` stays as it is, `{asked}` was asked for");
        return Err(denied("sts:SetSourceIdentity", Kind::SourceIdentitySet, why));
    }
    if let Some((key, _)) =
        call.tags.iter().find(|(key, _)| caller.transitive_tags().any(|(set, _)| same_key(set, key)))
    {
        return Err(Fault::tag_inherited(key));
    }
    let context = assume_role_context(caller.context(&iam.region, now), call);
    let mut actions = vec!["sts:AssumeRole"];
    // Tags that the caller's own session hands on take the same leave as those that are passed.
    if !call.tags.is_empty() || caller.transitive_tags().next().is_some() {
        actions.push("sts:TagSession");
    }
    // A source identity that the caller's own session has goes on to the next, and takes the same leave.
    if call.source_identity.is_some() || caller.source_identity.is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        let request = Request {
            principal: Some(caller.principal.clone()),
            action,
            resource: &role.arn,
            context: context.clone(),
        };
        let trust = evaluate(&[&role.trust], &request);
        let is_named = caller.principal.account() == iam.account && trust.allows_asker_itself();
        let own = if is_named { Session::may_as_named } else { Session::may };
        own(caller, action, &role.arn, context.clone()).map_err(|why| denied(action, Kind::CallerNotAllowed, why))?;
        allowed("the trust policy", trust).map_err(|why| denied(action, Kind::TrustDenied, why))?;
    }
    Ok(role)
}

/// The condition keys of AssumeRole
/// ([IAM and STS condition context keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html)).
fn assume_role_context(mut context: Context, call: &AssumeRole) -> Context {
    context.set("sts:RoleSessionName", &call.session_name);
    if let Some(external_id) = &call.external_id {
        context.set("sts:ExternalId", external_id);
    }
    if let Some(identity) = &call.source_identity {
        context.set("sts:SourceIdentity", identity);
    } else if let Some(identity) = context.values("aws:SourceIdentity").and_then(|values| values.first()).cloned() {
        context.set("sts:SourceIdentity", identity);
    }
    for (key, value) in &call.tags {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    context.set_all("aws:TagKeys", call.tags.iter().map(|(key, _)| key));
    context.set_all("sts:TransitiveTagKeys", &call.transitive_tag_keys);
    context
}

fn issued(session: &Session, call: &AssumeRole) -> Xml {
    let credentials = &session.credentials;
    let expiration = credentials.expires_at().and_then(xacct_sign::aws::format_rfc3339).unwrap_or_default();
    let user = vec![Xml::text("AssumedRoleId", session.user_id.as_str()), Xml::text("Arn", session.principal.arn())];
    let mut result = vec![
        Xml::Node("AssumedRoleUser", user),
        Xml::Node(
            "Credentials",
            vec![
                Xml::text("AccessKeyId", credentials.access_key_id()),
                Xml::text("SecretAccessKey", credentials.secret_access_key()),
                Xml::text("SessionToken", credentials.session_token().unwrap_or_default()),
                Xml::text("Expiration", expiration),
            ],
        ),
    ];
    if let Some(percent) = packed_policy_size(call) {
        result.push(Xml::text("PackedPolicySize", percent.to_string()));
    }
    if let Some(identity) = &session.source_identity {
        result.push(Xml::text("SourceIdentity", identity.as_str()));
    }
    Xml::Node("AssumeRoleResult", result)
}

/// How much of the space for session policy and tags is used, in percent: AWS packs them in a way of its own, this is
/// the plain text's share of 2,048 characters.
fn packed_policy_size(call: &AssumeRole) -> Option<usize> {
    let tags: usize = call.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let characters = call.policy.as_ref().map_or(0, String::len) + tags;
    (characters > 0).then(|| (characters * 100 / 2_048).clamp(1, 100))
}
