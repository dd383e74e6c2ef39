//! How policies name principals: those of a role's trust, and of a resource.

use std::collections::BTreeSet;

use crate::iam::document::{Conditions, OneOrMany};
use crate::manifest::{Caller, CallerPrincipals, TrustForm, WhichRole};

/// How principals are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Each by its ARN, a role's or an account's.
    Listed,
    /// Their accounts, and their ARNs in a condition.
    ByAccount,
    /// Their accounts, and patterns of their ARNs in a condition.
    ByPattern,
    /// Everybody whose ARN fits a pattern.
    AnyAccount,
    /// Everybody of an organization.
    Organization,
}

impl Form {
    pub(super) fn of(caller: &Caller, stage: &str) -> Self {
        let roles = caller.roles_on(stage);
        match &caller.principals {
            CallerPrincipals::Organization { .. } => Form::Organization,
            CallerPrincipals::Roles { account, .. } if account == "*" => Form::AnyAccount,
            CallerPrincipals::Roles { trust: TrustForm::Account, .. } if roles != [WhichRole::Every] => {
                if roles.iter().any(|role| matches!(role, WhichRole::Like(_))) {
                    Form::ByPattern
                } else {
                    Form::ByAccount
                }
            }
            CallerPrincipals::Roles { .. } => Form::Listed,
        }
    }

    /// The element `Principal` of a statement for all of these, and what says the rest.
    pub(super) fn of_statement(self, names: Vec<Named>) -> (Vec<String>, Conditions) {
        let (principals, values): (Vec<_>, Vec<_>) =
            names.into_iter().map(|n| (n.principal, n.condition_value)).unzip();
        let values = sorted(values.into_iter().flatten().collect());
        let mut who = Conditions::new();
        match self {
            Self::Listed => {}
            Self::ByAccount => add(&mut who, "ArnEquals", "aws:PrincipalArn", values),
            Self::ByPattern | Self::AnyAccount => add(&mut who, "ArnLike", "aws:PrincipalArn", values),
            Self::Organization => add(&mut who, "StringEquals", "aws:PrincipalOrgID", values),
        }
        (sorted(principals), who)
    }
}

/// What one caller adds to its statement.
pub(super) struct Named {
    /// Of the element `Principal`.
    pub(super) principal: String,
    /// Of the condition on `aws:PrincipalArn` or `aws:PrincipalOrgID`.
    pub(super) condition_value: Option<String>,
}

impl Named {
    /// A role by its account, its ARN in the condition.
    pub(super) fn by_account(partition: &str, account: &str, arn: String) -> Self {
        Self { principal: root(partition, account), condition_value: Some(arn) }
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
pub(super) fn named(caller: &Caller, stage: &str, partition: &str) -> Vec<Named> {
    let (account, trust) = match &caller.principals {
        CallerPrincipals::Organization { id, .. } => {
            return vec![Named { principal: "*".to_owned(), condition_value: Some(id.clone()) }];
        }
        CallerPrincipals::Roles { account, trust, .. } => (account, trust),
    };
    let one = |role: &WhichRole| {
        let arn = match role {
            WhichRole::Named(role) => role.arn(partition, account),
            WhichRole::Like(pattern) => pattern.arn(partition, account),
            WhichRole::Every => return Named { principal: root(partition, account), condition_value: None },
        };
        match (account.as_str(), trust) {
            ("*", _) => Named { principal: "*".to_owned(), condition_value: Some(arn) },
            (_, TrustForm::Account) => Named::by_account(partition, account, arn),
            (_, TrustForm::Role) => Named { principal: arn, condition_value: None },
        }
    };
    caller.roles_on(stage).iter().map(one).collect()
}

fn sorted(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
