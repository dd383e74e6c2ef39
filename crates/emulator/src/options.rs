//! How the emulator behaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use xacct_sign::Credentials;
use xacct_sign_identity::CallersError;
use xacct_sign_provider::Deployment;
use xacct_sign_provider::iam::PolicyError;

use crate::cors::is_origin;
use crate::gateway::mapping;

/// How the emulator behaves. Options get added: take those that you do not mean from [`Options::default`].
///
/// # Defaults
///
/// No upstream (the built-in echo answers), requests handed on as HTTP, no explanations, lifetimes as asked for, no CORS but at
/// STS, callers' credentials drawn from the seed, their policies and those of the APIs as rendered, no account in an
/// organization but those of callers that are one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where allowed requests go, an `http://` or `https://` URL; its path, if any, is put before the request's. Without one
    /// the built-in echo answers.
    pub upstream: Option<http::Uri>,
    /// How requests are handed on.
    pub format: Format,
    /// Whether refusals carry the header `x-xacct-reason`.
    pub explain: bool,
    /// Credentials from AssumeRole live at most this long, so that expiry can be tried; at least a second.
    pub credential_lifetime: Option<Duration>,
    /// Where the credentials come from with which callers assume roles. What AssumeRole issues is drawn from the seed in any case.
    pub caller_credentials: CallerCredentials,
    /// What callers have attached to their roles instead of the policy that is rendered for them: a policy in JSON, by the
    /// caller's name.
    pub caller_policies: BTreeMap<String, String>,
    /// What hangs on the API of a stage instead of the policy that is rendered for it: a resource policy in JSON, by the
    /// stage's name. Stages of one function, or of one REST API's stage, have one: that of any of them is all of theirs.
    pub resource_policies: BTreeMap<String, String>,
    /// The documents of managed policies that are permissions boundaries, in JSON, by ARN. A boundary that is not here limits
    /// nobody.
    pub policies: BTreeMap<String, String>,
    /// The VPC endpoint that the requests of a stage come by, by the stage's name: what `aws:SourceVpce` is at a private REST
    /// API. Without one it is the first of the manifest's.
    pub vpc_endpoints: BTreeMap<String, String>,
    /// The organizations that accounts are in, by account: what `aws:PrincipalOrgID` is.
    pub organizations: BTreeMap<String, String>,
    /// Origins whose pages may call the APIs, such as `https://app.example.com`; `*` is any. Where there is one, the
    /// gateway answers preflights itself, and what the upstream says of CORS is dropped.
    pub allow_origins: Vec<String>,
    /// Headers that the API behind the gateway gets, by name, of one of the gateway's variables each, such as
    /// `$context.identity.userArn`; whatever a client sends by that name does not pass. A function gets none.
    pub headers: BTreeMap<String, String>,
}

impl Options {
    /// The permissions boundaries of a deployment whose documents are not here, and which so limit nobody: whoever starts an
    /// emulator is to be told.
    #[must_use]
    pub fn unknown_boundaries<'d>(&self, deployment: &'d Deployment) -> BTreeSet<&'d str> {
        let boundaries = deployment.roles.values().filter_map(|role| role.permissions_boundary.as_deref());
        boundaries.filter(|arn| !self.policies.contains_key(*arn)).collect()
    }

    /// Whether they make sense.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if let Some(upstream) = &self.upstream
            && (!matches!(upstream.scheme_str(), Some("http" | "https"))
                || upstream.host().is_none_or(str::is_empty)
                || upstream.query().is_some())
        {
            return Err(SetupError::Upstream(upstream.to_string()));
        }
        if let Some(text) = self.allow_origins.iter().find(|text| !is_origin(text)) {
            return Err(SetupError::Origin(text.clone()));
        }
        if self.credential_lifetime.is_some_and(|lifetime| lifetime < Duration::from_secs(1)) {
            return Err(SetupError::Lifetime);
        }
        if self.format == Format::LambdaEvent && !self.headers.is_empty() {
            return Err(SetupError::HeadersOfFunction);
        }
        let mut names = BTreeMap::new();
        for (name, variable) in &self.headers {
            if let Some(other) = names.insert(mapping::read_as(name), name) {
                return Err(SetupError::HeaderTwice { name: name.clone(), other: other.clone() });
            }
            if mapping::settable(name).is_none() {
                return Err(SetupError::HeaderName(name.clone()));
            }
            if mapping::variable_name(variable).is_none() {
                return Err(SetupError::Variable { variable: variable.clone(), known: mapping::variables() });
            }
        }
        Ok(())
    }
}

/// How requests are handed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// As HTTP, with the request context in a header.
    #[default]
    Http,
    /// As the event of a Lambda function, by POST to where the runtime interface emulator takes it; what it answers becomes an
    /// answer of HTTP.
    LambdaEvent,
}

/// Where the credentials come from with which callers assume roles.
#[derive(Debug, Clone, Default)]
pub enum CallerCredentials {
    /// Drawn from the seed.
    #[default]
    Drawn,
    /// Derived from the names of callers and roles, and so the same at every start. They are no secrets: whoever knows the names
    /// knows them, so let nobody reach the emulator who is not to call it.
    Derived,
    /// Given, by the caller's name, or by the caller's and a stage's where it has a role for that: `shop`, `shop-stag`.
    Given(BTreeMap<String, Credentials>),
}

