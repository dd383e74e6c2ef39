//! Which link of a chain is broken.

use xacct_sign::aws::Arn;

use crate::evidence::{
    AssumeRoleEvidence, BaseEvidence, BearerEvidence, CallEvidence, Evidence, Failure, IdentityEvidence,
};
use crate::exchange::{Exchange, instant};
use crate::explain::{self, Shown};
use crate::finding::{Code, Finding, SIGNATURE_HINT, Side};
use crate::forbidden::{BOTH_ACTIONS, BOTH_SIDES, Front};
use crate::from_here::{TOLERATED_SECONDS, clock_off_by, has_passed, is_aws};
use crate::scope::Signed;
use crate::server;

/// The broken link of a chain, and nothing else: what comes behind it fails for its sake. Empty where nothing is broken.
///
/// Three things are found beside it: a clock that is off by more than five minutes, even where that was known and applied, a role that
/// can be assumed without its external id, and an API that answers whoever has not signed. One is found where nothing else is: an answer
/// that does not show whether the caller is let in.
#[must_use]
pub fn diagnose(evidence: &Evidence) -> Vec<Finding> {
    let mut found = broken(evidence);
    if found.is_empty() {
        found.extend(unasked(evidence));
    }
    let seconds = evidence.clock.as_ref().map_or(0, |clock| clock.ahead_seconds);
    if seconds.unsigned_abs() > TOLERATED_SECONDS && !found.iter().any(|each| each.code == Code::ClockOff) {
        found.insert(0, clock_off_by(seconds, "AWS"));
    }
    // Who is asked to log in is not let in.
    let asked = evidence.call.as_ref().filter(|call| !call.unsigned_is_login);
    let passes_unsigned = asked.and_then(|call| call.unsigned_status).filter(|status| *status < 300);
    // What is not the API says nothing of whom the API lets in. Whether a page is a server's own nobody knows for sure.
    let is_the_api = evidence.bearer.is_some() || !found.iter().any(|each| each.code == Code::NotTheApi);
    if let Some(status) = passes_unsigned.filter(|_| is_the_api) {
        let hint = match &evidence.bearer {
            None => Code::OpenToAll.hint().to_owned(),
            Some(_) => server::open_hint(evidence),
        };
        let reason = format!("the same call without {} was answered with {status}, too", shown(evidence));
        found.push(Finding::new(Code::OpenToAll, reason).hint(hint));
    }
    let works_without = evidence.assume_role.as_ref().and_then(|role| role.works_without_external_id);
    if works_without == Some(true) {
        found.push(Finding::new(Code::ExternalIdUnchecked, "STS gave the role without the external id, too"));
    }
    found
}

/// What says who calls.
fn shown(evidence: &Evidence) -> &'static str {
    if evidence.bearer.is_some() { "a token or a proof" } else { "a signature" }
}

/// Whether it is a status that many servers answer with before they ask who calls: the same call by nobody says more.
#[must_use]
pub fn may_be_unasked(status: u16) -> bool {
    matches!(status, 400 | 405 | 415 | 422)
}

/// Whether who answered so has judged who calls: neither has what fails, nor what counts calls or is in between.
#[must_use]
pub fn has_judged(status: u16) -> bool {
    !matches!(status, 407 | 429 | 500..)
}

/// Nobody gets the same answer, so that it is no sign of being let in.
fn unasked(evidence: &Evidence) -> Option<Finding> {
    let call = evidence.call.as_ref()?;
    let exchange = call.exchange.as_ref()?;
    let status = exchange.status.filter(|status| may_be_unasked(*status) && call.unsigned_status == Some(*status))?;
    let same = format!("the same call without {} was answered with {status}, too", shown(evidence));
    // API Gateway and Lambda ask IAM before anything else: the route asks nobody.
    if evidence.bearer.is_none() && is_aws(exchange) {
        return Some(Finding::new(Code::OpenToAll, same));
    }
    let reason =
        format!("{same}: that comes before anybody is asked who calls, and does not show whether the caller is let in");
    Some(Finding::new(Code::CallerUnasked, reason))
}

