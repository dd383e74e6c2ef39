//! The one error of every face: a kind with a stable code, a sentence and, where we know it, a hint.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What went wrong, as a value.
///
/// Each kind has one stable [`code`](ErrorKind::code); the code is part of the contract, the text of an [`Error`] is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL is relative, malformed, or not in a form that can be sent.
    InvalidUrl,
    /// The HTTP method is not a token (RFC 9110, section 5.6.2).
    InvalidMethod,
    /// A header's name is no token, or its value holds a line break or another control character.
    InvalidHeader,
    /// The body cannot be signed as given.
    InvalidBody,
    /// The region is no region name.
    InvalidRegion,
    /// The service is no signing name.
    InvalidService,
    /// A part of the credentials is empty or malformed.
    InvalidCredentials,
    /// The time lies outside what a signature can express, or has no time zone.
    InvalidTime,
    /// A presigned URL's lifetime is outside 1..=604800 seconds.
    InvalidExpiresIn,
    /// The service does not take an unsigned payload.
    UnsignedPayload,
    /// The role's ARN is none.
    InvalidRoleArn,
    /// The role session name breaks STS's rules.
    InvalidSessionName,
    /// `DurationSeconds` is outside 900..=43200.
    InvalidDuration,
    /// The external id breaks STS's rules.
    InvalidExternalId,
    /// The session policy or a managed policy's ARN breaks STS's rules.
    InvalidSessionPolicy,
    /// A session tag or a transitive tag key breaks STS's rules.
    InvalidTag,
    /// The source identity breaks STS's rules.
    InvalidSourceIdentity,
    /// The MFA serial number or token code breaks STS's rules.
    InvalidMfa,
    /// The region belongs to another partition than the role.
    PartitionMismatch,
    /// The partition has no endpoint that we know.
    UnknownPartition,
    /// The STS endpoint or `base_url` is no usable URL.
    InvalidEndpoint,
    /// An option or a combination of options makes no sense.
    InvalidOption,
    /// A signed request would leave over plain http to a host that is not loopback.
    InsecureUrl,
    /// The URL lies outside `base_url`'s origin.
    OriginMismatch,
    /// No base credentials were given or found.
    CredentialsNotFound,
    /// STS refused because the caller may not assume the role.
    AssumeRoleDenied,
    /// STS refused a parameter.
    AssumeRoleInvalid,
    /// STS refused because the base credentials have expired.
    AssumeRoleExpired,
    /// STS does not know the base credentials, or they are wrong.
    AssumeRoleCredentials,
    /// STS throttled the call.
    AssumeRoleThrottled,
    /// STS failed in another way.
    AssumeRoleFailed,
    /// An answer could not be read as what it should be.
    InvalidResponse,
    /// An answer was longer than the limit.
    ResponseTooLarge,
    /// The connection, TLS or the proxy failed.
    Transport,
    /// A time limit ran out.
    Timeout,
    /// More redirects than are followed.
    TooManyRedirects,
    /// The answer's status says that the request failed.
    HttpStatus,
}

/// Every kind with its code, in the order of declaration.
const CODES: &[(ErrorKind, &str)] = &[
    (ErrorKind::InvalidUrl, "invalid_url"),
    (ErrorKind::InvalidMethod, "invalid_method"),
    (ErrorKind::InvalidHeader, "invalid_header"),
    (ErrorKind::InvalidBody, "invalid_body"),
    (ErrorKind::InvalidRegion, "invalid_region"),
    (ErrorKind::InvalidService, "invalid_service"),
    (ErrorKind::InvalidCredentials, "invalid_credentials"),
    (ErrorKind::InvalidTime, "invalid_time"),
    (ErrorKind::InvalidExpiresIn, "invalid_expires_in"),
    (ErrorKind::UnsignedPayload, "unsigned_payload"),
    (ErrorKind::InvalidRoleArn, "invalid_role_arn"),
    (ErrorKind::InvalidSessionName, "invalid_session_name"),
    (ErrorKind::InvalidDuration, "invalid_duration"),
    (ErrorKind::InvalidExternalId, "invalid_external_id"),
    (ErrorKind::InvalidSessionPolicy, "invalid_session_policy"),
    (ErrorKind::InvalidTag, "invalid_tag"),
    (ErrorKind::InvalidSourceIdentity, "invalid_source_identity"),
    (ErrorKind::InvalidMfa, "invalid_mfa"),
    (ErrorKind::PartitionMismatch, "partition_mismatch"),
    (ErrorKind::UnknownPartition, "unknown_partition"),
    (ErrorKind::InvalidEndpoint, "invalid_endpoint"),
    (ErrorKind::InvalidOption, "invalid_option"),
    (ErrorKind::InsecureUrl, "insecure_url"),
    (ErrorKind::OriginMismatch, "origin_mismatch"),
    (ErrorKind::CredentialsNotFound, "credentials_not_found"),
    (ErrorKind::AssumeRoleDenied, "assume_role_denied"),
    (ErrorKind::AssumeRoleInvalid, "assume_role_invalid"),
    (ErrorKind::AssumeRoleExpired, "assume_role_expired"),
    (ErrorKind::AssumeRoleCredentials, "assume_role_credentials"),
    (ErrorKind::AssumeRoleThrottled, "assume_role_throttled"),
    (ErrorKind::AssumeRoleFailed, "assume_role_failed"),
    (ErrorKind::InvalidResponse, "invalid_response"),
    (ErrorKind::ResponseTooLarge, "response_too_large"),
    (ErrorKind::Transport, "transport"),
    (ErrorKind::Timeout, "timeout"),
    (ErrorKind::TooManyRedirects, "too_many_redirects"),
    (ErrorKind::HttpStatus, "http_status"),
];

