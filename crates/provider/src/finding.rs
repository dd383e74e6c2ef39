//! What the check finds: one table of codes.

use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know.
    Note,
    /// Probably not meant, or a risk: fix it, or accept it in the manifest with a reason.
    Warning,
    /// AWS would refuse it: nothing is rendered.
    Error,
}

impl Level {
    /// What it is called: `note`, `warning` or `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! findings {
    ($($variant:ident, $code:literal, $level:ident, $reason:literal, $hint:literal;)*) => {
        /// What the check can find, one variant for each stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingCode {
            $(#[doc = $reason] $variant,)*
        }

        impl FindingCode {
            /// Every code, errors first: for tables of documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable code, in snake case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }

            /// Why it is found at all, one sentence.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }

            /// What to do about it, one sentence.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

findings! {
    TrustPolicyTooLarge, "trust_policy_too_large", Error,
        "A single caller's statement is longer than a trust policy may be.",
        "shorten the external id or the lists of patterns, or raise the account's quota and `role_trust_policy_length`";
    InvokePolicyTooLarge, "invoke_policy_too_large", Error,
        "The inline policies of a role take at most 10,240 characters.",
        "put routes together with `{proxy+}`";
    CallerPolicyTooLarge, "caller_policy_too_large", Error,
        "A managed policy, which a caller attaches to its role, takes at most 6,144 characters.",
        "let the caller use different roles for different stages";
    RoleNameTooLong, "role_name_too_long", Error,
        "A role's name, with the number of a stage's second role and those after it, takes at most 64 characters.",
        "shorten `role_name` or the stage's name";
    ResourcePolicyTooLarge, "resource_policy_too_large", Error,
        "The resource policy of a REST API takes at most 8,192 characters, that of a function 20,480, and neither can be split.",
        "trust whole accounts or an organization, put routes together with `{proxy+}`, or make the whole stage `access = \"role\"`";
    IssuerShared, "issuer_shared", Error,
        "An issuer of web identity tokens speaks for one account: of two, each could make tokens of the other, so no verifier is made of it.",
        "have each account say its own: `aws iam get-outbound-web-identity-federation-info`";
    IssuerMissing, "issuer_missing", Error,
        "Where proofs are not taken, and by a pattern of role names, since proofs have no path, a caller comes into a server by tokens of its account's issuer alone.",
        "write the caller's `issuer`; without one name its roles whole, or all of the account, and leave `regions` out of `[identity]`, so that proofs are taken";
    TooManyRoles, "too_many_roles", Warning,
        "An account has 1,000 roles by default, its other roles included.",
        "have the quota `Roles per account` raised, trust whole accounts or an organization, or use several accounts";
    TemplateTooLarge, "template_too_large", Warning,
        "A CloudFormation template takes at most 500 resources and 1 MB.",
        "deploy the stage with Terraform, raise `role_trust_policy_length`, or trust whole accounts or an organization";
    WildcardAccount, "wildcard_account", Warning,
        "A role of this name in any AWS account of the world is trusted: whoever makes one is in.",
        "name the accounts, or trust an `organization`";
    WholeAccount, "whole_account", Warning,
        "Every principal of the account is trusted that its own account lets assume the role, or call the API where that is called directly.",
        "name the role that the caller runs as";
    PermissionSetWithoutPath, "permission_set_without_path", Warning,
        "Roles of permission sets (IAM Identity Center) have a path, which its console does not show: without it no role fits, and IAM refuses a trust policy that names one.",
        "write `aws-reserved/sso.amazonaws.com/REGION/NAME` with Identity Center's region, without `REGION/` where that is us-east-1: `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/` shows it";
    RoleNameNotUnique, "role_name_not_unique", Warning,
        "Names of roles are unique in an account, whatever their path and case: one of the two is not there, and IAM refuses a trust policy that names it.",
        "write the role's path and name the same on each stage, as `aws iam get-role` shows them";
    ThirdPartyWithoutExternalId, "third_party_without_external_id", Warning,
        "A third party that serves several customers can be tricked into using one customer's role for another (the confused deputy).",
        "have the third party make an id that is unique to you, and write it as `external_id`; direct access has none: make the whole stage `access = \"role\"` for it; a server has none either: have it call by a role that serves you alone, and accept it";
    OverlappingCaller, "overlapping_caller", Warning,
        "A wider caller on the same stage, or on another stage of the same API, lets the caller in without its terms: they bind nobody.",
        "give the wider caller the same terms, take the account out of it, or drop the terms";
    ProductionTrustsOtherStage, "production_trusts_other_stage", Warning,
        "Whoever may change what runs as the role on another stage can call production.",
        "use a role of its own for production";
    WildcardSpansSegments, "wildcard_spans_segments", Warning,
        "IAM's `*` spans `/`: a route with a variable opens deeper paths too, if the API has any.",
        "write `{proxy+}` at the end if the rest of the path is meant; IAM cannot express one segment, so check deeper routes in the API";
    ForeignRouteSyntax, "foreign_route_syntax", Warning,
        "A route in another framework's syntax is taken as it is written here: `:id` is that text, and no variable.",
        "write `{name}` for one segment and `{name+}` for the rest of the path, or accept it if the API has that very text in its path";
    AnyMethodWildcard, "any_method_wildcard", Warning,
        "The seven methods of each `ANY` do not fit into the invoke policy, and IAM's `*` in their place spans `/`: other paths with the same end are open too.",
        "list the methods that are used, put routes together with `{proxy+}`, or spread the routes over several callers";
    DurationBeyondChaining, "duration_beyond_chaining", Warning,
        "Callers whose own credentials are a role's session, as those of a Lambda function, get an hour at most, whatever the role gives.",
        "leave `max_session_duration` at 3600 unless callers are IAM users";
    ReplacesWholePolicy, "replaces_whole_policy", Warning,
        "Deploying a function's policy as one document takes away every other permission that the function, or its alias, has.",
        "write `permissions = \"separate\"`, or see to it that nothing else may invoke it, such as API Gateway, S3 or EventBridge";
    StagesAreOneApi, "stages_are_one_api", Warning,
        "Stages of one function with the same `access` have one URL and one policy: whoever may call one of them may call the others.",
        "make them one stage, or give each its own function or alias (`function`, `alias`, `url_id`); or accept it where that is meant";
    AudienceIsShared, "audience_is_shared", Warning,
        "What a caller sends to one of two servers with the same audience is good at the other, too: whoever runs one could be its callers at the other.",
        "write an `audience` of its own into the table of each stage";
    DevelopmentOnly, "development_only", Warning,
        "One of `dev_issuers` is whatever program listens on the server's own machine, and makes tokens of each caller that has it: a verifier refuses the list with this very code, unless it is made for development.",
        "delete `dev_issuers`: the emulator gives a list for development itself; or accept it on a stage that runs on developers' machines alone";
    RolePathNotProved, "role_path_not_proved", Warning,
        "STS says the role behind a proof without its path: while the role is not there, whoever may make one of its name below another path comes in as the caller.",
        "give the caller a role without a path; or write its `issuer`, and `regions = []` in `[identity]`, so that tokens alone are taken, which say the path; or accept it where nobody else may make roles in the account";
    RoleArnChanged, "role_arn_changed", Warning,
        "A caller assumes its role by an ARN that it has been told: with another one it is refused as soon as this is deployed.",
        "tell the caller, `xacct-sign policy note` writes what; where a name alone was changed, `role_name` in the stage's or the caller's table keeps the old one";
    LockOutdated, "lock_outdated", Warning,
        "The lock file says which of several roles a caller has; a caller that is not in it may move when others come.",
        "render a stage, `xacct-sign render json --stage NAME`, and commit the lock file beside the manifest";
    UnusedAcceptance, "unused_acceptance", Warning,
        "What is accepted is not found any more.",
        "delete the line";
    UnusedKey, "unused_key", Warning,
        "What a key says is read by no stage of the manifest: nothing would be other without it.",
        "delete the key, or put it into a comment until a stage reads it";
    RoutesNotEnforced, "routes_not_enforced", Note,
        "A function URL's policy knows no path and no method: AWS lets the caller use every route.",
        "see to it that the function refuses what is not among the caller's routes";
    CallersNotToldApart, "callers_not_told_apart", Note,
        "A verifier lets nobody in who may be two callers: it refuses them with this very code.",
        "give callers who share a provider's role `session_names` that no other has, or `routes`, with which each has a role of its own; on a server, or with direct access, write patterns of role names that no role fits twice";
    SameAccountOneSide, "same_account_one_side", Note,
        "Within the API's own account either side suffices: a role there that has leave of its own needs no resource policy.",
        "look at who may attach policies to roles in the API's account; what the resource policy says of this caller binds nobody there";
    RolesSplit, "roles_split", Note,
        "The callers of a stage do not fit into one trust policy.",
        "by role ARN a caller takes about 50 characters, by account with `aws:PrincipalArn` about 90, a whole account (`roles = { STAGE = \"*\" }`) about 35, an `organization` about 110 for all of its accounts together";
}

impl FindingCode {
    /// The code of this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.code() == code)
    }

    /// Whether a manifest can accept it: what AWS would refuse nobody can, what says nothing nobody needs, and
    /// an outdated lock file is none any more when it is rendered.
    #[must_use]
    pub fn can_be_accepted(self) -> bool {
        self.level() < Level::Error && !matches!(self, Self::LockOutdated | Self::UnusedAcceptance | Self::UnusedKey)
    }
}

/// What a finding is about: where the manifest accepts it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// The table `[api]`.
    Api,
    /// The table `[identity]`, where nothing can be accepted.
    Identity,
    /// The table `[stages.NAME]`.
    Stage(String),
    /// The table `[callers.NAME]`.
    Caller(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => f.write_str("[api]"),
            Self::Identity => f.write_str("[identity]"),
            Self::Stage(name) => write!(f, "[stages.{name}]"),
            Self::Caller(name) => write!(f, "[callers.{name}]"),
        }
    }
}

/// Something that the check found.
///
/// `Display` gives `{level}[{code}] {subject}: {message}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was found.
    pub code: FindingCode,
    /// What it is about.
    pub subject: Subject,
    /// Of a caller's, the stages on which it is found; none where it is of the caller wherever that is.
    pub stages: Vec<String>,
    /// The line of that table in the manifest, from 1.
    pub line: usize,
    /// What was found, with its figures, in one sentence.
    pub message: String,
    /// The reason for which the manifest accepts it, if it does.
    pub accepted: Option<String>,
}

impl Finding {
    /// Whether it is found on this stage, of those that its subject is on.
    pub(crate) fn is_on(&self, stage: &str) -> bool {
        self.stages.is_empty() || self.stages.iter().any(|found| found == stage)
    }

    /// Whether it is an error or a warning that nobody has accepted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.accepted.is_none() && self.code.level() >= Level::Warning
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] {}: {}", self.code.level(), self.code.code(), self.subject, self.message)
    }
}
