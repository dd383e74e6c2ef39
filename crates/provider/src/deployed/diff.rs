//! The difference between what is deployed and what the manifest means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize as _;
use serde_json::Value;
use xacct_sign::aws::Arn;

use super::error::DeployedError;
use super::fault::{self, ResourceFault};
use super::intrinsic;
use super::opens::opens;
use super::role::{DeployedRole, RolePart};
use crate::iam::document::Document;
use crate::iam::grants::{self, Grant};
use crate::iam::{PolicyDocument, PolicyKind};
use crate::manifest::Stage;
use crate::plan::{Plan, ProviderRole};
use crate::targets::Target;

/// How one role differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleDiff {
    /// The role's name; of one without a literal name where it stands, in words.
    pub role: String,
    /// Whether the manifest means this role for the stage.
    pub is_meant: bool,
    /// Whether the role is deployed.
    pub is_deployed: bool,
    /// What the deployed role has, and the manifest does not mean.
    pub only_deployed: Vec<RoleFact>,
    /// What the manifest means, and the deployed role lacks.
    pub only_meant: Vec<RoleFact>,
    /// What the document with the deployed role does not say of it.
    pub unseen: Vec<RolePart>,
    /// What it says and could not be judged, in words: what the evaluator does not know, and what is not read.
    pub unjudged: Vec<String>,
    /// What is wrong with the deployed role in itself.
    pub faults: Vec<ResourceFault>,
}

impl RoleDiff {
    /// Whether the deployed role is in everything what the manifest means: nothing differs, and nothing is left unseen.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.is_different() && self.unseen.is_empty()
    }

    /// Whether something differs, or could not be judged. What the document does not say does not count.
    #[must_use]
    pub fn is_different(&self) -> bool {
        self.is_meant != self.is_deployed
            || ![&self.only_deployed, &self.only_meant].iter().all(|facts| facts.is_empty())
            || !self.unjudged.is_empty()
            || !self.faults.is_empty()
    }
}

/// One thing that a role has. `Display` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleFact {
    /// Who may assume it, or what its sessions may do.
    Grant(Grant),
    /// Its path.
    Path(String),
    /// The longest session that it gives, in seconds.
    MaxSessionDuration(u32),
    /// A managed policy that is attached to it.
    ManagedPolicy(String),
    /// Its permissions boundary.
    PermissionsBoundary(String),
    /// A tag, key and value.
    Tag(String, String),
}

impl fmt::Display for RoleFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(grant) => grant.fmt(f),
            Self::Path(path) => write!(f, "path `{path}`"),
            Self::MaxSessionDuration(seconds) => write!(f, "sessions of at most {seconds} seconds"),
            Self::ManagedPolicy(arn) => write!(f, "managed policy `{arn}`"),
            Self::PermissionsBoundary(arn) => write!(f, "permissions boundary `{arn}`"),
            Self::Tag(key, value) => write!(f, "tag `{key}` with the value `{value}`"),
        }
    }
}

/// A role on one side.
#[derive(Default)]
struct Side {
    trust: Vec<Grant>,
    permissions: Vec<Grant>,
    path: Option<String>,
    max_session_duration: Option<u32>,
    managed_policies: BTreeSet<String>,
    permissions_boundary: Option<String>,
    tags: BTreeMap<String, String>,
    unseen: BTreeSet<RolePart>,
    unjudged: Vec<String>,
}

impl Side {
    fn meant(role: &ProviderRole, partition: &str) -> Self {
        Self {
            trust: grants_of(&role.trust_policy, partition),
            permissions: grants_of(&role.invoke_policy, partition),
            path: Some(role.path.clone()),
            max_session_duration: Some(role.max_session_duration),
            permissions_boundary: role.permissions_boundary.clone(),
            tags: role.tags.clone(),
            ..Self::default()
        }
    }

    fn deployed(role: &DeployedRole, partition: &str) -> Self {
        let mut unjudged: Vec<String> = unjudged_of(&role.trust_policy, PolicyKind::Trust, "trust policy").collect();
        for (number, policy) in role.policies.iter().enumerate() {
            let managed = role.managed.get(&number).map(|arn| format!("managed policy `{arn}`"));
            unjudged.extend(unjudged_of(policy, PolicyKind::Identity, managed.as_deref().unwrap_or("inline policy")));
        }
        unjudged.extend_from_slice(&role.ignored);
        Self {
            trust: grants::of_policy(&role.trust_policy, partition),
            permissions: role.policies.iter().flat_map(|policy| grants::of_policy(policy, partition)).collect(),
            path: Some(role.path.clone()),
            max_session_duration: Some(role.max_session_duration),
            managed_policies: role.managed_policies.iter().cloned().collect(),
            permissions_boundary: role.permissions_boundary.clone(),
            tags: role.tags.clone(),
            unseen: role.unseen.clone(),
            unjudged,
        }
    }

