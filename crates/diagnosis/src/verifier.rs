//! What the verifier of a server says: its reason, which the emulator tells, and its answer, which tells a status and no more.

use serde_json::Value;

use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::finding::{Code, Finding, Side};

/// What a verifier's reason comes to, which the emulator says: its code, and the status that it goes with.
pub(crate) fn of_reason(code: &str, reason: &str, status: Option<u16>) -> Option<Finding> {
    let finding = |code| Finding::new(code, reason);
    Some(match code {
        "authorization_missing" | "authorization_twice" | "authorization_malformed" => finding(Code::IdentityWanted),
        "audience_refused" => finding(Code::AudienceWrong),
        "issuer_unknown" | "caller_unknown" | "role_path_differs" | "callers_not_told_apart" => {
            finding(Code::CallerUnlisted)
        }
        "role_path_unknown" => finding(Code::CallerUnlisted).hint(
            "send a token, which says the role's path, or let the list of callers have the role's whole name",
        ),
        "principal_refused" | "subject_refused" => finding(Code::CallerUnlisted).on(Side::Caller).hint(NO_ROLE),
        "token_expired" | "token_ahead" => finding(Code::ClockOff).on(Side::Provider).hint(
            "set the clock of the server, since AWS dates tokens by its own; a token that was kept is to be fetched anew",
        ),
        "proof_expired" | "proof_ahead" => finding(Code::ClockOff)
            .hint("set the clock of the machine that makes the proof, or the server's; make a proof right before it is sent"),
        "algorithm_refused" => {
            finding(Code::IdentityRefused).hint("ask STS for the algorithm that the server takes: `algorithm`, or --algorithm")
        }
        "lifetime_refused" => {
            finding(Code::IdentityRefused).hint("ask STS for a token that lives shorter: `duration_seconds`, or --expires-in")
        }
        "proofs_not_taken" => finding(Code::IdentityRefused).hint("send a token in place of a proof"),
        "proof_region_refused" => finding(Code::IdentityRefused)
            .hint("make the proof for a region that the server takes: `region`, or --region; the provider's `regions` has them"),
        "proof_refused" => finding(Code::IdentityRefused).hint(
            "compare the audience with the one that the provider wrote, to the letter, and see that the credentials still serve",
        ),
        "keys_unavailable" | "sts_unavailable" | "sts_throttled" | "sts_answer_refused" | "too_busy" => {
            finding(Code::IdentityUnchecked)
        }
        "route_refused" | "path_unreadable" | "method_override_refused" | "mounted_elsewhere"
        | "scope_unknown" => {
            finding(Code::RouteRefused)
        }
        "identity_too_long" | "token_malformed" | "token_header_refused" | "key_id_malformed" | "claims_malformed"
        | "claim_refused" | "account_differs" | "key_unknown" | "key_refused" | "signature_wrong" | "proof_malformed"
        | "not_taken_here"
        | "event_malformed"
        | "event_without_identity"
        | "event_identity_differs" => finding(Code::IdentityRefused),
        // Of a signature of Version 4 it comes with 403.
        "signature_malformed" if status == Some(401) => finding(Code::IdentityRefused),
        _ => return None,
    })
}

/// What a principal that is no role's session is told.
pub(crate) const NO_ROLE: &str = "call as a role: servers know their callers by roles, and take no user and no root";

/// What looks from here as if the server took who calls for nobody.
pub(crate) const ON_THE_WAY: &str = "servers look into `authorization` alone: what takes it off or replaces it on the way looks the same from here, and so does another header for the identity (`identityHeader`, `identity_header`, `header`) that nothing puts back there";

/// A verifier's own refusal that asks for a bearer: the form that middleware has in every language.
pub(crate) fn challenge(exchange: &Exchange, answer: &Answer, is_signed: bool) -> Option<Finding> {
    let asks = exchange.header("www-authenticate").is_some_and(|value| value.trim().eq_ignore_ascii_case("bearer"));
    if !asks || exchange.status != Some(401) || !is_silent(exchange) {
        return None;
    }
    let said = answer.said(exchange);
    Some(if is_signed {
        Finding::new(Code::IdentityWanted, format!("{said}, and the server asks for a bearer"))
    } else {
        not_taken(said)
    })
}

/// What was shown is nobody's to the server, and nothing else is known of it.
pub(crate) fn not_taken(reason: String) -> Finding {
    let hint = format!("{}; {ON_THE_WAY}", Code::IdentityRefused.hint());
    Finding::new(Code::IdentityRefused, reason).hint(hint)
}

/// Whether the answer says nothing but its status, which an application's own seldom does: FastAPI says that in words, too. What nobody
/// read may say something.
pub(crate) fn is_silent(exchange: &Exchange) -> bool {
    if exchange.has_no_text() {
        return true;
    }
    let value: Option<Value> = serde_json::from_str(exchange.text()).ok();
    let members = value.as_ref().and_then(Value::as_object);
    let detail = members.filter(|all| all.len() == 1).and_then(|all| all.get("detail")).and_then(Value::as_str);
    detail.is_some_and(|detail| ["Unauthorized", "Forbidden", "Service Unavailable"].contains(&detail))
}
