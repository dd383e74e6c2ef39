//! How policies name principals: those of a role's trust, and of a resource.

use std::collections::BTreeSet;

use crate::iam::document::{Conditions, OneOrMany};
use crate::manifest::{Caller, CallerPrincipals, TrustForm, WhichRole};

/// How principals are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form<'a> {
    /// Each by its ARN, a role's or an account's.
    Listed,
    /// Their accounts, and their ARNs in a condition.
    ByAccount,
    /// Their accounts, and patterns of their ARNs in a condition: those of one path.
    ByPattern(&'a str),
    /// Everybody whose ARN but for the account is one of these.
    AnyAccount,
    /// Everybody whose ARN fits a pattern: those of one path.
    AnyAccountByPattern(&'a str),
    /// Everybody of an organization.
    Organization,
}

impl Form<'_> {
    /// The element `Principal` of a statement for all of these, who are named in this form, and what says the rest.
    pub(super) fn of_statement(self, partition: &str, names: Vec<Named<'_>>) -> (Vec<String>, Conditions) {
        let (principals, values): (Vec<_>, Vec<_>) =
            names.into_iter().map(|n| (n.principal, n.condition_value)).unzip();
        let values = sorted(values.into_iter().flatten().collect());
        let mut who = Conditions::new();
        match self {
            Self::Listed => {}
            Self::ByAccount => add(&mut who, "ArnEquals", "aws:PrincipalArn", values),
            Self::AnyAccount => add(&mut who, "ArnLike", "aws:PrincipalArn", values),
            Self::ByPattern(path) | Self::AnyAccountByPattern(path) => {
                add(&mut who, "ArnLike", "aws:PrincipalArn", values);
                // IAM's `*` spans `/`, so it is of every deeper path, too: whoever may make roles could choose one.
                let deeper = format!("arn:{partition}:iam::*:role{path}*/*");
                add(&mut who, "ArnNotLike", "aws:PrincipalArn", deeper.as_str());
            }
            Self::Organization => add(&mut who, "StringEquals", "aws:PrincipalOrgID", values),
        }
        (sorted(principals), who)
    }
}

/// What one caller adds to its statement.
pub(super) struct Named<'a> {
    pub(super) form: Form<'a>,
    /// Of the element `Principal`.
    pub(super) principal: String,
    /// Of the condition on `aws:PrincipalArn` or `aws:PrincipalOrgID`.
    pub(super) condition_value: Option<String>,
}

impl Named<'_> {
    /// A role by its account, its ARN in the condition.
    pub(super) fn by_account(partition: &str, account: &str, arn: String) -> Self {
        Self { form: Form::ByAccount, principal: root(partition, account), condition_value: Some(arn) }
    }
}

/// An account as a principal.
fn root(partition: &str, account: &str) -> String {
    format!("arn:{partition}:iam::{account}:root")
}

pub(super) fn add(
    conditions: &mut Conditions,
    operator: &'static str,
    key: &'static str,
    values: impl Into<OneOrMany>,
) {
    conditions.entry(operator).or_default().insert(key, values.into());
}

/// What a caller adds: for each of its roles on the stage.
pub(super) fn named<'a>(caller: &'a Caller, stage: &str, partition: &str) -> Vec<Named<'a>> {
    let (account, trust) = match &caller.principals {
        CallerPrincipals::Organization { id, .. } => {
            let (form, principal) = (Form::Organization, "*".to_owned());
            return vec![Named { form, principal, condition_value: Some(id.clone()) }];
        }
        CallerPrincipals::Roles { account, trust, .. } => (account, trust),
    };
    let one = |role: &'a WhichRole| {
        let (arn, path) = match role {
            WhichRole::Named(role) => (role.arn(partition, account), None),
            WhichRole::Like(pattern) => (pattern.arn(partition, account), Some(pattern.path())),
            WhichRole::Every => {
                return Named { form: Form::Listed, principal: root(partition, account), condition_value: None };
            }
        };
        let form = match (account.as_str(), trust, path) {
            ("*", _, None) => Form::AnyAccount,
            ("*", _, Some(path)) => Form::AnyAccountByPattern(path),
            (_, TrustForm::Account, None) => Form::ByAccount,
            (_, TrustForm::Account, Some(path)) => Form::ByPattern(path),
            (_, TrustForm::Role, _) => return Named { form: Form::Listed, principal: arn, condition_value: None },
        };
        let principal = if account == "*" { "*".to_owned() } else { root(partition, account) };
        Named { form, principal, condition_value: Some(arn) }
    };
    caller.roles_on(stage).iter().map(one).collect()
}

fn sorted(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