    /// What this side has and the other lacks. Of a role that is on one side alone, path and duration say nothing.
    fn beyond(&self, other: Option<&Self>) -> Vec<RoleFact> {
        let none = Self::default();
        let is_alone = other.is_none();
        let other = other.unwrap_or(&none);
        let is_seen = |part: RolePart| !self.unseen.contains(&part) && !other.unseen.contains(&part);
        let grants = |these: &[Grant], others: &[Grant]| grants::beyond(these, others).into_iter().map(RoleFact::Grant);
        let mut facts: Vec<RoleFact> = grants(&self.trust, &other.trust).collect();
        if is_seen(RolePart::InlinePolicies) {
            facts.extend(grants(&self.permissions, &other.permissions));
        }
        if is_seen(RolePart::Path) && !is_alone && self.path != other.path {
            facts.extend(self.path.clone().map(RoleFact::Path));
        }
        let duration = self.max_session_duration;
        if is_seen(RolePart::MaxSessionDuration) && !is_alone && duration != other.max_session_duration {
            facts.extend(duration.map(RoleFact::MaxSessionDuration));
        }
        if is_seen(RolePart::ManagedPolicies) {
            let policies = self.managed_policies.difference(&other.managed_policies);
            facts.extend(policies.cloned().map(RoleFact::ManagedPolicy));
        }
        if is_seen(RolePart::PermissionsBoundary) && self.permissions_boundary != other.permissions_boundary {
            facts.extend(self.permissions_boundary.clone().map(RoleFact::PermissionsBoundary));
        }
        if is_seen(RolePart::Tags) {
            let tags = self.tags.iter().filter(|(key, value)| other.tags.get(*key) != Some(*value));
            facts.extend(tags.map(|(key, value)| RoleFact::Tag(key.clone(), value.clone())));
        }
        facts
    }
}

