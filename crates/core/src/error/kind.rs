//! The kinds of errors: one table.

/// The groups of [`ErrorKind`], one per exception class of the Python face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Bad input, found before anything was sent.
    Validation,
    /// No usable base credentials.
    Credentials,
    /// STS refused or failed.
    Sts,
    /// The network or an answer failed.
    Transport,
    /// A time limit ran out.
    Timeout,
    /// An HTTP status that the caller asked to be an error.
    HttpStatus,
}

/// Whether the same request may succeed if it is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    Always,
    /// If AWS answered with a status of 500 or more.
    ServerErrors,
}

/// Variant, code, class, whether to retry, the hint that goes with every error of the kind unless it has one of its own (empty
/// for none), and what it means.
macro_rules! kinds {
    ($($variant:ident, $code:literal, $class:ident, $retry:ident, $hint:literal, $text:literal;)*) => {
        /// What went wrong, as a value.
        ///
        /// Each kind has one stable [`code`](ErrorKind::code); the code is part of the contract, the text of an
        /// [`Error`](crate::Error) is not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = $text] $variant,)*
        }

        const KINDS: &[(ErrorKind, &str, ErrorClass, Retry, &str)] =
            &[$((ErrorKind::$variant, $code, ErrorClass::$class, Retry::$retry, $hint),)*];
    };
}

