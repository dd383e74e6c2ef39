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
use crate::issuer::{self, Issuers};
use crate::options::{CallerCredentials, Options, SetupError};

/// What stands in the place of a seed where callers' credentials are to be the same everywhere.
const DERIVED: [u8; 32] = *b"xacct-sign: callers on loopback.";

/// The API's account, and everybody who has credentials.
pub(crate) struct Iam {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) seed: [u8; 32],
    pub(crate) entropy: Entropy,
    pub(crate) sessions: Sessions,
    /// The roles that callers assume, by ARN.
    pub(crate) roles: BTreeMap<String, Arc<ProviderRole>>,
    pub(crate) callers: Vec<CallerAccess>,
    pub(crate) outsider: CallerAccess,
    pub(crate) issuers: Issuers,
}

impl Iam {
    /// What is deployed, with credentials for each caller's role.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for policies that are none, and for policies of callers that are not there.
    pub(crate) fn of(deployment: &Deployment, options: &Options, seed: [u8; 32]) -> Result<Self, SetupError> {
        let identities = match options.caller_credentials {
            CallerCredentials::Derived => DERIVED,
            CallerCredentials::Drawn | CallerCredentials::Given(_) => seed,
        };
        let mut sessions = Sessions::default();
        let roles = roles::provider_roles(deployment, options, identities)?;
        let (callers, outsider) = callers::issue(deployment, options, identities, &mut sessions)?;
        let known = callers.iter().chain([&outsider]).map(|access| access.account.as_str());
        let accounts = issuer::accounts(known.chain([deployment.account.as_str()]));
        Ok(Self {
            issuers: Issuers::new(identities, accounts),
            region: deployment.region.clone(),
            account: deployment.account.clone(),
            seed,
            entropy: Entropy::new(seed),
            sessions,
            roles,
            callers,
            outsider,
        })
    }

    /// Another deployment in the place of this one. Callers that are in both keep their credentials, and so does whoever has
    /// assumed a role that is in both: its policies are those of now, as they are at AWS.
    ///
    /// # Errors
    ///
    /// As [`Iam::of`]; then everything stays as it is.
    pub(crate) fn redeploy(&mut self, deployment: &Deployment, options: &Options) -> Result<(), SetupError> {
        let mut next = Self::of(deployment, options, self.seed)?;
        next.sessions.go_on(&self.sessions, &next.roles);
        // What is drawn after this is not drawn again.
        std::mem::swap(&mut next.entropy, &mut self.entropy);
        let before = std::mem::replace(self, next);
        self.issuers.go_on(before.issuers);
        Ok(())
    }
}
