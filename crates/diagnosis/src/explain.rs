//! What an answer comes to.

use crate::answer::Answer;
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::finding::{Code, Finding, SIGNATURE_HINT};
use crate::forbidden::Front;
use crate::{emulated, forbidden, from_here, mismatch, scope, server, verifier};

/// What stands in AWS's sentence of a signature without its instant.
const NO_DATE: &str = "'X-Amz-Date' or a 'Date'";

/// What AWS puts into quotes of its own accord, rather than from the header.
const NAMES_OF_AWS: [&str; 6] = ["X-Amz-Date", "Date", "Credential", "Signature", "SignedHeaders", "algorithm"];

/// Why a call was refused, by its answer and by what was sent: the most telling first. Empty for an answer that is no failure; a page that
/// has no mark of AWS is one, whatever its status.
///
/// A REST API's text is read: the canonical request in it is compared with ours, a denial's clause names the kind of policy. What
/// says nothing, the bare `Forbidden` of an HTTP API above all, is held against what can be checked from here: who answered, the
/// clock, the age of the credentials, region and service of the host.
#[must_use]
pub fn explain(exchange: &Exchange) -> Vec<Finding> {
    if exchange.has_bearer {
        return server::of_answer(exchange);
    }
    if exchange.canonical_request.is_some() || exchange.string_to_sign.is_some() {
        return of(exchange, Shown::Signature);
    }
    of(exchange, Shown::Unknown).into_iter().map(|finding| or_nothing_sent(finding, exchange)).collect()
}

/// A 401 comes first of all to whoever has shown nothing.
fn or_nothing_sent(finding: Finding, exchange: &Exchange) -> Finding {
    let answer = Answer::read(exchange);
    // A key of an API is no such thing; a reason of the emulator's says what it is.
    let is_other = answer.message.contains("API Key") || emulated::finding(exchange).is_some();
    let is_of_callers =
        matches!(finding.code, Code::IdentityRefused | Code::RefusedBeforeIam | Code::RefusedByApplication);
    if exchange.status.or(answer.kind()) != Some(401) || is_other || !is_of_callers {
        return finding;
    }
    let hint = format!("send a signature, a token or a proof, if none went with it; {}", finding.hint);
    finding.hint(hint)
}

/// What the request had with it when it left, to say who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Unknown,
    /// What it lacks was lost on the way.
    Signature,
    /// A token or a proof. It is for a server, whose own answers may be pages.
    Bearer,
}

/// The same where it is known what was shown.
pub(crate) fn of(exchange: &Exchange, shown: Shown) -> Vec<Finding> {
    let answer = Answer::read(exchange);
    let is_signed = shown == Shown::Signature;
    let page = || from_here::page_instead(exchange, &answer).filter(|_| shown != Shown::Bearer);
    match exchange.status {
        Some(200..300) => return page().into_iter().collect(),
        Some(100..200) => return Vec::new(),
        Some(300..400) => return from_here::led_away(exchange).into_iter().collect(),
        _ => {}
    }
    if let Some(finding) = emulated::finding(exchange) {
        return emulator_and_answer(finding, exchange, &answer, is_signed);
    }
    // Whoever fails has let the call in: what AWS has told him is none of the caller's.
    let is_failure = exchange.status.is_some_and(|status| status >= 500);
    if !is_failure && let Some(found) = by_words(exchange, &answer, is_signed) {
        return found;
    }
    let by_form = verifier::challenge(exchange, &answer, is_signed);
    if let Some(finding) = by_form.or_else(page).or_else(|| from_here::not_the_api(exchange, &answer, shown)) {
        return vec![finding];
    }
    let Some(status) = exchange.status else {
        // Where there is no kind it may be anybody's.
        return answer.kind().map(|kind| by_status(kind, exchange, &answer, is_signed)).unwrap_or_default();
    };
    if matches!(status, 401 | 403 | 404) && answer.is_somebody_elses() || status == 403 && says_nothing(exchange) {
        return vec![by_application(exchange, &answer)];
    }
    // A key that is none, and what an authorizer refuses, comes with 403, too.
    let status = answer.kind().filter(|_| status == 403).unwrap_or(status);
    by_status(status, exchange, &answer, is_signed)
}

/// Whether it has no text where it could have one: the refusals of API Gateway and Lambda have one each.
fn says_nothing(exchange: &Exchange) -> bool {
    let may_have_one = exchange.method.as_deref().is_some_and(|method| method != "HEAD");
    may_have_one && exchange.has_no_text() && exchange.header("x-amzn-errortype").is_none()
}

