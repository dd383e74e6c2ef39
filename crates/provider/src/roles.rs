//! The roles on both sides, with the documents that hang on them.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Document, Statement};
use crate::manifest::{Caller, Manifest, Stage};
use crate::names::{RoleName, title_case};
use crate::route::Route;

/// A role in the API's account that callers assume.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderRole {
    /// The role's name without its path: `ApiAllowByIamRoleStag`, or `ApiAllowByIamRoleStagPartner`
    /// for a caller with routes of its own.
    pub name: String,
    /// The role's path, `/` unless `role_name` has one.
    pub path: String,
    /// The role's ARN, path included.
    pub arn: String,
    /// The stage of the manifest that the role opens.
    pub stage: String,
    /// The longest session that the role gives, in seconds, 3600 to 43200.
    pub max_session_duration: u32,
    /// Who may assume the role.
    pub trust_policy: Document,
    /// What a session of the role may call.
    pub invoke_policy: Document,
    /// The names of the callers that use it, sorted.
    pub callers: Vec<String>,
}

/// A role in a caller's account, with what it must be allowed over there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerRole {
    /// The caller's name in the manifest.
    pub caller: String,
    /// The caller's account, 12 digits.
    pub account: String,
    /// The caller's role, without its path.
    pub role_name: String,
    /// The ARN of the caller's role, path included.
    pub arn: String,
    /// The ARN of the provider's role that it may assume, by stage.
    pub may_assume: BTreeMap<String, String>,
    /// The policy to attach to the caller's role: crossing accounts takes the caller's own account's
    /// leave too
    /// ([Cross-account policy evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).
    pub policy: Document,
}

impl Manifest {
    /// The roles of the API's account, in the order of stages by name, a stage's shared role before
    /// those of single callers.
    ///
    /// A stage's shared role serves all callers that may use every route; a stage without such
    /// callers has none. A caller with `routes` has a role of its own on each of its stages, because
    /// the invoke policy hangs on the role.
    #[must_use]
    pub fn provider_roles(&self) -> Vec<ProviderRole> {
        let mut roles = Vec::new();
        for stage in self.stages.values() {
            let on_stage = || self.callers.values().filter(|caller| caller.roles.contains_key(&stage.name));
            let shared: Vec<&Caller> = on_stage().filter(|c| c.routes.is_none()).collect();
            if !shared.is_empty() {
                roles.push(self.provider_role(stage, &shared, None));
            }
            for caller in on_stage() {
                if let Some(routes) = &caller.routes {
                    roles.push(self.provider_role(stage, &[caller], Some(routes)));
                }
            }
        }
        roles
    }

    /// The callers' roles with the policy that each must get in its own account, in the order of
    /// callers by name, then of role ARNs.
    #[must_use]
    pub fn caller_roles(&self) -> Vec<CallerRole> {
        let mut roles = Vec::new();
        for caller in self.callers.values() {
            let mut by_role: BTreeMap<&RoleName, BTreeMap<String, String>> = BTreeMap::new();
            for (stage, role) in &caller.roles {
                let provider_role = self.provider_role_name(stage, caller);
                by_role
                    .entry(role)
                    .or_default()
                    .insert(stage.clone(), provider_role.arn(self.api.partition(), &self.api.account));
            }
            for (role, may_assume) in by_role {
                let resources: BTreeSet<String> = may_assume.values().cloned().collect();
                roles.push(CallerRole {
                    caller: caller.name.clone(),
                    account: caller.account.clone(),
                    role_name: role.name().to_owned(),
                    arn: role.arn(self.api.partition(), &caller.account),
                    policy: Document::new(vec![Statement::allow("sts:AssumeRole", resources.into_iter().collect())]),
                    may_assume,
                });
            }
        }
        roles
    }

    fn provider_role_name(&self, stage: &str, caller: &Caller) -> RoleName {
        let own = caller.routes.is_some().then_some(caller.name.as_str());
        role_name(&self.api.role_name, stage, own)
            // INVARIANT: `Manifest::parse` refuses names that get too long.
            .unwrap_or_else(|| self.api.role_name.clone())
    }

    fn provider_role(&self, stage: &Stage, callers: &[&Caller], routes: Option<&[Route]>) -> ProviderRole {
        let partition = self.api.partition();
        let name = callers
            .first()
            .map_or_else(|| self.api.role_name.clone(), |caller| self.provider_role_name(&stage.name, caller));
        let api_arn = self.stage_arn(stage);
        let mut resources = Vec::new();
        match routes {
            None => resources.push(format!("{api_arn}/*")),
            Some(routes) => {
                for route in routes {
                    let resource = format!("{api_arn}/{}", route.arn_suffix());
                    if !resources.contains(&resource) {
                        resources.push(resource);
                    }
                }
            }
        }

        let mut open: BTreeSet<String> = BTreeSet::new();
        let mut with_external_id = Vec::new();
        for caller in callers {
            let Some(role) = caller.roles.get(&stage.name) else {
                continue;
            };
            let principal = role.arn(partition, &caller.account);
            match caller.external_id.as_deref() {
                None => {
                    open.insert(principal);
                }
                Some(id) => with_external_id.push(Statement::trust(vec![principal], Some(id))),
            }
        }
        let mut statements = Vec::new();
        if !open.is_empty() {
            statements.push(Statement::trust(open.into_iter().collect(), None));
        }
        statements.extend(with_external_id);

        ProviderRole {
            name: name.name().to_owned(),
            path: name.path().to_owned(),
            arn: name.arn(partition, &self.api.account),
            stage: stage.name.clone(),
            max_session_duration: self.api.max_session_duration,
            trust_policy: Document::new(statements),
            invoke_policy: Document::new(vec![Statement::allow("execute-api:Invoke", resources)]),
            callers: callers.iter().map(|caller| caller.name.clone()).collect(),
        }
    }
}

/// The name of a provider's role: `role_name`, stage and, for a role of its own, caller in title
/// case; `None` when that is too long for IAM.
pub(crate) fn role_name(base: &RoleName, stage: &str, caller: Option<&str>) -> Option<RoleName> {
    base.with_suffix(&format!("{}{}", title_case(stage), caller.map(title_case).unwrap_or_default()))
}
