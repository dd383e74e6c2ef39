//! A denial: whose policy, of which kind.

use xacct_sign::aws::Arn;

use crate::finding::{Code, Finding, Side};

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
        let is_sts = self.action.starts_with("sts:");
        if !is_sts && self.principal == "anonymous" {
            return Finding::new(Code::RequestUnsigned, format!("{}: nobody has signed", self.sentence()));
        }
        let (code, side) = match self.policy {
            None if is_sts => (Code::AssumeRoleDenied, Side::Provider),
            None if self.is_foreign() == Some(true) => (Code::WrongAccount, Side::Caller),
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
        match (code, side) {
            (Code::CallerPolicy, _) if !is_sts => {
                finding.hint("attach a policy to the caller's role that allows the action on the API: who signs is in another account, so both sides have to allow it")
            }
            (Code::PermissionsBoundary | Code::ServiceControlPolicy, Side::Caller) => {
                finding.hint("ask whoever runs the caller's account and its organization")
            }
            _ => finding,
        }
    }

    /// Whose account holds who signs: to assume a role the caller's, at the API that of the assumed role, if it is the API's.
    fn side_of_principal(&self) -> Side {
        let is_caller = self.action.starts_with("sts:") || self.is_foreign() == Some(true);
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
        let why = match self.policy {
            None => String::new(),
            Some(policy) => {
                let name = POLICIES.iter().find(|(_, each)| *each == policy).map_or("", |(name, _)| *name);
                let says = if self.is_explicit { "denies it" } else { "does not allow it" };
                format!(": its {name} {says}")
            }
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