/// The emulator's reason, where the answer does not say more: which line differs, and whose policy it is.
fn emulator_and_answer(finding: Finding, exchange: &Exchange, answer: &Answer, is_signed: bool) -> Vec<Finding> {
    if let Some(findings) = mismatch::compared_lines(exchange, answer) {
        return findings;
    }
    // STS does not say whose policy it is, and the emulator's reason does.
    let is_api = matches!(finding.code, Code::InvokePolicy | Code::ResourcePolicy | Code::SessionPolicy);
    let found = match Denial::read(&answer.message).filter(|_| is_api) {
        Some(denial) => {
            let denied = denial.finding();
            let reason = format!("{}; {}", denied.reason, finding.reason);
            let says_more = denied.hint != denied.code.hint();
            let hint = if says_more { denied.hint } else { finding.hint };
            vec![Finding { reason, hint, ..denied }]
        }
        None => vec![finding],
    };
    found.into_iter().map(|finding| on_the_way(finding, exchange, answer, is_signed)).collect()
}

/// What the answer's own words say.
fn by_words(exchange: &Exchange, answer: &Answer, is_signed: bool) -> Option<Vec<Finding>> {
    if let Some(findings) = mismatch::findings(exchange, answer) {
        return Some(findings);
    }
    if !answer.is_in_aws_form {
        // An application may tell what AWS has told it.
        return None;
    }
    let finding = Denial::read(&answer.message).map(|denial| denial.finding());
    let finding = finding.or_else(|| by_text(exchange, answer, is_signed))?;
    Some(vec![on_the_way(finding, exchange, answer, is_signed)])
}

/// Who signs sends a signature: where there is none, or another header in its place, something on the way did that.
fn on_the_way(finding: Finding, exchange: &Exchange, answer: &Answer, is_signed: bool) -> Finding {
    let has = |text| {
        answer.message.contains(text) || exchange.header(emulated::HEADER).is_some_and(|reason| reason.contains(text))
    };
    let code = match finding.code {
        _ if !is_signed => return finding,
        Code::RequestUnsigned => Code::HeaderDropped,
        // There is a signature, and no instant of it: of the emulator's words and of AWS's.
        Code::SignatureMalformed if has("neither an `x-amz-date`") => Code::HeaderDropped,
        Code::SignatureMalformed if has(NO_DATE) && !has("'Credential'") => Code::HeaderDropped,
        Code::SignatureMalformed => Code::HeaderChanged,
        _ => return finding,
    };
    Finding::new(code, format!("{}; it was signed when it left here", finding.reason)).hint(SIGNATURE_HINT)
}

/// What the application behind the API says.
fn by_application(exchange: &Exchange, answer: &Answer) -> Finding {
    let finding = Finding::new(Code::RefusedByApplication, answer.said(exchange));
    if from_here::is_aws(exchange) {
        return finding;
    }
    finding.hint(
        "ask whoever runs the application what it means; the answer has no mark of API Gateway or Lambda, so something on the way may have given it, too",
    )
}

/// Where nothing but the status tells.
fn by_status(status: u16, exchange: &Exchange, answer: &Answer, is_signed: bool) -> Vec<Finding> {
    match status {
        403 => forbidden::findings(exchange, answer, is_signed),
        404 => vec![Finding::new(Code::RouteMissing, answer.said(exchange))],
        401 if answer.message.contains("API Key") => vec![Finding::new(Code::RefusedBeforeIam, answer.said(exchange))],
        401 => vec![Finding::new(Code::RefusedBeforeIam, answer.said(exchange)).hint(
            "the route has another authorizer than IAM, such as one for JWTs or a Lambda function, which reads Authorization otherwise",
        )],
        413 | 414 | 431 => vec![too_large(Finding::new(Code::TooLarge, answer.said(exchange)), exchange)],
        405 if answer.kind() == Some(405) && Front::of(exchange) == Front::FunctionUrl => {
            vec![Finding::new(Code::RouteMissing, answer.said(exchange)).hint(
                "a function URL takes DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT alone; if it was one of these, the function itself has refused it",
            )]
        }
        429 => vec![Finding::new(Code::Throttled, answer.said(exchange))],
        500.. => vec![Finding::new(Code::ApiFailed, answer.said(exchange))],
        // The API's own answer: nobody was refused.
        _ => Vec::new(),
    }
}

/// Each kind of API has limits of its own.
fn too_large(finding: Finding, exchange: &Exchange) -> Finding {
    match Front::of(exchange) {
        Front::FunctionUrl => {
            finding.hint("stay below 6 MB of body, and below 4.5 MB of binary data, which the function gets in Base64")
        }
        Front::RestApi => {
            finding.hint("stay below 10 MB of body and 10,240 bytes of the headers' values, the session token included")
        }
        Front::HttpApi | Front::Unknown => finding,
    }
}

