//! Terraform's JSON syntax
//! ([JSON configuration syntax](https://developer.hashicorp.com/terraform/language/syntax/json)).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{is_whole, pretty};
use crate::manifest::Stage;
use crate::plan::{self, ProviderRole, ResourcePolicy, RoleKind};
use crate::targets::{FunctionUrl, HttpApi, RestApi, Target};

#[derive(Serialize)]
struct Configuration {
    /// What a reader has to know.
    #[serde(rename = "//", skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    resource: Resources,
    /// Those that are there already.
    #[serde(rename = "import", skip_serializing_if = "Vec::is_empty")]
    imports: Vec<Import>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    output: BTreeMap<String, Output>,
}

/// A resource that is there, by its address and by what its provider knows it by
/// ([Import block](https://developer.hashicorp.com/terraform/language/block/import)).
#[derive(Serialize)]
struct Import {
    to: String,
    id: String,
}

#[derive(Serialize)]
struct Output {
    description: &'static str,
    value: String,
}

#[derive(Default, Serialize)]
struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_iam_role: Option<BTreeMap<String, Role>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_iam_role_policy: Option<BTreeMap<String, Policy>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aws_api_gateway_rest_api_policy: BTreeMap<String, ApiPolicy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aws_lambda_permission: BTreeMap<String, Permission>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aws_lambda_resource_policy: BTreeMap<String, FunctionPolicy>,
}

#[derive(Serialize)]
struct ApiPolicy {
    rest_api_id: String,
    policy: String,
}

#[derive(Serialize)]
struct FunctionPolicy {
    resource_arn: String,
    policy: String,
}

#[derive(Serialize)]
struct Permission {
    statement_id: String,
    action: &'static str,
    function_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_org_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_url_auth_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_via_function_url: Option<bool>,
}

/// A module has one block `required_providers`: another in this file would be refused beside the reader's own, and beside that of
/// another stage's file ([Duplicate required providers](https://github.com/hashicorp/terraform/issues/25364)). So a comment says
/// what to write there. An older provider does not know the argument, and refuses it.
const OF_PERMISSIONS: &str = "invoked_via_function_url takes the provider hashicorp/aws in version 6.29.0 or newer. Say so in the module's one required_providers: aws = { source = \"hashicorp/aws\", version = \">= 6.29.0\" }.";
const OF_FUNCTION_POLICY: &str = "This takes every other permission away; aws_lambda_resource_policy is in the provider hashicorp/aws since autumn 2026.";
const OF_API_POLICY: &str = "The policy takes effect with the next deployment of the API: name it in the triggers of its aws_api_gateway_deployment.";

#[derive(Serialize)]
struct Role {
    name: String,
    path: String,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    assume_role_policy: String,
}

#[derive(Serialize)]
struct Policy {
    name: &'static str,
    role: String,
    policy: String,
}

