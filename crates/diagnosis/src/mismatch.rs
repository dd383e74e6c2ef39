//! A signature that does not match, by what a REST API says of it: its canonical request and its string to sign.

use xacct_sign::verify::{Deviation, Part, compare};

use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::finding::{Code, Finding, SIGNATURE_HINT, Side};
use crate::forbidden::Front;

const CANONICAL: &str = "The Canonical String for this request should have been";
const TO_SIGN: &str = "The String-to-Sign should have been";

/// What an answer that speaks of a signature that does not match comes to; none if it is no such answer.
pub(crate) fn findings(exchange: &Exchange, answer: &Answer) -> Option<Vec<Finding>> {
    let text = answer.message.replace('\r', "");
    let Some(said) = Said::read(&text) else {
        let is_one = text.contains("signature we calculated does not match");
        return is_one.then(|| vec![without_canonical(&answer.code, exchange)]);
    };
    Some(match &exchange.canonical_request {
        Some(signed) => compared(&said, signed, exchange),
        None => vec![alone(&said, exchange)],
    })
}

/// The lines that differ, where the answer says what was computed, and what was signed is known.
pub(crate) fn compared_lines(exchange: &Exchange, answer: &Answer) -> Option<Vec<Finding>> {
    let text = answer.message.replace('\r', "");
    Some(compared(&Said::read(&text)?, exchange.canonical_request.as_deref()?, exchange))
}

/// What the verifier computed.
struct Said<'t> {
    canonical: &'t str,
    to_sign: Option<&'t str>,
}

impl<'t> Said<'t> {
    /// The two stand in single quotes, each behind its sentence; a canonical request may hold such a quote itself.
    fn read(text: &'t str) -> Option<Self> {
        let (_, rest) = text.split_once(CANONICAL)?;
        let (canonical, to_sign) = match rest.split_once(TO_SIGN) {
            Some((canonical, to_sign)) => (canonical, quoted(to_sign)),
            None => (rest, None),
        };
        Some(Self { canonical: quoted(canonical)?, to_sign })
    }
}

fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('\'')?;
    rest.rsplit_once('\'').map(|(inner, _)| inner)
}

fn without_canonical(code: &str, exchange: &Exchange) -> Finding {
    // STS refuses so what was signed by another key; what it takes is written by ourselves.
    if code == "SignatureDoesNotMatch" {
        return Finding::new(Code::SecretWrong, "STS computed another signature from the secret of this access key id")
            .hint("check the secret access key: it belongs to another access key id, or was copied with a blank or quotes");
    }
    let finding = Finding::new(
        Code::SignatureMismatch,
        "the signature is not the one that AWS computed, and AWS does not say of what",
    );
    match Front::of(exchange) {
        Front::FunctionUrl => finding.hint(
            "a function URL does not say what it computed: check that the secret key is that of the access key id and that nothing on the way changes method, path, query, host or a signed header; send the same request to the emulator with `--explain`, which names what differs",
        ),
        _ => finding,
    }
}

/// The verifier's lines against ours.
fn compared(said: &Said<'_>, signed: &str, exchange: &Exchange) -> Vec<Finding> {
    let Some(deviations) = compare(said.canonical, signed) else {
        return vec![Finding::new(
            Code::SignatureMismatch,
            "the signature does not match, and the canonical request, the answer's or the one given, cannot be read",
        )];
    };
    let has_header = deviations.iter().any(|each| matches!(each.part, Part::Header(_)));
    let telling = deviations.iter().filter(|each| !(has_header && each.part == Part::SignedHeaders));
    let findings: Vec<Finding> = telling.map(|each| of_deviation(each, exchange)).collect();
    if !findings.is_empty() {
        return findings;
    }
    match (said.to_sign, exchange.string_to_sign.as_deref()) {
        (Some(theirs), Some(ours)) => {
            let found = scopes(theirs, ours);
            if found.is_empty() { vec![secret()] } else { found }
        }
        _ => vec![secret()],
    }
}

fn secret() -> Finding {
    Finding::new(Code::SecretWrong, "AWS computed the same canonical request: the key that signed is another one")
}

