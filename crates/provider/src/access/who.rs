//! Who somebody is, whose ARN stands in a log: which callers of the manifest it is, or could be.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::{Arn, Partition, RoleArn, WhichRole, is_account_id, is_like, is_role_name, is_session_name};

use super::error::AccessError;
use crate::manifest::{Caller, CallerPrincipals};
use crate::plan::{Plan, ProviderRole};

/// Somebody, by an ARN: a role, or a session of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    partition: String,
    account: String,
    /// With its slashes; a session's ARN does not have it.
    path: Option<String>,
    name: String,
    session: Option<String>,
}

impl Asker {
    /// Reads the ARN of a role, or of a role's session.
    ///
    /// # Errors
    ///
    /// [`AccessError`], `invalid_principal`, for everything else.
    pub fn parse(arn: &str) -> Result<Self, AccessError> {
        let error = || AccessError::principal(format!("`{arn}` is not the ARN of a role or of a role's session"));
        let parsed = Arn::parse(arn).ok_or_else(error)?;
        if parsed.service == "iam" && parsed.resource.starts_with("user/") {
            return Err(AccessError::user(arn));
        }
        let of = |path: Option<String>, name: &str, session: Option<&str>| Self {
            partition: parsed.partition.to_owned(),
            account: parsed.account.to_owned(),
            path,
            name: name.to_owned(),
            session: session.map(str::to_owned),
        };
        if let Ok(role) = RoleArn::parse(arn) {
            let path = parsed.resource.strip_prefix("role").and_then(|rest| rest.strip_suffix(role.name()));
            let is_plain = Partition::named(parsed.partition).is_some() && !arn.contains(['*', '?']);
            return path
                .filter(|_| is_plain)
                .map(|path| of(Some(path.to_owned()), role.name(), None))
                .ok_or_else(error);
        }
        let mut parts = parsed.resource.split('/');
        let (kind, name, session) = (parts.next(), parts.next(), parts.next());
        let (Some("assumed-role"), Some(name), Some(session), None) = (kind, name, session, parts.next()) else {
            return Err(error());
        };
        let is_session = parsed.service == "sts"
            && parsed.region.is_empty()
            && Partition::named(parsed.partition).is_some()
            && is_account_id(parsed.account)
            && is_role_name(name)
            && is_session_name(session);
        if is_session {
            return Ok(of(None, name, Some(session)));
        }
        Err(if session.len() < 2 {
            let message = format!("`{arn}` is not the ARN of a session: the name of one has two characters at least");
            AccessError::principal(message)
        } else {
            error()
        })
    }

    /// Whether it is one of these roles, or could be where its own ARN does not say its path.
    pub(super) fn is(&self, which: &WhichRole) -> bool {
        which.fits(self.path.as_deref(), &self.name)
    }

    /// Whether it is of the account, which may be `*`.
    pub(super) fn is_of(&self, partition: &str, account: &str) -> bool {
        self.partition == partition && (account == "*" || self.account == account)
    }

    /// Whether its ARN says the role's path.
    pub(super) fn has_path(&self) -> bool {
        self.path.is_some()
    }
}

/// A caller that somebody is, with the stages on which it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// The caller's name.
    pub caller: String,
    /// The stages, sorted by name.
    pub stages: Vec<String>,
    /// The organization where the caller is one: who is in it is not known here, so it is possible and not sure.
    pub organization: Option<String>,
}

impl Plan<'_> {
    /// The callers that somebody is, in the order of their names: as one of their own roles; or as a role of the provider's,
    /// which several may share. Of a session on such a role, those that could have taken its name. On a server the one that a
    /// verifier takes it for, if a token or a proof can name it there.
    #[must_use]
    pub fn who(&self, asker: &Asker) -> Vec<Known> {
        let mut roles = self.provider_roles();
        roles.retain(|role| self.is_role(asker, role));
        let servers = self.manifest.stages.values().filter(|stage| stage.audience().is_some());
        let told: BTreeMap<&str, BTreeSet<&str>> = servers
            .map(|stage| {
                let told = self.told_as(stage, asker).into_iter().filter(|(_, by)| self.can_show(&asker.account, by));
                (stage.name.as_str(), told.map(|(caller, _)| caller.name.as_str()).collect())
            })
            .collect();
        let known = self.manifest.callers.values().filter_map(|caller| {
            let as_provider = |stage: &str| {
                let mut of_stage = roles.iter().filter(|role| role.stage == stage);
                of_stage.any(|role| role.callers.contains(&caller.name)) && may_be_named(caller, asker)
            };
            let is = |stage: &&str| match roles.is_empty() {
                true => match told.get(stage) {
                    Some(callers) => callers.contains(caller.name.as_str()),
                    None => self.is_principal(asker, caller, stage),
                },
                false => as_provider(stage),
            };
            let stages = caller.stages().filter(is);
            let stages: Vec<String> = stages.map(str::to_owned).collect();
            let organization = match &caller.principals {
                CallerPrincipals::Organization { id, .. } => Some(id.clone()),
                CallerPrincipals::Roles { .. } => None,
            };
            (!stages.is_empty()).then(|| Known { caller: caller.name.clone(), stages, organization })
        });
        known.collect()
    }

    fn is_role(&self, asker: &Asker, role: &ProviderRole) -> bool {
        let api = &self.manifest.api;
        asker.partition == api.partition()
            && asker.account == api.account
            && asker.path.as_ref().is_none_or(|path| *path == role.path)
            && asker.name == role.name
    }

    /// Whether it is one of the principals that the caller is on the stage.
    fn is_principal(&self, asker: &Asker, caller: &Caller, stage: &str) -> bool {
        let partition = self.manifest.api.partition();
        match &caller.principals {
            CallerPrincipals::Organization { .. } => asker.partition == partition,
            CallerPrincipals::Roles { account, .. } => {
                asker.is_of(partition, account) && caller.roles_on(stage).iter().any(|role| asker.is(role))
            }
        }
    }
}

/// Whether the caller could have taken the session's name.
fn may_be_named(caller: &Caller, asker: &Asker) -> bool {
    let names = &caller.session_names;
    asker.session.as_ref().is_none_or(|session| names.is_empty() || names.iter().any(|name| is_like(name, session)))
}
