//! The roles on both sides, with the documents that hang on them.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::RoleName;

use super::invoke::{self, OpenedRoute};
use super::resource::direct_routes;
use super::sharing::Plan;
use super::trust;
use crate::iam::document::{Document, Statement, merged};
use crate::manifest::types::role_name;
use crate::manifest::{Caller, CallerPrincipals, Identity, Manifest, Stage, WhichRole};
use crate::targets::Target;

/// A role in the API's account that callers assume.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderRole {
    /// The role's name without its path: `ApiAllowByIamRoleStag`, `ApiAllowByIamRoleStag-2` where the callers do not fit
    /// into one, or `ApiAllowByIamRoleStagPartner` for a caller with routes of its own.
    pub name: String,
    /// The role's path, `/` unless `role_name` has one.
    pub path: String,
    /// The role's ARN, path included.
    pub arn: String,
    /// The stage of the manifest that the role opens.
    pub stage: String,
    /// Which of the stage's roles it is.
    pub kind: RoleKind,
    /// Its id in a template, in letters and digits. The stage is not in it: another stage's template is an update of this one.
    pub template_id: String,
    /// The longest session that the role gives, in seconds, 3600 to 43200.
    pub max_session_duration: u32,
    /// The ARN of its permissions boundary, if it has one.
    pub permissions_boundary: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Who may assume the role.
    pub trust_policy: Document,
    /// What a session of the role may call.
    pub invoke_policy: Document,
    /// The routes of a caller with routes of its own, as they are in the invoke policy; none for every route.
    pub routes: Vec<OpenedRoute>,
    /// The names of the callers that use it, sorted.
    pub callers: Vec<String>,
}

impl ProviderRole {
    /// The name of the inline policy that the invoke policy becomes, wherever it is rendered.
    pub const INVOKE_POLICY_NAME: &'static str = "InvokeApi";
}

/// Which of a stage's roles a role is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RoleKind {
    /// For callers of every route: the first, second, ... of them, from 1.
    Shared(u32),
    /// For a caller with routes of its own, by its name.
    Own(String),
}

/// A role in a caller's account, with what it must be allowed over there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerRole {
    /// The caller's name in the manifest.
    pub caller: String,
    /// The caller's account, 12 digits; `*` for every account, or every one of the organization.
    pub account: String,
    /// The caller's role, without its path; `*` for every role, or within a pattern of names.
    pub role_name: String,
    /// The ARN of the caller's role, path included; with `*` where account or role are so.
    pub arn: String,
    /// The organization, if it is that what is trusted.
    pub organization: Option<String>,
    /// The ARN of the provider's role that it may assume, by stage.
    pub may_assume: BTreeMap<String, String>,
    /// The ARN of what it may call directly, by stage, see [`Target::arn`](crate::targets::Target::arn).
    pub may_call: BTreeMap<String, String>,
    /// The audience of the tokens or proofs by which it comes into a server, by stage.
    pub audiences: BTreeMap<String, String>,
    /// The policy to attach to the caller's role: crossing accounts takes the caller's own account's
    /// leave too
    /// ([Cross-account policy evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).
    pub policy: Document,
}

impl CallerRole {
    /// The stages that it is on, however it comes in.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        let Self { may_assume, may_call, audiences, .. } = self;
        may_assume.keys().chain(may_call.keys()).chain(audiences.keys()).map(String::as_str)
    }
}

impl<'m> Plan<'m> {
    /// The roles of the API's account, in the order of stages by name, a stage's shared roles before
    /// those of single callers.
    ///
    /// A stage's shared role serves all callers that may use every route; a stage without such
    /// callers has none. A caller with `routes` has a role of its own on each of its stages, because
    /// the invoke policy hangs on the role.
    #[must_use]
    pub fn provider_roles(&self) -> Vec<ProviderRole> {
        self.manifest.stages.values().flat_map(|stage| self.stage_roles(stage)).collect()
    }

