//! What is deployed of an API, as the emulator takes it: from a plan, or from rendered templates alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xacct_sign::aws::{Arn, Partition, RoleArn, is_account_id, is_organization_id, is_region};

use super::error::DeployedError;
use super::read::read_roles;
use super::role::DeployedRole;
use super::{intrinsic, opens, policy};
use crate::iam::document::{Document, Statement};
use crate::iam::grants::{self, Grant, GrantCondition, GrantSubject};
use crate::iam::json::Strict;
use crate::manifest::names::{is_label, title_case};
use crate::plan::{CallerRole, Plan};
use crate::render::callers::CallersFile;
use crate::render::cloudformation::METADATA;
use crate::targets::execute_api::{is_api_id, is_api_stage};
use crate::targets::function_url::{is_alias, is_function};
use crate::targets::{FunctionUrl, HttpApi, RestApi, Target, TargetKind};

/// Roles with their policies as JSON, the stages that they open, and who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deployment {
    /// The partition of everything here.
    pub partition: String,
    /// The region of the API.
    pub region: String,
    /// The account of the API, 12 digits.
    pub account: String,
    /// The stages by name, but for servers.
    pub stages: BTreeMap<String, DeployedStage>,
    /// The stages that are servers, by name.
    pub servers: BTreeMap<String, DeployedServer>,
    /// The provider's roles by ARN.
    pub roles: BTreeMap<String, RolePolicies>,
    /// The callers' roles.
    pub callers: Vec<CallerRole>,
}

/// A stage that is a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeployedServer {
    /// What tokens and proofs have to be for.
    pub audience: String,
    /// What it knows of its callers: `callers.json`, see [`Plan::callers`].
    pub callers: CallersFile,
}

/// A stage's API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeployedStage {
    /// What kind of API it is.
    pub target: TargetKind,
    /// The API's id; of a function URL its own.
    pub api_id: String,
    /// The API's stage; of a function URL `$default`, which is in no path.
    pub api_stage: String,
    /// Its ARN, see [`Target::arn`].
    pub arn: String,
    /// The VPC endpoints through which alone a private REST API is called; empty for any way in.
    pub vpc_endpoints: Vec<String>,
    /// The policy that hangs on it, in JSON: who may call it directly. `None` without one.
    pub resource_policy: Option<String>,
}

impl From<Target<'_>> for DeployedStage {
    fn from(target: Target<'_>) -> Self {
        let (api_id, api_stage) = match target {
            Target::HttpApi(HttpApi { api_id, api_stage, .. }) | Target::RestApi(RestApi { api_id, api_stage, .. }) => {
                (api_id, api_stage)
            }
            Target::FunctionUrl(FunctionUrl { url_id, .. }) => (url_id, HttpApi::DEFAULT_STAGE),
        };
        let vpc_endpoints = match target {
            Target::RestApi(RestApi { vpc_endpoints, .. }) => vpc_endpoints.to_vec(),
            Target::HttpApi(_) | Target::FunctionUrl(_) => Vec::new(),
        };
        Self {
            target: target.kind(),
            api_id: api_id.to_owned(),
            api_stage: api_stage.to_owned(),
            arn: target.arn(),
            vpc_endpoints,
            resource_policy: None,
        }
    }
}

impl DeployedStage {
    /// A policy to hang on it with whole ARNs, as API Gateway keeps that of a REST API: where it is written,
    /// `execute-api:/` is enough. What is no JSON stays as it is.
    #[must_use]
    pub fn expanded(&self, policy: &str) -> String {
        match serde_json::from_str(policy) {
            Ok(Strict(mut policy)) if self.target == TargetKind::RestApi => {
                policy::expand(&mut policy, &self.arn, &self.api_stage);
                policy.to_string()
            }
            _ => policy.to_owned(),
        }
    }
}

/// A role's policies as they are deployed, in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RolePolicies {
    /// The longest session that the role gives, in seconds.
    pub max_session_duration: u32,
    /// Who may assume it.
    pub trust_policy: String,
    /// What its sessions may do.
    pub policies: Vec<String>,
    /// The ARN of the managed policy that limits what its sessions may do, if one does.
    pub permissions_boundary: Option<String>,
    /// Its tags, which its sessions have too.
    pub tags: BTreeMap<String, String>,
}

