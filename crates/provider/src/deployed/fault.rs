//! What is wrong with deployed policies in themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use xacct_sign::aws::is_like;
use xacct_sign::escaped;

use crate::iam::grants::{Grant, GrantSubject};
use crate::targets::{FunctionUrl, RestApi};

/// What is wrong with what is deployed, whatever the manifest means. `Display` says it.
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
    /// The policy is that of another API.
    ApiMismatch {
        /// The API of the policy.
        of: String,
        /// The API of the stage.
        api: String,
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
            Self::ApiMismatch { .. } => "api_mismatch",
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
            Self::ApiMismatch { of, api } => {
                write!(f, "the policy is that of another API, `{of}`: the stage is of `{api}`")
            }
        }
    }
}

/// The condition key that holds a grant of the second action to calls by a URL.
const VIA_URL: &str = FunctionUrl::BY_URL.0;

/// Of the policy of an API that says its id.
pub(super) fn of_api(said: Option<String>, api: RestApi<'_>) -> Option<ResourceFault> {
    let other = said.filter(|id| id != api.api_id)?;
    Some(ResourceFault::ApiMismatch { of: escaped(&other), api: api.api_id.to_owned() })
}

/// Of a role's own policies: whether its sessions may invoke the function past its URL.
pub(super) fn of_role(role: &str, permissions: &[Grant], url: FunctionUrl<'_>) -> Option<ResourceFault> {
    let arn = url.arn();
    let is_on_function = |grant: &&Grant| match &grant.subject {
        GrantSubject::Resource(resource) => !grant.is_denied && is_like(resource, &arn),
        GrantSubject::Principal(_) | GrantSubject::Statement(_) => false,
    };
    let is_past_url = permissions.iter().filter(is_on_function).any(invokes_past_url);
    is_past_url.then(|| ResourceFault::InvokeFunctionUnconditioned { principal: role.to_owned() })
}

/// What a principal may do by a function's policy.
#[derive(Default)]
struct Actions {
    by_url: bool,
    invoke: bool,
    is_unconditioned: bool,
}

/// Of a function's policy.
pub(super) fn of_function(there: &[Grant], url: FunctionUrl<'_>) -> Vec<ResourceFault> {
    let (mut faults, arn) = (Vec::new(), url.arn());
    let on: BTreeSet<&str> = there.iter().flat_map(Grant::resources).filter(|on| !is_like(on, &arn)).collect();
    let elsewhere = on.into_iter().map(|on| ResourceFault::AliasMismatch { on: on.to_owned(), url: arn.clone() });
    faults.extend(elsewhere);
    let mut principals: BTreeMap<&str, Actions> = BTreeMap::new();
    for grant in there.iter().filter(|grant| !grant.is_denied) {
        let GrantSubject::Principal(principal) = &grant.subject else { continue };
        if principal.starts_with("Service:") {
            continue;
        }
        let may = principals.entry(principal).or_default();
        may.by_url |= is_of(grant, FunctionUrl::INVOKE_URL);
        may.invoke |= is_of(grant, FunctionUrl::INVOKE);
        may.is_unconditioned |= invokes_past_url(grant);
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

fn invokes_past_url(grant: &Grant) -> bool {
    let is_by_url = grant.terms.conditions.iter().any(|condition| {
        condition.operator == "Bool"
            && condition.key == VIA_URL
            && condition.values.iter().all(|v| v == FunctionUrl::BY_URL.1)
    });
    is_of(grant, FunctionUrl::INVOKE) && !is_by_url
}

/// Whether an action is among those of a grant, which may have wildcards.
fn is_of(grant: &Grant, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    grant.terms.actions.iter().any(|pattern| is_like(&pattern.to_ascii_lowercase(), &action))
}
