//! Whom the emulator knows: the provider's roles, the callers, and the sessions of both.

pub(crate) mod authenticate;
pub(crate) mod callers;
pub(crate) mod entropy;
pub(crate) mod roles;
pub(crate) mod sessions;

use std::collections::BTreeMap;
use std::sync::Arc;

use xacct_sign_provider::Deployment;

use crate::iam::callers::CallerAccess;
use crate::iam::entropy::Entropy;
use crate::iam::roles::ProviderRole;
use crate::iam::sessions::Sessions;
use crate::options::{Options, SetupError};

/// The API's account, and everybody who has credentials.
pub(crate) struct Iam {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) entropy: Entropy,
    pub(crate) sessions: Sessions,
    /// The roles that callers assume, by ARN.
    pub(crate) roles: BTreeMap<String, Arc<ProviderRole>>,
    pub(crate) callers: Vec<CallerAccess>,
    pub(crate) outsider: CallerAccess,
}

impl Iam {
    /// What is deployed, with credentials for each caller's role.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for policies that are none, and for policies of callers that are not there.
    pub(crate) fn of(deployment: &Deployment, options: &Options, seed: [u8; 32]) -> Result<Self, SetupError> {
        let mut entropy = Entropy::new(seed);
        let mut sessions = Sessions::default();
        let roles = roles::provider_roles(deployment, &mut entropy)?;
        let (callers, outsider) = callers::issue(deployment, options, &mut entropy, &mut sessions)?;
        Ok(Self {
            region: deployment.region.clone(),
            account: deployment.account.clone(),
            entropy,
            sessions,
            roles,
            callers,
            outsider,
        })
    }
}
