//! The documents themselves, with all that a role needs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pretty;
use crate::iam::document::Document;
use crate::manifest::{Manifest, Stage};
use crate::plan::{Permission, ProviderRole, ResourcePolicy};
use crate::targets::Target;

#[derive(Serialize)]
struct Documents<'a> {
    stage: &'a str,
    account: &'a str,
    region: &'a str,
    /// Left out for an HTTP API.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
    api_arn: String,
    roles: Vec<Role<'a>>,
    /// Of a stage that is called directly, or of a private API.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy: Option<&'a Document>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<Parameters<'a>>,
}

/// The parameters of `AddPermission`, as its clients take them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters<'a> {
    function_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifier: Option<&'a str>,
    statement_id: &'a str,
    action: &'static str,
    principal: &'a str,
    #[serde(rename = "PrincipalOrgID", skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_url_auth_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_via_function_url: Option<bool>,
}

#[derive(Serialize)]
struct Role<'a> {
    name: &'a str,
    path: &'a str,
    arn: &'a str,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    trust_policy: &'a Document,
    invoke_policy: &'a Document,
    callers: &'a [String],
}

/// The documents of a stage, without a newline at their end.
pub(super) fn documents(
    manifest: &Manifest,
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> String {
    let roles = roles
        .iter()
        .map(|role| Role {
            name: &role.name,
            path: &role.path,
            arn: &role.arn,
            max_session_duration: role.max_session_duration,
            permissions_boundary: role.permissions_boundary.as_deref(),
            tags: &role.tags,
            trust_policy: &role.trust_policy,
            invoke_policy: &role.invoke_policy,
            callers: &role.callers,
        })
        .collect();
    let api = &manifest.api;
    pretty(&Documents {
        stage: &stage.name,
        account: &api.account,
        region: &api.region,
        target: target.kind().if_not_default(),
        api_arn: target.arn(),
        roles,
        resource_policy: policy.map(|policy| &policy.document),
        permissions: policy.map(|policy| parameters(target, &policy.permissions)).unwrap_or_default(),
    })
}

fn parameters<'a>(target: Target<'a>, permissions: &'a [Permission]) -> Vec<Parameters<'a>> {
    let Target::FunctionUrl(url) = target else { return Vec::new() };
    let parameters = |permission: &'a Permission| Parameters {
        function_name: url.function,
        qualifier: url.alias,
        statement_id: &permission.statement_id,
        action: permission.action,
        principal: &permission.principal,
        organization: permission.organization.as_deref(),
        function_url_auth_type: permission.function_url_auth_type(),
        invoked_via_function_url: permission.invoked_via_function_url(),
    };
    permissions.iter().map(parameters).collect()
}