fn broken(evidence: &Evidence) -> Vec<Finding> {
    let place = evidence.place.as_ref().and_then(|place| place.error.as_ref());
    let links: [&dyn Fn() -> Vec<Finding>; 6] = [
        &|| place.map(of_place).into_iter().collect(),
        &|| evidence.base.as_ref().and_then(of_base).into_iter().collect(),
        &|| evidence.identity.as_ref().map(of_identity).unwrap_or_default(),
        &|| evidence.assume_role.as_ref().map(|role| of_role(role, evidence.identity.as_ref())).unwrap_or_default(),
        &|| evidence.bearer.as_ref().map(of_bearer).unwrap_or_default(),
        &|| evidence.call.as_ref().map(|call| of_call(call, evidence)).unwrap_or_default(),
    ];
    links.iter().map(|link| link()).find(|found| !found.is_empty()).unwrap_or_default()
}

fn with_own_hint(finding: Finding, failure: &Failure) -> Finding {
    match &failure.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn of_place(failure: &Failure) -> Finding {
    let code = match failure.code.as_str() {
        "scope_mismatch" if failure.message.starts_with("the service") => Code::ServiceWrong,
        "scope_mismatch" | "invalid_region" => Code::RegionWrong,
        _ => Code::InputInvalid,
    };
    with_own_hint(Finding::new(code, &failure.message), failure)
}

fn of_base(base: &BaseEvidence) -> Option<Finding> {
    if let Some(failure) = &base.error {
        let code = match failure.code.as_str() {
            "credentials_not_found" => Code::BaseMissing,
            "credentials_expired" | "sts_expired" => Code::BaseExpired,
            _ => on_the_way(failure, None).unwrap_or(Code::BaseUnusable),
        };
        return Some(with_own_hint(Finding::new(code, &failure.message), failure));
    }
    let (expires_at, at) = (base.expires_at?, instant(base.at?)?);
    has_passed(expires_at, at).then(|| Finding::new(Code::BaseExpired, "the caller's own credentials have expired"))
}

/// What broke between here and there; `unreachable` is said of what has no more to it.
fn on_the_way(failure: &Failure, unreachable: Option<Code>) -> Option<Code> {
    match failure.broken.as_deref() {
        Some("name") => Some(Code::HostUnknown),
        Some("certificate") => Some(Code::CertificateUntrusted),
        Some("proxy") => Some(Code::ProxyFailed),
        Some("answer") if failure.code == "response_too_large" => Some(Code::NotTheApi),
        Some("answer") => Some(Code::AnswerCut),
        Some("connection" | "time") => unreachable,
        _ => match failure.code.as_str() {
            "transport" | "timeout" => unreachable,
            "invalid_response" | "response_too_large" => Some(Code::NotTheApi),
            // A proxy that is named and cannot be used.
            "invalid_option" if failure.message.to_ascii_lowercase().contains("proxy") => Some(Code::ProxyFailed),
            _ => None,
        },
    }
}

/// What STS refused, or why it was not reached.
fn of_sts(failure: &Failure, answer: Option<&Exchange>) -> Vec<Finding> {
    if let Some(code) = on_the_way(failure, Some(Code::StsUnreachable)) {
        return vec![with_own_hint(Finding::new(code, &failure.message), failure)];
    }
    let mut found = answer.map(|answer| explain::of(answer, Shown::Signature)).unwrap_or_default();
    for finding in &mut found {
        let (code, side) = match finding.code {
            Code::CredentialsExpired => (Code::BaseExpired, Side::Caller),
            Code::Throttled => (Code::StsThrottled, Side::Caller),
            Code::ApiFailed => (Code::StsFailed, Side::Aws),
            // What STS takes was written and sent as it was signed.
            Code::SignatureMismatch => (Code::SecretWrong, Side::Caller),
            // It is no API's.
            Code::RegionWrong => {
                *finding = finding.clone().hint("give the region whose STS is asked: `region`, --region or AWS_REGION");
                continue;
            }
            _ => continue,
        };
        *finding = Finding::new(code, &finding.reason).on(side);
    }
    if found.iter().any(|each| each.code == Code::RefusedByApplication) {
        return vec![Finding::new(Code::NotTheApi, format!("{}: it is no answer of STS", failure.message))];
    }
    // What names nobody says less than the error does.
    let is_vague = |each: &Finding| match each.code {
        Code::Denied => each.hint == Code::Denied.hint(),
        code => matches!(code, Code::Forbidden | Code::RouteMissing | Code::RefusedBeforeIam),
    };
    if found.iter().all(is_vague) {
        let code = match failure.code.as_str() {
            "sts_denied" => Code::AssumeRoleDenied,
            "sts_expired" | "credentials_expired" => Code::BaseExpired,
            "sts_credentials" => Code::CredentialsUnknown,
            "sts_throttled" => Code::StsThrottled,
            "sts_invalid" => Code::StsParameter,
            "sts_failed" => Code::StsFailed,
            _ => Code::InputInvalid,
        };
        return vec![with_own_hint(Finding::new(code, &failure.message), failure)];
    }
    found
}

fn of_identity(identity: &IdentityEvidence) -> Vec<Finding> {
    identity.error.as_ref().map(|failure| of_sts(failure, identity.answer.as_ref())).unwrap_or_default()
}

fn of_role(role: &AssumeRoleEvidence, identity: Option<&IdentityEvidence>) -> Vec<Finding> {
    let Some(failure) = &role.error else { return Vec::new() };
    let mut found = of_sts(failure, role.answer.as_ref());
    for finding in found.iter_mut().filter(|finding| finding.code == Code::AssumeRoleDenied) {
        let name = |arn: Option<&String>, other: &str| arn.map_or(other.to_owned(), |arn| format!("`{arn}`"));
        let arn = identity.and_then(|identity| identity.arn.as_ref());
        let caller = arn.and_then(|arn| role_of(arn)).unwrap_or_else(|| name(arn, "this caller"));
        let arn = name(role.role_arn.as_ref(), "the role");
        let external_id = if role.has_external_id {
            "ask for the external id that was sent"
        } else {
            "ask for no external id, since none was sent"
        };
        *finding = Finding::new(Code::AssumeRoleDenied, &finding.reason).hint(format!(
            "provider: {arn} has to exist, and its trust policy has to name {caller} and {external_id}; caller: its own policy has to allow sts:AssumeRole on {arn}. STS does not tell the three apart"
        ));
    }
    found
}

fn of_bearer(bearer: &BearerEvidence) -> Vec<Finding> {
    let Some(failure) = &bearer.error else { return Vec::new() };
    let mut found = of_sts(failure, bearer.answer.as_ref());
    // No role is assumed here: STS refuses what the caller's own policy does not allow.
    for finding in found.iter_mut().filter(|finding| finding.code == Code::AssumeRoleDenied) {
        *finding = with_own_hint(Finding::new(Code::CallerPolicy, &finding.reason), failure);
    }
    let is_plain =
        |finding: &&mut Finding| finding.code == Code::CallerPolicy && finding.hint == Code::CallerPolicy.hint();
    for finding in found.iter_mut().filter(is_plain) {
        *finding = with_own_hint(finding.clone(), failure);
    }
    let audience = &bearer.audience;
    let of_audience = |finding: &&mut Finding| {
        finding.code == Code::CallerPolicy && finding.hint.contains("audience") && !finding.hint.contains(audience)
    };
    for finding in found.iter_mut().filter(of_audience) {
        *finding = finding.clone().hint(format!("{}; it was asked for `{audience}`", finding.hint));
    }
    found
}

fn of_call(call: &CallEvidence, evidence: &Evidence) -> Vec<Finding> {
    if let Some(failure) = &call.error {
        let code = on_the_way(failure, Some(Code::ApiUnreachable)).unwrap_or(match failure.code.as_str() {
            "scope_mismatch" => Code::RegionWrong,
            _ => Code::InputInvalid,
        });
        return vec![with_own_hint(Finding::new(code, &failure.message), failure)];
    }
    let Some(exchange) = &call.exchange else { return Vec::new() };
    if let Some(bearer) = &evidence.bearer {
        return server::of_call(exchange, call, bearer, evidence);
    }
    if exchange.has_bearer {
        return server::of_answer(exchange);
    }
    let mut found = explain::of(exchange, Shown::Signature);
    // STS has just given these credentials, or taken them: what does not match was changed on the way.
    let is_known = match (&evidence.assume_role, &evidence.identity) {
        (Some(role), _) => role.error.is_none(),
        (None, Some(identity)) => identity.error.is_none(),
        (None, None) => false,
    };
    for finding in &mut found {
        match finding.code {
            Code::SignatureMismatch | Code::SecretWrong if is_known => {
                *finding = Finding::new(Code::SignatureMismatch, &finding.reason).on(Side::Network).hint(
                    "the credentials are right, as STS has just shown: something on the way changes what was signed (Host, path, query, a header, the body)",
                );
            }
            // Who signs as itself has a policy of its own.
            Code::InvokePolicy if evidence.assume_role.is_none() => {
                let more = Some(finding.hint.clone()).filter(|hint| hint != Code::InvokePolicy.hint());
                let hint = "let the policy of who signs allow it: `xacct-sign policy caller` prints what it needs";
                *finding = Finding::new(Code::CallerPolicy, &finding.reason)
                    .hint(more.map_or_else(|| hint.to_owned(), |more| format!("{hint}; {more}")));
            }
            // Whoever signs as this library does signs all of those.
            Code::HeaderUnsigned => {
                *finding = finding.clone().on(Side::Network).hint(
                    "all headers that begin with x-amz- were signed: let nothing between here and the API add one",
                );
            }
            _ => {}
        }
    }
    if needs_another_form(exchange, &found)
        && let Some(finding) = by_other_forms(call)
    {
        return vec![finding];
    }
    let front = Front::of(exchange);
    let has_role = evidence.assume_role.is_some();
    if let Some(finding) = found.first_mut() {
        match finding.code {
            Code::Forbidden if !has_role => {
                let hint = [Some(without_role(front)), Signed::unconfirmed(exchange)];
                let hint = hint.into_iter().flatten().collect::<Vec<_>>().join("; ");
                *finding = finding.clone().on(Side::Caller).hint(hint);
            }
            Code::Forbidden if front == Front::FunctionUrl => {
                *finding = finding.clone().hint(format!(
                    "the policy of the role that was assumed has to allow it, and where the role is not in the function's account the function's policy, too: {BOTH_ACTIONS}"
                ));
            }
            // Whoever has a role to assume need not be let in as itself.
            Code::ResourcePolicy if !has_role && finding.hint.starts_with("let ") => {
                let hint = format!("no role was assumed: give the provider's role, or {}", finding.hint);
                *finding = finding.clone().hint(hint);
            }
            _ => {}
        }
    }
    found
}

/// The role of a session, which is what a trust policy names: `arn:aws:sts::000000000000:assumed-role/LambdaRole/shop`.
fn role_of(arn: &str) -> Option<String> {
    let arn = Arn::parse(arn)?;
    let role = arn.resource.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("the role `{role}` of account `{}`", arn.account))
}

