//! A manifest that has been read and checked.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::{Partition, RoleName, WhichRole};
use xacct_sign::sts::TokenAlgorithm;

use super::names::title_case;
use super::route::Route;
use crate::finding::FindingCode;
use crate::targets::{FunctionUrl, HttpApi, RestApi, Target};

/// Findings that somebody has looked at and takes as they are, with the reason for it.
pub type Accepted = BTreeMap<FindingCode, String>;

/// A manifest that has been read and checked.
///
/// ```toml
/// [api]
/// account = "111111111111"
/// region = "ap-northeast-1"
///
/// [stages.stag]
/// api_id = "f6g7h8i9j0"
///
/// [callers.shop]
/// account = "000000000000"
/// roles = { stag = "LambdaRoleDeve" }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The name of the file, for messages.
    pub file: String,
    /// What holds for the whole API.
    pub api: Api,
    /// How callers of stages that are servers show who they are.
    pub identity: Identity,
    /// The stages by name.
    pub stages: BTreeMap<String, Stage>,
    /// The callers by name.
    pub callers: BTreeMap<String, Caller>,
}

/// The table `[api]`.
///
/// # Defaults
///
/// `role_name` is `ApiAllowByIamRole`, `max_session_duration` is 3600, `role_trust_policy_length` is 2048; no permissions
/// boundary, no tags.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Api {
    /// The account of the API, 12 digits.
    pub account: String,
    /// The region of the API.
    pub region: String,
    /// What the names of all roles begin with, and their path, which may be given as `path`.
    pub role_name: RoleName,
    /// The ARN of the managed policy that limits all roles, if any does
    /// ([Permissions boundaries](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html)).
    pub permissions_boundary: Option<String>,
    /// The tags of all roles.
    pub tags: BTreeMap<String, String>,
    /// The longest session that the roles give, in seconds, 3600 to 43200.
    pub max_session_duration: u32,
    /// The account's quota `Role trust policy length`, in characters, 2048 to 4096: what AWS gives, or raised it to.
    pub role_trust_policy_length: usize,
    /// Findings on the API that are accepted.
    pub accept: Accepted,
    /// The line of the table, from 1.
    pub line: usize,
}

impl Api {
    /// The partition of the region: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
    ///
    /// The callers are in the same one: AWS lets nobody assume a role across partitions.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        Partition::of_region(&self.region).name()
    }
}

/// The table `[identity]`: how callers of stages that are servers show who they are.
///
/// # Defaults
///
/// `algorithm` is `ES384`, `max_duration_seconds` 3600, which is what STS gives at most, `regions` is the API's alone; no
/// `audience`, no `dev_issuers`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// What tokens and proofs are for, on stages that do not say it themselves.
    pub audience: Option<String>,
    /// The one algorithm of tokens that is taken.
    pub algorithm: TokenAlgorithm,
    /// How long a token may live, 60 to 3600 seconds.
    pub max_duration_seconds: u32,
    /// The regions whose STS is asked of proofs; none where proofs are not taken.
    pub regions: Vec<String>,
    /// Issuers on this machine, for development.
    pub dev_issuers: Vec<String>,
    /// The line of the table, from 1; `None` where there is none.
    pub line: Option<usize>,
}

/// A table `[stages.NAME]`.
///
/// # Defaults
///
/// `target` is `http_api`, whose `api_stage` is `$default`; `access` is `role`, of a server `identity`. A stage is a production stage when a word of its name (parted by `-` and `_`) is `prod`,
/// `prd`, `production` or `live`, and none is `pre` or `non`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stage {
    /// The stage's name in the manifest.
    pub name: String,
    /// Where its API is.
    pub target: StageTarget,
    /// How callers come in.
    pub access: Access,
    /// Where callers reach it, without a slash at the end, if not by AWS's own name: a custom domain.
    pub url: Option<String>,
    /// Whether roles of other stages have no business here.
    pub is_production: bool,
    /// What stands in the names of its roles in place of the stage's name in title case, if anything: an old name's.
    pub role_name: Option<String>,
    /// Findings on the stage that are accepted.
    pub accept: Accepted,
    /// The line of the table, from 1.
    pub line: usize,
}

/// Where the API of a stage is, as the manifest says it; [`Manifest::target`] knows the account and the region, too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StageTarget {
    /// An HTTP API of API Gateway.
    HttpApi {
        /// The id of the API in API Gateway.
        api_id: String,
        /// The name of the API's stage in API Gateway.
        api_stage: String,
    },
    /// A REST API of API Gateway.
    RestApi {
        /// The id of the API in API Gateway.
        api_id: String,
        /// The name of the API's stage in API Gateway.
        api_stage: String,
        /// The VPC endpoints of a private API, sorted; empty for any way in.
        vpc_endpoints: Vec<String>,
    },
    /// A Lambda function's URL.
    FunctionUrl {
        /// The function's name.
        function: String,
        /// The alias that the URL hangs on, if it is one.
        alias: Option<String>,
        /// What the URL's host begins with.
        url_id: String,
        /// Who keeps callers to their routes.
        routes_enforced_by: RoutesEnforcedBy,
        /// How direct access is deployed.
        permissions: Permissions,
    },
    /// A server that stands anywhere, and is told by nobody but the caller itself who it is.
    Server {
        /// What its tokens and proofs are for: this server alone.
        audience: String,
    },
}