    /// The roles of one stage, in the same order.
    #[must_use]
    pub fn stage_roles(&self, stage: &Stage) -> Vec<ProviderRole> {
        let mut roles = Vec::new();
        let Some(target) = self.manifest.target(stage) else { return roles };
        for (number, callers) in self.shared.get(stage.name.as_str()).into_iter().flatten() {
            roles.push(self.provider_role(stage, target, callers, RoleKind::Shared(*number)));
        }
        for caller in self.own.get(stage.name.as_str()).into_iter().flatten() {
            roles.push(self.provider_role(stage, target, &[*caller], RoleKind::Own(caller.name.clone())));
        }
        roles
    }

    /// The callers' roles with the policy that each must get in its own account, in the order of
    /// callers by name, then of role ARNs.
    #[must_use]
    pub fn caller_roles(&self) -> Vec<CallerRole> {
        self.manifest.callers.values().flat_map(|caller| self.roles_of(caller)).collect()
    }

    /// The roles of one caller.
    #[must_use]
    pub fn roles_of(&self, caller: &Caller) -> Vec<CallerRole> {
        let api = &self.manifest.api;
        let mut by_role: BTreeMap<WhichRole, BTreeSet<&str>> = BTreeMap::new();
        for stage in caller.stages() {
            let roles = match caller.roles_on(stage) {
                [] => vec![WhichRole::Every],
                roles => roles.to_vec(),
            };
            for role in roles {
                by_role.entry(role).or_default().insert(stage);
            }
        }
        let (account, organization) = match &caller.principals {
            CallerPrincipals::Roles { account, .. } => (account.as_str(), None),
            CallerPrincipals::Organization { id, .. } => ("*", Some(id)),
        };
        by_role
            .into_iter()
            .map(|(role, stages)| {
                let (mut may_assume, mut may_call) = (BTreeMap::new(), BTreeMap::new());
                let (mut direct, mut called) = (Vec::new(), BTreeSet::new());
                let mut audiences = BTreeMap::new();
                for stage in stages.into_iter().filter_map(|stage| self.manifest.stages.get(stage)) {
                    if let Some(audience) = stage.audience() {
                        audiences.insert(stage.name.clone(), audience.to_owned());
                    } else if let Some(target) = self.manifest.target(stage).filter(|_| stage.is_direct()) {
                        // Several stages may be one function.
                        if called.insert(target.arn()) {
                            direct.push(target);
                        }
                        may_call.insert(stage.name.clone(), target.arn());
                    } else {
                        let role = self.role_for(caller, &stage.name);
                        may_assume.insert(stage.name.clone(), role.arn(api.partition(), &api.account));
                    }
                }
                let (role_name, arn) = match &role {
                    WhichRole::Named(role) => (role.name(), role.arn(api.partition(), account)),
                    WhichRole::Like(pattern) => (pattern.name(), pattern.arn(api.partition(), account)),
                    WhichRole::Every => ("*", format!("arn:{}:iam::{account}:role/*", api.partition())),
                };
                CallerRole {
                    caller: caller.name.clone(),
                    account: account.to_owned(),
                    role_name: role_name.to_owned(),
                    arn,
                    organization: organization.cloned(),
                    policy: caller_policy(caller, &may_assume, &direct, token_statements(self.manifest, &audiences)),
                    may_assume,
                    may_call,
                    audiences,
                }
            })
            .collect()
    }

    /// The provider's role that the caller assumes on a stage.
    pub(crate) fn role_for(&self, caller: &Caller, stage: &str) -> RoleName {
        let kind = match &caller.routes {
            Some(_) => RoleKind::Own(caller.name.clone()),
            // Every caller that is on a stage has been given a role there.
            None => RoleKind::Shared(self.lock().number(stage, &caller.name).unwrap_or(1)),
        };
        self.name(stage, &kind)
    }

