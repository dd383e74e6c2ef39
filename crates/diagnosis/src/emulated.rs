//! The reason that the emulator gives with `--explain`, in the header `x-xacct-reason`: AWS never says it.

use crate::exchange::Exchange;
use crate::finding::{Code, Finding, Side};
use crate::forbidden::{BOTH_ACTIONS, Front};
use crate::{scope, verifier};

/// The header.
pub(crate) const HEADER: &str = "x-xacct-reason";

/// What the emulator's reason comes to; none if there is none, or one that is not known here.
pub(crate) fn finding(exchange: &Exchange) -> Option<Finding> {
    of_reason(exchange.header(HEADER)?, exchange)
}

/// `code: detail`.
fn of_reason(reason: &str, exchange: &Exchange) -> Option<Finding> {
    let (code, detail) = reason.split_once(": ").unwrap_or((reason, ""));
    if let Some(finding) = verifier::of_reason(code, &format!("the emulator's reason: {reason}"), exchange.status) {
        return Some(finding);
    }
    let found = match code {
        "signature_missing" => Code::RequestUnsigned,
        "signature_malformed" | "algorithm_unknown" => Code::SignatureMalformed,
        "scope_mismatch" => wrong_part(detail),
        "header_unsigned" => Code::HeaderUnsigned,
        "header_missing" if detail.contains("`x-amz-security-token`") => Code::TokenWrong,
        "header_missing" => Code::HeaderDropped,
        "skewed" => Code::ClockOff,
        "presigned_expired" => Code::LinkExpired,
        "token_invalid" => Code::TokenWrong,
        "body_mismatch" | "unsigned_payload" => Code::BodyChanged,
        "signature_mismatch" => mismatch(detail, exchange),
        "unknown_key" => Code::CredentialsUnknown,
        "expired" => Code::CredentialsExpired,
        "not_allowed" if detail.contains("is not in the API's account") => Code::WrongAccount,
        "not_allowed" => not_allowed(detail),
        "unknown_stage" | "outside_stage" | "method_unknown" => Code::RouteMissing,
        "origin_not_allowed" => Code::RefusedBeforeIam,
        "head_too_large" | "body_too_large" => Code::TooLarge,
        "body_too_slow" => Code::ApiUnreachable,
        "no_room" => Code::Throttled,
        "upstream_failed" | "upstream_timeout" | "upstream_too_large" => Code::ApiFailed,
        "action_missing"
        | "action_unknown"
        | "parameters_malformed"
        | "parameter_invalid"
        | "policy_malformed"
        | "policy_arns_unsupported"
        | "mfa_unsupported"
        | "tag_inherited"
        | "source_identity_set"
        | "duration_too_long"
        | "token_too_large" => Code::StsParameter,
        "role_not_found" => Code::RoleMissing,
        "caller_not_allowed" => Code::CallerPolicy,
        "federation_disabled" => Code::IssuerDisabled,
        "trust_denied" if detail.contains("sts:ExternalId") => Code::ExternalId,
        "trust_denied" => Code::TrustPolicy,
        "internal" => Code::StsFailed,
        _ => return None,
    };
    let finding = Finding::new(found, format!("the emulator's reason: {reason}"));
    Some(match found {
        Code::ServiceWrong => match scopes(detail).1.split('/').nth(2) {
            Some(service) => finding.hint(scope::hint_for_service(service)),
            None => finding,
        },
        _ if code == "not_allowed" && found != Code::WrongAccount => {
            match hint_of_denial(detail, Front::of(exchange)) {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
        }
        Code::BodyChanged if code == "unsigned_payload" => finding
            .on(Side::Caller)
            .hint("sign the hash of the body: API Gateway and function URLs take no UNSIGNED-PAYLOAD"),
        // Who signs with our own code sends the token.
        Code::TokenWrong if detail.contains("missing") || detail.contains("not there") => finding.on(Side::Network),
        _ => finding,
    })
}

/// Whose policy: each stands before what it says.
fn not_allowed(detail: &str) -> Code {
    let sides = [
        ("the resource policy: ", Code::ResourcePolicy),
        ("has no resource policy", Code::ResourcePolicy),
        ("the session policy: ", Code::SessionPolicy),
    ];
    sides.iter().find(|(side, _)| detail.contains(side)).map_or(Code::InvokePolicy, |(_, code)| *code)
}

/// What to change, where the detail says more than whose policy it is.
fn hint_of_denial(detail: &str, front: Front) -> Option<String> {
    if detail.contains(": denies") {
        return Some(
            "a deny wins over everything that is allowed, so it has to be removed or narrowed in that policy"
                .to_owned(),
        );
    }
    if detail.contains("aws:SourceVpce") {
        let hint =
            "the API is private: call it by a VPC endpoint that its policy names, or let the policy name this one";
        return Some(hint.to_owned());
    }
    let function = detail.split('`').find(|part| part.starts_with("arn:") && part.contains(":function:"));
    let elsewhere = function.filter(|_| detail.contains("resource: it does not cover `"));
    if let Some(function) = elsewhere {
        let qualifier = function.rsplit(':').next().filter(|_| function.split(':').count() > 7);
        let on = qualifier.map_or("$LATEST, which has no qualifier".to_owned(), |alias| format!("the alias `{alias}`"));
        return Some(format!(
            "the URL hangs on {on}, and the policy stands on something else: put both actions on `{function}`"
        ));
    }
    let lacks = |action: &str| detail.contains(&format!("action: it does not cover `{action}`"));
    if lacks("lambda:InvokeFunction") {
        return Some(format!("the second of the two actions is missing: {BOTH_ACTIONS}"));
    }
    let whose = match not_allowed(detail) {
        Code::ResourcePolicy => "let the function's policy name the caller",
        _ => "let the policy allow it",
    };
    (front == Front::FunctionUrl).then(|| format!("{whose}: {BOTH_ACTIONS}"))
}

/// `the credential is scoped to `{presented}`, not to `{expected}``
fn scopes(detail: &str) -> (&str, &str) {
    let mut scopes = detail.split('`').skip(1).step_by(2);
    (scopes.next().unwrap_or_default(), scopes.next().unwrap_or_default())
}

fn wrong_part(detail: &str) -> Code {
    let (presented, expected) = scopes(detail);
    let differs = |at: usize| presented.split('/').nth(at) != expected.split('/').nth(at);
    if differs(1) {
        Code::RegionWrong
    } else if differs(2) {
        Code::ServiceWrong
    } else {
        Code::ScopeWrong
    }
}

/// Which line was signed otherwise, where the emulator found it: then it was written in a way that signers are known for.
fn mismatch(detail: &str, exchange: &Exchange) -> Code {
    let about = |part: &str| detail.contains(&format!("of the canonical request, {part}"));
    if about("the method") {
        Code::MethodChanged
    } else if about("the path") {
        Code::PathEncoding
    } else if about("the query, was signed without what is in it") && exchange.has_no_query() {
        // There was nothing that could have been signed: it was added on the way.
        Code::QueryChanged
    } else if about("the query") {
        Code::QueryEncoding
    } else if about("the header `host`") {
        Code::HostChanged
    } else if about("the header") {
        Code::HeaderChanged
    } else if about("the hash of the body") {
        Code::BodyChanged
    } else {
        Code::SignatureMismatch
    }
}