fn of_deviation(deviation: &Deviation, exchange: &Exchange) -> Finding {
    let Deviation { part, line, computed, signed, form, .. } = deviation;
    // Nothing was signed, and there was nothing: what is there now was added on the way.
    let is_added = *part == Part::Query && signed.as_deref() == Some("") && exchange.has_no_query();
    let form = form.filter(|_| !is_added);
    let code = match (part, form) {
        (Part::Method, _) => Code::MethodChanged,
        (Part::Path, Some(_)) => Code::PathEncoding,
        (Part::Path, None) => Code::PathChanged,
        (Part::Query, Some(_)) => Code::QueryEncoding,
        (Part::Query, None) => Code::QueryChanged,
        (Part::Header(name), _) if name == "host" => Code::HostChanged,
        (Part::Header(name), _) if name == "x-amz-security-token" => Code::TokenWrong,
        (Part::Header(_), _) if computed.is_none() => Code::HeaderDropped,
        (Part::Header(_), _) if signed.is_none() => Code::HeaderUnsigned,
        (Part::Header(_), _) => Code::HeaderChanged,
        (Part::Payload, _) => Code::BodyChanged,
        _ => Code::SignatureMismatch,
    };
    let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "nothing".to_owned(), in_backticks);
    let place = format!("line {line} of the canonical request, {part}");
    let mut reason = match part {
        Part::Payload => format!("{place}, is that of another body than the one that was signed"),
        _ => format!("{place}: AWS has {}, signed was {}", shown(computed), shown(signed)),
    };
    if let Some(form) = form {
        reason.push_str(&format!("; signed {form}"));
    }
    let finding = Finding::new(code, reason);
    match (code, form) {
        // Whoever signs no body and sends one is the caller.
        (Code::BodyChanged, Some(_)) => finding.on(Side::Caller),
        // It is there, but not the one that was signed.
        (Code::TokenWrong, _) if computed.is_some() && signed.is_some() => finding,
        (Code::TokenWrong, _) => finding.on(Side::Network),
        (Code::HeaderChanged | Code::HeaderDropped, _) => match part {
            Part::Header(name) if name == "x-amz-date" || name == "date" => finding.hint(SIGNATURE_HINT),
            Part::Header(name) if name.starts_with("x-amz-") => finding.hint(format!(
                "`{name}` has to be signed: let nothing between here and the API change it or take it off"
            )),
            _ => finding,
        },
        _ => finding,
    }
}

fn in_backticks(text: &str) -> String {
    let cut: String = text.chars().take(200).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{cut}{more}`")
}

/// The scope lines of two strings to sign.
fn scopes(theirs: &str, ours: &str) -> Vec<Finding> {
    let line = |text: &str| text.lines().nth(2).unwrap_or_default().to_owned();
    let (theirs, ours) = (line(theirs), line(ours));
    let part = |scope: &str, at: usize| scope.split('/').nth(at).unwrap_or_default().to_owned();
    let codes = [Code::ScopeWrong, Code::RegionWrong, Code::ServiceWrong, Code::ScopeWrong];
    let differing = codes.into_iter().enumerate().filter(|(at, _)| part(&theirs, *at) != part(&ours, *at));
    differing
        .map(|(at, code)| {
            let reason = format!(
                "the credential scope: AWS has {}, signed was {}",
                in_backticks(&part(&theirs, at)),
                in_backticks(&part(&ours, at))
            );
            Finding::new(code, reason)
        })
        .collect()
}

/// The verifier's lines against what is known of the request without its canonical form.
fn alone(said: &Said<'_>, exchange: &Exchange) -> Finding {
    let mut lines = said.canonical.split('\n');
    let (method, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let host = said.canonical.lines().find_map(|line| line.strip_prefix("host:")).unwrap_or_default();
    if let Some(sent) = exchange.method.as_deref().filter(|sent| *sent != method) {
        return Finding::new(
            Code::MethodChanged,
            format!("the method that reached AWS is {}, sent was {}", in_backticks(method), in_backticks(sent)),
        );
    }
    if let Some(sent) = exchange.host().filter(|sent| host.split(':').next() != Some(*sent)) {
        return Finding::new(
            Code::HostChanged,
            format!("the host that reached AWS is {}, the URL has {}", in_backticks(host), in_backticks(sent)),
        );
    }
    let reason = format!(
        "AWS computed the signature of {} on {} at {}, and another one was sent",
        in_backticks(method),
        in_backticks(path),
        in_backticks(host)
    );
    Finding::new(Code::SignatureMismatch, reason)
        .hint("compare method, path and host with what was signed; give the canonical request that was signed, and each line is compared")
}
