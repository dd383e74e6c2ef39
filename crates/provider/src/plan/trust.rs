//! Trust policies: who may assume a role, under which conditions.
//!
//! Callers with the same terms share a statement. Each action has a statement of its own, with the condition keys that it
//! knows: `sts:ExternalId` and `sts:RoleSessionName` belong to `sts:AssumeRole`, `aws:TagKeys` to `sts:TagSession`,
//! `sts:SourceIdentity` to `sts:SetSourceIdentity`
//! ([Actions of STS](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html)).

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::document::{Conditions, Document, OneOrMany, Statement};
use crate::manifest::{Caller, CallerPrincipals, TrustForm, WhichRole};

/// How principals are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Each by its ARN, a role's or an account's.
    Listed,
    /// Their accounts, and their ARNs in a condition.
    ByAccount,
    /// Everybody whose ARN fits a pattern.
    AnyAccount,
    /// Everybody of an organization.
    Organization,
}

/// What callers of one statement have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Terms<'a> {
    form: Form,
    external_id: Option<&'a str>,
    session_names: &'a [String],
    tags: &'a [String],
    source_identity: &'a [String],
}

/// What one caller adds to its statement.
struct Named {
    /// Of the element `Principal`.
    principal: String,
    /// Of the condition on `aws:PrincipalArn` or `aws:PrincipalOrgID`.
    condition_value: Option<String>,
}

impl<'a> Terms<'a> {
    pub(crate) fn of(caller: &'a Caller, stage: &str) -> Self {
        let form = match &caller.principals {
            CallerPrincipals::Organization { .. } => Form::Organization,
            CallerPrincipals::Roles { account, .. } if account == "*" => Form::AnyAccount,
            CallerPrincipals::Roles { roles, trust: TrustForm::Account, .. }
                if roles.get(stage) != Some(&WhichRole::Every) =>
            {
                Form::ByAccount
            }
            CallerPrincipals::Roles { .. } => Form::Listed,
        };
        Self {
            form,
            external_id: caller.external_id.as_deref(),
            session_names: &caller.session_names,
            tags: &caller.tags,
            source_identity: &caller.source_identity,
        }
    }

    fn statements(self, names: Vec<Named>) -> Vec<Statement> {
        let (principals, values): (Vec<_>, Vec<_>) =
            names.into_iter().map(|n| (n.principal, n.condition_value)).unzip();
        let principals: Vec<String> = sorted(principals);
        let values = sorted(values.into_iter().flatten().collect());
        let mut who = Conditions::new();
        match self.form {
            Form::Listed => {}
            Form::ByAccount => add(&mut who, "ArnEquals", "aws:PrincipalArn", values),
            Form::AnyAccount => add(&mut who, "ArnLike", "aws:PrincipalArn", values),
            Form::Organization => add(&mut who, "StringEquals", "aws:PrincipalOrgID", values),
        }
        let mut assume = who.clone();
        if let Some(external_id) = self.external_id {
            add(&mut assume, "StringEquals", "sts:ExternalId", external_id);
        }
        if !self.session_names.is_empty() {
            add(&mut assume, "StringLike", "sts:RoleSessionName", self.session_names.to_vec());
        }
        let mut statements = vec![Statement::trust("sts:AssumeRole", principals.clone(), assume)];
        if !self.tags.is_empty() {
            let mut tag = who.clone();
            add(&mut tag, "ForAllValues:StringEquals", "aws:TagKeys", self.tags.to_vec());
            // Without a key, `ForAllValues` would hold.
            add(&mut tag, "Null", "aws:TagKeys", "false");
            statements.push(Statement::trust("sts:TagSession", principals.clone(), tag));
        }
        if !self.source_identity.is_empty() {
            let mut identity = who;
            add(&mut identity, "StringLike", "sts:SourceIdentity", self.source_identity.to_vec());
            statements.push(Statement::trust("sts:SetSourceIdentity", principals, identity));
        }
        statements
    }

    fn statement_count(self) -> usize {
        1 + usize::from(!self.tags.is_empty()) + usize::from(!self.source_identity.is_empty())
    }
}

fn sorted(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn add(conditions: &mut Conditions, operator: &'static str, key: &'static str, values: impl Into<OneOrMany>) {
    conditions.entry(operator).or_default().insert(key, values.into());
}

fn named(caller: &Caller, stage: &str, partition: &str) -> Named {
    match &caller.principals {
        CallerPrincipals::Organization { id, .. } => {
            Named { principal: "*".to_owned(), condition_value: Some(id.clone()) }
        }
        CallerPrincipals::Roles { account, roles, trust } => {
            let root = || format!("arn:{partition}:iam::{account}:root");
            match roles.get(stage) {
                Some(WhichRole::Named(role)) => {
                    let arn = role.arn(partition, account);
                    match (account.as_str(), trust) {
                        ("*", _) => Named { principal: "*".to_owned(), condition_value: Some(arn) },
                        (_, TrustForm::Account) => Named { principal: root(), condition_value: Some(arn) },
                        (_, TrustForm::Role) => Named { principal: arn, condition_value: None },
                    }
                }
                // A caller that is not on the stage never gets here.
                Some(WhichRole::Every) | None => Named { principal: root(), condition_value: None },
            }
        }
    }
}

/// What every policy has besides its statements.
pub(crate) const EMPTY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// The trust policy of a role that these callers share on a stage.
pub(crate) fn policy(callers: &[&Caller], stage: &str, partition: &str) -> Document {
    let mut by_terms: BTreeMap<Terms<'_>, Vec<Named>> = BTreeMap::new();
    for caller in callers {
        by_terms.entry(Terms::of(caller, stage)).or_default().push(named(caller, stage, partition));
    }
    Document::new(by_terms.into_iter().flat_map(|(terms, names)| terms.statements(names)).collect())
}

/// How many characters a caller adds to a policy that has a statement of its terms: at least and at most.
///
/// A list of one is written without brackets, and an account may be in the list already.
pub(crate) fn characters_added(caller: &Caller, stage: &str, partition: &str) -> (usize, usize) {
    let named = named(caller, stage, partition);
    let quoted = |text: &str| text.len().saturating_add("\"\",".len());
    let principal = quoted(&named.principal);
    let value = named.condition_value.as_deref().map_or(0, quoted);
    let statements = Terms::of(caller, stage).statement_count();
    // What stands in the condition is the caller's own; the principal is so only where there is no condition.
    let least = if named.condition_value.is_some() { value } else { principal };
    let brackets = "[]".len() * 2;
    (least.saturating_mul(statements), (principal + value + brackets).saturating_mul(statements))
}
