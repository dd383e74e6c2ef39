//! STS's errors: code, status and text
//! ([Common errors](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html)).

use std::time::SystemTime;

use bytes::Bytes;
use http::{Response, StatusCode};
use xacct_sign::verify::Refusal;
use xacct_sign::{Error, ErrorKind, sts::AssumeRole};

use crate::body::BodyFailure;
use crate::iam::authenticate::Unauthenticated;
use crate::log::LogEntry;
use crate::reason::{Kind, Reason};
use crate::sentences;
use crate::sts::xml::{self, Xml};

/// An error as STS tells it, and the reason as it is.
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    pub(crate) reason: Reason,
}

impl Fault {
    fn bad_request(code: &'static str, message: impl Into<String>, reason: Reason) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), reason }
    }

    fn forbidden(code: &'static str, message: impl Into<String>, reason: Reason) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message: message.into(), reason }
    }

    pub(crate) fn missing_action() -> Self {
        let text = "The request must contain the parameter Action";
        Self::bad_request(
            "MissingAction",
            text,
            Reason::new(Kind::ActionMissing, "there is no `Action` in the query or the form"),
        )
    }

    pub(crate) fn unknown_action(action: &str, version: &str) -> Self {
        let text = format!("Could not find operation {action} for version {version}");
        let reason = Reason::new(Kind::ActionUnknown, format!("`{action}` of version `{version}` is not emulated"));
        Self::bad_request("InvalidAction", text, reason)
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            status: StatusCode::NOT_FOUND,
            code: "MalformedQueryString",
            message: format!("The query string contains a syntax error: {what}"),
            reason: Reason::new(Kind::ParametersMalformed, what),
        }
    }

    pub(crate) fn body_failed(failure: BodyFailure, max_bytes: usize) -> Self {
        let (status, code, message) = match failure {
            BodyFailure::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Request Entity Too Large")
            }
            BodyFailure::TooSlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "Request Timeout"),
            BodyFailure::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "Service Unavailable"),
        };
        Self { status, code, message: message.to_owned(), reason: Reason::of_body(failure, max_bytes) }
    }

    pub(crate) fn head_too_large(bytes: usize, max_bytes: usize) -> Self {
        let detail = format!("request line and header values take {bytes} bytes, {max_bytes} are allowed");
        Self {
            status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            code: "RequestHeaderSectionTooLarge",
            message: "Request Header Fields Too Large".to_owned(),
            reason: Reason::new(Kind::HeadTooLarge, detail),
        }
    }

    /// What STS says to a caller who may not, whichever of the four reasons it is.
    pub(crate) fn denied(principal: &str, action: &str, role: &str, reason: Reason) -> Self {
        let text = format!("User: {principal} is not authorized to perform: {action} on resource: {role}");
        Self::forbidden("AccessDenied", text, reason)
    }

    pub(crate) fn mfa() -> Self {
        let reason = Reason::new(Kind::MfaUnsupported, "the emulator has no MFA devices");
        Self::forbidden("AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.", reason)
    }

    pub(crate) fn malformed_policy(source: &dyn std::error::Error) -> Self {
        let text = "The policy is not in the valid JSON format.";
        Self::bad_request("MalformedPolicyDocument", text, Reason::new(Kind::PolicyMalformed, source.to_string()))
    }

    pub(crate) fn policy_arns() -> Self {
        let text = "The emulator cannot look up managed session policies: pass the policy inline as Policy";
        Self::bad_request("ValidationError", text, Reason::new(Kind::PolicyArnsUnsupported, text))
    }

    /// AWS documents that such a call fails, and not with which words.
    pub(crate) fn tag_inherited(key: &str) -> Self {
        let detail =
            format!("the session has the transitive tag `{key}` from the one before it: it cannot be set anew");
        Self::bad_request("ValidationError", detail.clone(), Reason::new(Kind::TagInherited, detail))
    }

    pub(crate) fn too_long_for_role(asked: u32, at_most: u32) -> Self {
        let reason = format!("{asked} s were asked for, the role gives at most {at_most} s");
        let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        Self::bad_request("ValidationError", text, Reason::new(Kind::DurationTooLong, reason))
    }

    pub(crate) fn too_long_for_chaining(asked: u32) -> Self {
        let reason = format!(
            "{asked} s were asked for with credentials that are a role's session themselves, as a Lambda function's are: 3600 s at most"
        );
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        Self::bad_request("ValidationError", text, Reason::new(Kind::DurationTooLong, reason))
    }

    /// The texts of these three are not documented.
    pub(crate) fn federation_disabled(account: &str) -> Self {
        let text = "Outbound web identity federation is not enabled for this account";
        let reason =
            Reason::new(Kind::FederationDisabled, format!("the issuer of account `{account}` is switched off"));
        Self::forbidden("OutboundWebIdentityFederationDisabledException", text, reason)
    }

    pub(crate) fn session_duration_escalation(asked: u32) -> Self {
        let text = "The requested token duration would extend beyond the session's expiration";
        let detail = format!("a token for {asked} s was asked for, and the session ends before");
        Self::forbidden("SessionDurationEscalationException", text, Reason::new(Kind::DurationTooLong, detail))
    }

    pub(crate) fn payload_too_large(bytes: usize, at_most: usize) -> Self {
        let text = "The requested token payload size exceeds the maximum allowed size";
        let detail = format!("the claims take {bytes} bytes, {at_most} are allowed here");
        Self::bad_request("JWTPayloadSizeExceededException", text, Reason::new(Kind::TokenTooLarge, detail))
    }

    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure",
            message: "The request processing has failed because of an unknown error.".to_owned(),
            reason: Reason::new(Kind::Internal, error.to_string()),
        }
    }

    /// A parameter that fails a constraint; `value` is `None` where it is missing.
    pub(crate) fn constraint(member: &str, value: Option<&str>, constraint: &str, detail: String) -> Self {
        let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{value}'"));
        let text = format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
        );
        Self::bad_request("ValidationError", text, Reason::new(Kind::ParameterInvalid, detail))
    }

    /// A call whose parameters the core refuses.
    pub(crate) fn invalid(call: &AssumeRole, error: &Error) -> Self {
        let detail = error.to_string();
        let external_id = call.external_id.as_deref().unwrap_or_default();
        let identity = call.source_identity.as_deref().unwrap_or_default();
        let (member, value, shortest, longest, pattern) = match error.kind() {
            ErrorKind::InvalidRoleArn => (
                "roleArn",
                call.role_arn.as_str(),
                20,
                2048,
                "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+",
            ),
            ErrorKind::InvalidSessionName => ("roleSessionName", call.session_name.as_str(), 2, 64, "[\\w+=,.@-]*"),
            ErrorKind::InvalidExternalId => ("externalId", external_id, 2, 1224, "[\\w+=,.@:\\/-]*"),
            ErrorKind::InvalidSourceIdentity => ("sourceIdentity", identity, 2, 64, "[\\w+=,.@-]*"),
            ErrorKind::InvalidSessionPolicy => (
                "policy",
                call.policy.as_deref().unwrap_or_default(),
                1,
                2048,
                "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
            ),
            ErrorKind::InvalidDuration => {
                let (value, bound) = (call.duration_seconds.to_string(), call.duration_seconds < 900);
                let bound = if bound { "greater than or equal to 900" } else { "less than or equal to 43200" };
                return Self::constraint(
                    "durationSeconds",
                    Some(&value),
                    &format!("Member must have value {bound}"),
                    detail,
                );
            }
            _ => {
                return Self::bad_request(
                    "ValidationError",
                    detail.clone(),
                    Reason::new(Kind::ParameterInvalid, detail),
                );
            }
        };
        let length = value.chars().count();
        let constraint = if length < shortest {
            format!("Member must have length greater than or equal to {shortest}")
        } else if length > longest {
            format!("Member must have length less than or equal to {longest}")
        } else if error.kind() == ErrorKind::InvalidRoleArn {
            return Self::bad_request(
                "ValidationError",
                format!("{value} is invalid"),
                Reason::new(Kind::ParameterInvalid, detail),
            );
        } else {
            format!("Member must satisfy regular expression pattern: {pattern}")
        };
        Self::constraint(member, Some(value), &constraint, detail)
    }

    /// A request whose signer is not known.
    pub(crate) fn unauthenticated(unauthenticated: Unauthenticated, now: SystemTime, log: &mut LogEntry) -> Self {
        let (status, code, text) = match &unauthenticated {
            Unauthenticated::UnknownKey(_) => invalid_token(),
            Unauthenticated::Expired(..) => {
                (StatusCode::FORBIDDEN, "ExpiredToken", sentences::EXPIRED_TOKEN.to_owned())
            }
            Unauthenticated::Refused(refusal) => refused(refusal, now),
        };
        Self { status, code, message: text, reason: unauthenticated.into_reason(log) }
    }

    pub(crate) fn respond(&self, request_id: &str) -> Response<Bytes> {
        let kind = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        let error = Xml::Node(
            "Error",
            vec![Xml::text("Type", kind), Xml::text("Code", self.code), Xml::text("Message", self.message.as_str())],
        );
        xml::respond(self.status, "ErrorResponse", &[error, Xml::text("RequestId", request_id)], request_id)
    }
}

