//! What services want of a signature: one table.

/// How often the path of the URL is percent-encoded in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PercentEncoding {
    /// Once: the path's escapes are decoded and encoded again (Amazon S3).
    Single,
    /// Twice: the path as it stands on the wire is encoded once more (every other service).
    Double,
}

/// Whether dot segments and repeated slashes leave the path in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathNormalization {
    /// RFC 3986, section 5.2.4, and empty segments dropped.
    Enabled,
    /// The path as it is: object keys of Amazon S3 may hold `//` and `..`.
    Disabled,
}

/// When the header `x-amz-content-sha256` is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadHeader {
    /// Only where the payload is unsigned, so that the service knows.
    WhenUnsigned,
    /// Always.
    Always,
}

/// Whether a service takes a request whose body is not part of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsignedPayload {
    /// It does not: asking for it is an error.
    Refused,
    /// It does.
    Allowed,
    /// It does, and in a presigned URL it expects nothing else (Amazon S3).
    AllowedAlwaysPresigned,
    /// It takes nothing else (VPC Lattice).
    Always,
}

/// Where the session token goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionToken {
    /// Into the request before signing: it is signed.
    Signed,
    /// Into the request after signing.
    AddedAfterSigning,
}

/// Which of the given headers are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderSelection {
    /// All but those that proxies and clients set or change on the way, a closed list.
    Standard,
    /// All but `authorization`, as AWS's signing test suite has it.
    All,
}

/// What a verifier insists on, beyond a signature that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strictness {
    /// The header `host` is signed; in a query, no `X-Amz-Expires` means the usual window.
    Usual,
    /// `host` and every `x-amz-*` header that is there are signed; in a query, `X-Amz-Expires` is there (Amazon S3).
    EveryAmzHeader,
}

/// What a service needs of a signature.
///
/// # Defaults
///
/// [`SigningSettings::for_service`] has them; there is no `Default`, because there is no signature without a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningSettings {
    /// How often the path is encoded.
    pub percent_encoding: PercentEncoding,
    /// Whether dot segments and repeated slashes are resolved.
    pub path_normalization: PathNormalization,
    /// When `x-amz-content-sha256` is added.
    pub payload_header: PayloadHeader,
    /// Whether the body may stay out of the signature.
    pub unsigned_payload: UnsignedPayload,
    /// Where the session token goes.
    pub session_token: SessionToken,
    /// Which headers are signed.
    pub header_selection: HeaderSelection,
    /// What a verifier insists on.
    pub strictness: Strictness,
}

const DEFAULT: SigningSettings = SigningSettings {
    percent_encoding: PercentEncoding::Double,
    path_normalization: PathNormalization::Enabled,
    payload_header: PayloadHeader::WhenUnsigned,
    unsigned_payload: UnsignedPayload::Allowed,
    session_token: SessionToken::Signed,
    header_selection: HeaderSelection::Standard,
    strictness: Strictness::Usual,
};

const S3: SigningSettings = SigningSettings {
    percent_encoding: PercentEncoding::Single,
    path_normalization: PathNormalization::Disabled,
    payload_header: PayloadHeader::Always,
    unsigned_payload: UnsignedPayload::AllowedAlwaysPresigned,
    strictness: Strictness::EveryAmzHeader,
    ..DEFAULT
};

/// A service that wants the payload's hash in a header of its own.
const HASHED: SigningSettings = SigningSettings { payload_header: PayloadHeader::Always, ..DEFAULT };

/// Signing name → settings. What is not here signs by [`DEFAULT`].
const SERVICES: &[(&str, SigningSettings)] = &[
    ("execute-api", SigningSettings { unsigned_payload: UnsignedPayload::Refused, ..DEFAULT }),
    // Web Functions insist on the header, without a body too; function URLs take it.
    ("lambda", SigningSettings { unsigned_payload: UnsignedPayload::Refused, ..HASHED }),
    ("sts", SigningSettings { unsigned_payload: UnsignedPayload::Refused, ..DEFAULT }),
    ("s3", S3),
    // With the token of `CreateSession`, which goes into `x-amz-s3session-token` and is the caller's to put there.
    ("s3express", S3),
    ("s3-object-lambda", S3),
    ("s3-outposts", S3),
    ("aoss", HASHED),
    ("glacier", HASHED),
    // The URL of its WebSocket is presigned without the token, which is appended.
    ("iotdevicegateway", SigningSettings { session_token: SessionToken::AddedAfterSigning, ..DEFAULT }),
    (
        "vpc-lattice-svcs",
        SigningSettings { payload_header: PayloadHeader::Always, unsigned_payload: UnsignedPayload::Always, ..DEFAULT },
    ),
];

impl SigningSettings {
    /// The settings for a service by its signing name, `execute-api` for API Gateway.
    ///
    /// `execute-api`, `lambda`, `sts`, those of Amazon S3 (`s3`, `s3express`, `s3-object-lambda`, `s3-outposts`), `aoss`, `glacier`,
    /// `iotdevicegateway` and `vpc-lattice-svcs` have rows of their own; every other service signs with the path encoded twice and
    /// normalized, and takes an unsigned payload.
    #[must_use]
    pub fn for_service(service: &str) -> Self {
        SERVICES.iter().find(|(name, _)| *name == service).map_or(DEFAULT, |(_, settings)| *settings)
    }
}

/// Headers that are never signed because proxies, load balancers and HTTP clients set or change them on the way.
const LEFT_UNSIGNED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
];
const LEFT_UNSIGNED_PREFIXES: &[&str] = &["proxy-", "sec-websocket-", "x-forwarded-"];

/// Whether a header of this name (any case) stays out of signatures.
pub(crate) fn is_left_unsigned(name: &str) -> bool {
    LEFT_UNSIGNED.iter().any(|left| left.eq_ignore_ascii_case(name))
        || LEFT_UNSIGNED_PREFIXES
            .iter()
            .any(|prefix| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
}