impl Plan<'_> {
    /// What the plan means, deployed.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        let manifest = self.manifest;
        let roles = self.provider_roles().into_iter().map(|role| {
            let policies = RolePolicies {
                max_session_duration: role.max_session_duration,
                trust_policy: role.trust_policy.to_json(),
                policies: vec![role.invoke_policy.to_json()],
                permissions_boundary: role.permissions_boundary,
                tags: role.tags,
            };
            (role.arn, policies)
        });
        let stages = manifest.stages.iter().filter_map(|(name, stage)| {
            let resource_policy = self.policy_at(stage).map(|policy| policy.document.to_json());
            Some((name.clone(), DeployedStage { resource_policy, ..manifest.target(stage)?.into() }))
        });
        let servers = manifest.stages.iter().filter_map(|(name, stage)| {
            let audience = stage.audience()?.to_owned();
            // Of a server there is nothing that the file could not say.
            Some((name.clone(), DeployedServer { audience, callers: self.callers(stage).ok()? }))
        });
        Deployment {
            partition: manifest.api.partition().to_owned(),
            region: manifest.api.region.clone(),
            account: manifest.api.account.clone(),
            stages: stages.collect(),
            servers: servers.collect(),
            roles: roles.collect(),
            callers: self.caller_roles(),
        }
    }
}

impl Deployment {
    /// What CloudFormation templates mean by themselves: the API is that of their invoke policies, and each role or account
    /// that they trust by name is a caller, which its own account lets assume what trusts it.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] when no role can be read, or the roles are of no API, or of several accounts or regions.
    pub fn of_templates(templates: &[&str]) -> Result<Self, DeployedError> {
        let mut read = ReadTemplates::default();
        for (number, template) in templates.iter().enumerate() {
            read.add(template).map_err(|error| error.in_document(number))?;
        }
        let ReadTemplates { stages, place, roles: read } = read;
        let [partition, region, account] = place.ok_or_else(|| not_an_api("none"))?;
        let (servers, roles, callers) = Default::default();
        let mut deployment = Self { partition, region, account, stages, servers, roles, callers };
        for role in &read {
            let (arn, policies) = role_policies(role, &deployment.partition, &deployment.account)?;
            if deployment.roles.insert(arn.clone(), policies).is_some() {
                return Err(duplicate(&format!("role `{arn}` stands twice")));
            }
        }
        deployment.callers = trusted(&read, &deployment)?;
        Ok(deployment)
    }
}

/// What the templates say together.
#[derive(Default)]
struct ReadTemplates {
    stages: BTreeMap<String, DeployedStage>,
    place: Option<[String; 3]>,
    roles: Vec<DeployedRole>,
}

impl ReadTemplates {
    fn add(&mut self, template: &str) -> Result<(), DeployedError> {
        let origin = origin(template);
        let said = |key: &str| origin.as_ref().and_then(|origin| origin.get(key)?.as_str());
        let name = said("Stage").filter(|name| is_label(name)).map(str::to_owned);
        let kind = said("Target").map_or(Ok(TargetKind::HttpApi), |said| {
            let known = TargetKind::ALL.iter().find(|kind| kind.name() == said);
            known.copied().ok_or_else(|| not_served(said))
        })?;
        let roles = read_roles(template)?;
        // By its roles alone a template says which API it is for.
        if roles.is_empty() {
            return Err(DeployedError::no_role());
        }
        for role in roles {
            refuse_what_is_ignored(&role)?;
            for arn in opens::opened(&role) {
                let (stage, at) = opened(&arn, kind).ok_or_else(|| not_an_api(&arn))?;
                if self.place.get_or_insert_with(|| at.map(str::to_owned)) != &at {
                    return Err(not_an_api(&arn));
                }
                let name = name.clone().unwrap_or_else(|| stage.api_stage.trim_matches('$').to_owned());
                let other = self.stages.insert(name.clone(), stage.clone());
                if other.is_some_and(|other| other != stage) {
                    return Err(duplicate(&format!("stage `{name}` is two APIs")));
                }
            }
            self.roles.push(role);
        }
        Ok(())
    }
}

