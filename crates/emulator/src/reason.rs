//! Why a request was refused: what AWS does not tell.

use std::fmt;

use http::HeaderValue;
use xacct_sign::verify::Refusal;

/// The longest reason that goes into a header, in characters.
const MAX_HEADER_CHARACTERS: usize = 2_000;

/// Why a request was refused: a stable code, and a detail for people. Neither holds a secret.
///
/// The codes of signatures are those of [`Refusal::code`]: `signature_missing`, `signature_malformed`,
/// `algorithm_unknown`, `scope_mismatch`, `header_unsigned`, `header_missing`, `skewed`, `presigned_expired`,
/// `token_invalid`, `body_mismatch`, `unsigned_payload`, `signature_mismatch`. The emulator adds:
///
/// | code | meaning |
/// |---|---|
/// | `unknown_key` | the access key id was not issued here, or expired long ago |
/// | `expired` | the signature is right, the credentials have expired |
/// | `not_allowed` | gateway: no policy of the session allows the route, or one denies it |
/// | `unknown_stage` | the manifest has no such stage |
/// | `head_too_large`, `body_too_large` | a limit of API Gateway |
/// | `upstream_failed`, `upstream_timeout`, `upstream_too_large` | the API behind the gateway |
/// | `action_missing`, `action_unknown`, `parameters_malformed`, `parameter_invalid` | STS: the call |
/// | `policy_malformed`, `policy_arns_unsupported`, `mfa_unsupported` | STS: the call |
/// | `role_not_found` | STS: no such role; AWS says `AccessDenied` |
/// | `caller_not_allowed` | STS: the caller's own policy does not allow it |
/// | `trust_denied` | STS: the role's trust policy does not allow it: caller, ExternalId, conditions |
/// | `source_identity_set` | STS: another source identity than the session's own |
/// | `duration_too_long` | STS: longer than the role or role chaining takes |
/// | `internal` | the emulator itself failed |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The stable code, in snake case.
    pub code: &'static str,
    /// What happened, on one line.
    pub detail: String,
}

impl Reason {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Puts the reason into the header `x-xacct-reason`, which AWS does not have: ASCII on one line, at most 2,000 characters.
    pub(crate) fn explain<B>(&self, response: &mut http::Response<B>) {
        let text: String = self.to_string().chars().take(MAX_HEADER_CHARACTERS).collect();
        let value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(self.code));
        response.headers_mut().insert("x-xacct-reason", value);
    }
}

impl From<&Refusal> for Reason {
    fn from(refusal: &Refusal) -> Self {
        // What stands where the algorithm should may be a secret of another scheme, such as a bare API key.
        let detail = match refusal {
            Refusal::Algorithm(name) if !name.starts_with("AWS") => {
                "the `Authorization` header is not of AWS4-HMAC-SHA256".to_owned()
            }
            other => other.to_string(),
        };
        Self::new(refusal.code(), detail)
    }
}

/// `code: detail`, ASCII on one line.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code)?;
        one_line(f, &self.detail)
    }
}

/// Writes text from outside so that it can neither break a line nor a terminal.
pub(crate) fn one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for character in text.chars() {
        if character.is_ascii_graphic() || character == ' ' {
            write!(f, "{character}")?;
        } else {
            write!(f, "{}", character.escape_default())?;
        }
    }
    Ok(())
}
