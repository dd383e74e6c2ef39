//! What can be wrong with `callers.json`: one table.

use std::fmt;

macro_rules! errors {
    ($($variant:ident, $code:literal, $text:literal, $hint:literal;)*) => {
        /// What is wrong with `callers.json`, as a value with a stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum CallersErrorKind {
            $(#[doc = $text] $variant,)*
        }

        impl CallersErrorKind {
            /// Every kind: for tables of documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable code, in snake case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

errors! {
    Malformed, "callers_malformed", "It is not strict JSON of the schema: a member is missing, unknown, or not of its form.",
        "render it anew: `xacct-sign render callers --stage STAGE`";
    VersionUnknown, "callers_version_unknown", "It is of a version that this one does not know.",
        "render it with the version of xacct-sign that the server has";
    AudienceMissing, "audience_missing", "It names no audience, or one that is none: tokens for anybody would be taken.",
        "write `audience` into the manifest's `[identity]`, a URL of this server alone, without a user";
    AlgorithmUnknown, "algorithm_unknown", "The algorithm is neither `ES384` nor `RS256`.", "leave it out: `ES384` is the default";
    DurationInvalid, "duration_invalid", "The longest life of a token is not 60 to 3600 seconds, as STS has it.",
        "write `max_duration_seconds` into the manifest's `[identity]`, 60 to 3600";
    PartitionInvalid, "partition_invalid", "The partition is none whose endpoints are known.", "";
    RegionInvalid, "region_invalid", "A region is none of the partition's.", "use regions such as `ap-northeast-1`";
    AccountInvalid, "account_invalid", "An account is not twelve digits.",
        "with a token or a proof an account has to be named: `*` would let anybody in";
    RoleInvalid, "role_invalid", "A role is no role's name.", "write `Name`, `path/Name`, or `*` for every role of the account";
    OrganizationInvalid, "organization_invalid",
        "An organization is none, or is on a stage where nobody says of which organization a caller is.",
        "tokens and proofs do not tell organizations: name the accounts and their issuers";
    RouteInvalid, "route_invalid", "A route is none.", "write `METHOD /path`, as in the manifest";
    SessionNameInvalid, "session_name_invalid", "A pattern of session names is none.", "";
    IssuerInsecure, "issuer_insecure", "An issuer is over plain http: whoever is on the way is anybody.", "issuers of STS are https";
    IssuerMalformed, "issuer_malformed", "An issuer is not `https://` and a host's name.",
        "write it as `iam:GetOutboundWebIdentityFederationInfo` says it, without a slash at its end";
    IssuerShared, "issuer_shared", "One issuer stands for two accounts: each could make tokens of the other.",
        "each account has an issuer of its own";
    IssuersDiffer, "issuers_differ", "One account has two issuers: an account has one.", "";
    IssuerMissing, "issuer_missing",
        "A caller has no issuer where proofs are not taken, or is known by a pattern alone, which no proof fulfils: it can never come in.",
        "write the caller's `issuer`, or `regions` for proofs";
    DevIssuerInvalid, "dev_issuer_invalid", "An issuer for development is not on this machine.",
        "write the emulator's, such as `http://127.0.0.1:4100/issuers/000000000000`";
    DevelopmentOnly, "development_only", "It has `dev_issuers`, and the verifier is not made for development.",
        "render it anew without them, or, where nobody real calls, make the verifier for development: `development=True`, in JavaScript `development: true`";
    CallerTwice, "caller_twice", "Two callers are one principal, or have one name.", "";
}

/// A `callers.json` that no verifier is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallersError {
    kind: CallersErrorKind,
    message: String,
    hint: &'static str,
}

impl CallersError {
    pub(super) fn new(kind: CallersErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: kind.hint() }
    }

    /// With another hint than that of its kind.
    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// What is wrong, as a value.
    #[must_use]
    pub fn kind(&self) -> CallersErrorKind {
        self.kind
    }

    /// The stable code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What to do about it, where we know it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(self.hint).filter(|hint| !hint.is_empty())
    }
}

impl fmt::Display for CallersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallersError {}
