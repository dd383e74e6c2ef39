//! Terraform's JSON syntax
//! ([JSON configuration syntax](https://developer.hashicorp.com/terraform/language/syntax/json)).

use std::collections::BTreeMap;

use serde::Serialize;

use super::pretty;
use crate::manifest::Stage;
use crate::plan::{ProviderRole, RoleKind};

#[derive(Serialize)]
struct Configuration {
    resource: Resources,
}

#[derive(Serialize)]
struct Resources {
    aws_iam_role: BTreeMap<String, Role>,
    aws_iam_role_policy: BTreeMap<String, Policy>,
}

#[derive(Serialize)]
struct Role {
    name: String,
    path: String,
    max_session_duration: u32,
    assume_role_policy: String,
}

#[derive(Serialize)]
struct Policy {
    name: &'static str,
    role: String,
    policy: String,
}

/// The configuration of a stage, without a newline at its end.
pub(super) fn configuration(stage: &Stage, roles: &[ProviderRole]) -> String {
    let mut resource = Resources { aws_iam_role: BTreeMap::new(), aws_iam_role_policy: BTreeMap::new() };
    for role in roles {
        let label = label(stage, &role.kind);
        resource.aws_iam_role.insert(
            label.clone(),
            Role {
                name: literal(&role.name),
                path: literal(&role.path),
                max_session_duration: role.max_session_duration,
                assume_role_policy: literal(&role.trust_policy.to_json()),
            },
        );
        let policy = Policy {
            name: ProviderRole::INVOKE_POLICY_NAME,
            role: format!("${{aws_iam_role.{label}.name}}"),
            policy: literal(&role.invoke_policy.to_json()),
        };
        resource.aws_iam_role_policy.insert(label, policy);
    }
    pretty(&Configuration { resource })
}

/// The name of the resource, unique among the files of all stages of a manifest in one folder.
fn label(stage: &Stage, kind: &RoleKind) -> String {
    let stage = &stage.name;
    match kind {
        RoleKind::Shared(1) => format!("shared_{stage}"),
        // The number is not at the end, where it could be a part of another stage's name.
        RoleKind::Shared(number) => format!("shared{number}_{stage}"),
        RoleKind::Own(caller) => format!("caller_{stage}_{caller}"),
    }
}

/// A text in which Terraform finds no template.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
