//! The provider's roles, with the policies that hang on them as they are read back from their JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use xacct_sign_provider::Deployment;
use xacct_sign_provider::iam::{PolicyDocument, PolicyKind};

use crate::iam::entropy::Entropy;
use crate::options::{Options, SetupError};

/// A role that callers assume.
pub(crate) struct ProviderRole {
    pub(crate) arn: String,
    /// `AROA...`, what IAM knows the role by.
    pub(crate) id: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) max_session_seconds: u32,
    pub(crate) trust: PolicyDocument,
    pub(crate) policies: Vec<Arc<PolicyDocument>>,
    /// What limits them, if anything that is known does.
    pub(crate) boundary: Option<Arc<PolicyDocument>>,
}

/// Reads a rendered document: the emulator evaluates what gets deployed, not the tables it is made of.
pub(crate) fn read(role: &str, text: &str, kind: PolicyKind) -> Result<PolicyDocument, SetupError> {
    PolicyDocument::parse(text, kind).map_err(|source| SetupError::Policy { role: role.to_owned(), source })
}

/// What IAM knows the role by.
pub(crate) fn role_id(seed: [u8; 32], arn: &str) -> String {
    Entropy::of(seed, &["role", arn]).id("AROA", 17)
}

pub(crate) fn provider_roles(
    deployment: &Deployment,
    options: &Options,
    seed: [u8; 32],
) -> Result<BTreeMap<String, Arc<ProviderRole>>, SetupError> {
    let mut boundaries = BTreeMap::new();
    for (arn, text) in &options.policies {
        if deployment.roles.values().all(|role| role.permissions_boundary.as_ref() != Some(arn)) {
            return Err(SetupError::UnknownPolicy(arn.clone()));
        }
        boundaries.insert(arn, Arc::new(read(arn, text, PolicyKind::Identity)?));
    }
    let mut roles = BTreeMap::new();
    for (arn, role) in &deployment.roles {
        let policies = role.policies.iter().map(|policy| read(arn, policy, PolicyKind::Identity).map(Arc::new));
        let compiled = ProviderRole {
            id: role_id(seed, arn),
            tags: role.tags.clone(),
            max_session_seconds: role.max_session_duration,
            trust: read(arn, &role.trust_policy, PolicyKind::Trust)?,
            policies: policies.collect::<Result<_, _>>()?,
            boundary: role.permissions_boundary.as_ref().and_then(|arn| boundaries.get(arn)).cloned(),
            arn: arn.clone(),
        };
        roles.insert(arn.clone(), Arc::new(compiled));
    }
    Ok(roles)
}
