//! A manifest from roles that are deployed already: every role keeps its ARN, and so its callers.
//!
//! The manifest never opens more than what is read of what is deployed; what it cannot say, and what is not read, is named. A role
//! that a policy denies something is left out, unless that is a managed policy which only denies, and nothing that the role opens.

mod callers;
mod guards;
mod invoke;
mod names;
mod text;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xacct_sign::aws::Arn;

use self::callers::ReadCaller;
use self::guards::Guard;
use self::invoke::Opened;
use self::names::{Names, stage_names};
use crate::deployed::{
    DeployedError, DeployedRole, RoleDiff, RoleFact, RolePart, intrinsic, listed, opens,
    read::{self, ReadRoles},
};
use crate::iam::elements::is_denying;
use crate::manifest::{Lock, Manifest};
use crate::plan::RoleKind;
use crate::render::cloudformation::METADATA;
use crate::targets::{HttpApi, TargetKind};

/// As many roles as are named where none is left.
const SHOWN_REASONS: usize = 3;

/// A manifest that has been read from deployed roles, with its lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The manifest, in TOML.
    pub manifest: String,
    /// Its lock file.
    pub lock: String,
    /// What the manifest does not say of what is deployed, a sentence each.
    pub notes: Vec<String>,
}

/// A deployed role that invokes an API.
struct ApiRole<'d> {
    deployed: &'d DeployedRole,
    name: &'d str,
    opened: Opened,
    /// What the file calls the stage, if it does.
    stage: Option<String>,
    /// Whether the file says that it is of a REST API.
    is_rest_api: bool,
    callers: Vec<ReadCaller>,
    guards: &'d [Guard],
    /// Which of the documents it stands in.
    document: usize,
}

impl ApiRole<'_> {
    /// Whether nothing says which of the two kinds of API with such ARNs it is.
    fn may_be_rest_api(&self) -> bool {
        let is_said = self.stage.is_some() || self.is_rest_api || !self.opened.vpc_endpoints.is_empty();
        !is_said && self.opened.api_stage != HttpApi::DEFAULT_STAGE
    }
}

/// What a rendered file says of itself.
#[derive(Clone, Default)]
struct Origin {
    /// Which of the documents it is.
    document: usize,
    stage: Option<String>,
    is_rest_api: bool,
}

impl Origin {
    fn of(document: usize, text: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Self { document, ..Self::default() } };
        let metadata = value.get("Metadata").and_then(|metadata| metadata.get(METADATA));
        let said = |in_template: &str, in_json: &str| {
            let said = metadata.map_or_else(|| value.get(in_json), |metadata| metadata.get(in_template));
            said.and_then(Value::as_str).map(str::to_owned)
        };
        let is_rest_api = said("Target", "target").is_some_and(|target| target == TargetKind::RestApi.name());
        Self { document, stage: said("Stage", "stage"), is_rest_api }
    }
}

/// The account, region and partition of all APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    partition: String,
    region: String,
    account: String,
}