    pub(crate) fn name(&self, stage: &str, kind: &RoleKind) -> RoleName {
        let base = &self.manifest.api.role_name;
        let shared =
            || self.manifest.stages.get(stage).map_or_else(|| base.clone(), |stage| role_name(base, stage, None));
        match kind {
            RoleKind::Shared(1) => shared(),
            // A hyphen is in no title case, so no other stage or caller gets this name.
            RoleKind::Shared(number) => shared().with_suffix(&format!("-{number}")),
            RoleKind::Own(caller) => {
                let caller = self.manifest.callers.get(caller).map(Caller::role_part);
                shared().with_suffix(&caller.unwrap_or_default())
            }
        }
    }

    /// A caller that keeps an old name keeps its resource: CloudFormation would make the new one first, and the name is taken.
    fn template_id(&self, kind: &RoleKind) -> String {
        match kind {
            RoleKind::Shared(1) => "SharedRole".to_owned(),
            RoleKind::Shared(number) => format!("SharedRole{number}"),
            RoleKind::Own(caller) => {
                let caller = self.manifest.callers.get(caller).map(Caller::role_part);
                format!("CallerRole{}", caller.unwrap_or_default())
            }
        }
    }

    fn provider_role(&self, stage: &'m Stage, target: Target<'_>, callers: &[&Caller], kind: RoleKind) -> ProviderRole {
        let api = &self.manifest.api;
        let name = self.name(&stage.name, &kind);
        let routes = callers.first().and_then(|caller| caller.routes.as_deref());
        let routes = routes.map(|routes| invoke::opened(routes, target)).unwrap_or_default();
        ProviderRole {
            name: name.name().to_owned(),
            path: name.path().to_owned(),
            arn: name.arn(api.partition(), &api.account),
            stage: stage.name.clone(),
            template_id: self.template_id(&kind),
            kind,
            max_session_duration: api.max_session_duration,
            permissions_boundary: api.permissions_boundary.clone(),
            tags: api.tags.clone(),
            trust_policy: trust::policy(callers, &stage.name, api.partition()),
            invoke_policy: invoke::policy(&routes, target),
            routes,
            callers: callers.iter().map(|caller| caller.name.clone()).collect(),
        }
    }
}

/// Tags and a source identity are actions of their own, on both sides. What is called directly has to be allowed on both, too.
fn caller_policy(
    caller: &Caller,
    may_assume: &BTreeMap<String, String>,
    direct: &[Target<'_>],
    tokens: Vec<Statement>,
) -> Document {
    let mut actions = vec!["sts:AssumeRole"];
    if !caller.tags.is_empty() {
        actions.push("sts:TagSession");
    }
    if !caller.source_identity.is_empty() {
        actions.push("sts:SetSourceIdentity");
    }
    let resources: BTreeSet<String> = may_assume.values().cloned().collect();
    let mut statements = Vec::new();
    if !resources.is_empty() {
        statements.push(Statement::allow(actions, resources.into_iter().collect()));
    }
    if !direct.is_empty() {
        let routes = direct_routes(caller);
        let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
        statements.extend(merged(direct.iter().flat_map(|target| target.statements(&routes))));
    }
    statements.extend(tokens);
    Document::new(statements)
}

/// Leave to have tokens made for these audiences, each by itself, and no wider than they are taken: a token for two servers could
/// be handed on from one to the other
/// ([condition keys of STS](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html)).
fn token_statements(manifest: &Manifest, audiences: &BTreeMap<String, String>) -> Vec<Statement> {
    let Identity { algorithm, max_duration_seconds, .. } = &manifest.identity;
    let each: BTreeSet<&str> = audiences.values().map(String::as_str).collect();
    let allow = |audience: &str| {
        Statement::allow("sts:GetWebIdentityToken", vec!["*".to_owned()])
            .when("ForAllValues:StringEquals", "sts:IdentityTokenAudience", audience)
            // Without an audience, `ForAllValues` would hold.
            .when("Null", "sts:IdentityTokenAudience", "false")
            .when("StringEquals", "sts:SigningAlgorithm", algorithm.name())
            .when("NumericLessThanEquals", "sts:DurationSeconds", max_duration_seconds.to_string().as_str())
    };
    each.into_iter().map(allow).collect()
}
