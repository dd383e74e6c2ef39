//! A denial: whose policy, of which kind.

use xacct_sign::aws::Arn;

use crate::finding::{Code, Finding, Side};
use crate::forbidden::{BOTH_ACTIONS, BOTH_SIDES};

/// `User: {principal} is not authorized to perform: {action} on resource: {resource}` with the clause behind it, if there is one
/// ([Troubleshoot access denied error messages](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)).
pub(crate) struct Denial<'t> {
    principal: &'t str,
    action: &'t str,
    resource: &'t str,
    policy: Option<Policy>,
    is_explicit: bool,
}

/// A kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Identity,
    Resource,
    Session,
    Boundary,
    ServiceControl,
    ResourceControl,
    Endpoint,
}

const POLICIES: [(&str, Policy); 7] = [
    ("identity-based policy", Policy::Identity),
    ("resource-based policy", Policy::Resource),
    ("session policy", Policy::Session),
    ("permissions boundary", Policy::Boundary),
    ("service control policy", Policy::ServiceControl),
    ("resource control policy", Policy::ResourceControl),
    ("VPC endpoint policy", Policy::Endpoint),
];

impl<'t> Denial<'t> {
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let (principal, rest) = text.split_once("User: ")?.1.split_once(" is not authorized to perform: ")?;
        let action = word(rest)?;
        let resource = rest.split_once(" on resource: ").and_then(|(_, rest)| word(rest)).unwrap_or_default();
        let clause = rest.find(" because no ").map(|at| (at, false));
        let clause = clause.or_else(|| rest.find(" with an explicit deny").map(|at| (at, true)));
        let is_explicit = clause.is_some_and(|(_, is_explicit)| is_explicit);
        let clause = clause.and_then(|(at, _)| rest.get(at..)).unwrap_or_default();
        // What stands first is what it is about: a policy's ARN may follow.
        let found = POLICIES.iter().filter_map(|(name, policy)| Some((clause.find(name)?, *policy)));
        let policy = found.min_by_key(|(at, _)| *at).map(|(_, policy)| policy);
        Some(Self { principal, action, resource: resource.trim_end_matches('.'), policy, is_explicit })
    }

    pub(crate) fn finding(&self) -> Finding {
        if !self.is_of_the_call() {
            return Finding::new(Code::RefusedByApplication, self.sentence())
                .hint("what is behind the API was refused this itself: the role that it works with has to allow it");
        }
        let is_sts = self.is_sts();
        if !is_sts && self.principal == "anonymous" {
            return Finding::new(Code::RequestUnsigned, format!("{}: nobody has signed", self.sentence()));
        }
        let (code, side) = match self.policy {
            None if is_sts && !self.is_explicit => (Code::AssumeRoleDenied, Side::Provider),
            // Whom a policy denies explicitly may be let in by others.
            None if self.is_foreign() == Some(true) && !self.is_explicit => (Code::WrongAccount, Side::Caller),
            None => (Code::Denied, Side::Provider),
            Some(Policy::Identity) if is_sts || self.is_foreign() == Some(true) => (Code::CallerPolicy, Side::Caller),
            Some(Policy::Identity) => (Code::InvokePolicy, Side::Provider),
            Some(Policy::Resource) if is_sts => (Code::TrustPolicy, Side::Provider),
            Some(Policy::Resource) => (Code::ResourcePolicy, Side::Provider),
            Some(Policy::Session) => (Code::SessionPolicy, Side::Caller),
            Some(Policy::Boundary) => (Code::PermissionsBoundary, self.side_of_principal()),
            Some(Policy::ServiceControl) => (Code::ServiceControlPolicy, self.side_of_principal()),
            Some(Policy::ResourceControl) => (Code::ResourceControlPolicy, Side::Provider),
            Some(Policy::Endpoint) => (Code::EndpointPolicy, Side::Network),
        };
        let finding = Finding::new(code, self.sentence()).on(side);
        if self.is_explicit {
            return finding.hint(self.hint_for_a_deny());
        }
        match self.hint(code, side) {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }

    /// What to allow, where more is known than the code says.
    fn hint(&self, code: Code, side: Side) -> Option<String> {
        let is_lambda = self.action.starts_with("lambda:");
        Some(match (code, side) {
            (Code::CallerPolicy, _) if !self.is_sts() => format!(
                "let the caller's own policy allow `{}` on `{}`: who signs is in another account, so both sides have to allow it",
                self.action, self.resource
            ),
            (Code::WrongAccount, _) => format!(
                "assume the role that the provider has in its own account, and sign as that; where callers come in directly, {BOTH_SIDES}"
            ),
            (Code::ResourcePolicy, _) if is_lambda => {
                format!("let the function's policy name the caller, on `{}`: {BOTH_ACTIONS}", self.resource)
            }
            (Code::InvokePolicy, _) if is_lambda => {
                format!("let the role's policy allow it on `{}`: {BOTH_ACTIONS}", self.resource)
            }
            (Code::PermissionsBoundary | Code::ServiceControlPolicy, Side::Caller) => {
                "ask whoever runs the caller's account and its organization".to_owned()
            }
            _ => return None,
        })
    }

    /// A deny wins over whatever is allowed beside it: who has the policy has to change it.
    fn hint_for_a_deny(&self) -> String {
        let whose = match self.policy {
            None => "whoever has the policy: look at the resource policy of the API, at the policies of who signs, and at the organizations' of both".to_owned(),
            Some(Policy::Identity) => format!("whoever runs `{}`", self.principal),
            Some(Policy::Resource) if self.is_sts() => "whoever has the role: it is in its trust policy".to_owned(),
            Some(Policy::Resource) => "whoever has the API: it is in its resource policy".to_owned(),
            Some(Policy::Session) => "whoever assumes the role: it is in the session policy that is given with that".to_owned(),
            Some(Policy::Boundary) => format!("whoever set the boundary of `{}`", self.principal),
            Some(Policy::ServiceControl) => {
                format!("whoever runs the organization of account {}", account(self.principal).unwrap_or("of who signs"))
            }
            Some(Policy::ResourceControl) => "whoever runs the organization of the account that it is in".to_owned(),
            Some(Policy::Endpoint) => "whoever has the VPC endpoint on the way".to_owned(),
        };
        format!("a deny wins over everything that is allowed, so it has to be removed or narrowed by {whose}")
    }

    fn is_sts(&self) -> bool {
        self.action.starts_with("sts:")
    }

    /// Whether it is this call that was denied: an application may tell what was denied to itself.
    fn is_of_the_call(&self) -> bool {
        ["execute-api:", "lambda:Invoke", "vpc-lattice-svcs:", "sts:"]
            .iter()
            .any(|known| self.action.starts_with(known))
    }

    /// Whose account holds who signs: to assume a role the caller's, at the API that of the assumed role, if it is the API's.
    fn side_of_principal(&self) -> Side {
        let is_caller = self.is_sts() || self.is_foreign() == Some(true);
        if is_caller { Side::Caller } else { Side::Provider }
    }

    /// Whether who signs is of another account than what it is denied; `None` where one of them is not known.
    fn is_foreign(&self) -> Option<bool> {
        let (principal, resource) = (account(self.principal)?, account(self.resource)?);
        // AWS shows four digits of the API's account: `********1111`.
        let shown = resource.trim_start_matches('*');
        Some(!principal.ends_with(shown))
    }

    fn sentence(&self) -> String {
        let Self { principal, action, resource, .. } = self;
        let name = POLICIES.iter().find(|(_, each)| Some(*each) == self.policy).map(|(name, _)| *name);
        let why = match (name, self.is_explicit) {
            (None, false) => String::new(),
            (None, true) => ": a policy denies it".to_owned(),
            (Some(name), false) => format!(": no {name} allows it"),
            (Some(name), true) if name.starts_with('i') => format!(": an {name} denies it"),
            (Some(name), true) => format!(": a {name} denies it"),
        };
        let resource = if resource.is_empty() { String::new() } else { format!(" on `{resource}`") };
        format!("`{principal}` may not do `{action}`{resource}{why}")
    }
}

fn word(text: &str) -> Option<&str> {
    text.split_whitespace().next()
}

fn account(arn: &str) -> Option<&str> {
    Arn::parse(arn).map(|arn| arn.account).filter(|account| account.len() == 12)
}
