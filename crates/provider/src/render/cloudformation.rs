//! CloudFormation
//! ([AWS::IAM::Role](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html)).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{compact, is_whole, pretty};
use crate::iam::document::Document;
use crate::limits::{TEMPLATE_BODY, TEMPLATE_OUTPUTS};
use crate::manifest::{Manifest, Stage};
use crate::plan::{self, ProviderRole, ResourcePolicy, RoleKind};
use crate::targets::Target;

/// The key of the template's metadata that says what the template is for.
pub(crate) const METADATA: &str = "XacctSign";
/// How many stages a description names: it has 1,024 bytes, and a name up to 64.
const MOST_NAMED: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Template<'a> {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    metadata: BTreeMap<&'static str, Origin<'a>>,
    resources: BTreeMap<String, Resource<'a>>,
    /// Left out where there are none, and where there are more than a template may have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Output>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    description: &'static str,
    value: RoleArn,
}

/// The ARN that CloudFormation knows once the role is there.
#[derive(Serialize)]
struct RoleArn {
    #[serde(rename = "Fn::GetAtt")]
    of: [String; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Origin<'a> {
    stage: &'a str,
    /// Left out for an HTTP API, which its roles' policies tell by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource<'a> {
    r#type: &'static str,
    /// The default in words: without it, CloudFormation imports nothing
    /// ([Resource import](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html)).
    deletion_policy: &'static str,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Properties<'a> {
    Role(Role<'a>),
    Permission(Permission<'a>),
    FunctionPolicy(FunctionPolicy<'a>),
}

/// [AWS::Lambda::Permission](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html)
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Permission<'a> {
    function_name: String,
    action: &'static str,
    principal: &'a str,
    #[serde(rename = "PrincipalOrgID", skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_url_auth_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_via_function_url: Option<bool>,
}

/// [AWS::Lambda::ResourcePolicy](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-resourcepolicy.html)
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionPolicy<'a> {
    resource_arn: String,
    policy_document: &'a Document,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Role<'a> {
    role_name: &'a str,
    path: &'a str,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag<'a>>,
    assume_role_policy_document: &'a Document,
    policies: [Policy<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    policy_name: &'static str,
    policy_document: &'a Document,
}

/// The template of a stage, without a newline at its end.
pub(crate) fn template(
    manifest: &Manifest,
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> String {
    let mut resources: BTreeMap<String, Resource<'_>> = roles
        .iter()
        .map(|role| {
            let properties = Role {
                role_name: &role.name,
                path: &role.path,
                max_session_duration: role.max_session_duration,
                permissions_boundary: role.permissions_boundary.as_deref(),
                tags: role.tags.iter().map(|(key, value)| Tag { key, value }).collect(),
                assume_role_policy_document: &role.trust_policy,
                policies: [Policy {
                    policy_name: ProviderRole::INVOKE_POLICY_NAME,
                    policy_document: &role.invoke_policy,
                }],
            };
            let resource = Resource {
                r#type: "AWS::IAM::Role",
                deletion_policy: "Delete",
                properties: Properties::Role(properties),
            };
            (role.template_id.clone(), resource)
        })
        .collect();
    if let Some(policy) = policy {
        resources.extend(policy.permissions.iter().map(|permission| of_permission(permission, target.arn())));
        if is_whole(stage) {
            let properties = FunctionPolicy { resource_arn: target.arn(), policy_document: &policy.document };
            let properties = Properties::FunctionPolicy(properties);
            resources.insert(
                "FunctionPolicy".to_owned(),
                Resource { r#type: "AWS::Lambda::ResourcePolicy", deletion_policy: "Delete", properties },
            );
        }
    }
    let what = if stage.is_direct() { "Permissions" } else { "Roles" };
    // A function's permissions may be those of several stages.
    let of_permissions = policy.filter(|_| stage.is_direct()).map(|policy| policy.stages.as_slice());
    let which = match of_permissions {
        Some(stages) if stages.len() > MOST_NAMED => format!("{} stages", stages.len()),
        Some(stages) if stages.len() > 1 => format!("stages {}", stages.join(", ")),
        _ => format!("stage {}", stage.name),
    };
    let template = Template {
        version: "2010-09-09",
        description: format!(
            "{what} with which other accounts call {which} of the {target} in {}. Made by xacct-sign.",
            manifest.api.region
        ),
        metadata: BTreeMap::from([(METADATA, Origin { stage: &stage.name, target: target.kind().if_not_default() })]),
        resources,
        outputs: if roles.len() > TEMPLATE_OUTPUTS.at_most { BTreeMap::new() } else { outputs(roles) },
    };
    let text = pretty(&template);
    if text.len() < TEMPLATE_BODY.at_most { text } else { compact(&template) }
}

/// A resource that is there, as `--resources-to-import` has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ToImport<'a> {
    resource_type: &'static str,
    logical_resource_id: String,
    resource_identifier: BTreeMap<&'static str, &'a str>,
}

/// The file of `--resources-to-import` for the template of a stage, without a newline at its end.
pub(crate) fn to_import(
    stage: &Stage,
    target: Target<'_>,
    roles: &[ProviderRole],
    policy: Option<&ResourcePolicy>,
) -> String {
    let function = target.arn();
    let mut all: Vec<ToImport<'_>> = roles
        .iter()
        .map(|role| ToImport {
            resource_type: "AWS::IAM::Role",
            logical_resource_id: role.template_id.clone(),
            resource_identifier: BTreeMap::from([("RoleName", role.name.as_str())]),
        })
        .collect();
    all.extend(policy.iter().flat_map(|policy| &policy.permissions).map(|permission| ToImport {
        resource_type: "AWS::Lambda::Permission",
        logical_resource_id: of_permission(permission, String::new()).0,
        resource_identifier: BTreeMap::from([("FunctionName", function.as_str()), ("Id", &permission.statement_id)]),
    }));
    if policy.is_some() && is_whole(stage) {
        all.push(ToImport {
            resource_type: "AWS::Lambda::ResourcePolicy",
            logical_resource_id: "FunctionPolicy".to_owned(),
            resource_identifier: BTreeMap::from([("ResourceArn", function.as_str())]),
        });
    }
    pretty(&all)
}

/// Each role's ARN, for other stacks and for people.
fn outputs(roles: &[ProviderRole]) -> BTreeMap<String, Output> {
    let output = |role: &ProviderRole| {
        let id = role.template_id.clone();
        let description = match &role.kind {
            // Not the caller's name: one that is renamed keeps its resource as it is.
            RoleKind::Own(_) => "The role of a caller with routes of its own.",
            RoleKind::Shared(_) => "A role of callers that may use every route.",
        };
        (format!("{id}Arn"), Output { description, value: RoleArn { of: [id, "Arn".to_owned()] } })
    };
    roles.iter().map(output).collect()
}

/// A permission with the id of its resource.
fn of_permission(permission: &plan::Permission, function: String) -> (String, Resource<'_>) {
    let kind = if permission.invoked_via_function_url().is_some() { "Invoke" } else { "Url" };
    let properties = Permission {
        function_name: function,
        action: permission.action,
        principal: &permission.principal,
        organization: permission.organization.as_deref(),
        function_url_auth_type: permission.function_url_auth_type(),
        invoked_via_function_url: permission.invoked_via_function_url(),
    };
    let properties = Properties::Permission(properties);
    let id = format!("Permission{kind}{}", permission.id);
    (id, Resource { r#type: "AWS::Lambda::Permission", deletion_policy: "Delete", properties })
}