fn invalid_token() -> (StatusCode, &'static str, String) {
    (StatusCode::FORBIDDEN, "InvalidClientTokenId", sentences::INVALID_TOKEN.to_owned())
}

fn refused(refusal: &Refusal, now: SystemTime) -> (StatusCode, &'static str, String) {
    let mismatch = |text: String| (StatusCode::FORBIDDEN, "SignatureDoesNotMatch", text);
    let incomplete = |text: String| (StatusCode::BAD_REQUEST, "IncompleteSignature", text);
    match refusal {
        Refusal::Missing => {
            (StatusCode::FORBIDDEN, "MissingAuthenticationToken", "Request is missing Authentication Token".to_owned())
        }
        Refusal::Malformed(what) => {
            incomplete(format!("The request signature does not conform to AWS standards: {what}"))
        }
        Refusal::Algorithm(_) => incomplete("Unsupported AWS 'algorithm': AWS4-HMAC-SHA256 is expected".to_owned()),
        Refusal::Token(_) => invalid_token(),
        Refusal::Scope { expected, presented } => mismatch(scope_text(expected, presented)),
        Refusal::UnsignedHeader(name) => {
            mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
        }
        Refusal::Skewed { signed_at, window, behind, .. } => {
            mismatch(sentences::skewed(signed_at, now, *window, *behind))
        }
        Refusal::Expired { expired_at, now } => {
            mismatch(format!("Signature expired: {expired_at} is now earlier than {now}"))
        }
        _ => mismatch(sentences::MISMATCH.to_owned()),
    }
}

fn scope_text(expected: &str, presented: &str) -> String {
    let part = |scope: &str, index: usize| scope.split('/').nth(index).unwrap_or_default().to_owned();
    if part(expected, 1) != part(presented, 1) {
        "Credential should be scoped to a valid region.".to_owned()
    } else if part(expected, 2) != part(presented, 2) {
        format!("Credential should be scoped to correct service: '{}'.", part(expected, 2))
    } else if part(expected, 3) != part(presented, 3) {
        "Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned()
    } else {
        format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'.",
            part(presented, 0),
            part(expected, 0)
        )
    }
}