/// How the callers of a stage come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// They assume a role in the API's account.
    Role,
    /// They call as their own roles: a policy of the API's names them.
    Direct,
    /// They show a server who they are, by a token or a proof: the one way into [`StageTarget::Server`].
    Identity,
}

/// How a function's policy comes to name the callers of a stage with [`Access::Direct`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permissions {
    /// By permissions beside others that the function may have, two for each principal
    /// ([AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html)).
    Separate,
    /// As one document, in place of everything that the policy had
    /// ([PutResourcePolicy](https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html)).
    Document,
}

impl StageTarget {
    /// What tells it from the API of another stage, and stays when the stage is renamed. Stages of one function have the same.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::HttpApi { api_id, api_stage } | Self::RestApi { api_id, api_stage, .. } => {
                format!("{api_id}/{api_stage}")
            }
            Self::FunctionUrl { function, alias, .. } => {
                let alias = alias.as_ref().map(|alias| format!(":{alias}")).unwrap_or_default();
                format!("function:{function}{alias}")
            }
            Self::Server { audience } => format!("server:{audience}"),
        }
    }

    /// What its resource policy hangs on, in words that no other target has: a REST API, for all of its stages, or a function.
    /// An HTTP API has no such policy.
    pub(crate) fn policy_place(&self) -> Option<String> {
        match self {
            Self::HttpApi { .. } | Self::Server { .. } => None,
            Self::RestApi { api_id, .. } => Some(api_id.clone()),
            Self::FunctionUrl { .. } => Some(self.identity()),
        }
    }

    /// Whether a policy for direct access can have conditions beside those that the target itself asks for.
    pub(crate) fn takes_conditions(&self) -> bool {
        !matches!(self, Self::FunctionUrl { permissions: Permissions::Separate, .. })
    }

    /// Whether anybody keeps a caller to its routes.
    pub(crate) fn may_have_routes(&self) -> bool {
        !matches!(self, Self::FunctionUrl { routes_enforced_by: RoutesEnforcedBy::Nobody, .. })
    }
}

/// Who keeps the callers of a function URL to their routes: Lambda does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutesEnforcedBy {
    /// Nobody: no caller has any.
    Nobody,
    /// The function itself.
    Function,
}

/// A table `[callers.NAME]`.
///
/// # Defaults
///
/// No external id, any session name, neither tags nor a source identity, no third party, every route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The caller's name in the manifest.
    pub name: String,
    /// Which principals the caller is.
    pub principals: CallerPrincipals,
    /// What the caller has to send as external id, if anything
    /// ([The confused deputy problem](https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html)).
    pub external_id: Option<String>,
    /// The session names that the caller may take, with `*` and `?`, sorted; empty for any. They are what tells callers
    /// apart in the API's logs.
    pub session_names: Vec<String>,
    /// The keys of the session tags that the caller may send, sorted; empty for none
    /// ([Passing session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)).
    pub tags: Vec<String>,
    /// The source identities that the caller may set, with `*` and `?`, sorted; empty for none
    /// ([Source identity](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html)).
    pub source_identity: Vec<String>,
    /// Whether the caller belongs to another company, which calls on behalf of its own customers.
    pub is_third_party: bool,
    /// The routes that the caller may use, in the order of the manifest; `None` for every route.
    pub routes: Option<Vec<Route>>,
    /// What stands in the names of its own roles in place of the caller's name in title case, if anything.
    pub role_name: Option<String>,
    /// Its account's issuer of web identity tokens, with which it comes into stages that are servers
    /// ([outbound federation](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html)).
    pub issuer: Option<String>,
    /// Findings on the caller that are accepted.
    pub accept: Accepted,
    /// The line of the table, from 1.
    pub line: usize,
}

/// Which principals a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallerPrincipals {
    /// Roles of an account.
    Roles {
        /// The account, 12 digits; `*` for every account (by [`TrustForm::Account`] only).
        account: String,
        /// The roles that the caller runs as, by stage: one at least, sorted, each once.
        roles: BTreeMap<String, Vec<WhichRole>>,
        /// How the trust policy names them.
        trust: TrustForm,
    },
    /// Everything in an organization of AWS Organizations.
    Organization {
        /// The organization's id, `o-` and 10 to 32 letters or digits.
        id: String,
        /// The stages that it may call.
        stages: BTreeSet<String>,
    },
}