/// Whether the same call in another form says more: the API refused the signature, so nothing was done, and did not say in what it is
/// wrong; or it said nothing.
#[must_use]
pub fn needs_another_form(exchange: &Exchange, found: &[Finding]) -> bool {
    found.first().is_some_and(|finding| match finding.code {
        Code::Forbidden | Code::SignatureMismatch => true,
        // `Missing Authentication Token` is a REST API's word for what has no signature, too.
        Code::RouteMissing => exchange.status == Some(403),
        _ => false,
    })
}

/// What it says that the same call passed in another form.
fn by_other_forms(call: &CallEvidence) -> Option<Finding> {
    let passes = |status: Option<u16>| status.is_some_and(|status| status != 403 && has_judged(status));
    if passes(call.presigned_status) {
        let reason = "the same call passes with its signature in the URL: a header of the signature, such as the session token, is changed or taken off on the way";
        return Some(Finding::new(Code::HeaderDropped, reason).hint(SIGNATURE_HINT));
    }
    let reason = "the same call passes without its body: the body is changed on the way";
    passes(call.bodiless_status).then(|| Finding::new(Code::BodyChanged, reason))
}

/// What to do where who signs has assumed no role.
fn without_role(front: Front) -> String {
    match front {
        Front::FunctionUrl => format!("no role was assumed: give the provider's role, or be let in directly: {BOTH_ACTIONS}; {BOTH_SIDES}"),
        Front::RestApi => format!("no role was assumed: give the provider's role, or be let in directly: {BOTH_SIDES}"),
        Front::HttpApi | Front::Unknown => "no role was assumed: an HTTP API lets only principals of its own account in, so give the provider's role; else the policy of who signs has to allow execute-api:Invoke".to_owned(),
    }
}
