//! The stages of a deployment, ready to answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use xacct_sign::Scope;
use xacct_sign::verify::Rules;
use xacct_sign_provider::iam::{PolicyDocument, PolicyKind};
use xacct_sign_provider::targets::{RestApi, TargetKind};
use xacct_sign_provider::{DeployedStage, Deployment};

use crate::gateway::front::Front;
use crate::gateway::{function_url, http_api, rest_api};
use crate::iam::roles;
use crate::options::{Options, SetupError};

/// How far a request's time may lie from the front's, either way.
const WINDOW: Duration = Duration::from_secs(300);

/// A stage's API with what hangs on it.
pub(crate) struct Stage {
    pub(crate) api: DeployedStage,
    pub(crate) front: &'static dyn Front,
    /// What is insisted on of a signature.
    pub(crate) rules: Rules,
    /// Who may call it directly.
    pub(crate) resource_policy: Option<PolicyDocument>,
    /// The VPC endpoint that every request comes by.
    pub(crate) vpc_endpoint: Option<String>,
}

/// The stages by name, with the options that are about one of them.
///
/// # Errors
///
/// [`SetupError`] for policies that are none, for a region that is none, and for options about what is not there.
pub(crate) fn stages(deployment: &Deployment, options: &Options) -> Result<BTreeMap<String, Stage>, SetupError> {
    let is_server = |name: &&String| deployment.servers.contains_key(*name);
    if let Some(name) = options.resource_policies.keys().find(is_server) {
        let (stage, target, what) = (name.clone(), "server", "resource policy");
        return Err(SetupError::NotOfTarget { stage, target, what });
    }
    if let Some(name) = options.vpc_endpoints.keys().find(is_server) {
        return Err(SetupError::NotPrivate(name.clone()));
    }
    let named = options.resource_policies.keys().chain(options.vpc_endpoints.keys());
    if let Some(name) = named.into_iter().find(|name| !deployment.stages.contains_key(*name)) {
        return Err(SetupError::UnknownStage(name.clone()));
    }
    deployment.stages.iter().map(|(name, api)| Ok((name.clone(), stage(name, api, deployment, options)?))).collect()
}

fn stage(name: &str, api: &DeployedStage, deployment: &Deployment, options: &Options) -> Result<Stage, SetupError> {
    let target = || SetupError::Target { stage: name.to_owned(), target: api.target.name() };
    let front = front_of(api.target).ok_or_else(target)?;
    let without = |kind, what| {
        let error = || SetupError::NotOfTarget { stage: name.to_owned(), target: api.target.name(), what };
        if api.target == kind { Err(error()) } else { Ok(()) }
    };
    // What hangs on a function hangs on each of the stages that are this function.
    let is_same = |other: &str| deployment.stages.get(other).is_some_and(|other| other.arn == api.arn);
    let of_same = || options.resource_policies.iter().find(|(other, _)| is_same(other)).map(|(_, text)| text);
    let given = options.resource_policies.get(name).or_else(of_same);
    if given.is_some() {
        without(TargetKind::HttpApi, "resource policy")?;
    }
    if let Some(text) = given.filter(|text| has_only_actions_of_others(text, front.signing_name())) {
        // What is no policy at all says so better itself.
        roles::read(&api.arn, text, PolicyKind::Resource)?;
        return Err(SetupError::ForeignPolicy { stage: name.to_owned(), service: front.signing_name() });
    }
    let endpoint = options.vpc_endpoints.get(name);
    let policy = given.or(api.resource_policy.as_ref());
    if let Some(id) = endpoint {
        without(TargetKind::HttpApi, "VPC endpoint")?;
        without(TargetKind::FunctionUrl, "VPC endpoint")?;
        if !RestApi::is_vpc_endpoint(id) {
            return Err(SetupError::VpcEndpoint { stage: name.to_owned(), id: id.clone() });
        }
        // A template's stage does not say by which endpoints it is called, but its policies do ask for one.
        let of_roles = deployment.roles.values().flat_map(|role| &role.policies).filter(|text| text.contains(&api.arn));
        let asks = |text: &String| text.to_ascii_lowercase().contains("aws:sourcevpce");
        if api.vpc_endpoints.is_empty() && !policy.into_iter().chain(of_roles).any(asks) {
            return Err(SetupError::NotPrivate(name.to_owned()));
        }
    }
    let policy = policy.map(|text| roles::read(&api.arn, &api.expanded(text), PolicyKind::Resource)).transpose()?;
    let scope = Scope::new(&deployment.region, front.signing_name()).map_err(SetupError::Region)?;
    Ok(Stage {
        front,
        rules: Rules::new(scope, WINDOW),
        resource_policy: policy,
        // Where several lead to it, any will do: each of them is what the policies ask for.
        vpc_endpoint: endpoint.or(api.vpc_endpoints.first()).cloned(),
        api: api.clone(),
    })
}

/// Whether a policy has actions, and every one of them is another service's.
fn has_only_actions_of_others(text: &str, service: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    let list = |value: &Value| match value {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let statements = policy.get("Statement").map(list).unwrap_or_default();
    if statements.iter().any(|statement| statement.get("NotAction").is_some()) {
        return false;
    }
    let actions: Vec<Value> = statements.iter().filter_map(|one| one.get("Action")).flat_map(list).collect();
    let is_of_others = |action: &Value| {
        let of = action.as_str().and_then(|action| action.split_once(':')).map(|(of, _)| of);
        of.is_some_and(|of| !of.eq_ignore_ascii_case(service))
    };
    !actions.is_empty() && actions.iter().all(is_of_others)
}

/// The front of this kind. A kind that is not known here is refused when the emulator is made.
fn front_of(kind: TargetKind) -> Option<&'static dyn Front> {
    match kind {
        TargetKind::HttpApi => Some(&http_api::HttpApiFront),
        TargetKind::RestApi => Some(&rest_api::RestApiFront),
        TargetKind::FunctionUrl => Some(&function_url::FunctionUrlFront),
        _ => None,
    }
}
