//! A server without API Gateway in front, which is shown a token or a proof. It tells 401, 403 or 503 and no more: what else is
//! known is known from here.

use crate::answer::Answer;
use crate::diagnose::has_judged;
use crate::emulated;
use crate::evidence::{BearerEvidence, CallEvidence, Evidence};
use crate::exchange::Exchange;
use crate::explain::{self, Shown};
use crate::finding::{Code, Finding, Side};
use crate::from_here::{self, TOLERATED_SECONDS};
use crate::verifier::{NO_ROLE, ON_THE_WAY, is_silent, not_taken};

/// By how much a server may take tokens to be from the future.
const TOLERATED_OF_TOKENS: i64 = 60;

/// How long a token lives where nothing else was asked for.
const USUAL_LIFETIME: i64 = 300;

/// Where nobody said which of the two it was.
const UNKNOWN_KIND: &str = "token or proof";

/// Where the rest stands.
const LOG: &str = "the server tells no more, and its log has the reason";

/// What the answer of a server comes to that was shown a token or a proof, where nothing else is known.
pub(crate) fn of_answer(exchange: &Exchange) -> Vec<Finding> {
    judged(exchange, &CallEvidence::default(), |status| match status {
        401 => not_taken(took_for_nobodys(UNKNOWN_KIND)),
        403 => not_let(UNKNOWN_KIND),
        _ => unchecked(UNKNOWN_KIND),
    })
}

/// The same, with all that was seen on the way.
pub(crate) fn of_call(
    exchange: &Exchange,
    call: &CallEvidence,
    bearer: &BearerEvidence,
    evidence: &Evidence,
) -> Vec<Finding> {
    judged(exchange, call, |status| refused(status, call, bearer, evidence))
}

/// `refused` says what a verifier's own refusal comes to, which tells its status alone.
fn judged(exchange: &Exchange, call: &CallEvidence, refused: impl FnOnce(u16) -> Finding) -> Vec<Finding> {
    let found = explain::of(exchange, Shown::Bearer);
    let is_said = emulated::finding(exchange).is_some();
    let (is_aws, is_unread) = (from_here::is_aws(exchange), exchange.body.is_none());
    if let Some(page) = page(exchange).filter(|_| !is_said && is_from_between(exchange, call)) {
        return vec![page];
    }
    match exchange.status {
        // What nobody read is a verifier's, most often: it says no more than its status.
        Some(status @ (401 | 403 | 503)) if !is_said && (is_silent(exchange) || (is_unread && !is_aws)) => {
            vec![refused(status)]
        }
        Some(401 | 403) if is_aws => found.into_iter().map(of_a_gateway).collect(),
        // Where a call by nobody is refused, nobody is led to log in.
        Some(300..=399) if is_refused_to_nobody(call) => Vec::new(),
        _ if is_aws => found,
        _ => found.into_iter().map(of_its_own).collect(),
    }
}

/// What the server says is its own: there is no integration behind it, and no IAM before it.
fn of_its_own(finding: Finding) -> Finding {
    match finding.code {
        Code::Forbidden | Code::RefusedBeforeIam => Finding::new(Code::RefusedByApplication, finding.reason),
        Code::ApiFailed if finding.hint == Code::ApiFailed.hint() => {
            finding.hint("look at the server's log: it has the reason")
        }
        Code::TooLarge => finding.hint("ask what the server takes, or what stands in front of it"),
        _ => finding,
    }
}

/// The page of something else than the server.
fn page(exchange: &Exchange) -> Option<Finding> {
    from_here::page_instead(exchange, &Answer::read(exchange))
}

/// Whether a page is a login page in between. Where a call by nobody is refused, none comes to such a page; and what failed asks nobody.
fn is_from_between(exchange: &Exchange, call: &CallEvidence) -> bool {
    let is_failure = exchange.status.is_some_and(|status| status >= 500);
    !is_refused_to_nobody(call) && !is_failure && is_login_page(exchange)
}

/// Whether the answer is a page that asks who calls in a browser's way, and neither API Gateway's nor Lambda's: for a password, or by its
/// title.
#[must_use]
pub fn is_login_page(exchange: &Exchange) -> bool {
    if page(exchange).is_none() {
        return false;
    }
    let page = exchange.text().to_ascii_lowercase();
    let title = page.split_once("<title").and_then(|(_, rest)| rest.split("</title").next()).unwrap_or_default();
    let words: Vec<&str> = title.split(|part: char| !part.is_alphanumeric()).collect();
    let is_asked = words.contains(&"login") || words.windows(2).any(|two| matches!(two, ["sign" | "log", "in"]));
    is_asked || ["type=\"password\"", "type='password'", "type=password"].iter().any(|field| page.contains(field))
}

fn is_refused_to_nobody(call: &CallEvidence) -> bool {
    match call.unsigned_status {
        None => false,
        Some(status @ 400..=499) => has_judged(status),
        // The caller was not asked to.
        Some(_) => call.unsigned_is_login && !call.exchange.as_ref().is_some_and(is_login_page),
    }
}

