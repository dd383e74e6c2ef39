//! STS's answers: XML, of which only what is known is read.

use crate::credentials::Credentials;
use crate::error::{AwsAnswer, Error, ErrorKind, quote};
use crate::small::text::{contains, cut, replaced};
use crate::small::time::parse_rfc3339;
use crate::small::xml::Elements;

/// What STS says of an assumed role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    /// The temporary credentials; they always have a token and an expiry.
    pub credentials: Credentials,
    /// `arn:{partition}:sts::{account}:assumed-role/{role name}/{session name}`; a role's path is not in it.
    pub arn: String,
    /// `{role id}:{session name}`.
    pub id: String,
    /// How much of the room for policies and tags is used, in per cent.
    pub packed_policy_size: Option<u32>,
    /// The source identity, if one was set.
    pub source_identity: Option<String>,
}

/// Error codes → kind, beside those that are looked up by [`is_throttling`].
const CODES: &[(&str, ErrorKind)] = &[
    ("AccessDenied", ErrorKind::AssumeRoleDenied),
    ("AccessDeniedException", ErrorKind::AssumeRoleDenied),
    ("ValidationError", ErrorKind::AssumeRoleInvalid),
    ("MalformedPolicyDocument", ErrorKind::AssumeRoleInvalid),
    ("PackedPolicyTooLarge", ErrorKind::AssumeRoleInvalid),
    ("InvalidParameterValue", ErrorKind::AssumeRoleInvalid),
    ("ExpiredToken", ErrorKind::AssumeRoleExpired),
    ("ExpiredTokenException", ErrorKind::AssumeRoleExpired),
    ("InvalidClientTokenId", ErrorKind::AssumeRoleCredentials),
    ("UnrecognizedClientException", ErrorKind::AssumeRoleCredentials),
    ("SignatureDoesNotMatch", ErrorKind::AssumeRoleCredentials),
    ("IncompleteSignature", ErrorKind::AssumeRoleCredentials),
    ("MissingAuthenticationToken", ErrorKind::AssumeRoleCredentials),
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

pub(super) fn read(role_arn: &str, base: &Credentials, status: u16, body: &[u8]) -> Result<AssumedRole, Error> {
    let elements = Elements::read(body);
    if !(200..300).contains(&status) {
        return Err(refusal(role_arn, base, status, elements.as_ref()));
    }
    let elements = elements.ok_or_else(|| invalid("is not XML"))?;
    let get = |parent, name| needed(&elements, parent, name);
    let expires_at = parse_rfc3339(get("Credentials", "Expiration")?)
        .ok_or_else(|| invalid("has an `Expiration` that is no RFC 3339 instant"))?;
    let credentials = Credentials::new(
        get("Credentials", "AccessKeyId")?,
        get("Credentials", "SecretAccessKey")?,
        Some(get("Credentials", "SessionToken")?.to_owned()),
        Some(expires_at),
    )
    .map_err(|error| invalid("holds malformed credentials").with_source(error))?;
    Ok(AssumedRole {
        credentials,
        arn: get("AssumedRoleUser", "Arn")?.to_owned(),
        id: get("AssumedRoleUser", "AssumedRoleId")?.to_owned(),
        packed_policy_size: elements.text("AssumeRoleResult", "PackedPolicySize").and_then(|text| text.parse().ok()),
        source_identity: elements
            .text("AssumeRoleResult", "SourceIdentity")
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
    })
}

#[inline(never)]
fn needed<'e>(elements: &'e Elements<'_>, parent: &str, name: &str) -> Result<&'e str, Error> {
    let text = elements.text(parent, name).filter(|text| !text.is_empty());
    text.ok_or_else(|| invalid(&format!("has no `{parent}/{name}`")))
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidResponse, format!("the answer of STS {what}"))
        .with_hint("something other than STS may have answered: check the endpoint and the proxy")
}

fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

