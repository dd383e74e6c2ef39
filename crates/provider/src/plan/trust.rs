//! Trust policies: who may assume a role, under which conditions.
//!
//! Callers with the same terms share a statement. Each action has a statement of its own, with the condition keys that it
//! knows: `sts:ExternalId` and `sts:RoleSessionName` belong to `sts:AssumeRole`, `aws:TagKeys` to `sts:TagSession`,
//! `sts:SourceIdentity` to `sts:SetSourceIdentity`
//! ([Actions of STS](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html)).

use std::collections::BTreeMap;

use super::principals::{Form, Named, add, named};
use crate::iam::document::{Document, Statement};
use crate::manifest::Caller;

/// What callers of one statement have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Terms<'a> {
    form: Form<'a>,
    external_id: Option<&'a str>,
    session_names: &'a [String],
    tags: &'a [String],
    source_identity: &'a [String],
}

impl<'a> Terms<'a> {
    fn of(caller: &'a Caller, form: Form<'a>) -> Self {
        Self {
            form,
            external_id: caller.external_id.as_deref(),
            session_names: &caller.session_names,
            tags: &caller.tags,
            source_identity: &caller.source_identity,
        }
    }

    fn statements(self, partition: &str, names: Vec<Named<'a>>) -> Vec<Statement> {
        let (principals, who) = self.form.of_statement(partition, names);
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

/// What every policy has besides its statements.
const EMPTY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// A caller's principals on a stage, by the terms of the statements that name them: patterns of several paths take several.
fn by_terms<'a>(caller: &'a Caller, stage: &str, partition: &str) -> BTreeMap<Terms<'a>, Vec<Named<'a>>> {
    let mut by_terms: BTreeMap<Terms<'a>, Vec<Named<'a>>> = BTreeMap::new();
    for name in named(caller, stage, partition) {
        by_terms.entry(Terms::of(caller, name.form)).or_default().push(name);
    }
    by_terms
}

/// The trust policy of a role that these callers share on a stage.
pub(crate) fn policy(callers: &[&Caller], stage: &str, partition: &str) -> Document {
    let mut all: BTreeMap<Terms<'_>, Vec<Named<'_>>> = BTreeMap::new();
    for (terms, names) in callers.iter().flat_map(|caller| by_terms(caller, stage, partition)) {
        all.entry(terms).or_default().extend(names);
    }
    Document::new(all.into_iter().flat_map(|(terms, names)| terms.statements(partition, names)).collect())
}

/// What a caller adds to a policy by those of its principals that have the same terms, in characters.
pub(crate) struct Part<'a> {
    pub(crate) terms: Terms<'a>,
    /// Where there is a statement of these terms already, at least and at most: a list of one is written without brackets, and
    /// an account may be in the list already.
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// As statements of its own.
    pub(crate) own: usize,
}

pub(crate) fn parts<'a>(caller: &'a Caller, stage: &str, partition: &str) -> Vec<Part<'a>> {
    let by_terms = by_terms(caller, stage, partition).into_iter();
    by_terms.map(|(terms, names)| Part::of(terms, partition, names)).collect()
}

impl<'a> Part<'a> {
    fn of(terms: Terms<'a>, partition: &str, names: Vec<Named<'a>>) -> Self {
        let quoted = |text: &str| text.len().saturating_add("\"\",".len());
        let (mut least, mut most) = (0_usize, "[]".len() * 2);
        for Named { principal, condition_value, .. } in &names {
            let principal = quoted(principal);
            let value = condition_value.as_deref().map_or(0, quoted);
            // What stands in the condition is the caller's own; the principal is so only where there is no condition.
            least = least.saturating_add(if condition_value.is_some() { value } else { principal });
            most = most.saturating_add(principal + value);
        }
        let count = terms.statement_count();
        let alone = Document::new(terms.statements(partition, names)).characters();
        Self {
            terms,
            least: least.saturating_mul(count),
            most: most.saturating_mul(count),
            own: alone.saturating_sub(EMPTY_POLICY.len()).saturating_add(",".len()),
        }
    }
}
