//! What an answer comes to.

use crate::answer::Answer;
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::finding::{Code, Finding};
use crate::{emulated, from_here, mismatch};

/// Why a call was refused, by its answer and by what was sent: the most telling first. Empty for an answer that is no failure.
///
/// A REST API's text is read: the canonical request in it is compared with ours, a denial's clause names the kind of policy. What
/// says nothing, the bare `Forbidden` of an HTTP API above all, is held against what can be checked from here: who answered, the
/// clock, the age of the credentials, region and service of the host.
#[must_use]
pub fn explain(exchange: &Exchange) -> Vec<Finding> {
    let answer = Answer::read(exchange);
    let status = exchange.status.unwrap_or_default();
    if (100..400).contains(&status) {
        return Vec::new();
    }
    if let Some(finding) = emulated::finding(exchange) {
        return vec![finding];
    }
    if let Some(findings) = mismatch::findings(exchange, &answer) {
        return findings;
    }
    if let Some(denial) = Denial::read(&answer.message) {
        return vec![denial.finding()];
    }
    if let Some(finding) = by_text(exchange, &answer) {
        return vec![finding];
    }
    if let Some(finding) = from_here::not_the_api(exchange, &answer) {
        return vec![finding];
    }
    if exchange.status.is_none() {
        return match answer.kind() {
            Some(kind) => by_status(kind, exchange, &answer),
            // It may be anybody's.
            None => Vec::new(),
        };
    }
    if matches!(status, 401 | 403 | 404) && answer.is_somebody_elses() {
        let reason = format!("the answer was {status}: `{}`", answer.first_line_of(&exchange.body));
        return vec![Finding::new(Code::RefusedByApplication, reason)];
    }
    by_status(status, exchange, &answer)
}

/// Where nothing but the status tells.
fn by_status(status: u16, exchange: &Exchange, answer: &Answer) -> Vec<Finding> {
    match status {
        403 => forbidden(exchange, answer),
        404 => {
            vec![Finding::new(Code::RouteMissing, said(exchange, answer))]
        }
        401 => vec![Finding::new(Code::RefusedBeforeIam, said(exchange, answer)).hint(
            "the route has another authorizer than IAM: a JWT or a Lambda authorizer reads Authorization otherwise",
        )],
        413 | 414 | 431 => vec![Finding::new(Code::TooLarge, said(exchange, answer))],
        429 => vec![Finding::new(Code::Throttled, said(exchange, answer))],
        500.. => vec![Finding::new(Code::ApiFailed, said(exchange, answer))],
        // The API's own answer: nobody was refused.
        _ => Vec::new(),
    }
}

/// `the answer was 403: `Forbidden``.
fn said(exchange: &Exchange, answer: &Answer) -> String {
    let text = answer.first_line();
    let text = if text.is_empty() { String::new() } else { format!(": `{text}`") };
    match exchange.status {
        Some(status) => format!("the answer was {status}{text}"),
        None => format!("the answer was{text}"),
    }
}

/// What AWS says in codes and sentences.
fn by_text(exchange: &Exchange, answer: &Answer) -> Option<Finding> {
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
    } else if code == "MissingAuthenticationToken" || has("Missing Authentication Token") {
        return Some(missing_token(exchange));
    } else if code == "IncompleteSignature"
        || has("Authorization header requires")
        || has("valid key=value pair")
        || has("Unsupported AWS 'algorithm'")
    {
        Code::SignatureMalformed
    } else if has("Rate exceeded")
        || has("Too Many Requests")
        || has("Limit Exceeded")
        || code.contains("Throttl")
        || code == "TooManyRequests"
        || code == "LimitExceeded"
    {
        Code::Throttled
    } else if matches!(code, "ValidationError" | "MalformedPolicyDocument" | "PackedPolicyTooLarge") {
        Code::StsParameter
    } else if has("Roles may not be assumed by root accounts") {
        return Some(
            Finding::new(Code::CallerPolicy, said(exchange, answer))
                .hint("sign with a user's or a role's credentials, not with those of the account's root"),
        );
    } else {
        return None;
    };
    let said = said(exchange, answer);
    // It says back what stands in the header, which may be somebody's token.
    let said = if matches!(found, Code::SignatureMalformed) { without_quoted(&said) } else { said };
    Some(Finding::new(found, said))
}

/// The text with nothing in its single quotes.
fn without_quoted(text: &str) -> String {
    let part = |(at, part): (usize, &str)| if at % 2 == 0 { part.to_owned() } else { "…".to_owned() };
    text.split('\'').enumerate().map(part).collect::<Vec<_>>().join("'")
}

/// A REST API's word for a path or a method that it does not have, as for a request that nobody has signed.
fn missing_token(exchange: &Exchange) -> Finding {
    let place = match (&exchange.method, &exchange.url) {
        (Some(method), Some(url)) => format!(" `{method} {}`", url.split('?').next().unwrap_or_default()),
        _ => String::new(),
    };
    if exchange.canonical_request.is_some() {
        let reason = format!("`Missing Authentication Token`, though the request was signed: the API has no{place}");
        return Finding::new(Code::RouteMissing, reason);
    }
    Finding::new(
        Code::RouteMissing,
        format!(
            "`Missing Authentication Token` is what a REST API says of a path or method that it does not have{place}"
        ),
    )
    .hint("compare method, path and stage with the API's routes; if they are right, the request was not signed at all")
}

/// A refusal that does not say why.
fn forbidden(exchange: &Exchange, answer: &Answer) -> Vec<Finding> {
    let certain = from_here::certain(exchange);
    if !certain.is_empty() {
        return certain;
    }
    let is_function = exchange.host().is_some_and(|host| host.contains(".lambda-url."));
    let is_rest = answer.code == "Forbidden" && exchange.header("apigw-requestid").is_none();
    let mut findings = Vec::new();
    if is_function || answer.message.contains("Function URL") {
        findings.push(Finding::new(Code::Forbidden, said(exchange, answer)).hint(
            "the role's policy has to allow lambda:InvokeFunctionUrl and lambda:InvokeFunction on the function; from another account its resource policy, too",
        ));
    } else if is_rest {
        findings.push(Finding::new(Code::RefusedBeforeIam, said(exchange, answer)));
    } else {
        findings.push(Finding::new(Code::Forbidden, said(exchange, answer)));
    }
    findings.extend(from_here::proxy(exchange));
    findings
}
