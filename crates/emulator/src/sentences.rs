//! What AWS says of a signature that it does not take, where it says it: REST APIs and function URLs, which share their words
//! with the other services of AWS.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use xacct_sign::verify::Refusal;

use crate::iam::authenticate::Unauthenticated;

/// Of a signature that is not the one computed.
pub(crate) const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// Of a key or a token that nobody knows.
pub(crate) const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// Of credentials whose time is over.
pub(crate) const EXPIRED_TOKEN: &str = "The security token included in the request is expired";

/// The name of the error, and what is said.
pub(crate) fn of(unauthenticated: &Unauthenticated, now: SystemTime) -> (&'static str, String) {
    match unauthenticated {
        Unauthenticated::UnknownKey(_) => ("UnrecognizedClientException", INVALID_TOKEN.to_owned()),
        Unauthenticated::Expired(..) => ("ExpiredTokenException", EXPIRED_TOKEN.to_owned()),
        Unauthenticated::Refused(refusal) => of_refusal(refusal, now),
    }
}

fn of_refusal(refusal: &Refusal, now: SystemTime) -> (&'static str, String) {
    let invalid = |text: String| ("InvalidSignatureException", text);
    match refusal {
        Refusal::Missing => ("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()),
        // AWS hashes what it read; what stands there may be a secret, so here it is the reason.
        Refusal::Malformed(what) | Refusal::Algorithm(what) => {
            if let Some(text) = lacking(what) {
                return ("IncompleteSignatureException", text);
            }
            let hash = STANDARD.encode(Sha256::digest(what.as_bytes()));
            let text = format!(
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '{hash}'."
            );
            ("IncompleteSignatureException", text)
        }
        Refusal::Token(_) => ("UnrecognizedClientException", INVALID_TOKEN.to_owned()),
        Refusal::Scope { expected, presented } => invalid(scope(expected, presented)),
        Refusal::UnsignedHeader(name) if name == "host" => {
            invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned())
        }
        Refusal::UnsignedHeader(name) => {
            invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
        }
        Refusal::Skewed { signed_at, window, behind, .. } => invalid(skewed(signed_at, now, *window, *behind)),
        Refusal::Expired { expired_at, now } => {
            invalid(format!("Signature expired: {expired_at} is now earlier than {now}"))
        }
        _ => invalid(MISMATCH.to_owned()),
    }
}

/// Of a signature that lacks a part, as the verifier says it. AWS says back the header behind it; here that is left out.
fn lacking(what: &str) -> Option<String> {
    if what == "there is neither an `x-amz-date` nor a `date` header" {
        return Some("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned());
    }
    let name = what.strip_prefix("`Authorization` has no `")?.strip_suffix('`')?;
    Some(format!("Authorization header requires '{name}' parameter."))
}

/// A sentence for each part of the scope that differs, each with a space behind it.
fn scope(expected: &str, presented: &str) -> String {
    let part = |scope: &str, index: usize| scope.split('/').nth(index).unwrap_or_default().to_owned();
    let pair = |index| (part(expected, index), part(presented, index));
    let mut said = String::new();
    for index in [1, 2, 3, 0] {
        let (expected, presented) = pair(index);
        if expected == presented {
            continue;
        }
        said.push_str(&match index {
            1 => format!("Credential should be scoped to a valid region, not '{}'. ", plain(&presented)),
            2 => format!("Credential should be scoped to correct service: '{expected}'. "),
            3 => format!("Credential should be scoped with a valid terminator: '{expected}', not '{}'. ", plain(&presented)),
            _ => format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{expected}'. ",
                plain(&presented)
            ),
        });
    }
    said
}

/// What stands where a region or a date should is shown only if it could be one: fields get swapped.
fn plain(text: &str) -> &str {
    let is_plain =
        text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    if is_plain { text } else { "?" }
}

/// Of a request whose time is too far away.
pub(crate) fn skewed(signed_at: &str, now: SystemTime, window: Duration, is_behind: bool) -> String {
    let minutes = window.as_secs() / 60;
    let shown = |at: Option<SystemTime>| {
        let text = at.and_then(xacct_sign::aws::format_rfc3339).unwrap_or_default();
        text.replace(['-', ':'], "")
    };
    let here = shown(Some(now));
    if is_behind {
        let edge = shown(now.checked_sub(window));
        format!("Signature expired: {signed_at} is now earlier than {edge} ({here} - {minutes} min.)")
    } else {
        let edge = shown(now.checked_add(window));
        format!("Signature not yet current: {signed_at} is still later than {edge} ({here} + {minutes} min.)")
    }
}
