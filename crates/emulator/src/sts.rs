//! STS: `AssumeRole` and `GetCallerIdentity`
//! ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use xacct_sign::sts::AssumeRole;
use xacct_sign::verify::Rules;
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};

use crate::emulator::Emulator;
use crate::gateway::MAX_BODY_BYTES;
use crate::log::LogEntry;
use crate::reason::Reason;
use crate::roles::ProviderRole;
use crate::sessions::{Session, allowed, issue};
use crate::sts_fault::Fault;
use crate::sts_parameters::Parameters;
use crate::sts_xml::{self, Xml};

/// How far a request's time may lie from STS's, either way.
const WINDOW: Duration = Duration::from_secs(900);

/// The longest session of a role that a session of a role makes, in seconds
/// ([Role chaining](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining)). A Lambda
/// function's own credentials are a role's session, so it is what every caller here gets at most.
const MAX_CHAINED_SECONDS: u32 = 3_600;

const VERSION: &str = "2011-06-15";

impl Emulator {
    pub(crate) fn sts(&mut self, parts: &Parts, body: &Bytes, now: SystemTime, log: &mut LogEntry) -> Response<Bytes> {
        if body.len() > MAX_BODY_BYTES {
            return self.sts_body_too_large(log);
        }
        let request_id = self.entropy.request_id();
        match self.call(parts, body, now, log) {
            Ok((root, result)) => {
                let children = [result, sts_xml::metadata(&request_id)];
                sts_xml::respond(StatusCode::OK, root, &children, &request_id)
            }
            Err(fault) => self.sts_refuse(fault, &request_id, log),
        }
    }

    pub(crate) fn sts_body_too_large(&mut self, log: &mut LogEntry) -> Response<Bytes> {
        let request_id = self.entropy.request_id();
        self.sts_refuse(Fault::body_too_large(), &request_id, log)
    }

    fn sts_refuse(&self, fault: Fault, request_id: &str, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = fault.respond(request_id);
        if self.options.explain {
            response.headers_mut().insert("x-xacct-reason", fault.reason.header_value());
        }
        log.reason = Some(fault.reason);
        response
    }

    fn call(
        &mut self,
        parts: &Parts,
        body: &Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Result<(&'static str, Xml), Fault> {
        let parameters = Parameters::read(parts, body)?;
        let action = parameters.find("Action").ok_or_else(Fault::missing_action)?;
        let version = parameters.find("Version").unwrap_or("NO_VERSION_SPECIFIED");
        if !matches!(action, "AssumeRole" | "GetCallerIdentity") || version != VERSION {
            return Err(Fault::unknown_action(action, version));
        }
        let rules = Rules::new(&self.region, "sts", WINDOW);
        let caller = self
            .authenticate(&rules, parts, body, now)
            .map_err(|unauthenticated| Fault::unauthenticated(unauthenticated, now, log))?;
        log.principal = Some(caller.principal.arn().to_owned());
        if action == "GetCallerIdentity" {
            log.done = Some(action.to_owned());
            return Ok(("GetCallerIdentityResponse", identity_of(&caller)));
        }
        let call = parameters.assume_role()?;
        let result = self.assume_role(&caller, &call, now)?;
        log.done = Some(format!("AssumeRole {} as {}", call.role_arn, call.session_name));
        Ok(("AssumeRoleResponse", result))
    }

    fn assume_role(&mut self, caller: &Session, call: &AssumeRole, now: SystemTime) -> Result<Xml, Fault> {
        if !call.policy_arns.is_empty() {
            return Err(Fault::policy_arns());
        }
        let session_policy = match &call.policy {
            Some(text) => Some(
                PolicyDocument::parse(text, PolicyKind::Identity).map_err(|error| Fault::malformed_policy(&error))?,
            ),
            None => None,
        };
        let role = self.authorize(caller, call, now)?;
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
        let lifetime = self.options.credential_lifetime.map_or(asked, |lifetime| lifetime.min(asked));
        let expires_at = now.checked_add(lifetime);
        self.sessions.tidy(now);
        let principal =
            PrincipalIdentity::assumed_role(&role.arn, &call.session_name).map_err(|error| Fault::internal(&error))?;
        let session = self.sessions.add(Session {
            credentials: issue(&mut self.entropy, expires_at).map_err(|error| Fault::internal(&error))?,
            principal,
            user_id: format!("{}:{}", role.id, call.session_name),
            policies: role.policies.clone(),
            organization: self.options.organizations.get(&self.account).cloned(),
            session_policy,
            tags: call.tags.clone(),
            source_identity: call.source_identity.clone().or_else(|| caller.source_identity.clone()),
        });
        Ok(issued(&session, call))
    }

    /// Whether both accounts let the caller assume the role: its own, and the role's
    /// ([Cross-account policy evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).
    /// Session tags and a source identity are actions of their own, on both sides.
    fn authorize(&self, caller: &Session, call: &AssumeRole, now: SystemTime) -> Result<Arc<ProviderRole>, Fault> {
        let arn = caller.principal.arn();
        let denied = |action, code, why: String| Fault::denied(arn, action, &call.role_arn, Reason::new(code, why));
        let Some(role) = self.roles.get(&call.role_arn).cloned() else {
            let why = format!("there is no role `{}` here", call.role_arn);
            return Err(denied("sts:AssumeRole", "role_not_found", why));
        };
        if let (Some(set), Some(asked)) = (&caller.source_identity, &call.source_identity)
            && set != asked
        {
            let why = format!("the session's source identity `{set}` stays as it is, `{asked}` was asked for");
            return Err(denied("sts:SetSourceIdentity", "source_identity_set", why));
        }
        let context = assume_role_context(caller.context(&self.region, now), call);
        let mut actions = vec!["sts:AssumeRole"];
        if !call.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        // A source identity that the caller's own session has goes on to the next, and takes the same leave.
        if call.source_identity.is_some() || caller.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            caller.may(action, &role.arn, context.clone()).map_err(|why| denied(action, "caller_not_allowed", why))?;
            let request = Request {
                principal: Some(caller.principal.clone()),
                action,
                resource: &role.arn,
                context: context.clone(),
            };
            allowed("the trust policy", evaluate(&[&role.trust], &request))
                .map_err(|why| denied(action, "trust_denied", why))?;
        }
        Ok(role)
    }
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

fn identity_of(caller: &Session) -> Xml {
    Xml::Node(
        "GetCallerIdentityResult",
        vec![
            Xml::text("Arn", caller.principal.arn()),
            Xml::text("UserId", caller.user_id.as_str()),
            Xml::text("Account", caller.principal.account()),
        ],
    )
}

fn issued(session: &Session, call: &AssumeRole) -> Xml {
    let credentials = &session.credentials;
    let expiration = credentials.expires_at().and_then(xacct_sign::format_rfc3339).unwrap_or_default();
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
