//! `callers.json`: what a verifier of `xacct-sign-identity` has to know of a stage, and no secret.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{RenderError, pretty};
use crate::manifest::{Access, Caller, CallerPrincipals, Route, Stage, WhichRole};
use crate::plan::Plan;

/// The version of the form.
const VERSION: u32 = 1;

/// Who may call one stage, and how they are known: the file `callers.json` of a verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallersFile {
    version: u32,
    stage: String,
    /// What stands in front, as the manifest names it.
    target: &'static str,
    partition: &'static str,
    /// Of a server.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    /// Of a stage with a front that says who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    /// The account of the roles that callers assume.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    callers: Vec<Listed>,
}

/// What tokens and proofs have to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Identity {
    audience: String,
    algorithm: &'static str,
    max_duration_seconds: u32,
    regions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dev_issuers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Listed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_role: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    session_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl CallersFile {
    /// Its text, the same for the same manifest, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{}\n", pretty(self))
    }

    /// The same for development: each account's issuer is one on this machine, and whoever has one has that; who has none comes in
    /// by a proof alone, here too. A verifier takes the list only if it is made for that.
    #[must_use]
    pub fn with_dev_issuers(mut self, issuer_of: impl Fn(&str) -> String) -> Self {
        let Some(identity) = &mut self.identity else { return self };
        let mut issuers = BTreeSet::new();
        for listed in &mut self.callers {
            let Some(issuer) = listed.account.as_deref().map(&issuer_of) else { continue };
            if let Some(known) = &mut listed.issuer {
                known.clone_from(&issuer);
            }
            issuers.insert(issuer);
        }
        identity.dev_issuers = issuers.into_iter().collect();
        self
    }
}

impl Plan<'_> {
    /// What a verifier has to know of a stage: of a server how tokens and proofs have to be; of any other stage what its front
    /// says of the callers.
    ///
    /// # Errors
    ///
    /// [`RenderError`], `caller_not_expressible`, for a caller of every account that comes in directly: a verifier compares
    /// accounts.
    pub fn callers(&self, stage: &Stage) -> Result<CallersFile, RenderError> {
        let manifest = self.manifest;
        let target = self.manifest.target(stage).map_or("server", |target| target.kind().name());
        let identity = stage.audience().map(|audience| Identity {
            audience: audience.to_owned(),
            algorithm: manifest.identity.algorithm.name(),
            max_duration_seconds: manifest.identity.max_duration_seconds,
            regions: manifest.identity.regions.clone(),
            dev_issuers: manifest.identity.dev_issuers.clone(),
        });
        let access = match stage.access {
            Access::Role => Some("role"),
            Access::Direct => Some("direct"),
            Access::Identity => None,
        };
        let callers = manifest.callers.values().filter(|caller| caller.is_on(&stage.name));
        Ok(CallersFile {
            version: VERSION,
            stage: stage.name.clone(),
            target,
            partition: manifest.api.partition(),
            identity,
            access,
            account: stage.is_by_role().then(|| manifest.api.account.clone()),
            callers: callers.map(|caller| self.listed(caller, stage)).collect::<Result<_, _>>()?,
        })
    }

    fn listed(&self, caller: &Caller, stage: &Stage) -> Result<Listed, RenderError> {
        let (account, role, organization) = match &caller.principals {
            CallerPrincipals::Organization { id, .. } => (None, None, Some(id.clone())),
            CallerPrincipals::Roles { account, .. } if account == "*" && !stage.is_by_role() => {
                return Err(RenderError::of_caller(&caller.name, &stage.name));
            }
            CallerPrincipals::Roles { account, .. } => {
                (Some(account.clone()), Some(roles(caller.roles_on(&stage.name))), None)
            }
        };
        let is_by_role = stage.is_by_role();
        Ok(Listed {
            name: caller.name.clone(),
            issuer: account
                .as_deref()
                .filter(|_| stage.audience().is_some())
                .and_then(|of| self.manifest.issuer_of(of)),
            account,
            role,
            organization,
            provider_role: is_by_role.then(|| self.role_for(caller, &stage.name).name().to_owned()),
            session_names: if is_by_role { caller.session_names.clone() } else { Vec::new() },
            routes: caller.routes.as_ref().map(|routes| routes.iter().map(Route::to_string).collect()),
        })
    }
}

fn roles(roles: &[WhichRole]) -> OneOrMany {
    let written = |role: &WhichRole| match role {
        WhichRole::Named(role) => role.to_string(),
        WhichRole::Like(pattern) => pattern.to_string(),
        WhichRole::Every => "*".to_owned(),
    };
    match roles {
        [one] => OneOrMany::One(written(one)),
        several => OneOrMany::Many(several.iter().map(written).collect()),
    }
}