/// The configuration of a stage, without a newline at its end.
pub(super) fn configuration(
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> String {
    pretty(&written(stage, target, roles, policy))
}

/// The same with a block for each resource that takes it into the state.
pub(super) fn with_imports(
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> String {
    let mut configuration = written(stage, target, roles, policy);
    configuration.imports = imports(&configuration.resource);
    pretty(&configuration)
}

fn imports(resources: &Resources) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut add = |kind: &str, label: &str, id: String| imports.push(Import { to: format!("{kind}.{label}"), id });
    for (label, role) in resources.aws_iam_role.iter().flatten() {
        add("aws_iam_role", label, role.name.clone());
    }
    let roles = resources.aws_iam_role.as_ref();
    for (label, policy) in resources.aws_iam_role_policy.iter().flatten() {
        // A role's policy has the label of its role.
        let role = roles.and_then(|roles| roles.get(label)).map(|role| role.name.as_str()).unwrap_or_default();
        add("aws_iam_role_policy", label, format!("{role}:{}", policy.name));
    }
    for (label, policy) in &resources.aws_api_gateway_rest_api_policy {
        add("aws_api_gateway_rest_api_policy", label, policy.rest_api_id.clone());
    }
    for (label, permission) in &resources.aws_lambda_permission {
        let qualifier = permission.qualifier.iter().map(|alias| format!(":{alias}")).collect::<String>();
        let id = format!("{}{qualifier}/{}", permission.function_name, permission.statement_id);
        add("aws_lambda_permission", label, id);
    }
    for (label, policy) in &resources.aws_lambda_resource_policy {
        add("aws_lambda_resource_policy", label, policy.resource_arn.clone());
    }
    imports
}

fn written(
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> Configuration {
    let (comment, mut resource) = match policy {
        Some(policy) => with_policy(target, stage, policy),
        None => (None, Resources::default()),
    };
    if !stage.is_direct() {
        add_roles(&mut resource, stage, roles);
    }
    Configuration { comment, resource, imports: Vec::new(), output: outputs(stage, roles) }
}

fn add_roles(resources: &mut Resources, stage: &Stage, roles: &[ProviderRole]) {
    let (mut all, mut policies) = (BTreeMap::new(), BTreeMap::new());
    for role in roles {
        let label = label(stage, &role.kind);
        let written = Role {
            name: literal(&role.name),
            path: literal(&role.path),
            max_session_duration: role.max_session_duration,
            permissions_boundary: role.permissions_boundary.as_deref().map(literal),
            tags: role.tags.iter().map(|(key, value)| (literal(key), literal(value))).collect(),
            assume_role_policy: literal(&role.trust_policy.to_json()),
        };
        let policy = Policy {
            name: ProviderRole::INVOKE_POLICY_NAME,
            role: format!("${{aws_iam_role.{label}.name}}"),
            policy: literal(&role.invoke_policy.to_json()),
        };
        all.insert(label.clone(), written);
        policies.insert(label, policy);
    }
    resources.aws_iam_role = Some(all);
    resources.aws_iam_role_policy = Some(policies);
}

/// Each role's ARN, for other configurations and for people.
fn outputs(stage: &Stage, roles: &[ProviderRole]) -> BTreeMap<String, Output> {
    let output = |role: &ProviderRole| {
        let label = label(stage, &role.kind);
        let value = format!("${{aws_iam_role.{label}.arn}}");
        (format!("{label}_arn"), Output { description: "The ARN that callers are told.", value })
    };
    roles.iter().map(output).collect()
}

fn with_policy(target: Target<'_>, stage: &Stage, policy: &ResourcePolicy) -> (Option<&'static str>, Resources) {
    let document = literal(&policy.document.to_json());
    // Labels are of the API and not of the stage: in the files of two stages it would be the same resource twice, as it is.
    match target {
        Target::FunctionUrl(url) if is_whole(stage) => {
            let label = format!("function_{}", of_function(url));
            let policy = FunctionPolicy { resource_arn: url.arn(), policy: document };
            let policies = BTreeMap::from([(label, policy)]);
            (Some(OF_FUNCTION_POLICY), Resources { aws_lambda_resource_policy: policies, ..Resources::default() })
        }
        Target::FunctionUrl(url) => {
            let permissions = policy.permissions.iter().map(|permission| of_permission(permission, url));
            let aws_lambda_permission = permissions.collect();
            (Some(OF_PERMISSIONS), Resources { aws_lambda_permission, ..Resources::default() })
        }
        Target::RestApi(RestApi { api_id, .. }) | Target::HttpApi(HttpApi { api_id, .. }) => {
            let label = format!("rest_api_{api_id}");
            let policy = ApiPolicy { rest_api_id: api_id.to_owned(), policy: document };
            let policies = BTreeMap::from([(label, policy)]);
            (Some(OF_API_POLICY), Resources { aws_api_gateway_rest_api_policy: policies, ..Resources::default() })
        }
    }
}

/// A function and its alias in a label, as no other has them.
fn of_function(url: FunctionUrl<'_>) -> String {
    url.qualified_name().replace('_', "__").replace(':', "_-")
}

/// A permission with its label.
fn of_permission(permission: &plan::Permission, url: FunctionUrl<'_>) -> (String, Permission) {
    let kind = if permission.invoked_via_function_url().is_some() { "invoke" } else { "url" };
    let label = format!("{kind}_{}_{}", of_function(url), permission.id);
    let written = Permission {
        statement_id: permission.statement_id.clone(),
        action: permission.action,
        function_name: url.function.to_owned(),
        qualifier: url.alias.map(str::to_owned),
        principal: literal(&permission.principal),
        principal_org_id: permission.organization.clone(),
        function_url_auth_type: permission.function_url_auth_type(),
        invoked_via_function_url: permission.invoked_via_function_url(),
    };
    (label, written)
}

/// The name of the resource, unique among the files of all stages of a manifest in one folder.
fn label(stage: &Stage, kind: &RoleKind) -> String {
    let stage = &stage.name;
    match kind {
        RoleKind::Shared(1) => format!("shared_{stage}"),
        // The number is not at the end, where it could be a part of another stage's name.
        RoleKind::Shared(number) => format!("shared{number}_{stage}"),
        RoleKind::Own(caller) => format!("caller_{}", both(stage, caller)),
    }
}

/// A stage and a caller in one label, as no other two have it: each may have the sign between them, and neither begins with it.
fn both(stage: &str, caller: &str) -> String {
    format!("{}_{}", stage.replace('_', "__"), caller.replace('_', "__"))
}

/// A text in which Terraform finds no template.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
