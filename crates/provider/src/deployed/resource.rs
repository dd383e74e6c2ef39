//! Resource policies as they are deployed, against what the manifest means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::diff::{grants_of, unjudged_of};
use super::error::DeployedError;
use super::policy::{self, ReadPolicy};
use crate::iam::PolicyKind;
use crate::iam::grants::{self, Grant, GrantSubject};
use crate::manifest::{Permissions, Stage, StageTarget};
use crate::plan::Plan;
use crate::targets::{FunctionUrl, Target};

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
    /// Whether the deployed policy is another than the manifest means, or could not be judged.
    #[must_use]
    pub fn is_different(&self) -> bool {
        !(self.only_deployed.is_empty()
            && self.only_meant.is_empty()
            && self.unjudged.is_empty()
            && self.faults.is_empty())
    }
}

/// What is wrong with a function's policy, whatever the manifest means. `Display` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceFault {
    /// A principal may invoke the function past its URL.
    InvokeFunctionUnconditioned {
        /// Who.
        principal: String,
    },
    /// A principal has one of the two actions without the other, and so cannot call the URL.
    UrlGrantIncomplete {
        /// Who.
        principal: String,
        /// The action that is missing.
        lacks: &'static str,
    },
    /// The policy stands on another qualifier than the URL.
    AliasMismatch {
        /// On what the policy stands.
        on: String,
        /// On what the URL hangs.
        url: String,
    },
}

impl ResourceFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvokeFunctionUnconditioned { .. } => "invoke_function_unconditioned",
            Self::UrlGrantIncomplete { .. } => "url_grant_incomplete",
            Self::AliasMismatch { .. } => "alias_mismatch",
        }
    }
}

impl fmt::Display for ResourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvokeFunctionUnconditioned { principal } => {
                write!(f, "`{principal}` may invoke the function past its URL: the condition on {VIA_URL} is missing")
            }
            Self::UrlGrantIncomplete { principal, lacks } => {
                write!(f, "`{principal}` cannot call the URL: {lacks} is missing")
            }
            Self::AliasMismatch { on, url } => write!(f, "the policy stands on `{on}`, the URL hangs on `{url}`"),
        }
    }
}

/// The condition key that holds a grant of the second action to calls by a URL.
const VIA_URL: &str = FunctionUrl::BY_URL.0;

impl Plan<'_> {
    /// Compares the policy that a stage needs ([`Self::resource_policy`]) with a deployed one: a bare document, what `aws lambda
    /// get-policy`, `aws lambda get-resource-policy` or `aws apigateway get-rest-api` print, a CloudFormation template,
    /// Terraform's JSON syntax, or what [`Self::render`] makes.
    ///
    /// # Errors
    ///
    /// [`DeployedError`] when the text is not JSON or holds no such policy.
    pub fn diff_resource_policy(&self, stage: &Stage, deployed: &str) -> Result<ResourceDiff, DeployedError> {
        let partition = self.manifest.api.partition();
        let target = self.manifest.target(stage);
        let ReadPolicy { policy, unjudged } = policy::read(deployed, target)?;
        // By role it may be a trust policy, which says no resource.
        if !stage.is_direct() && policy::statements(&policy).iter().all(|statement| statement.get("Resource").is_none())
        {
            return Err(policy::none());
        }
        let meant = self.resource_policy(stage).map(|policy| grants_of(&policy.document, partition));
        let meant = meant.unwrap_or_default();
        let is_separate = matches!(stage.target, StageTarget::FunctionUrl { permissions: Permissions::Separate, .. });
        let (policy, beside) = if is_separate { without_services(&policy) } else { (policy, None) };
        let there = grants::of_policy(&policy, partition);
        let has_statements = !there.is_empty();
        Ok(ResourceDiff {
            resource: target.arn(),
            only_deployed: grants::beyond(&there, &meant),
            only_meant: grants::beyond(&meant, &there),
            beside: beside.iter().flat_map(|policy| grants::of_policy(policy, partition)).collect(),
            unjudged: {
                let judged = has_statements.then(|| unjudged_of(&policy, PolicyKind::Resource, "policy"));
                unjudged.into_iter().chain(judged.into_iter().flatten()).collect()
            },
            faults: match target {
                Target::FunctionUrl(url) => faults(&there, url),
                _ => Vec::new(),
            },
        })
    }
}

/// The policy without the statements that are of services alone, and these.
fn without_services(policy: &Value) -> (Value, Option<Value>) {
    let statements = policy::statements(policy);
    let is_of_service = |statement: &Value| {
        let principal = statement.get("Principal").and_then(Value::as_object);
        principal.is_some_and(|by_type| by_type.keys().all(|kind| kind == "Service"))
    };
    let (of_services, others): (Vec<_>, Vec<_>) = statements.into_iter().partition(is_of_service);
    let with = |statements: Vec<Value>| {
        let mut policy = policy.clone();
        if let Some(document) = policy.as_object_mut() {
            document.insert("Statement".to_owned(), Value::from(statements));
        }
        policy
    };
    (with(others), (!of_services.is_empty()).then(|| with(of_services)))
}

/// What a principal may do by a function's policy.
#[derive(Default)]
struct Actions {
    by_url: bool,
    invoke: bool,
    is_unconditioned: bool,
}

fn faults(there: &[Grant], url: FunctionUrl<'_>) -> Vec<ResourceFault> {
    let (mut faults, arn) = (Vec::new(), url.arn());
    let on: BTreeSet<&str> = there.iter().flat_map(Grant::resources).filter(|on| *on != arn).collect();
    let elsewhere = on.into_iter().map(|on| ResourceFault::AliasMismatch { on: on.to_owned(), url: arn.clone() });
    faults.extend(elsewhere);
    let mut principals: BTreeMap<&str, Actions> = BTreeMap::new();
    for grant in there.iter().filter(|grant| !grant.is_denied) {
        let GrantSubject::Principal(principal) = &grant.subject else { continue };
        if principal.starts_with("Service:") {
            continue;
        }
        let may = principals.entry(principal).or_default();
        for action in &grant.terms.actions {
            let is = |known: &str| action == "*" || action.eq_ignore_ascii_case(known) || is_every_action(action);
            may.by_url |= is(FunctionUrl::INVOKE_URL);
            may.invoke |= is(FunctionUrl::INVOKE);
            let is_by_url = grant.terms.conditions.iter().any(|condition| {
                condition.operator == "Bool"
                    && condition.key == VIA_URL
                    && condition.values.iter().all(|v| v == FunctionUrl::BY_URL.1)
            });
            may.is_unconditioned |= is(FunctionUrl::INVOKE) && !is_by_url;
        }
    }
    for (principal, may) in principals {
        let principal = principal.to_owned();
        if may.is_unconditioned {
            faults.push(ResourceFault::InvokeFunctionUnconditioned { principal: principal.clone() });
        }
        if may.by_url != may.invoke && !may.is_unconditioned {
            let lacks = if may.by_url { FunctionUrl::INVOKE } else { FunctionUrl::INVOKE_URL };
            faults.push(ResourceFault::UrlGrantIncomplete { principal, lacks });
        }
    }
    faults
}

/// Whether it is all that Lambda does.
fn is_every_action(action: &str) -> bool {
    action.split_once(':').is_some_and(|(service, name)| service == FunctionUrl::SIGNING_NAME && name == "*")
}