impl Imported {
    /// Reads every role that invokes an API, in each form that
    /// [`read_roles`](crate::read_roles) reads and that holds invoke policies. `file_name` is the manifest's, for messages.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] for what is no such form (`no_invoke_policies`), for a template without a role in which something that is
    /// not read may make some (`no_role`), where no role is left (`no_api_role`), for roles of several accounts or regions
    /// (`not_an_api`), for one that stands twice (`duplicate`), and where a manifest of all of them would say of a role what it has
    /// not, or move a caller (`not_expressible`).
    pub fn read(texts: &[&str], file_name: &str) -> Result<Self, DeployedError> {
        let mut deployed: Vec<(DeployedRole, Vec<Guard>, Origin)> = Vec::new();
        let (mut notes, mut unread) = (Vec::new(), Vec::new());
        for (number, text) in texts.iter().enumerate() {
            let origin = Origin::of(number, text);
            let read = read::read(text).and_then(ReadRoles::all);
            let read = read.map_err(|error| error.of_import().in_document(number))?;
            unread.push(read.unread);
            for mut role in read.roles {
                if role.unseen.contains(&RolePart::InlinePolicies) {
                    let whose = role.name.map_or_else(|| "its role".to_owned(), |name| format!("role `{name}`"));
                    let message = format!("it does not say what {whose} may invoke");
                    return Err(DeployedError::new("no_invoke_policies", message).in_document(number));
                }
                let guards = guards::taken_from(&mut role);
                deployed.push((role, guards, origin.clone()));
            }
        }
        let mut roles: Vec<ApiRole<'_>> =
            deployed.iter().filter_map(|(role, guards, origin)| api_role(role, guards, origin, &mut notes)).collect();
        roles.retain(|role| match refused(role, file_name) {
            Some(why) => {
                notes.push(format!("role `{}` is left out: {why}", role.name));
                false
            }
            None => true,
        });
        for (number, unread) in unread.iter().enumerate() {
            let left = unread.left(roles.iter().any(|role| role.document == number));
            let which =
                if texts.len() > 1 { format!("file {}", number.saturating_add(1)) } else { "the file".to_owned() };
            let note =
                || format!("what in {which} may make roles, or give them rights, is not read: {}", listed(&left));
            notes.extend((!left.is_empty()).then(note));
        }
        let Some(place) = roles.first().map(|role| role.opened.place.clone()) else { return Err(no_api_role(&notes)) };
        if let Some(elsewhere) = roles.iter().find(|role| role.opened.place != place) {
            let message =
                format!("role `{}` invokes an API of another account or region than the others", elsewhere.name);
            return Err(DeployedError::new("not_an_api", message).of_import().in_document(elsewhere.document));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = roles.iter().find(|role| !seen.insert(role.name)) {
            return Err(DeployedError::new("duplicate", format!("role `{}` stands twice", twice.name)));
        }
        let boundaries: BTreeSet<_> = roles.iter().map(|role| &role.deployed.permissions_boundary).collect();
        if boundaries.len() > 1 {
            return Err(not_expressible("its roles have different permissions boundaries"));
        }
        let unseen: BTreeSet<RolePart> = roles.iter().flat_map(|role| &role.deployed.unseen).copied().collect();
        if !unseen.is_empty() {
            let unseen: Vec<String> = unseen.iter().map(ToString::to_string).collect();
            notes
                .push(format!("a file does not say of its roles: {}; the manifest has the default", unseen.join(", ")));
        }
        let names = stage_names(&roles)?;
        for (name, stage) in &names.stages {
            notes.extend(roles.get(stage.role).filter(|role| role.may_be_rest_api()).map(|_| {
                format!("stage `{name}` is taken for an HTTP API's: of a REST API write `target = \"rest_api\"` there")
            }));
        }
        let written = text::manifest(&roles, &names, &place);
        let manifest = Manifest::parse(&written, file_name)
            .map_err(|error| not_expressible(&format!("what was read is no manifest: {error}")))?;
        let lock = recorded(&names);
        let plan = manifest.plan(&lock);
        let meant: BTreeMap<String, (String, BTreeSet<String>)> = plan
            .provider_roles()
            .into_iter()
            .map(|role| (role.name, (role.stage, role.callers.into_iter().collect())))
            .collect();
        for role in &roles {
            if meant.get(role.name).map(|(_, callers)| callers) != names.callers_of(role.name) {
                return Err(not_expressible(&format!("role `{}` would not keep its callers", role.name)));
            }
        }
        for stage in manifest.stages.values() {
            let is_of_stage = |role: &&ApiRole<'_>| meant.get(role.name).is_some_and(|(of, _)| *of == stage.name);
            let of_stage: Vec<DeployedRole> =
                roles.iter().filter(is_of_stage).map(|role| role.deployed.clone()).collect();
            for diff in plan.diff(stage, None, &of_stage)? {
                if let Some(fact) = said_too_much(&diff) {
                    let message = format!("the manifest would say of role `{}` what it has not: {fact}", diff.role);
                    return Err(not_expressible(&message));
                }
                let left = diff.only_deployed.iter().map(ToString::to_string);
                let unjudged = diff.unjudged.iter().map(|what| format!("what cannot be judged: {what}"));
                notes.extend(left.chain(unjudged).map(|what| left_out(&diff.role, &what)));
            }
        }
        notes.extend(roles.iter().flat_map(|role| {
            let denying = role.guards.iter().map(|guard| format!("managed policy `{}`, which denies", guard.arn));
            denying.map(|what| left_out(role.name, &what))
        }));
        Ok(Self { manifest: written, lock: plan.lock().to_toml(), notes })
    }
}

/// Why no manifest takes what the role's policies say, if that is so: one of many hinders no other. What its name means beside
/// others' is not asked here.
fn refused(role: &ApiRole<'_>, file_name: &str) -> Option<String> {
    let alone = std::slice::from_ref(role);
    let names = stage_names(alone).ok()?;
    let manifest = match Manifest::parse(&text::manifest(alone, &names, &role.opened.place), file_name) {
        Ok(manifest) => manifest,
        Err(error) => return Some(format!("what was read is no manifest's: {}", error.message())),
    };
    let plan = manifest.plan(&recorded(&names));
    let diffs = plan.diff(manifest.stages.values().next()?, None, std::slice::from_ref(role.deployed)).ok()?;
    let of_role = diffs.iter().find(|diff| diff.role == role.name && diff.is_meant)?;
    Some(format!("a manifest would say of it what it has not: {}", said_too_much(of_role)?))
}

/// What a manifest says of a role that the role has not. Of durations the least is meant.
fn said_too_much(diff: &RoleDiff) -> Option<&RoleFact> {
    diff.only_meant.iter().find(|fact| !matches!(fact, RoleFact::MaxSessionDuration(_)))
}

fn not_expressible(message: &str) -> DeployedError {
    DeployedError::new("not_expressible", message)
}

fn left_out(role: &str, what: &str) -> String {
    format!("the manifest does not say of role `{role}`: {what}")
}

/// That no role is left, and why: of many the first.
fn no_api_role(notes: &[String]) -> DeployedError {
    let mut message = "none of its roles is one by which callers invoke an API".to_owned();
    for (number, note) in notes.iter().enumerate().take(SHOWN_REASONS) {
        message.push_str(&format!("{}{note}", if number == 0 { ": " } else { "; " }));
    }
    match notes.len().saturating_sub(SHOWN_REASONS) {
        0 => {}
        more => message.push_str(&format!("; and {more} more")),
    }
    DeployedError::new("no_api_role", message)
}

/// The role, if it invokes an API and has callers. One that nobody of an account may assume, as that of a function that calls an
/// API itself, is no matter of the manifest, whatever its policies say.
fn api_role<'d>(
    role: &'d DeployedRole,
    guards: &'d [Guard],
    origin: &Origin,
    notes: &mut Vec<String>,
) -> Option<ApiRole<'d>> {
    if !opens::lets_principals_in(role) {
        return None;
    }
    let mut left_out = |why: &str| notes.push(format!("{} is left out: {why}", role.shown()));
    let opened = match invoke::opened(&role.policies) {
        invoke::Read::Opened(opened) => opened,
        invoke::Read::NotSaid(why) => {
            left_out(&why);
            return None;
        }
        invoke::Read::Nothing => {
            let unread = opens::unseen_rights(role).join(", ");
            if !unread.is_empty() {
                left_out(&format!(
                    "no policy of it that the file holds invokes an API, and what else it may do is not read: {unread}"
                ));
            }
            return None;
        }
    };
    if let Some(which) = intrinsic::unread_whole(role) {
        left_out(&format!("its {which}"));
        return None;
    }
    let Some(name) = role.name.as_deref() else {
        left_out("it has no literal name");
        return None;
    };
    let here = &opened.place;
    let callers = match callers::read(&role.trust_policy, &here.partition) {
        Ok(callers) => callers,
        Err(why) => {
            left_out(&why);
            return None;
        }
    };
    if role.arn.as_deref().and_then(Arn::parse).is_some_and(|arn| arn.account != here.account) {
        left_out(&format!("it invokes an API of another account, `{}`, as a caller does", here.account));
        return None;
    }
    if is_denying(&role.trust_policy) || role.policies.iter().any(is_denying) {
        left_out("a policy of it denies, which no manifest says");
        return None;
    }
    if let Some(guard) = guards.iter().find(|guard| guard.denies_what_opens(role)) {
        left_out(&format!("managed policy `{}` denies some of what its other policies open", guard.arn));
        return None;
    }
    let Origin { stage, is_rest_api, document } = origin.clone();
    Some(ApiRole { deployed: role, name, opened, stage, is_rest_api, callers, guards, document })
}

/// The lock file that has each caller where it is.
fn recorded(names: &Names) -> Lock {
    let mut lock = Lock::default();
    for (stage, caller, kind) in names.assigned() {
        if let RoleKind::Shared(number) = kind {
            lock.record(stage, caller, *number);
        }
    }
    lock
}