/// Why an emulator could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A document that the manifest renders to, or one that was given in its place, cannot be read.
    #[error("a policy of `{role}` cannot be evaluated")]
    Policy {
        /// The ARN of the role, or of the API, that it hangs on.
        role: String,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// Of the callers of a server no verifier can be made: the emulator's issuers have to be on this machine.
    #[error("no verifier can be made for stage `{stage}`, which is a server")]
    Callers {
        /// The stage's name.
        stage: String,
        /// What is wrong.
        #[source]
        source: CallersError,
    },
    /// A stage is of a kind that the emulator does not serve.
    #[error("stage `{stage}` is a `{target}`, which the emulator does not serve")]
    Target {
        /// The stage's name.
        stage: String,
        /// What the manifest calls it.
        target: &'static str,
    },
    /// An option is about a stage that is not there.
    #[error("there is no stage `{0}`")]
    UnknownStage(String),
    /// An option is about what this kind of API does not have.
    #[error("stage `{stage}` has the target `{target}`, which has no {what}")]
    NotOfTarget {
        /// The stage's name.
        stage: String,
        /// What the manifest calls it.
        target: &'static str,
        /// What the option gives it.
        what: &'static str,
    },
    /// A VPC endpoint is given for an API that anybody may reach.
    #[error("stage `{0}` is not private, so no VPC endpoint leads to it")]
    NotPrivate(String),
    /// What is given as a VPC endpoint is no id of one.
    #[error("`{id}`, given for stage `{stage}`, is not the id of a VPC endpoint, such as `vpce-0123456789abcdef0`")]
    VpcEndpoint {
        /// The stage's name.
        stage: String,
        /// What is given.
        id: String,
    },
    /// What is given as a stage's resource policy opens nothing of the kind that its API is.
    #[error("the resource policy of stage `{stage}` has no action of `{service}`, which is what its API asks for")]
    ForeignPolicy {
        /// The stage's name.
        stage: String,
        /// The service whose actions it would have.
        service: &'static str,
    },
    /// A document is given for a policy that limits no role.
    #[error("no role has the permissions boundary `{0}`")]
    UnknownPolicy(String),
    /// A caller's policy is for a caller that is not there.
    #[error("there is no caller `{0}`")]
    UnknownCaller(String),
    /// The API's region is none.
    #[error("the region of the API cannot be used")]
    Region(#[source] xacct_sign::Error),
    /// Credentials could not be made.
    #[error("credentials could not be issued")]
    Credentials(#[from] xacct_sign::Error),
    /// Credentials are given, but none for this caller.
    #[error("no credentials are given for the caller `{caller}`, by the name of {}", or(names))]
    NoCredentials {
        /// The caller's name.
        caller: String,
        /// The names that they may have.
        names: Vec<String>,
    },
    /// One access key id is given to two roles.
    #[error("the credentials of the caller `{caller}` are those of another role, too")]
    SharedCredentials {
        /// The second caller's name.
        caller: String,
    },
    /// The upstream is not an http or https URL.
    #[error("the upstream `{0}` is not a URL such as `http://127.0.0.1:3000`")]
    Upstream(String),
    /// An allowed origin is none.
    #[error("`{0}` is neither `*` nor an origin such as `https://app.example.com`")]
    Origin(String),
    /// A header cannot be mapped.
    #[error("`{0}` is no header that a mapping may set: it is no name, or API Gateway keeps it for itself")]
    HeaderName(String),
    /// Two headers that differ only in how they are spelled.
    #[error("the headers `{other}` and `{name}` are one: names have no case, and many read `_` as `-`")]
    HeaderTwice {
        /// The one.
        name: String,
        /// The other.
        other: String,
    },
    /// A header is to be made of what is no variable.
    #[error("there is no variable `{variable}` to map; there is {}", or(known))]
    Variable {
        /// What is given.
        variable: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Headers are mapped for a function.
    #[error("no headers are mapped for a function: it gets an event, which says who called")]
    HeadersOfFunction,
    /// The lifetime is shorter than a second.
    #[error("credentials cannot live less than a second")]
    Lifetime,
}

impl SetupError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Callers { .. } => "callers_unusable",
            Self::Target { .. } => "target_not_served",
            Self::UnknownPolicy(_) => "unknown_policy",
            Self::NotOfTarget { .. } => "not_of_target",
            Self::NotPrivate(_) => "not_private",
            Self::VpcEndpoint { .. } => "invalid_vpc_endpoint",
            Self::ForeignPolicy { .. } => "foreign_policy",
            Self::UnknownStage(_) => "unknown_stage",
            Self::UnknownCaller(_) => "unknown_caller",
            Self::Policy { .. } => "policy_unusable",
            Self::Upstream(_) => "upstream_unusable",
            Self::Origin(_) => "origin_unusable",
            Self::HeaderName(_) | Self::HeaderTwice { .. } | Self::HeadersOfFunction => "header_unusable",
            Self::Variable { .. } => "unknown_variable",
            Self::NoCredentials { .. } => "credentials_missing",
            Self::SharedCredentials { .. } => "credentials_shared",
            Self::Region(error) | Self::Credentials(error) => error.code(),
            Self::Lifetime => "emulator_setup",
        }
    }
}

fn or(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}