/// What AWS says in codes and sentences.
fn by_text(exchange: &Exchange, answer: &Answer, is_signed: bool) -> Option<Finding> {
    let (code, text) = (answer.code.as_str(), answer.message.as_str());
    let has = |part: &str| text.contains(part);
    let is_sts = exchange.host().is_some_and(|host| host.starts_with("sts")) || has("Request is missing");
    let found = if has("Signature expired") || has("Signature not yet current") || code == "RequestTimeTooSkewed" {
        Code::ClockOff
    } else if has("Credential should be scoped to a valid region") {
        Code::RegionWrong
    } else if has("Credential should be scoped to correct service") {
        Code::ServiceWrong
    } else if has("Credential should be scoped") || has("Date in Credential scope does not match") {
        Code::ScopeWrong
    } else if has("must be a 'SignedHeader'") {
        Code::HeaderUnsigned
    } else if code == "ExpiredToken" || has("security token included in the request is expired") {
        Code::CredentialsExpired
    } else if matches!(code, "UnrecognizedClient" | "InvalidClientTokenId")
        || has("security token included in the request is invalid")
    {
        Code::CredentialsUnknown
    } else if code.starts_with("RegionDisabled") || has("is not activated in this region") {
        Code::RegionDisabled
    } else if is_sts && (code == "MissingAuthenticationToken" || has("missing Authentication Token")) {
        Code::RequestUnsigned
    } else if code == "MissingAuthenticationToken" || text.trim() == "Missing Authentication Token" {
        return Some(missing_token(exchange, is_signed));
    } else if code == "IncompleteSignature"
        || has("Authorization header requires")
        || has("valid key=value pair")
        || has("Unsupported AWS 'algorithm'")
    {
        Code::SignatureMalformed
    } else if answer.kind() == Some(429)
        || code.contains("Throttl")
        || matches!(code, "TooManyRequests" | "LimitExceeded")
    {
        Code::Throttled
    } else if code.starts_with("OutboundWebIdentityFederationDisabled") {
        Code::IssuerDisabled
    } else if code == "InvalidAction" && has("GetWebIdentityToken") {
        Code::TokensUnavailable
    } else if matches!(code, "ValidationError" | "MalformedPolicyDocument" | "PackedPolicyTooLarge")
        || code.starts_with("SessionDurationEscalation")
        || code.starts_with("JWTPayloadSizeExceeded")
    {
        Code::StsParameter
    } else if has("Roles may not be assumed by root accounts") {
        return Some(
            Finding::new(Code::CallerPolicy, answer.said(exchange))
                .hint("sign with a user's or a role's credentials, not with those of the account's root"),
        );
    } else {
        return None;
    };
    let said = answer.said(exchange);
    Some(match found {
        Code::SignatureMalformed => malformed(&said),
        Code::RegionWrong | Code::ServiceWrong => scope::refused(found, &said, exchange, text),
        _ => Finding::new(found, said),
    })
}

/// It says back what stands in the header, which may be somebody's token.
fn malformed(said: &str) -> Finding {
    let finding = Finding::new(Code::SignatureMalformed, without_quoted(said));
    let lacks_only_date = said.contains(NO_DATE) && !said.contains("'Credential'");
    if !lacks_only_date {
        return finding;
    }
    finding
        .hint("send x-amz-date as it was signed: it belongs to the signature, and nothing on the way may take it off")
}

/// The text with nothing in its single quotes but what AWS itself puts there.
fn without_quoted(text: &str) -> String {
    let part = |(at, part): (usize, &str)| {
        let is_shown = at % 2 == 0 || NAMES_OF_AWS.contains(&part);
        if is_shown { part.to_owned() } else { "…".to_owned() }
    };
    text.split('\'').enumerate().map(part).collect::<Vec<_>>().join("'")
}

/// A REST API's word for a path or a method that it does not have, as for a request that nobody has signed.
fn missing_token(exchange: &Exchange, is_signed: bool) -> Finding {
    let place = match (&exchange.method, &exchange.url) {
        (Some(method), Some(url)) => format!("`{method} {}`", url.split('?').next().unwrap_or_default()),
        _ => "such a path or method".to_owned(),
    };
    if is_signed {
        let reason =
            format!("`Missing Authentication Token`, though the request was signed: the API does not have {place}");
        return Finding::new(Code::RouteMissing, reason).hint(
            "compare method, path and stage with the API's routes; if they are right, something on the way takes Authorization off",
        );
    }
    let reason = format!("`Missing Authentication Token` is what a REST API says where it does not have {place}");
    Finding::new(Code::RouteMissing, reason).hint(
        "compare method, path and stage with the API's routes; if they are right, the request was not signed at all",
    )
}