/// What a resource of a policy is of, with its partition, region and account. The ARNs of HTTP and REST APIs look alike, so the
/// template's word counts; a function's show by themselves.
fn opened(arn: &str, kind: TargetKind) -> Option<(DeployedStage, [&str; 3])> {
    let Arn { partition, service, region, account, resource, .. } = Arn::parse(arn)?;
    if service == FunctionUrl::SIGNING_NAME {
        let name = resource.strip_prefix("function:")?;
        let (function, alias) = name.split_once(':').map_or((name, None), |(function, alias)| (function, Some(alias)));
        // The URL's id is in no policy: its function's name stands for it.
        let url = FunctionUrl { partition, region, account, function, alias, url_id: function };
        let is_well_formed =
            is_place(partition, region, account) && is_function(function) && alias.is_none_or(is_alias);
        return is_well_formed.then(|| (Target::FunctionUrl(url).into(), [partition, region, account]));
    }
    let api = HttpApi::of_arn(arn).filter(is_well_formed)?;
    let HttpApi { partition, region, account, api_id, api_stage } = api;
    let target = match kind {
        TargetKind::HttpApi => Target::HttpApi(api),
        TargetKind::RestApi => {
            Target::RestApi(RestApi { partition, region, account, api_id, api_stage, vpc_endpoints: &[] })
        }
        TargetKind::FunctionUrl => return None,
    };
    Some((target.into(), [partition, region, account]))
}

fn is_place(partition: &str, region: &str, account: &str) -> bool {
    Partition::named(partition).is_some() && is_region(region) && is_account_id(account)
}

/// What a template holds goes into URLs, and into the lines that the emulator prints.
fn is_well_formed(api: &HttpApi<'_>) -> bool {
    is_place(api.partition, api.region, api.account) && is_api_id(api.api_id) && is_api_stage(api.api_stage)
}

fn not_an_api(arn: &str) -> DeployedError {
    DeployedError::new("not_an_api", format!("`{arn}` is not the ARN of the one API that the templates are for"))
}

/// What decides there is not known.
fn not_served(kind: &str) -> DeployedError {
    DeployedError::new("target_not_served", format!("the emulator does not take templates of a `{kind}`"))
}

fn duplicate(message: &str) -> DeployedError {
    DeployedError::new("duplicate", message)
}

/// What decides in AWS and is not enforced here must not look as if it were.
fn refuse_what_is_ignored(role: &DeployedRole) -> Result<(), DeployedError> {
    let name = name_of(role)?;
    if let Some(which) = intrinsic::unread_at_all(role) {
        return Err(intrinsic::refused(role, &which));
    }
    // A reference says nothing of which policy it is.
    let boundary = role.permissions_boundary.as_ref().filter(|arn| Arn::parse(arn).is_none());
    let boundary = boundary.map(|_| format!("the permissions boundary of role `{name}`"));
    let managed = role.managed_policies.first().map(|_| format!("the managed policies of role `{name}`"));
    match boundary.into_iter().chain(managed).chain(role.ignored.iter().cloned()).next() {
        Some(what) => Err(DeployedError::new("policy_ignored", format!("{what} would be ignored"))),
        None => Ok(()),
    }
}

fn name_of(role: &DeployedRole) -> Result<&str, DeployedError> {
    role.name.as_deref().ok_or_else(|| DeployedError::new("role_unknown", "a role has no name"))
}

fn role_policies(role: &DeployedRole, partition: &str, account: &str) -> Result<(String, RolePolicies), DeployedError> {
    let name = name_of(role)?;
    let arn = format!("arn:{partition}:iam::{account}:role{}{name}", role.path);
    RoleArn::parse(&arn).map_err(|error| DeployedError::new("role_unknown", error.to_string()))?;
    let policies = RolePolicies {
        max_session_duration: role.max_session_duration,
        trust_policy: role.trust_policy.to_string(),
        policies: role.policies.iter().map(Value::to_string).collect(),
        permissions_boundary: role.permissions_boundary.clone(),
        tags: role.tags.clone(),
    };
    Ok((arn, policies))
}

/// What a template says of itself in its metadata.
fn origin(template: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(template).ok()?;
    value.get("Metadata")?.get(METADATA).cloned()
}