/// What to do where nobody gets the answer, too: a page need not be the server's.
pub(crate) fn open_hint(evidence: &Evidence) -> String {
    let hint = "let the server check who calls before it answers on this route";
    let exchange = evidence.call.as_ref().and_then(|call| call.exchange.as_ref());
    match exchange.and_then(page) {
        Some(page) => format!("{hint}; {}, and if it is not the server's own: {}", page.reason, page.hint),
        None => hint.to_owned(),
    }
}

/// API Gateway or Lambda itself has answered, and asks for another thing.
fn of_a_gateway(finding: Finding) -> Finding {
    let is_own = matches!(
        finding.code,
        Code::Forbidden
            | Code::RouteMissing
            | Code::RequestUnsigned
            | Code::SignatureMalformed
            | Code::RefusedBeforeIam
    );
    if !is_own {
        return finding;
    }
    Finding::new(
        Code::RequestUnsigned,
        format!("{}; API Gateway or Lambda says that, and no server behind it", finding.reason),
    )
    .hint("sign the request in place of a token or a proof, unless it is the wrong URL")
}

fn refused(status: u16, call: &CallEvidence, bearer: &BearerEvidence, evidence: &Evidence) -> Finding {
    let kind = bearer.kind();
    match status {
        401 => unknown(call, bearer, evidence),
        403 => not_let(kind),
        _ => {
            let reach = match &bearer.issuer {
                Some(issuer) if !bearer.is_proof => format!("the keys of `{issuer}` over https"),
                _ => format!("STS in `{}` over https", bearer.region),
            };
            unchecked(kind).hint(format!("see that the server reaches {reach}, and try again; {LOG}"))
        }
    }
}

fn took_for_nobodys(kind: &str) -> String {
    format!("the answer was 401: the server took the {kind} for nobody's")
}

fn not_let(kind: &str) -> Finding {
    let reason = format!("the answer was 403: the server took the {kind}, and does not let its caller make this call");
    Finding::new(Code::RouteRefused, reason)
}

fn unchecked(kind: &str) -> Finding {
    Finding::new(Code::IdentityUnchecked, format!("the answer was 503: the server could not check the {kind}"))
}

/// The server takes the token or the proof for nobody's: by the surest of what can be seen from here.
fn unknown(call: &CallEvidence, bearer: &BearerEvidence, evidence: &Evidence) -> Finding {
    let kind = bearer.kind();
    let said = took_for_nobodys(kind);
    let ahead = call.server_ahead_seconds.unwrap_or_default();
    let is_off = if bearer.is_proof {
        ahead.unsigned_abs() > TOLERATED_SECONDS
    } else {
        // An expiry has no leeway.
        ahead < -TOLERATED_OF_TOKENS || ahead >= bearer.lifetime_seconds.unwrap_or(USUAL_LIFETIME)
    };
    if is_off {
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        let reason = format!("{said}; its clock is {} s {direction} AWS's", ahead.unsigned_abs());
        return Finding::new(Code::ClockOff, reason)
            .on(Side::Provider)
            .hint("set the clock of the server, for example by NTP");
    }
    // Where STS was not heard a proof has the time of this machine.
    let is_dated_here = bearer.is_proof && call.server_ahead_seconds.is_none();
    let clock = call.exchange.as_ref().filter(|_| is_dated_here).and_then(|at| from_here::clock(at, "the server"));
    if let Some(off) = clock {
        return Finding::new(Code::ClockOff, format!("{said}; {}", off.reason))
            .hint("set the clock of this machine, or of the server, for example by NTP: one of the two is off");
    }
    let arn = evidence.identity.as_ref().and_then(|identity| identity.arn.as_deref());
    let is_role = evidence.assume_role.is_some() || arn.is_none_or(|arn| arn.contains(":assumed-role/"));
    if let Some(arn) = arn.filter(|_| !is_role) {
        return Finding::new(Code::CallerUnlisted, format!("{said}, and `{arn}` is no role"))
            .on(Side::Caller)
            .hint(NO_ROLE);
    }
    // What is no 401 is the verdict on a caller who is known; a redirect is nobody's.
    if call.proof_status.is_some_and(|status| status != 401 && has_judged(status) && !(300..400).contains(&status)) {
        let issuer = bearer.issuer.as_deref().unwrap_or("the caller's account");
        return Finding::new(Code::IdentityRefused, format!("{said}, and a proof of the same caller for somebody's"))
            .on(Side::Provider)
            .hint(format!(
                "let the list of callers name the issuer `{issuer}`, and compare the token's algorithm and lifetime with what the server takes; {LOG}"
            ));
    }
    let said = match call.proof_status {
        Some(status @ 500..) => format!("{said}; a proof in its place it could not check ({status})"),
        _ => said,
    };
    let audience = format!("compare `{}` with the audience that the provider wrote, to the letter", bearer.audience);
    let who = match &bearer.issuer {
        Some(issuer) if !bearer.is_proof => format!(
            "provider: does the list of callers have this role and the issuer `{issuer}`? does it take tokens of this algorithm and lifetime?"
        ),
        _ => format!(
            "provider: does the list of callers have this role? does it take proofs, and of `{}`?",
            bearer.region
        ),
    };
    Finding::new(Code::IdentityRefused, said).hint(format!("{audience}; {who} {LOG}; {ON_THE_WAY}"))
}

impl BearerEvidence {
    fn kind(&self) -> &'static str {
        if self.is_proof { "proof" } else { "token" }
    }
}
