//! Resource policies as they are deployed, against what the manifest means.

use serde_json::Value;

use super::diff::{grants_of, unjudged_of};
use super::error::DeployedError;
use super::fault::{self, ResourceFault};
use super::policy::{self, ReadPolicy};
use crate::iam::PolicyKind;
use crate::iam::elements::statements;
use crate::iam::grants::{self, Grant};
use crate::manifest::{Permissions, Stage, StageTarget};
use crate::plan::Plan;
use crate::targets::Target;

/// How the policy of an API that is called directly differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceDiff {
    /// The ARN of what is called, see [`Target::arn`].
    pub resource: String,
    /// What only the deployed policy grants.
    pub only_deployed: Vec<Grant>,
    /// What only the manifest means.
    pub only_meant: Vec<Grant>,
    /// What the policy of a function grants to services of AWS, beside permissions of ours: no difference.
    pub beside: Vec<Grant>,
    /// What could not be judged, in words.
    pub unjudged: Vec<String>,
    /// What is wrong with it in itself.
    pub faults: Vec<ResourceFault>,
}

impl ResourceDiff {
    /// Of a policy that is there and cannot be read, and why.
    pub(super) fn unjudged(resource: String, why: String) -> Self {
        let (only_deployed, only_meant, beside, faults) = Default::default();
        Self { resource, only_deployed, only_meant, beside, unjudged: vec![why], faults }
    }

    /// Whether the deployed policy is another than the manifest means, or could not be judged.
    #[must_use]
    pub fn is_different(&self) -> bool {
        !(self.only_deployed.is_empty()
            && self.only_meant.is_empty()
            && self.unjudged.is_empty()
            && self.faults.is_empty())
    }
}

impl Plan<'_> {
    /// Compares the policy that a stage needs ([`Self::resource_policy`]), or that its API has for other stages, with a deployed
    /// one, by role with none where there is no other: a bare document, what `aws lambda
    /// get-policy`, `aws lambda get-resource-policy` or `aws apigateway get-rest-api` print, a CloudFormation template,
    /// Terraform's JSON syntax, or what [`Self::render`] makes.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] when the text is not JSON or holds no such policy, and for a server, which has none.
    pub fn diff_resource_policy(&self, stage: &Stage, deployed: &str) -> Result<ResourceDiff, DeployedError> {
        let partition = self.manifest.api.partition();
        let target = self.manifest.target(stage).ok_or_else(|| DeployedError::of_server(&stage.name))?;
        let ReadPolicy { policy, unjudged, unjudged_of_services, of_api } = policy::read(deployed, target)?;
        // By role it may be a trust policy, which says no resource, or a role's own, which says nobody.
        let said = statements(&policy);
        let lacks = |key: &str| said.iter().all(|statement| statement.get(key).is_none());
        let is_of_role = lacks("Resource") || (lacks("Principal") && lacks("NotPrincipal"));
        if !stage.is_direct() && !said.is_empty() && is_of_role {
            return Err(policy::none());
        }
        let meant = self.policy_at(stage).map(|policy| grants_of(&policy.document, partition));
        let meant = meant.unwrap_or_default();
        // By role, the function's other permissions are no business of the stage's.
        let is_separate = match stage.target {
            StageTarget::FunctionUrl { permissions, .. } => !stage.is_direct() || permissions == Permissions::Separate,
            _ => false,
        };
        let (policy, beside) = if is_separate { without_services(&policy) } else { (policy, None) };
        let there = grants::of_policy(&policy, partition);
        // One of which no grant can be told is no less a statement.
        let has_statements = !statements(&policy).is_empty();
        Ok(ResourceDiff {
            resource: target.arn(),
            only_deployed: grants::beyond(&there, &meant),
            only_meant: grants::beyond(&meant, &there),
            beside: beside.iter().flat_map(|policy| grants::of_policy(policy, partition)).collect(),
            unjudged: {
                let judged = has_statements.then(|| unjudged_of(&policy, PolicyKind::Resource, "policy"));
                let beside = unjudged_of_services.into_iter().filter(|_| !is_separate);
                unjudged.into_iter().chain(beside).chain(judged.into_iter().flatten()).collect()
            },
            faults: match target {
                Target::FunctionUrl(url) => fault::of_function(&there, url),
                Target::RestApi(api) => fault::of_api(of_api, api).into_iter().collect(),
                Target::HttpApi(_) => Vec::new(),
            },
        })
    }
}

/// The policy without the statements that are of services alone, and these.
fn without_services(policy: &Value) -> (Value, Option<Value>) {
    let is_of_service = |statement: &Value| {
        let principal = statement.get("Principal").and_then(Value::as_object);
        principal.is_some_and(|by_type| by_type.keys().all(|kind| kind == "Service"))
    };
    let (of_services, others): (Vec<_>, Vec<_>) = statements(policy).iter().cloned().partition(is_of_service);
    let with = |statements: Vec<Value>| {
        let mut policy = policy.clone();
        if let Some(document) = policy.as_object_mut() {
            document.insert("Statement".to_owned(), Value::from(statements));
        }
        policy
    };
    (with(others), (!of_services.is_empty()).then(|| with(of_services)))
}
