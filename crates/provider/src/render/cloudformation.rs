//! CloudFormation
//! ([AWS::IAM::Role](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html)).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{compact, pretty};
use crate::iam::document::Document;
use crate::limits::TEMPLATE_BODY;
use crate::manifest::names::title_case;
use crate::manifest::{Caller, Manifest, Stage};
use crate::plan::{ProviderRole, RoleKind};

/// The key of the template's metadata that says what the template is for.
pub(crate) const METADATA: &str = "XacctSign";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Template<'a> {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    metadata: BTreeMap<&'static str, Origin<'a>>,
    resources: BTreeMap<String, Role<'a>>,
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
struct Role<'a> {
    r#type: &'static str,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Properties<'a> {
    role_name: &'a str,
    path: &'a str,
    max_session_duration: u32,
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
pub(crate) fn template(manifest: &Manifest, stage: &Stage, roles: &[ProviderRole]) -> String {
    let resources = roles
        .iter()
        .map(|role| {
            let properties = Properties {
                role_name: &role.name,
                path: &role.path,
                max_session_duration: role.max_session_duration,
                assume_role_policy_document: &role.trust_policy,
                policies: [Policy {
                    policy_name: ProviderRole::INVOKE_POLICY_NAME,
                    policy_document: &role.invoke_policy,
                }],
            };
            (logical_id(manifest, &role.kind), Role { r#type: "AWS::IAM::Role", properties })
        })
        .collect();
    let target = manifest.target(stage);
    let template = Template {
        version: "2010-09-09",
        description: format!(
            "Roles with which other accounts call stage {} of the {target} in {}. Made by xacct-sign.",
            stage.name, manifest.api.region
        ),
        metadata: BTreeMap::from([(METADATA, Origin { stage: &stage.name, target: target.kind().if_not_default() })]),
        resources,
    };
    let text = pretty(&template);
    if text.len() < TEMPLATE_BODY.at_most { text } else { compact(&template) }
}

/// The id of the resource: the stage is not in it, so that it stays when the template is used for another stage. A caller that
/// keeps an old name keeps its resource: CloudFormation would make the new one first, and the name is taken.
fn logical_id(manifest: &Manifest, kind: &RoleKind) -> String {
    match kind {
        RoleKind::Shared(1) => "SharedRole".to_owned(),
        RoleKind::Shared(number) => format!("SharedRole{number}"),
        RoleKind::Own(caller) => {
            let part = manifest.callers.get(caller).map_or_else(|| title_case(caller), Caller::role_part);
            format!("CallerRole{part}")
        }
    }
}
