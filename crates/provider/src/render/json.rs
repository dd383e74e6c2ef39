//! The documents themselves, with all that a role needs.

use serde::Serialize;

use super::pretty;
use crate::iam::document::Document;
use crate::manifest::{Manifest, Stage};
use crate::plan::ProviderRole;

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
}

#[derive(Serialize)]
struct Role<'a> {
    name: &'a str,
    path: &'a str,
    arn: &'a str,
    max_session_duration: u32,
    trust_policy: &'a Document,
    invoke_policy: &'a Document,
    callers: &'a [String],
}

/// The documents of a stage, without a newline at their end.
pub(super) fn documents(manifest: &Manifest, stage: &Stage, roles: &[ProviderRole]) -> String {
    let roles = roles
        .iter()
        .map(|role| Role {
            name: &role.name,
            path: &role.path,
            arn: &role.arn,
            max_session_duration: role.max_session_duration,
            trust_policy: &role.trust_policy,
            invoke_policy: &role.invoke_policy,
            callers: &role.callers,
        })
        .collect();
    let api = &manifest.api;
    let api_arn = manifest.stage_arn(stage);
    let target = manifest.target(stage).kind().if_not_default();
    pretty(&Documents { stage: &stage.name, account: &api.account, region: &api.region, target, api_arn, roles })
}