impl Plan<'_> {
    /// Compares a stage's roles with those that are deployed, by what they grant and by all else that they have.
    ///
    /// Roles are matched by name. Of a list or a template, those count that the manifest means, there or not, those that
    /// are named as a role of this stage would be, and those that open it, whatever they are called. A document about one role is
    /// compared with that role alone. A bare policy hangs on the role `only`, or on the stage's only role. The time that it takes grows with the documents.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] `role_unknown` when it cannot be told which role a policy hangs on, `another_account` when a role's ARN
    /// is not of the API's account, `invalid_policy` where a policy of one that is compared is an intrinsic function,
    /// `nothing_deployed` for a server.
    pub fn diff(
        &self,
        stage: &Stage,
        only: Option<&str>,
        deployed: &[DeployedRole],
    ) -> Result<Vec<RoleDiff>, DeployedError> {
        if stage.audience().is_some() {
            return Err(DeployedError::of_server(&stage.name));
        }
        let partition = self.manifest.api.partition();
        let account = self.manifest.api.account.as_str();
        // Roles of one name are in many accounts.
        let is_elsewhere =
            |arn: &&str| Arn::parse(arn).is_some_and(|arn| (arn.partition, arn.account) != (partition, account));
        if let Some(arn) = deployed.iter().filter_map(|role| role.arn.as_deref()).find(is_elsewhere) {
            let message =
                format!("it has role `{arn}`, and the manifest's API is in account `{account}` of `{partition}`");
            return Err(DeployedError::new("another_account", message));
        }
        let meant: BTreeMap<String, ProviderRole> =
            self.stage_roles(stage).into_iter().map(|role| (role.name.clone(), role)).collect();
        let mut there: BTreeMap<String, &DeployedRole> = BTreeMap::new();
        let mut twice: BTreeSet<String> = BTreeSet::new();
        let mut nameless = 0_usize;
        let target = self.manifest.target(stage);
        let opens_it = |role: &DeployedRole| target.is_some_and(|target| opens(role, target));
        for role in deployed {
            let name = match (&role.name, only, meant.len()) {
                (Some(name), ..) => name.clone(),
                // Beside others it is any role of the file's, such as a function's own.
                (None, ..) if deployed.len() > 1 => {
                    nameless = nameless.saturating_add(1);
                    match role.place.as_ref().filter(|_| opens_it(role)) {
                        Some(place) => place.clone(),
                        None => continue,
                    }
                }
                (None, Some(name), _) => name.to_owned(),
                (None, None, 1) => meant.keys().next().cloned().unwrap_or_default(),
                (None, None, count) => {
                    let message =
                        format!("stage `{}` has {count} roles, and the policy does not say whose it is", stage.name);
                    return Err(DeployedError::new("role_unknown", message));
                }
            };
            if there.insert(name.clone(), role).is_some() {
                twice.insert(name);
            }
        }
        let names: BTreeSet<String> = match (only, deployed) {
            (Some(name), _) => BTreeSet::from([name.to_owned()]),
            (None, [one]) if one.is_alone => there.keys().cloned().collect(),
            (None, _) => {
                let is_of_stage = self.names_of(stage);
                // Those of another stage that is the same function are there for that one.
                let others = self.stages_of_api(stage).iter().filter(|other| other.name != stage.name);
                let of_others: BTreeSet<String> =
                    others.flat_map(|other| self.stage_roles(other)).map(|role| role.name).collect();
                let counts = |name: &str, role: &DeployedRole| {
                    is_of_stage(name) || (!of_others.contains(name) && opens_it(role))
                };
                let counting = there.iter().filter(|(name, role)| counts(name, role)).map(|(name, _)| name);
                meant.keys().chain(counting).cloned().collect()
            }
        };
        if let Some(name) = names.intersection(&twice).next() {
            return Err(DeployedError::new("duplicate", format!("role `{name}` stands twice")));
        }
        if let Some(name) = only.filter(|name| !meant.contains_key(*name) && !there.contains_key(*name)) {
            let message = format!("neither the manifest nor the file has a role `{name}` for stage `{}`", stage.name);
            return Err(DeployedError::new("role_unknown", message));
        }
        let compared = names.iter().filter_map(|name| there.get(name));
        if let Some((role, which)) = compared.filter_map(|role| Some((role, intrinsic::unread_whole(role)?))).next() {
            return Err(intrinsic::refused(role, &which));
        }
        let compare = |role: String| {
            let ours = meant.get(&role).map(|role| Side::meant(role, partition));
            let theirs = there.get(&role).map(|role| Side::deployed(role, partition));
            let beyond = |side: &Option<Side>, other: &Option<Side>| {
                side.as_ref().map(|side| side.beyond(other.as_ref())).unwrap_or_default()
            };
            let (is_meant, is_deployed) = (ours.is_some(), theirs.is_some());
            let (only_deployed, only_meant) = (beyond(&theirs, &ours), beyond(&ours, &theirs));
            let Side { unseen, mut unjudged, permissions, .. } = theirs.unwrap_or_default();
            let faults = match target {
                Some(Target::FunctionUrl(url)) => fault::of_role(&role, &permissions, url).into_iter().collect(),
                Some(Target::HttpApi(_) | Target::RestApi(_)) | None => Vec::new(),
            };
            if !is_deployed && nameless > 0 {
                unjudged.push(format!("whether it is one of the file's {nameless} roles without a literal name"));
            }
            let unseen = unseen.into_iter().collect();
            RoleDiff { role, is_meant, is_deployed, only_deployed, only_meant, unseen, unjudged, faults }
        };
        Ok(names.into_iter().map(compare).collect())
    }

    /// Tells whether a role is named as one of this stage would be, and not as one of another stage.
    fn names_of(&self, stage: &Stage) -> impl Fn(&str) -> bool {
        let base = self.manifest.api.role_name.name();
        let of_stage = |stage: &Stage| format!("{base}{}", stage.role_part());
        let ours = of_stage(stage);
        let others = self.manifest.stages.values().map(of_stage);
        let longer: Vec<String> = others.filter(|other| other.len() > ours.len() && other.starts_with(&ours)).collect();
        move |role| role.starts_with(&ours) && !longer.iter().any(|longer| role.starts_with(longer))
    }
}

/// What of a policy the evaluator could not decide by: then nobody can say that it decides as another does.
pub(super) fn unjudged_of(policy: &Value, kind: PolicyKind, what: &str) -> impl Iterator<Item = String> {
    let text = policy.to_string();
    let mut unjudged = match PolicyDocument::parse(&text, kind) {
        Ok(document) => document.unsupported(),
        Err(error) => vec![error.to_string()],
    };
    if policy.get("Version").and_then(Value::as_str) != Some("2012-10-17") && text.contains("${") {
        unjudged.push("variables, which its version does not know".to_owned());
    }
    unjudged.into_iter().map(move |why| format!("{what}: {why}"))
}

pub(super) fn grants_of(document: &Document, partition: &str) -> Vec<Grant> {
    // A document serializes to an object: texts, lists and maps with text keys.
    let value = document.serialize(serde_json::value::Serializer).unwrap_or_default();
    grants::of_policy(&value, partition)
}
