//! A stage as an object: `js/xacct-sign-cdk/src/module.ts` has the same types.

use std::collections::BTreeMap;

use serde::Serialize;
use xacct_sign_provider::targets::Target;
use xacct_sign_provider::{
    Access, DeployedStage, Document, Finding, Manifest, OpenedRoute, Permission, Plan, ProviderRole, RoleKind, Route,
    Statement, Subject,
};

/// What the construct takes from a manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage<'a> {
    account: &'a str,
    region: &'a str,
    partition: &'a str,
    /// What the manifest calls the kind of its API.
    target: &'static str,
    /// Whether callers come in without a role.
    is_direct: bool,
    /// The API's id; of a function URL its own.
    api_id: String,
    api_stage: String,
    /// The alias that a function URL hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
    /// What each resource of a policy begins with; the function's, whole.
    api_arn: String,
    /// What a policy says whose bearer may use every route.
    every_route: Vec<Statement>,
    roles: Vec<Role>,
    /// What is opened to callers, by a role or directly.
    openings: Vec<Opening>,
    /// What of the API's resource policy, or the function's, is the stage's.
    resource_statements: Vec<Statement>,
    /// The permissions of which a function's policy is made; none where it is one document.
    permissions: Vec<Parameters>,
    /// The stages whose callers that policy names: several may be one function.
    policy_stages: Vec<String>,
    findings: Vec<Found<'a>>,
}

/// A role with its documents.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    /// Its id in a template.
    template_id: String,
    name: String,
    path: String,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<String>,
    tags: BTreeMap<String, String>,
    trust_policy: Document,
    invoke_policy: Document,
    callers: Vec<String>,
}

/// What of the API a policy opens.
#[derive(Serialize)]
struct Opening {
    /// The route, as the user wrote it; none for every route.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// The ends of the policy's resources, from the method on.
    suffixes: Vec<String>,
}

/// What a permission takes, by the names that CloudFormation has for it, beside the function.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    id: String,
    action: &'static str,
    principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_url_auth_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_via_function_url: Option<bool>,
}

/// What the check found and nobody has accepted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    code: &'static str,
    level: String,
    /// The caller that it is about, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    subject: String,
    line: usize,
    message: String,
    reason: &'static str,
    hint: &'static str,
    file: &'a str,
}

impl<'a> Stage<'a> {
    /// `None` of a server, of which nothing is deployed in AWS.
    pub(crate) fn of(manifest: &'a Manifest, plan: &Plan<'_>, stage: &'a xacct_sign_provider::Stage) -> Option<Self> {
        let api = &manifest.api;
        let place = manifest.target(stage)?;
        let DeployedStage { target, api_id, api_stage, arn, .. } = place.into();
        let roles = plan.stage_roles(stage);
        let policy = plan.resource_policy(stage);
        let (statements, permissions, policy_stages) =
            policy.map(|policy| (policy.document.statement, policy.permissions, policy.stages)).unwrap_or_default();
        let is_direct = stage.access == Access::Direct;
        Some(Self {
            account: &api.account,
            region: &api.region,
            partition: api.partition(),
            target: target.name(),
            is_direct,
            every_route: place.statements(&[]),
            api_id,
            api_stage,
            alias: match place {
                Target::FunctionUrl(url) => url.alias,
                _ => None,
            },
            openings: if is_direct { direct(manifest, stage) } else { roles.iter().flat_map(Opening::of).collect() },
            resource_statements: statements.into_iter().filter(|statement| is_on(statement, &arn)).collect(),
            permissions: permissions.into_iter().map(Parameters::of).collect(),
            policy_stages,
            api_arn: arn,
            roles: roles.into_iter().map(Role::of).collect(),
            findings: plan.findings_on(stage).into_iter().map(|finding| Found::of(finding, &manifest.file)).collect(),
        })
    }
}

/// Whether a statement is the stage's: those of one API stand in one policy.
fn is_on(statement: &Statement, arn: &str) -> bool {
    let mut resources = statement.resource.iter().flat_map(|resources| resources.values());
    resources.all(|resource| resource.strip_prefix(arn).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// What callers may use that come in without a role.
fn direct(manifest: &Manifest, stage: &xacct_sign_provider::Stage) -> Vec<Opening> {
    let callers = manifest.callers.values().filter(|caller| caller.is_on(&stage.name));
    let openings = callers.flat_map(|caller| match &caller.routes {
        None => vec![Opening::every()],
        Some(routes) => {
            let opening = |route: &Route| Opening { route: Some(route.to_string()), suffixes: route.arn_suffixes() };
            routes.iter().map(opening).collect()
        }
    });
    openings.collect()
}

impl Opening {
    fn every() -> Self {
        Self { route: None, suffixes: vec!["*".to_owned()] }
    }

    fn of(role: &ProviderRole) -> Vec<Self> {
        if matches!(role.kind, RoleKind::Shared(_)) {
            return vec![Self::every()];
        }
        let opening =
            |opened: &OpenedRoute| Self { route: Some(opened.route.to_string()), suffixes: opened.suffixes.clone() };
        role.routes.iter().map(opening).collect()
    }
}

impl Parameters {
    fn of(permission: Permission) -> Self {
        let function_url_auth_type = permission.function_url_auth_type();
        let invoked_via_function_url = permission.invoked_via_function_url();
        let Permission { id, action, principal, organization, .. } = permission;
        Self { id, action, principal, organization, function_url_auth_type, invoked_via_function_url }
    }
}

impl Role {
    fn of(role: ProviderRole) -> Self {
        let ProviderRole { template_id, name, path, max_session_duration, permissions_boundary, tags, .. } = role;
        let ProviderRole { trust_policy, invoke_policy, callers, .. } = role;
        Self {
            template_id,
            name,
            path,
            max_session_duration,
            permissions_boundary,
            tags,
            trust_policy,
            invoke_policy,
            callers,
        }
    }
}

impl<'a> Found<'a> {
    fn of(finding: Finding, file: &'a str) -> Self {
        let caller = match &finding.subject {
            Subject::Caller(name) => Some(name.clone()),
            _ => None,
        };
        Self {
            code: finding.code.code(),
            level: finding.code.level().to_string(),
            caller,
            subject: finding.subject.to_string(),
            line: finding.line,
            message: finding.message,
            reason: finding.code.reason(),
            hint: finding.code.hint(),
            file,
        }
    }
}
