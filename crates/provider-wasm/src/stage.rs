//! A stage as an object: `js/xacct-sign-cdk/src/module.ts` has the same types.

use serde::Serialize;
use xacct_sign_provider::{DeployedStage, Document, Finding, Manifest, Plan, ProviderRole, RoleKind, Subject};

/// What the construct takes from a manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage<'a> {
    account: &'a str,
    region: &'a str,
    partition: &'a str,
    /// What the manifest calls the kind of its API.
    target: &'static str,
    api_id: String,
    api_stage: String,
    /// What each resource of an invoke policy begins with.
    api_arn: String,
    roles: Vec<Role>,
    findings: Vec<Found<'a>>,
}

/// A role with its documents.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    /// The number of a shared role, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<u32>,
    name: String,
    path: String,
    max_session_duration: u32,
    trust_policy: Document,
    invoke_policy: Document,
    /// Those of a caller with routes of its own; none for every route.
    routes: Vec<OpenedRoute>,
    callers: Vec<String>,
}

/// A route, and what it is in the invoke policy.
#[derive(Serialize)]
struct OpenedRoute {
    route: String,
    suffixes: Vec<String>,
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
    pub(crate) fn of(manifest: &'a Manifest, plan: &Plan<'_>, stage: &'a xacct_sign_provider::Stage) -> Self {
        let api = &manifest.api;
        let DeployedStage { target, api_id, api_stage, arn, .. } = manifest.target(stage).into();
        Self {
            account: &api.account,
            region: &api.region,
            partition: api.partition(),
            target: target.name(),
            api_id,
            api_stage,
            api_arn: arn,
            roles: plan.stage_roles(stage).into_iter().map(Role::of).collect(),
            findings: plan.findings_on(stage).into_iter().map(|finding| Found::of(finding, &manifest.file)).collect(),
        }
    }
}

impl Role {
    fn of(role: ProviderRole) -> Self {
        let shared = match role.kind {
            RoleKind::Shared(number) => Some(number),
            _ => None,
        };
        let ProviderRole { name, path, max_session_duration, trust_policy, invoke_policy, routes, callers, .. } = role;
        let route = |opened: xacct_sign_provider::OpenedRoute| OpenedRoute {
            route: opened.route.to_string(),
            suffixes: opened.suffixes,
        };
        let routes = routes.into_iter().map(route).collect();
        Self { shared, name, path, max_session_duration, trust_policy, invoke_policy, routes, callers }
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
