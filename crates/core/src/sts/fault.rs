//! STS's errors, whatever the action: which kind each code is, and what of the text is shown.

use super::parts::Parts;
use crate::aws::time::parse_amz_date;
use crate::error::{AwsAnswer, Error, ErrorKind, quote};
use crate::escape::escaped;
use crate::skew::Skew;
use crate::small::text::{contains, cut, replaced};
use crate::small::xml::Elements;

/// Error codes → kind, beside those that are looked up by [`is_throttling`].
const CODES: &[(&str, ErrorKind)] = &[
    ("AccessDenied", ErrorKind::StsDenied),
    ("AccessDeniedException", ErrorKind::StsDenied),
    ("IDPRejectedClaim", ErrorKind::StsDenied),
    ("ValidationError", ErrorKind::StsInvalid),
    ("MalformedPolicyDocument", ErrorKind::StsInvalid),
    ("PackedPolicyTooLarge", ErrorKind::StsInvalid),
    ("InvalidParameterValue", ErrorKind::StsInvalid),
    ("ExpiredToken", ErrorKind::StsExpired),
    ("ExpiredTokenException", ErrorKind::StsExpired),
    ("InvalidIdentityToken", ErrorKind::StsCredentials),
    ("InvalidClientTokenId", ErrorKind::StsCredentials),
    ("UnrecognizedClientException", ErrorKind::StsCredentials),
    ("SignatureDoesNotMatch", ErrorKind::StsCredentials),
    ("IncompleteSignature", ErrorKind::StsCredentials),
    ("MissingAuthenticationToken", ErrorKind::StsCredentials),
];

/// The names that AWS's SDKs take for throttling.
const THROTTLING: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// What a request holds that no text may show, even where STS's answer repeats it.
pub(super) type Secrets<'s> = [Option<&'s str>; 2];

/// What STS's refusal of a call means.
pub(super) fn refusal<A: Parts>(call: &A, secrets: Secrets<'_>, status: u16, elements: Option<&Elements<'_>>) -> Error {
    let text = |name| elements.and_then(|elements| elements.text("Error", name)).unwrap_or_default();
    let is_code = |code: &&str| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let code = without_secrets(text("Code"), secrets);
    let code = Some(code.as_str()).filter(is_code).unwrap_or_default();
    // What follows the first line may be a canonical request, which holds the session token.
    let message = without_secrets(text("Message"), secrets);
    let message: String = escaped(message.lines().next().unwrap_or_default()).chars().take(500).collect();
    let request_id = elements
        .and_then(|elements| {
            ["ErrorResponse", "ResponseMetadata"].iter().find_map(|parent| elements.text(parent, "RequestId"))
        })
        .map(|id| escaped(&without_secrets(id, secrets)).chars().take(128).collect());
    let kind = if is_throttling(code) || status == 429 {
        ErrorKind::StsThrottled
    } else {
        let known = || CODES.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind);
        A::kind(code).or_else(known).unwrap_or(ErrorKind::StsFailed)
    };
    let sentence = match kind {
        ErrorKind::StsDenied => {
            let caller = caller(&message).map_or_else(|| "the caller".to_owned(), quote);
            format!("{}: {code}: {message}", call.denied(&caller))
        }
        _ if code.is_empty() => format!("STS answered with status {status} {}", call.asked()),
        _ => format!("{}: {code}: {message}", call.failed()),
    };
    let error = Error::new(kind, sentence).with_action(A::NAME).with_aws(AwsAnswer {
        code: code.to_owned(),
        status,
        request_id,
    });
    let error = error.with_skew(if kind == ErrorKind::StsCredentials { skew(&message) } else { None });
    match A::hint(kind, code, &message).or_else(|| hint(kind, code, &message)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The text without the secrets of the request that it answers.
fn without_secrets(text: &str, secrets: Secrets<'_>) -> String {
    let secrets = secrets.into_iter().flatten().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |shown, secret| replaced(&shown, secret, "[redacted]"))
}

/// The caller's ARN in `User: {arn} is not authorized to perform: ...`.
fn caller(message: &str) -> Option<&str> {
    let (_, rest) = cut(message, "User: ")?;
    rest.split_whitespace().next().filter(|arn| arn.starts_with("arn:"))
}

/// How far the clock is off, by a text such as `Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z
/// (20160610T014508Z - 15 min.)`, or `Signature not yet current: ... is still later than ... (... + 5 min.)`: first stands the
/// signature's time, in the brackets STS's own.
fn skew(message: &str) -> Option<Skew> {
    let (_, signed) = cut(message, ": ")?;
    let (signed, rest) = cut(signed, " is ")?;
    let (_, theirs) = cut(rest, "(")?;
    Skew::between(parse_amz_date(theirs.get(..16)?)?, parse_amz_date(signed)?)
}

/// What to do about a refusal of any action, where it differs from what its kind says.
fn hint(kind: ErrorKind, code: &str, message: &str) -> Option<&'static str> {
    let is_about_time = contains(message, "Signature expired") || contains(message, "not yet current");
    match kind {
        ErrorKind::StsCredentials if is_about_time => {
            Some("the clock of this machine is off by more than 15 minutes: set it")
        }
        ErrorKind::StsCredentials if code == "SignatureDoesNotMatch" => {
            Some("check the secret access key and the region")
        }
        ErrorKind::StsFailed if code.starts_with("RegionDisabled") => {
            Some("let the role's account activate STS in this region, or use another region")
        }
        _ => None,
    }
}
