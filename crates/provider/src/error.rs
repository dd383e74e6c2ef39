//! The one error of reading a manifest.

use std::fmt;

/// What is wrong with a manifest: one variant for each stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManifestErrorKind {
    /// The text is not TOML.
    Syntax,
    /// The text is TOML, but a key is unknown, is missing, or holds another type of value.
    Schema,
    /// An account id is not a string of 12 digits.
    InvalidAccountId,
    /// The region does not look like one.
    InvalidRegion,
    /// A role's name, or one that would be made of it, is not one that IAM takes.
    InvalidRoleName,
    /// `max_session_duration` is not between 3600 and 43200 seconds.
    InvalidDuration,
    /// A stage's name cannot become part of a role's name.
    InvalidStageName,
    /// A caller's name cannot become part of a role's name.
    InvalidCallerName,
    /// An `api_id` is not one that API Gateway gives.
    InvalidApiId,
    /// An `api_stage` is not one that API Gateway takes.
    InvalidApiStage,
    /// An external id is not one that STS takes.
    InvalidExternalId,
    /// A route is not `METHOD /path`, or a list of routes is empty.
    InvalidRoute,
    /// A caller names a stage that is not in the manifest.
    UnknownStage,
    /// Two callers are the same role of the same account on the same stage.
    DuplicateCaller,
    /// Two roles of the provider would get the same name.
    RoleNameCollision,
    /// A caller has no role on any stage.
    UnusedCaller,
}

impl ManifestErrorKind {
    /// Every kind, in the order of declaration: for tables of documentation and tests.
    pub const ALL: &[Self] = &[
        Self::Syntax,
        Self::Schema,
        Self::InvalidAccountId,
        Self::InvalidRegion,
        Self::InvalidRoleName,
        Self::InvalidDuration,
        Self::InvalidStageName,
        Self::InvalidCallerName,
        Self::InvalidApiId,
        Self::InvalidApiStage,
        Self::InvalidExternalId,
        Self::InvalidRoute,
        Self::UnknownStage,
        Self::DuplicateCaller,
        Self::RoleNameCollision,
        Self::UnusedCaller,
    ];

    /// The stable code, in snake case. Programs may rely on it; the texts may change.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Schema => "schema",
            Self::InvalidAccountId => "invalid_account_id",
            Self::InvalidRegion => "invalid_region",
            Self::InvalidRoleName => "invalid_role_name",
            Self::InvalidDuration => "invalid_duration",
            Self::InvalidStageName => "invalid_stage_name",
            Self::InvalidCallerName => "invalid_caller_name",
            Self::InvalidApiId => "invalid_api_id",
            Self::InvalidApiStage => "invalid_api_stage",
            Self::InvalidExternalId => "invalid_external_id",
            Self::InvalidRoute => "invalid_route",
            Self::UnknownStage => "unknown_stage",
            Self::DuplicateCaller => "duplicate_caller",
            Self::RoleNameCollision => "role_name_collision",
            Self::UnusedCaller => "unused_caller",
        }
    }

    /// What to do about it, one sentence.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Syntax => "the manifest is TOML: strings, account ids among them, are quoted, and a key stands once",
            Self::Schema => {
                "the keys are `[api]` account, region, role_name, max_session_duration; `[stages.NAME]` api_id, api_stage; `[callers.NAME]` account, roles, external_id, routes"
            }
            Self::InvalidAccountId => {
                "write the account id as a string of 12 digits, `account = \"012345678901\"`: as a number it would lose its leading zeros"
            }
            Self::InvalidRegion => "write a region as AWS does, for example `ap-northeast-1`",
            Self::InvalidRoleName => {
                "write the role's name, with its path if it has one (`service-role/Name`), not its ARN; a name has 1 to 64 letters, digits or `+=,.@_-`, and the names made of it (`role_name`, stage, caller) keep to that too"
            }
            Self::InvalidDuration => "IAM takes a maximum session duration of 3600 to 43200 seconds",
            Self::InvalidStageName | Self::InvalidCallerName => {
                "the name becomes part of a role's name: begin with a letter or a digit, go on with letters, digits, `-` or `_`, at most 64 in all"
            }
            Self::InvalidApiId => {
                "copy the API's id from API Gateway, for example `a1b2c3d4e5`: lower-case letters and digits"
            }
            Self::InvalidApiStage => {
                "an API stage is `$default`, or up to 128 letters, digits, `-` or `_`; leave the key out for `$default`"
            }
            Self::InvalidExternalId => {
                "STS takes 2 to 1224 letters, digits or `+=,.@:/-_` as external id; the caller makes it, unique to this API"
            }
            Self::InvalidRoute => {
                "a route is `METHOD /path`, such as `GET /items/{id}`, `ANY /orders/{proxy+}` or `GET /items/*`: the method in capitals or `ANY`, `{name}` for one segment, `{name+}` or `*` for the rest at the end; leave `routes` out to allow every route"
            }
            Self::UnknownStage => "add the stage as `[stages.NAME]`, or correct the name in the caller's `roles`",
            Self::DuplicateCaller => {
                "IAM cannot tell the two apart: give each caller a role of its own on the stage, or make them one caller"
            }
            Self::RoleNameCollision => {
                "role names are made of `role_name`, stage and caller in title case, and are unique in an account without regard to case: rename one of the two"
            }
            Self::UnusedCaller => "say which role the caller runs as on which stage: `roles = { stag = \"RoleName\" }`",
        }
    }
}

/// A manifest that cannot be used: what is wrong, where, and what to do about it.
///
/// `Display` gives `{file}:{line}: {message}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    kind: ManifestErrorKind,
    file: String,
    line: usize,
    message: String,
}

impl ManifestError {
    pub(crate) fn new(kind: ManifestErrorKind, file: &str, line: usize, message: String) -> Self {
        Self { kind, file: file.to_owned(), line, message }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ManifestErrorKind {
        self.kind
    }

    /// The stable code of the kind, for example `unknown_stage`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The name of the file, as given to [`Manifest::parse`](crate::Manifest::parse).
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of the file where the trouble is, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// What is wrong, in one sentence, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.kind.hint()
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for ManifestError {}