kinds! {
    InvalidUrl, "invalid_url", Validation, Never, "",
        "The URL is relative, malformed, or not in a form that can be sent.";
    InvalidMethod, "invalid_method", Validation, Never, "use a name such as `GET` or `PUT`",
        "The HTTP method is not a token (RFC 9110, section 5.6.2).";
    InvalidHeader, "invalid_header", Validation, Never, "",
        "A header's name is no token, or its value holds a line break or another control character.";
    InvalidBody, "invalid_body", Validation, Never, "",
        "The body cannot be signed as given.";
    InvalidRegion, "invalid_region", Validation, Never, "give a region's name, such as `ap-northeast-1`",
        "The region is no region name.";
    InvalidService, "invalid_service", Validation, Never, "API Gateway's signing name is `execute-api`",
        "The service is no signing name.";
    InvalidCredentials, "invalid_credentials", Validation, Never,
        "pass the value exactly as AWS issued it, without quotes, spaces or a line break",
        "A part of the credentials is empty or malformed.";
    InvalidTime, "invalid_time", Validation, Never, "",
        "The time lies outside what a signature can express, or has no time zone.";
    InvalidExpiresIn, "invalid_expires_in", Validation, Never,
        "choose 1 to 604800 seconds; temporary credentials end it sooner",
        "A presigned URL's lifetime is outside 1..=604800 seconds.";
    UnsignedPayload, "unsigned_payload", Validation, Never, "pass the body's bytes, or its SHA-256",
        "The service does not take an unsigned payload.";
    AlreadySigned, "already_signed", Validation, Never, "send it as it is, by any client: its query is its signature",
        "The URL has a signature in its query, and is not signed again.";
    RoleNotGiven, "role_not_given", Validation, Never,
        "give the role's ARN (is the variable it comes from unset?); to sign without a role, leave it out and give `credentials`, such as the environment's",
        "A session has no role to assume, and nobody said that it shall sign without one.";
    InvalidRoleArn, "invalid_role_arn", Validation, Never,
        "a role's ARN is like `arn:aws:iam::123456789012:role/Name`",
        "The role's ARN is none.";
    InvalidSessionName, "invalid_session_name", Validation, Never,
        "use 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`, without a space",
        "The role session name breaks STS's rules.";
    InvalidDuration, "invalid_duration", Validation, Never,
        "use 900 to 43200 seconds; at most 3600 if your own credentials are a role's",
        "`DurationSeconds` is outside 900..=43200.";
    InvalidExternalId, "invalid_external_id", Validation, Never,
        "use 2 to 1224 of `A-Z a-z 0-9 _ + = , . @ : / -`",
        "The external id breaks STS's rules.";
    InvalidSessionPolicy, "invalid_session_policy", Validation, Never, "",
        "The session policy or a managed policy's ARN breaks STS's rules.";
    InvalidTag, "invalid_tag", Validation, Never,
        "keys are 1 to 128, values 0 to 256 letters, digits, spaces and `_ . : / = + - @`",
        "A session tag or a transitive tag key breaks STS's rules.";
    InvalidSourceIdentity, "invalid_source_identity", Validation, Never,
        "use 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`, without a space",
        "The source identity breaks STS's rules.";
    InvalidMfa, "invalid_mfa", Validation, Never, "",
        "The MFA serial number or token code breaks STS's rules.";
    PartitionMismatch, "partition_mismatch", Validation, Never,
        "a role can be assumed only from its own partition: give a region of it",
        "The region belongs to another partition than the role.";
    UnknownPartition, "unknown_partition", Validation, Never, "give the endpoint's URL as `sts_endpoint`",
        "The partition has no endpoint that we know.";
    InvalidEndpoint, "invalid_endpoint", Validation, Never, "",
        "An endpoint or `base_url` is no usable URL.";
    InvalidOption, "invalid_option", Validation, Never, "",
        "An option or a combination of options makes no sense.";
    InsecureUrl, "insecure_url", Validation, Never, "use https; plain http is for loopback only, and for hosts that are named as safe for it, by an option or in XACCT_ALLOW_HTTP_HOSTS",
        "A request that says who calls would leave over plain http to a host that is not loopback.";
    OriginMismatch, "origin_mismatch", Validation, Never,
        "give a path, or make a session of its own for the other API: a signature must not go elsewhere",
        "The URL lies outside `base_url`'s origin.";
    Closed, "closed", Validation, Never, "make another one",
        "A session, or an answer that is read piece by piece, was closed before it was used.";
    ScopeMismatch, "scope_mismatch", Validation, Never, "leave region and service out: the host has them",
        "The URL's host is one of AWS's, of another region or service than those given, or of none that can be signed for.";
    CredentialsNotFound, "credentials_not_found", Credentials, Never, "",
        "No base credentials were given or found.";
    CredentialsExpired, "credentials_expired", Credentials, Never,
        "give what fetches new ones, such as an AssumeRole or the environment, or check the clock of this machine",
        "The credentials that should sign have expired, and nothing fetches new ones.";
    InvalidConfig, "invalid_config", Credentials, Never, "",
        "A file of the user's that says where credentials come from cannot be read, or makes no sense.";
    CredentialsRefused, "credentials_refused", Credentials, Never, "",
        "What should give credentials (a program, a login, an endpoint of the machine) was asked, and refused or failed.";
    StsDenied, "sts_denied", Sts, Never, "",
        "STS refused because the caller may not do what it asked for.";
    StsInvalid, "sts_invalid", Sts, Never, "",
        "STS refused a parameter.";
    StsExpired, "sts_expired", Sts, Never,
        "the base credentials have expired: fetch them anew for each refresh, for example by leaving them to the environment",
        "STS refused because the base credentials have expired.";
    StsCredentials, "sts_credentials", Sts, Never,
        "check the access key id and the session token, and that they belong to this partition and region",
        "STS does not know the base credentials, or they are wrong.";
    StsThrottled, "sts_throttled", Sts, Always,
        "share one AssumeRole among all that use the role, and try again later",
        "STS throttled the call.";
    StsFailed, "sts_failed", Sts, ServerErrors, "",
        "STS failed in another way.";
    InvalidResponse, "invalid_response", Transport, Never,
        "something other than STS may have answered: check the endpoint and the proxy",
        "An answer could not be read as what it should be.";
    ResponseTooLarge, "response_too_large", Transport, Never, "read it piece by piece, where the client offers that",
        "An answer was longer than the limit.";
    Transport, "transport", Transport, Always, "",
        "The connection, TLS or the proxy failed.";
    InvalidCaBundle, "invalid_ca_bundle", Transport, Never, "",
        "The file of trusted certificates that the environment names cannot be read or holds none, or the system has none.";
    Timeout, "timeout", Timeout, Always, "",
        "A time limit ran out.";
    Interrupted, "interrupted", Transport, Never, "",
        "Whoever waited for the call gave it up.";
    TooManyRedirects, "too_many_redirects", Transport, Never, "check what the API redirects to",
        "More redirects than are followed.";
    HttpStatus, "http_status", HttpStatus, Never, "",
        "The answer's status says that the request failed.";
}

impl ErrorKind {
    fn row(self) -> Option<&'static (ErrorKind, &'static str, ErrorClass, Retry, &'static str)> {
        // The table is in the order of declaration.
        KINDS.get(self as usize)
    }

    /// The stable code, the same in every face.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().map_or("unknown", |row| row.1)
    }

    /// Every kind, in the order of declaration.
    pub fn all() -> impl Iterator<Item = ErrorKind> {
        KINDS.iter().map(|row| row.0)
    }

    /// The group that faces with exception classes map to a class.
    #[must_use]
    pub fn class(self) -> ErrorClass {
        self.row().map_or(ErrorClass::Validation, |row| row.2)
    }

    /// What to do about any error of this kind, where there is such a thing.
    pub(super) fn hint(self) -> Option<&'static str> {
        self.row().map(|row| row.4).filter(|hint| !hint.is_empty())
    }

    pub(super) fn retry(self) -> Retry {
        self.row().map_or(Retry::Never, |row| row.3)
    }
}
