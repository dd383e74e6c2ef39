//! The one error of reading a manifest and its lock file: one table of codes.

use std::fmt;

use xacct_sign::escaped;

macro_rules! manifest_errors {
    ($($variant:ident, $code:literal, $meaning:literal, $hint:literal;)*) => {
        /// What is wrong with a manifest: one variant for each stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ManifestErrorKind {
            $(#[doc = $meaning] $variant,)*
        }

        impl ManifestErrorKind {
            /// Every kind, in the order of declaration: for tables of documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable code, in snake case. Programs may rely on it; the texts may change.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it, one sentence.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

manifest_errors! {
    Syntax, "syntax",
        "The text is not TOML.",
        "the manifest is TOML: strings, account ids among them, are quoted, and a key stands once";
    Schema, "schema",
        "The text is TOML, but a key is unknown, is missing, or holds another type of value.",
        "`xacct-sign schema` prints the JSON Schema with every key; editors complete and check the file with it";
    InvalidAccountId, "invalid_account_id",
        "An account id is not a string of 12 digits.",
        "write the account id as a string of 12 digits, `account = \"012345678901\"`: as a number it would lose its leading zeros";
    InvalidRegion, "invalid_region",
        "A region does not look like one, or is not of the API's partition.",
        "write a region as AWS does, for example `ap-northeast-1`; those of the isolated partitions (`us-iso-east-1`) are not supported";
    InvalidRoleName, "invalid_role_name",
        "A role's name, or one that would be made of it, is not one that IAM takes.",
        "write the role's name, with its path if it has one (`service-role/Name`), or a caller's role by its ARN, which agrees with `account`; `*` stands in a caller's role name alone, and never in its path; a name has 1 to 64 letters, digits or `+=,.@_-`, and the names made of it (`role_name`, stage, caller) keep to that too";
    InvalidPath, "invalid_path",
        "The `path` of the roles is not one that IAM takes, or `role_name` has another.",
        "a path begins and ends with `/`, `/apis/`, with letters, digits or `+=,.@_-` between, 512 characters in all; write it as `path` or before the name in `role_name`, in one place alone";
    InvalidPermissionsBoundary, "invalid_permissions_boundary",
        "A `permissions_boundary` is not the ARN of a managed policy that roles of the API's account can have.",
        "write the ARN of a managed policy of the API's account, `arn:aws:iam::111111111111:policy/Name`, or of AWS's own, `arn:aws:iam::aws:policy/Name`";
    InvalidRoleTag, "invalid_role_tag",
        "A tag of the roles is not one that IAM takes, or there are too many.",
        "a role has at most 50 tags; a key has 1 to 128 letters, digits, spaces or `_.:/=+-@`, does not begin with `aws:`, and case does not tell keys apart; a value has at most 256 of the same characters";
    InvalidDuration, "invalid_duration",
        "`max_session_duration` is not between 3600 and 43200 seconds, or `max_duration_seconds` not between 60 and 3600.",
        "IAM takes a maximum session duration of 3600 to 43200 seconds; a token of `[identity]` lives 60 to 3600 seconds";
    InvalidStageName, "invalid_stage_name",
        "A stage's name cannot become part of a role's name.",
        "the name becomes part of a role's name: begin with a letter or a digit, go on with letters, digits, `-` or `_`, at most 64 in all";
    InvalidCallerName, "invalid_caller_name",
        "A caller's name cannot become part of a role's name.",
        "the name becomes part of a role's name: begin with a letter or a digit, go on with letters, digits, `-` or `_`, at most 64 in all";
    InvalidTarget, "invalid_target",
        "A `target`, `access`, `permissions` or `routes_enforced_by` is none of its words.",
        "`target` is `http_api` (the default), `rest_api`, `function_url` or `server`; `access` is `role` (the default) or `direct`; `permissions` is `separate` (the default) or `document`; `routes_enforced_by` is `function`";
    TargetIncomplete, "target_incomplete",
        "A stage lacks a key that its `target` needs.",
        "a `rest_api` needs `api_id` and `api_stage`, a `function_url` needs `function` and `url_id`, and `alias` if the URL hangs on one; a `server` needs `audience`, its own or that of `[identity]`, such as `https://api.example.com`";
    KeyOfOtherTarget, "key_of_other_target",
        "A key of a stage belongs to another `target`, or to another `access`.",
        "delete the key, or write the `target` or the `access` that it belongs to";
    DirectImpossible, "direct_impossible",
        "An HTTP API has no resource policy, so callers of other accounts cannot call it directly.",
        "leave `access` out: the callers assume a role in the API's account; or put a REST API or a function URL in front";
    InvalidAudience, "invalid_audience",
        "An `audience` is not one that tokens and policies can have.",
        "write what stands for this server alone, such as `https://api.example.com`: 1 to 1000 visible ASCII characters without `\"`, `\\` and `$`, and no user in a URL";
    InvalidAlgorithm, "invalid_algorithm",
        "The `algorithm` of tokens is neither `ES384` nor `RS256`.",
        "leave it out for `ES384`; write `RS256` where a load balancer or an HTTP API's authorizer checks tokens first";
    InvalidIssuer, "invalid_issuer",
        "An `issuer` is not the account's issuer of web identity tokens, or an account has two.",
        "write what `aws iam get-outbound-web-identity-federation-info` says in the caller's account, `https://UUID.tokens.sts.global.api.aws`, without a slash at its end; an emulator's stands in `dev_issuers` of `[identity]`, too, and is on this machine";
    IdentityImpossible, "identity_impossible",
        "A caller of a server is one that neither a token nor a proof tells: an organization, or every account.",
        "name the accounts and their roles, each as a caller; an organization or `account = \"*\"` takes a stage with API Gateway or a function URL in front";
    InvalidUrl, "invalid_url",
        "A stage's `url` is not an https URL without user, query and fragment.",
        "write where callers reach the stage, `https://api.example.com` or with its base path `https://api.example.com/v1`, lower case and with escapes where it has any; leave the key out for AWS's own URL";
    InvalidFunction, "invalid_function",
        "A `function` is not the name of a Lambda function.",
        "write the function's name, 1 to 64 letters, digits, `-` or `_`, without its ARN; what the URL hangs on is the `alias`";
    InvalidAlias, "invalid_alias",
        "An `alias` is not the name of an alias.",
        "write the name of the alias that the URL hangs on, such as `live`; a URL hangs on no version; leave the key out where it hangs on the function itself (`$LATEST`)";
    InvalidUrlId, "invalid_url_id",
        "A `url_id` is not what the host of a function URL begins with.",
        "write the first label of the URL's host alone: of `https://abc123.lambda-url.eu-west-1.on.aws/` that is `abc123`";
    InvalidVpcEndpoint, "invalid_vpc_endpoint",
        "One of `vpc_endpoints` is not the id of a VPC endpoint, or their list is empty.",
        "write the ids of the interface endpoints for `execute-api`, such as `vpce-0123456789abcdef0`; leave the key out for an API that is not private";
    InvalidApiId, "invalid_api_id",
        "An `api_id` is not one that API Gateway gives.",
        "copy the API's id from API Gateway, for example `a1b2c3d4e5`: lower-case letters and digits";
    InvalidApiStage, "invalid_api_stage",
        "An `api_stage` is not one that API Gateway takes.",
        "an API stage is `$default`, or up to 128 letters, digits, `-` or `_`; leave the key out for `$default`, which an HTTP API alone has";
    DuplicateApi, "duplicate_api",
        "Two stages are the same stage of the same API, or one function, and nothing in AWS would tell their callers apart.",
        "make the two one stage, or give each its own API stage or function URL; the same one may be two stages where one is by role and the other direct, or at a function, and never where only one of them is production";
    ContradictoryApi, "contradictory_api",
        "Two stages say of one API that it is two kinds of API, or that it is private and that it is not; or of one function that it has two URLs, or two forms of `permissions`.",
        "write the same in both: of one API `target`, and `vpc_endpoints` or none; of one function `url_id` and `permissions`";
    InvalidExternalId, "invalid_external_id",
        "An external id is not one that STS takes.",
        "STS takes 2 to 1224 letters, digits or `+=,.@:/-_` as external id; the caller makes it, unique to this API";
    InvalidRoute, "invalid_route",
        "A route is not `METHOD /path`, or a list of routes is empty.",
        "a route is `METHOD /path`, such as `GET /items/{id}`, `ANY /orders/{proxy+}` or `GET /items/*`: the method in capitals or `ANY`, `{name}` for one segment, `{name+}` or `*` for the rest at the end; write a path decoded, with a variable for what cannot stand in a route; leave `routes` out to allow every route";
    RoutesNotEnforced, "routes_not_enforced",
        "A caller has `routes` on a function URL, whose policy knows no path and no method.",
        "AWS would let the caller use every route: leave `routes` out; or, where the function itself refuses what is not among them, write `routes_enforced_by = \"function\"` for the stage";
    TermNotExpressible, "term_not_expressible",
        "A caller's term is one that direct access, or a server, cannot express.",
        "drop the term, or make a caller without it for the stage; or leave `access` out, so that its callers assume a role";
    UnknownStage, "unknown_stage",
        "A caller names a stage that is not in the manifest.",
        "add the stage as `[stages.NAME]`, or correct the name in the caller's `roles`";
    DuplicateCaller, "duplicate_caller",
        "Two callers are the same role of the same account on the same stage.",
        "IAM cannot tell the two apart: give each caller a role of its own on the stage, or make them one caller";
    RoleNameCollision, "role_name_collision",
        "Two roles of the provider would get the same name.",
        "role names are made of `role_name`, stage and caller in title case, and are unique in an account without regard to case: rename one of the two";
    UnusedCaller, "unused_caller",
        "A caller is on no stage.",
        "say which role the caller runs as on which stage: `roles = { stag = \"RoleName\" }`; of an organization say `stages = [\"stag\"]`";
    InvalidCaller, "invalid_caller",
        "A caller is neither roles of an account nor an organization, or both.",
        "a caller is either roles of an account (`account` and `roles`) or a whole organization (`organization` and `stages`)";
    InvalidTrust, "invalid_trust",
        "A form of trust is unknown, or cannot express what the caller is.",
        "`trust` is `role` (the role's ARN, the default) or `account` (the account with a condition on `aws:PrincipalArn`); `*` as account or role, or in a role's name, takes `account`";
    InvalidOrganization, "invalid_organization",
        "The id of an organization does not look like one.",
        "copy the id of the whole organization: `o-` and 10 to 32 letters in lower case or digits; for a unit of it (`ou-`) name its accounts, each as a caller";
    InvalidSessionName, "invalid_session_name",
        "A pattern of session names is not one that could match, or their list is empty.",
        "a session name has 2 to 64 letters, digits or `+=,.@_-`; in a pattern `*` stands for any characters and `?` for one; leave the key out for any name";
    InvalidTagKey, "invalid_tag_key",
        "The key of a session tag is not one that STS takes, or their list is empty.",
        "a tag's key has 1 to 128 letters, digits or `_.:/=+-@` and does not begin with `aws:`, there are at most 50, and case does not tell them apart; leave the key out for no tags";
    InvalidSourceIdentity, "invalid_source_identity",
        "A pattern of source identities is not one that could match, or their list is empty.",
        "a source identity has 2 to 64 letters, digits or `+=,.@_-`; in a pattern `*` stands for any characters and `?` for one; leave the key out for none";
    InvalidQuota, "invalid_quota",
        "`role_trust_policy_length` is not between 2048 and 4096 characters.",
        "AWS raises the quota `Role trust policy length` from 2048 to 4096 characters at most: write what your account has";
    UnknownFinding, "unknown_finding",
        "What is accepted is no finding, cannot be accepted, or is accepted without a reason.",
        "write `accept = { CODE = \"the reason\" }` with a code that `xacct-sign check` shows as a warning or a note";
    InvalidLock, "invalid_lock",
        "The lock file is not one that this version writes.",
        "`xacct-sign render` writes the lock file: restore it from version control, of two sides of a merge the lines of both; without it callers may get other roles";
}

/// A manifest that cannot be used: what is wrong, where, and what to do about it.
///
/// It is the first mistake in the order of the file, in which what a target lacks comes last; [`others`](Self::others) are the rest. `Display` gives
/// `{file}:{line}:{column}: {message}`, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    kind: ManifestErrorKind,
    file: String,
    line: usize,
    column: usize,
    message: String,
    hint: &'static str,
    others: Vec<ManifestError>,
}

impl ManifestError {
    /// Control characters of names and values are shown escaped: a message is one line.
    pub(crate) fn new(kind: ManifestErrorKind, file: &str, place: (usize, usize), message: String) -> Self {
        let (line, column) = place;
        Self {
            kind,
            file: file.to_owned(),
            line,
            column,
            message: escaped(&message),
            hint: kind.hint(),
            others: Vec::new(),
        }
    }

    /// With another hint than that of its kind.
    pub(crate) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// The first of them, with the others.
    pub(crate) fn all_of(errors: Vec<Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let first = errors.next()?;
        Some(Self { others: errors.collect(), ..first })
    }

    /// What else is wrong, in the same order.
    #[must_use]
    pub fn others(&self) -> &[ManifestError] {
        &self.others
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

    /// The column of that line, from 1, in characters.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, in one sentence, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        self.others.iter().try_for_each(|other| write!(f, "\n{other}"))
    }
}

impl std::error::Error for ManifestError {}