/// How a trust policy names a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrustForm {
    /// `Principal` is the role's ARN. IAM stores the role's unique id: the role has to exist, and when it is made anew
    /// the trust is dead until the policy is saved again
    /// ([Principal](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)).
    Role,
    /// `Principal` is the account, with the role's ARN in a condition on `aws:PrincipalArn`: works before the role
    /// exists, and after it has been made anew; takes about twice the characters.
    Account,
}

impl TrustForm {
    /// Every form, the default first: for tables of documentation and other languages.
    pub const ALL: &[Self] = &[Self::Role, Self::Account];

    /// What the manifest calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Account => "account",
        }
    }
}

impl Stage {
    /// Where callers reach its API, without a slash at the end.
    #[must_use]
    pub(crate) fn called_at(&self, target: Target<'_>) -> String {
        self.url.clone().unwrap_or_else(|| target.invoke_url())
    }

    /// Whether a policy of the API's names its callers, who call as their own roles.
    pub(crate) fn is_direct(&self) -> bool {
        self.access == Access::Direct
    }

    /// Whether its callers assume a role in the API's account.
    pub(crate) fn is_by_role(&self) -> bool {
        self.access == Access::Role
    }

    /// What tokens and proofs are for, where it is a server.
    pub(crate) fn audience(&self) -> Option<&str> {
        match &self.target {
            StageTarget::Server { audience } => Some(audience),
            _ => None,
        }
    }

    /// Whether its API has to have a policy of its own: AWS lets nobody into a private one without.
    pub(crate) fn needs_resource_policy(&self) -> bool {
        let is_private =
            matches!(&self.target, StageTarget::RestApi { vpc_endpoints, .. } if !vpc_endpoints.is_empty());
        is_private || self.is_direct()
    }

    /// What stands for the stage in the names of its roles.
    pub(crate) fn role_part(&self) -> String {
        self.role_name.clone().unwrap_or_else(|| title_case(&self.name))
    }
}

impl Caller {
    /// What stands for the caller in the names of its own roles.
    pub(crate) fn role_part(&self) -> String {
        self.role_name.clone().unwrap_or_else(|| title_case(&self.name))
    }

    /// Which roles of its account it is on a stage; none where it is an organization, or not on the stage.
    pub(crate) fn roles_on(&self, stage: &str) -> &[WhichRole] {
        match &self.principals {
            CallerPrincipals::Roles { roles, .. } => roles.get(stage).map(Vec::as_slice).unwrap_or_default(),
            CallerPrincipals::Organization { .. } => &[],
        }
    }

    /// Whether the caller may call the stage.
    #[must_use]
    pub fn is_on(&self, stage: &str) -> bool {
        match &self.principals {
            CallerPrincipals::Roles { roles, .. } => roles.contains_key(stage),
            CallerPrincipals::Organization { stages, .. } => stages.contains(stage),
        }
    }

    /// The stages that the caller may call, sorted by name.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        let (roles, stages) = match &self.principals {
            CallerPrincipals::Roles { roles, .. } => (Some(roles.keys()), None),
            CallerPrincipals::Organization { stages, .. } => (None, Some(stages.iter())),
        };
        roles.into_iter().flatten().chain(stages.into_iter().flatten()).map(String::as_str)
    }
}

impl Manifest {
    /// Where the API of a stage is; `None` of a server, of which AWS knows nothing.
    #[must_use]
    pub fn target<'a>(&'a self, stage: &'a Stage) -> Option<Target<'a>> {
        let (region, account) = (self.api.region.as_str(), self.api.account.as_str());
        Some(match &stage.target {
            StageTarget::HttpApi { api_id, api_stage } => {
                Target::HttpApi(HttpApi::new(region, account, api_id, api_stage))
            }
            StageTarget::RestApi { api_id, api_stage, vpc_endpoints } => {
                Target::RestApi(RestApi::new(region, account, api_id, api_stage, vpc_endpoints))
            }
            StageTarget::FunctionUrl { function, alias, url_id, .. } => {
                Target::FunctionUrl(FunctionUrl::new(region, account, function, alias.as_deref(), url_id))
            }
            StageTarget::Server { .. } => return None,
        })
    }

    /// The issuer of an account's web identity tokens, at whichever of its callers it stands.
    pub(crate) fn issuer_of(&self, account: &str) -> Option<String> {
        let is_of = |caller: &&Caller| matches!(&caller.principals, CallerPrincipals::Roles { account: own, .. } if own == account);
        self.callers.values().filter(is_of).find_map(|caller| caller.issuer.clone())
    }

    /// What policies call a stage's API, see [`Target::arn`]; `None` of a server.
    #[must_use]
    pub fn stage_arn(&self, stage: &Stage) -> Option<String> {
        self.target(stage).map(Target::arn)
    }
}

/// The name of a provider's role: `role_name`, then what stands for the stage and, for a role of its own, for the caller. It
/// may be too long.
pub(crate) fn role_name(base: &RoleName, stage: &Stage, caller: Option<&Caller>) -> RoleName {
    base.with_suffix(&format!("{}{}", stage.role_part(), caller.map(Caller::role_part).unwrap_or_default()))
}
