//! What policies grant, however they write it: one line for each principal of a trust policy, or resource of another, with
//! its actions and conditions.

mod cover;
mod taken;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

pub(crate) use cover::beyond;
pub(crate) use taken::of_policy;

/// What stands for an operator and a key where a grant to a principal is on a resource: no key of a condition begins so.
const ON: &str = "on";
const RESOURCE: &str = "Resource";

/// How many values or actions of one line are shown, so that a text grows with what it is about.
const SHOWN: usize = 20;

/// One thing that a policy allows or denies: a trust policy to a principal, another policy on a resource.
///
/// A role named by its ARN, and one named by its account with its ARN in a condition on `aws:PrincipalArn`, are the same
/// grant. `Display` is a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// To whom, or on what.
    pub subject: GrantSubject,
    /// Whether it is denied instead of allowed.
    pub is_denied: bool,
    /// What, and under which conditions: the grants of one statement share it.
    pub terms: Arc<GrantTerms>,
}

/// What a grant is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GrantSubject {
    /// A principal: an ARN, an account's being that of its root; `*` for everybody; `Service:` and the like before others.
    Principal(String),
    /// An ARN with wildcards.
    Resource(String),
    /// A statement that names by exclusion (`NotPrincipal`, `NotAction`, `NotResource`), as it stands.
    Statement(String),
}

/// Actions and conditions of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct GrantTerms {
    /// Actions such as `sts:AssumeRole`: one, unless a statement has too many to take it apart.
    pub actions: Vec<String>,
    /// All of them have to hold.
    pub conditions: BTreeSet<GrantCondition>,
}

impl Grant {
    /// The resources that a grant to a principal is on, if its policy says them.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        let on = self.terms.conditions.iter().filter(|condition| condition.is_on_resource());
        on.flat_map(|condition| &condition.values).map(String::as_str)
    }
}

impl GrantCondition {
    fn is_on_resource(&self) -> bool {
        self.operator == ON && self.key == RESOURCE
    }
}

/// One operator on one key; of a policy that hangs on a resource also `on` and `Resource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct GrantCondition {
    /// Such as `StringEquals`.
    pub operator: String,
    /// Such as `sts:ExternalId`.
    pub key: String,
    /// Several for negated operators and lists, and where a statement has too many to take it apart.
    pub values: BTreeSet<String>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = if self.is_denied { "must not" } else { "may" };
        let actions = || Listed(self.terms.actions.iter(), "");
        match &self.subject {
            GrantSubject::Principal(principal) => write!(f, "`{principal}` {may} {}", actions())?,
            GrantSubject::Resource(resource) => write!(f, "its sessions {may} {} on `{resource}`", actions())?,
            GrantSubject::Statement(statement) => {
                let allowed = if self.is_denied { "denied" } else { "allowed" };
                return write!(f, "what is {allowed} by the statement {statement}");
            }
        }
        let (on, conditions): (Vec<_>, Vec<_>) =
            self.terms.conditions.iter().partition(|condition| condition.is_on_resource());
        for condition in on {
            write!(f, " on {}", Listed(condition.values.iter(), "`"))?;
        }
        for (index, condition) in conditions.into_iter().enumerate() {
            let word = if index == 0 { "if" } else { "and" };
            let values = Listed(condition.values.iter(), "`");
            write!(f, " {word} {} {} {values}", condition.key, condition.operator)?;
        }
        // IAM shows the unique id where the role's ARN stood, once the role is gone.
        if matches!(&self.subject, GrantSubject::Principal(id) if id.starts_with("AROA") || id.starts_with("AIDA")) {
            write!(f, " (the id of a principal that was deleted: it lets nobody in)")?;
        }
        Ok(())
    }
}

/// Texts parted by commas, each within quotes; of many the first.
struct Listed<'a, I>(I, &'a str);

impl<'a, I: Iterator<Item = &'a String> + ExactSizeIterator + Clone> fmt::Display for Listed<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(texts, quote) = self;
        for (index, text) in texts.clone().take(SHOWN).enumerate() {
            let parted = if index == 0 { "" } else { ", " };
            write!(f, "{parted}{quote}{text}{quote}")?;
        }
        match texts.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
