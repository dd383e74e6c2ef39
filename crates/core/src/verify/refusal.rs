//! Why a signature is refused.

use std::fmt;
use std::time::Duration;

use crate::key::ALGORITHM;
use crate::verify::difference::Difference;

/// Why a signature is refused. [`Refusal::code`] is stable; `Display` says it in a sentence without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is not signed at all.
    Missing,
    /// The signature's form is broken; says where.
    Malformed(String),
    /// Another algorithm than AWS4-HMAC-SHA256.
    Algorithm(String),
    /// The credential scope is for another region or service, or another day than the request.
    Scope {
        /// `region/service` that the verifier is.
        expected: String,
        /// What the request has.
        presented: String,
    },
    /// A header that must be signed is not.
    UnsignedHeader(String),
    /// A header that is said to be signed is not there.
    MissingHeader(String),
    /// The request's time is outside the window around the verifier's.
    Skewed {
        /// The request's time as it has it.
        signed_at: String,
        /// The verifier's time in the same format.
        now: String,
        /// How far they may lie apart.
        window: Duration,
        /// Whether the request's time lies behind, rather than ahead.
        behind: bool,
    },
    /// A presigned URL's time is over.
    Expired {
        /// The instant it ended, in the format of `X-Amz-Date`.
        expired_at: String,
        /// The verifier's time in the same format.
        now: String,
    },
    /// The session token is missing, not expected, or not the one of these credentials.
    Token(&'static str),
    /// `x-amz-content-sha256` is not the hash of the body that came.
    Body {
        /// What the header says.
        presented: String,
        /// The hash of what came.
        computed: String,
    },
    /// The service does not take an unsigned payload.
    UnsignedPayload,
    /// The signature is not the one that the verifier computes: the request was changed after signing, or the secret or
    /// the canonicalization differs.
    Mismatch(Box<Computed>),
}

/// What the verifier computed, and where the signer did otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Computed {
    /// The canonical request. Only values of headers that are known to be no secrets are in it; of the others, as of
    /// parameters of the query whose name sounds like a secret, it has the length.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The one line with which the signature would be right; `None` if several differ, or the secret does, or one in a way that
    /// was not tried.
    pub difference: Option<Difference>,
    pub(super) unredacted: Unredacted,
}

impl Computed {
    /// The canonical request with every value: for whoever sent the request and has all of them, as a REST API tells it. It is
    /// not for a log, and `Debug` does not show it.
    #[must_use]
    pub fn unredacted(&self) -> &str {
        &self.unredacted.0
    }
}

/// A canonical request that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Unredacted(pub(super) String);

impl fmt::Debug for Unredacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Missing => "signature_missing",
            Refusal::Malformed(_) => "signature_malformed",
            Refusal::Algorithm(_) => "algorithm_unknown",
            Refusal::Scope { .. } => "scope_mismatch",
            Refusal::UnsignedHeader(_) => "header_unsigned",
            Refusal::MissingHeader(_) => "header_missing",
            Refusal::Skewed { .. } => "skewed",
            Refusal::Expired { .. } => "presigned_expired",
            Refusal::Token(_) => "token_invalid",
            Refusal::Body { .. } => "body_mismatch",
            Refusal::UnsignedPayload => "unsigned_payload",
            Refusal::Mismatch(_) => "signature_mismatch",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing => {
                write!(f, "the request has neither an `Authorization` header nor a signature in its query")
            }
            Refusal::Malformed(what) => write!(f, "the signature is malformed: {what}"),
            // What stands in its place may be a secret of another scheme, such as a bare API key.
            Refusal::Algorithm(name) if !name.starts_with("AWS") => {
                write!(f, "the `Authorization` header is not of {ALGORITHM}")
            }
            Refusal::Algorithm(name) => write!(f, "the algorithm `{name}` is not {ALGORITHM}"),
            Refusal::Scope { expected, presented } => {
                write!(f, "the credential is scoped to `{presented}`, not to `{expected}`")
            }
            Refusal::UnsignedHeader(name) => write!(f, "the header `{name}` must be signed"),
            Refusal::MissingHeader(name) => write!(f, "the header `{name}` is signed but not there"),
            Refusal::Skewed { signed_at, now, window, behind } => write!(
                f,
                "signed at {signed_at}, which is more than {} s {} this service's clock, {now}",
                window.as_secs(),
                if *behind { "behind" } else { "ahead of" },
            ),
            Refusal::Expired { expired_at, now } => write!(f, "the presigned URL ended at {expired_at}; it is {now}"),
            Refusal::Token(what) => write!(f, "the session token {what}"),
            Refusal::Body { presented, computed } => {
                write!(f, "the body's SHA-256 is {computed}, the header says {presented}")
            }
            Refusal::UnsignedPayload => write!(f, "the service does not take an unsigned payload"),
            Refusal::Mismatch(computed) => match &computed.difference {
                Some(difference) => write!(f, "the signature is not the one computed here: {difference}"),
                None => write!(
                    f,
                    "the signature is not the one computed here: the request was changed after signing, or the secret differs"
                ),
            },
        }
    }
}

impl std::error::Error for Refusal {}