/// Whoever the trust policies name, with leave to assume the roles that do.
fn trusted(roles: &[DeployedRole], deployment: &Deployment) -> Result<Vec<CallerRole>, DeployedError> {
    let names: BTreeMap<&str, &String> =
        deployment.stages.iter().map(|(name, stage)| (stage.arn.as_str(), name)).collect();
    // A function's ARN is the whole of it; of an API, it is what stands before the route.
    let stage_of = |arn: &str| match HttpApi::of_arn(arn) {
        Some(api) => names.get(api.arn().as_str()).copied(),
        None => names.get(arn).copied(),
    };
    let mut stages: BTreeMap<String, String> = BTreeMap::new();
    let mut by_principal: BTreeMap<(String, Option<String>), BTreeSet<String>> = BTreeMap::new();
    for role in roles {
        let (arn, _) = role_policies(role, &deployment.partition, &deployment.account)?;
        let stage = opens::opened(role).iter().find_map(|resource| stage_of(resource));
        stages.extend(stage.map(|stage| (arn.clone(), stage.clone())));
        for grant in grants::of_policy(&role.trust_policy, &deployment.partition) {
            if grant.is_denied {
                continue;
            }
            for (who, organization) in named_by(&grant, &arn, &deployment.partition)? {
                by_principal.entry((who, organization)).or_default().insert(arn.clone());
            }
        }
    }
    let callers = by_principal
        .into_iter()
        .map(|((who, organization), may_assume)| {
            let account = who.split(':').nth(4).unwrap_or_default().to_owned();
            let role_name = who.rsplit('/').next().unwrap_or_default().to_owned();
            let word = if role_name == "*" { "Every".to_owned() } else { title_case(&role_name) };
            CallerRole {
                caller: format!("{}-{word}", organization.as_deref().unwrap_or(&account).replace('*', "any")),
                account,
                role_name,
                organization,
                policy: Document::new(vec![Statement::allow(
                    vec!["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                    may_assume.iter().cloned().collect(),
                )]),
                may_call: BTreeMap::new(),
                audiences: BTreeMap::new(),
                may_assume: may_assume.iter().filter_map(|arn| Some((stages.get(arn)?.clone(), arn.clone()))).collect(),
                arn: who,
            }
        })
        .collect();
    Ok(callers)
}

/// The roles that a grant of a trust policy names, with their organization; `*` for every role, or every account.
fn named_by(grant: &Grant, role: &str, partition: &str) -> Result<Vec<(String, Option<String>)>, DeployedError> {
    let GrantSubject::Principal(principal) = &grant.subject else {
        let message =
            format!("the trust policy of `{role}` allows by exclusion, so it does not say who its callers are");
        return Err(DeployedError::new("trust_by_exclusion", message));
    };
    let is_about = |condition: &GrantCondition, key: &str| condition.key == key && !condition.operator.contains("Not");
    let values_of = |key: &str| {
        grant.terms.conditions.iter().find(|condition| is_about(condition, key)).map(|c| c.values.iter().cloned())
    };
    let roles: Vec<String> = match (principal.as_str(), principal.strip_suffix(":root")) {
        ("*", _) => match values_of("aws:PrincipalArn") {
            Some(arns) => arns.collect(),
            None => vec![format!("arn:{partition}:iam::*:role/*")],
        },
        // What the condition says is of this account, or nobody is meant.
        (_, Some(account)) => match values_of("aws:PrincipalArn") {
            Some(arns) => arns.filter(|arn| arn.starts_with(&format!("{account}:"))).collect(),
            None => vec![format!("{account}:role/*")],
        },
        (one, None) => vec![one.to_owned()],
    };
    let organizations: Vec<Option<String>> = values_of("aws:PrincipalOrgID")
        .map_or_else(|| vec![None], |ids| ids.filter(|id| is_organization_id(id)).map(Some).collect());
    let callers = roles.iter().filter_map(|role| one_of(role, partition));
    Ok(callers.flat_map(|role| organizations.iter().map(move |of| (role.clone(), of.clone()))).collect())
}

/// A role that fits a pattern for ARNs: the pattern itself, or for a name with wildcards one of those that it covers. `None`
/// for what is no role, and where none can be told.
fn one_of(pattern: &str, partition: &str) -> Option<String> {
    let arn = Arn::parse(pattern)?;
    let name = arn.resource.strip_prefix("role/").or((arn.resource == "*").then_some("*"))?;
    let name = if name == "*" { name.to_owned() } else { name.replace('*', "Any").replace('?', "x") };
    let role = format!("arn:{partition}:iam::{}:role/{name}", arn.account);
    let concrete = role.replacen("::*:", "::000000000000:", 1).replace("role/*", "role/Any");
    (arn.service == "iam" && RoleArn::parse(&concrete).is_ok()).then_some(role)
}