impl ErrorKind {
    /// The stable code, the same in every face.
    #[must_use]
    pub fn code(self) -> &'static str {
        CODES.iter().find(|(kind, _)| *kind == self).map_or("unknown", |(_, code)| code)
    }

    /// Every kind, in the order of declaration.
    pub fn all() -> impl Iterator<Item = ErrorKind> {
        CODES.iter().map(|(kind, _)| *kind)
    }

    /// The group that faces with exception classes map to a class.
    #[must_use]
    pub fn class(self) -> ErrorClass {
        use ErrorKind::*;
        match self {
            CredentialsNotFound => ErrorClass::Credentials,
            AssumeRoleDenied
            | AssumeRoleInvalid
            | AssumeRoleExpired
            | AssumeRoleCredentials
            | AssumeRoleThrottled
            | AssumeRoleFailed => ErrorClass::AssumeRole,
            InvalidResponse | ResponseTooLarge | Transport | TooManyRedirects => ErrorClass::Transport,
            Timeout => ErrorClass::Timeout,
            HttpStatus => ErrorClass::HttpStatus,
            _ => ErrorClass::Validation,
        }
    }
}

/// The groups of [`ErrorKind`], one per exception class of the Python face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Bad input, found before anything was sent.
    Validation,
    /// No usable base credentials.
    Credentials,
    /// STS refused or failed.
    AssumeRole,
    /// The network or an answer failed.
    Transport,
    /// A time limit ran out.
    Timeout,
    /// An HTTP status that the caller asked to be an error.
    HttpStatus,
}

/// What AWS answered, for errors that come from STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAnswer {
    /// AWS's error code, such as `AccessDenied`.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The request id, if the answer had one.
    pub request_id: Option<String>,
}

/// Why something could not be done.
///
/// [`Display`](fmt::Display) gives one lower-case sentence without a secret in it; [`Error::hint`] says what to do.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<Cow<'static, str>>,
    aws: Option<AwsAnswer>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its sentence: lower case, no full stop, input in backticks, no secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), hint: None, aws: None, source: None }))
    }

    /// Adds what the user should do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds what AWS answered.
    #[must_use]
    pub fn with_aws(mut self, aws: AwsAnswer) -> Self {
        self.0.aws = Some(aws);
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What went wrong, as a value.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of [`Error::kind`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What the user should do, where we know it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What AWS answered, for errors that come from STS.
    #[must_use]
    pub fn aws(&self) -> Option<&AwsAnswer> {
        self.0.aws.as_ref()
    }

    /// Whether the same request may succeed if it is sent again later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::AssumeRoleThrottled => true,
            ErrorKind::AssumeRoleFailed => self.0.aws.as_ref().is_some_and(|aws| aws.status >= 500),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Everything in one line. Written out rather than derived: what derives it escapes strings, for which it brings Unicode tables
/// along that WebAssembly would have to carry.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {}", self.code(), self.0.message)?;
        if let Some(aws) = &self.0.aws {
            write!(f, "; AWS: {} {} {}", aws.status, aws.code, aws.request_id.as_deref().unwrap_or_default())?;
        }
        if let Some(source) = &self.0.source {
            write!(f, "; source: {source:?}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; hint: {hint}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Quotes user input for a message: in backticks, control characters escaped, cut to 64 characters.
pub(crate) fn quote(input: &str) -> String {
    let mut shown = String::with_capacity(input.len().min(64) + 8);
    shown.push('`');
    for (index, c) in input.chars().enumerate() {
        if index == 64 {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.push('`');
    shown
}