fn refusal(role_arn: &str, base: &Credentials, status: u16, elements: Option<&Elements<'_>>) -> Error {
    let text = |name| elements.and_then(|elements| elements.text("Error", name)).unwrap_or_default();
    let is_code = |code: &&str| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let code = without_secrets(text("Code"), base);
    let code = Some(code.as_str()).filter(is_code).unwrap_or_default();
    // What follows the first line may be a canonical request, which holds the session token.
    let message = without_secrets(text("Message"), base);
    let message: String = message.lines().next().unwrap_or_default().chars().take(500).collect();
    let request_id = elements
        .and_then(|elements| {
            ["ErrorResponse", "ResponseMetadata"].iter().find_map(|parent| elements.text(parent, "RequestId"))
        })
        .map(|id| without_secrets(id, base));
    let kind = if is_throttling(code) || status == 429 {
        ErrorKind::AssumeRoleThrottled
    } else {
        CODES.iter().find(|(known, _)| *known == code).map_or(ErrorKind::AssumeRoleFailed, |(_, kind)| *kind)
    };
    let role = quote(role_arn);
    let sentence = match kind {
        ErrorKind::AssumeRoleDenied => {
            let caller = caller(&message).map_or_else(|| "the caller".to_owned(), quote);
            format!("STS does not let {caller} assume the role {role}: {code}: {message}")
        }
        _ if code.is_empty() => format!("STS answered with status {status} when asked for the role {role}"),
        _ => format!("STS did not give credentials for the role {role}: {code}: {message}"),
    };
    let error = Error::new(kind, sentence).with_aws(AwsAnswer { code: code.to_owned(), status, request_id });
    match hint(kind, code, &message) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The text without the secrets of the request that it answers.
fn without_secrets(text: &str, base: &Credentials) -> String {
    let shown = replaced(text, base.secret_access_key(), "[redacted]");
    match base.session_token() {
        Some(token) => replaced(&shown, token, "[redacted]"),
        None => shown,
    }
}

/// The caller's ARN in `User: {arn} is not authorized to perform: ...`.
fn caller(message: &str) -> Option<&str> {
    let (_, rest) = cut(message, "User: ")?;
    rest.split_whitespace().next().filter(|arn| arn.starts_with("arn:"))
}

fn hint(kind: ErrorKind, code: &str, message: &str) -> Option<&'static str> {
    let is_about_time = contains(message, "Signature expired") || contains(message, "not yet current");
    Some(match kind {
        ErrorKind::AssumeRoleDenied if contains(message, "root accounts") => {
            "use a role's or a user's credentials, not the account's root"
        }
        ErrorKind::AssumeRoleDenied => {
            "check both sides: the trust policy of the role must name the caller (and its external id, if it has one, must be \
             the one given here), and the caller's own policy must allow sts:AssumeRole on the role; STS says the same for a \
             role that does not exist"
        }
        ErrorKind::AssumeRoleInvalid if contains(message, "role chaining") => {
            "use at most 3600 seconds: your own credentials are a role's"
        }
        ErrorKind::AssumeRoleInvalid if contains(message, "MaxSessionDuration") => {
            "use a shorter duration, or let the role's owner raise its MaxSessionDuration"
        }
        ErrorKind::AssumeRoleExpired => {
            "the base credentials have expired: fetch them anew for each refresh, for example by leaving them to the environment"
        }
        ErrorKind::AssumeRoleCredentials if is_about_time => {
            "the clock of this machine is off by more than 15 minutes: set it"
        }
        ErrorKind::AssumeRoleCredentials if code == "SignatureDoesNotMatch" => {
            "check the secret access key and the region"
        }
        ErrorKind::AssumeRoleCredentials => {
            "check the access key id and the session token, and that they belong to this partition and region"
        }
        ErrorKind::AssumeRoleThrottled => "share one AssumeRole among all that use the role, and try again later",
        ErrorKind::AssumeRoleFailed if code.starts_with("RegionDisabled") => {
            "let the role's account activate STS in this region, or use another region"
        }
        _ => return None,
    })
}
