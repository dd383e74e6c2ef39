//! The manifest's roles, as the documents that hang on them are read back from their JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use xacct_sign_provider::policy::{PolicyDocument, PolicyKind};
use xacct_sign_provider::{Document, Manifest};

use crate::emulator::SetupError;
use crate::entropy::Entropy;

/// A role that callers assume.
pub(crate) struct ProviderRole {
    pub(crate) arn: String,
    /// `AROA...`, what IAM knows the role by.
    pub(crate) id: String,
    pub(crate) max_session_seconds: u32,
    pub(crate) trust: PolicyDocument,
    pub(crate) invoke: Arc<PolicyDocument>,
}

/// A stage's API.
pub(crate) struct StageApi {
    pub(crate) api_id: String,
    pub(crate) api_stage: String,
    /// `arn:{partition}:execute-api:{region}:{account}:{api_id}/{api_stage}`
    pub(crate) arn: String,
}

/// Reads the rendered document: the emulator evaluates what gets deployed, not the tables it is made of.
pub(crate) fn read(role: &str, document: &Document, kind: PolicyKind) -> Result<PolicyDocument, SetupError> {
    read_text(role, &document.to_json(), kind)
}

pub(crate) fn read_text(role: &str, text: &str, kind: PolicyKind) -> Result<PolicyDocument, SetupError> {
    PolicyDocument::parse(text, kind).map_err(|source| SetupError::Policy { role: role.to_owned(), source })
}

pub(crate) fn provider_roles(
    manifest: &Manifest,
    entropy: &mut Entropy,
) -> Result<BTreeMap<String, Arc<ProviderRole>>, SetupError> {
    let mut roles = BTreeMap::new();
    for role in manifest.provider_roles() {
        let compiled = ProviderRole {
            id: entropy.id("AROA", 17),
            max_session_seconds: role.max_session_duration,
            trust: read(&role.arn, &role.trust_policy, PolicyKind::Trust)?,
            invoke: Arc::new(read(&role.arn, &role.invoke_policy, PolicyKind::Identity)?),
            arn: role.arn.clone(),
        };
        roles.insert(role.arn, Arc::new(compiled));
    }
    Ok(roles)
}

pub(crate) fn stages(manifest: &Manifest) -> BTreeMap<String, Arc<StageApi>> {
    manifest
        .stages
        .iter()
        .map(|(name, stage)| {
            let api = StageApi {
                api_id: stage.api_id.clone(),
                api_stage: stage.api_stage.clone(),
                arn: manifest.stage_arn(stage),
            };
            (name.clone(), Arc::new(api))
        })
        .collect()
}
