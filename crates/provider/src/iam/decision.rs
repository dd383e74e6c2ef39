//! What policies say to a request, and why: values, of which text is made only when it is asked for.

use std::fmt;

use super::context::Values;

/// What policies say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it, whatever others allow.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

/// The answer to a request, with what each statement said to it.
///
/// `Display` gives the [reasons](Self::reasons), parted by `; `.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision<'a> {
    effect: Effect,
    outcomes: Vec<StatementOutcome<'a>>,
}

impl<'a> Decision<'a> {
    /// One that denies wins over all that allow, and what none allows is denied.
    pub(super) fn of(outcomes: Vec<StatementOutcome<'a>>) -> Self {
        let has = |effect: Effect| outcomes.iter().any(|statement| statement.outcome.effect() == effect);
        let effect = if has(Effect::ExplicitDeny) {
            Effect::ExplicitDeny
        } else if has(Effect::Allow) {
            Effect::Allow
        } else {
            Effect::ImplicitDeny
        };
        Self { effect, outcomes }
    }

    /// What the policies say together.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// Whether it is allowed to whoever asks itself, and not to its account: within that account nothing else has to allow it
    /// ([identity-based policies and resource-based policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html)).
    #[must_use]
    pub fn allows_asker_itself(&self) -> bool {
        let is_to_itself =
            |one: &StatementOutcome<'_>| matches!(one.outcome, Outcome::Allows { is_to_itself: true, .. });
        self.is_allowed() && self.outcomes.iter().any(is_to_itself)
    }

    /// What each statement said, in the order of documents and statements. Empty where there is no document.
    #[must_use]
    pub fn outcomes(&self) -> &[StatementOutcome<'a>] {
        &self.outcomes
    }

    /// Those that count: the statements that allow or deny, or for an implicit deny every statement with what kept it from
    /// allowing.
    pub fn reasons(&self) -> impl Iterator<Item = &StatementOutcome<'a>> {
        self.outcomes.iter().filter(|statement| statement.outcome.effect() == self.effect)
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outcomes.is_empty() {
            return f.write_str("there is no policy that could allow it");
        }
        for (index, reason) in self.reasons().enumerate() {
            let parted = if index == 0 { "" } else { "; " };
            write!(f, "{parted}{reason}")?;
        }
        Ok(())
    }
}

/// What one statement said.
///
/// `Display` gives a sentence with the statement's place, counted from 1; with the policy's as well where there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementOutcome<'a> {
    /// Which of the documents the statement is in, from 0.
    pub policy: usize,
    /// Which of the document's statements it is, from 0.
    pub statement: usize,
    /// The statement's `Sid`.
    pub sid: Option<&'a str>,
    /// What it said.
    pub outcome: Outcome<'a>,
    /// Whether it is the only document.
    pub(super) is_only_policy: bool,
}

impl fmt::Display for StatementOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_only_policy {
            write!(f, "policy {}, ", self.policy.saturating_add(1))?;
        }
        write!(f, "statement {}", self.statement.saturating_add(1))?;
        if let Some(sid) = self.sid {
            write!(f, " (`{sid}`)")?;
        }
        write!(f, ": {}", self.outcome)
    }
}

/// What a statement says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It allows the action on the resource.
    #[non_exhaustive]
    Allows {
        /// What was asked.
        action: &'a str,
        /// On what.
        resource: &'a str,
        /// Whether it is to whoever asks, by its own ARN or to everybody, and not to its account, which then has to hand it on.
        is_to_itself: bool,
    },
    /// It denies the action on the resource.
    #[non_exhaustive]
    Denies {
        /// What was asked.
        action: &'a str,
        /// On what.
        resource: &'a str,
    },
    /// It would allow, but holds what the evaluator does not know, in words: it never allows.
    CannotAllow(&'a [String]),
    /// It denies, and holds what the evaluator does not know, in words: it always denies.
    AlwaysDenies(&'a [String]),
    /// It is not about the request.
    DoesNotApply(Mismatch<'a>),
}

impl Outcome<'_> {
    /// What the decision would be if there were this statement alone.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Allows { .. } => Effect::Allow,
            Self::Denies { .. } | Self::AlwaysDenies(_) => Effect::ExplicitDeny,
            Self::CannotAllow(_) | Self::DoesNotApply(_) => Effect::ImplicitDeny,
        }
    }
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allows { action, resource, .. } => write!(f, "allows `{action}` on `{resource}`"),
            Self::Denies { action, resource } => write!(f, "denies `{action}` on `{resource}`"),
            Self::CannotAllow(what) => {
                write!(f, "cannot allow, because it holds what is not supported: {}", what.join(", "))
            }
            Self::AlwaysDenies(what) => {
                write!(f, "denies, because it holds what is not supported: {}", what.join(", "))
            }
            Self::DoesNotApply(why) => why.fmt(f),
        }
    }
}

/// The first element of a statement that does not fit the request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch<'a> {
    /// `Principal` does not name who asks, given by its ARN; `None` is nobody, a request without credentials.
    Principal(Option<&'a str>),
    /// `Action` or `NotAction` does not cover what is asked.
    Action(&'a str),
    /// `Resource` or `NotResource` does not cover what it is asked on.
    Resource(&'a str),
    /// A condition does not hold.
    Condition(FailedCondition<'a>),
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(who) => write!(f, "principal: it does not name `{}`", who.unwrap_or("nobody")),
            Self::Action(action) => write!(f, "action: it does not cover `{action}`"),
            Self::Resource(resource) => write!(f, "resource: it does not cover `{resource}`"),
            Self::Condition(condition) => condition.fmt(f),
        }
    }
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedCondition<'a> {
    /// The operator as written, `ForAllValues:` and `IfExists` included.
    pub operator: &'a str,
    /// The condition key as written.
    pub key: &'a str,
    /// What the statement asks for.
    pub asked: Asked<'a>,
    /// The values that the request has of the key, if it has any.
    pub had: Option<Values<'a>>,
}

/// What a condition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked<'a> {
    /// One of the values, as written: by an operator such as `StringEquals`.
    OneOf(&'a [String]),
    /// Anything but the values, as written: by an operator such as `StringNotEquals`.
    NoneOf(&'a [String]),
    /// That the request has the key: by `Null`.
    Presence,
    /// That the request lacks the key: by `Null`.
    Absence,
}

impl fmt::Display for FailedCondition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "condition {} {}: the request has ", self.operator, self.key)?;
        let (asked, not) = match (self.asked, self.had) {
            (_, None) => return f.write_str("none"),
            (Asked::Presence | Asked::Absence, Some(_)) => return f.write_str("one"),
            (Asked::OneOf(asked), Some(_)) => (asked, ""),
            (Asked::NoneOf(asked), Some(_)) => (asked, "anything but "),
        };
        let had = self.had.iter().flat_map(|values| values.iter());
        write!(f, "{}, the statement asks for {not}", Quoted(had))?;
        match asked {
            [] => f.write_str("one of no values"),
            asked => Quoted(asked.iter().map(String::as_str)).fmt(f),
        }
    }
}

/// Texts in backticks, parted by commas.
pub(super) struct Quoted<I>(pub(super) I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Quoted<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, text) in self.0.clone().enumerate() {
            let parted = if index == 0 { "" } else { ", " };
            write!(f, "{parted}`{text}`")?;
        }
        Ok(())
    }
}
