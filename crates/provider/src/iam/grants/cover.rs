//! Which grants are within others. Everything is looked up, nothing compared with all: the time grows with the number of
//! grants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::taken::{account_of, account_of_root};
use super::{Grant, GrantCondition, GrantSubject, GrantTerms};

/// The most conditions of a grant for which every part of them is looked up.
const MAX_CONDITIONS: usize = 6;

/// The grants of `these` that none of `others` covers, each once.
pub(crate) fn beyond(these: &[Grant], others: &[Grant]) -> Vec<Grant> {
    let others = Covering::of(others);
    let mut of_terms = BTreeMap::new();
    let mut beyond = Vec::new();
    for grant in these {
        let wider = of_terms.entry(Arc::as_ptr(&grant.terms)).or_insert_with(|| others.terms_that_cover(&grant.terms));
        if !others.covers(grant, wider) {
            beyond.push(grant.clone());
        }
    }
    beyond.sort_by(|a, b| (a.is_denied, &a.subject, &a.terms).cmp(&(b.is_denied, &b.subject, &b.terms)));
    beyond.dedup();
    beyond
}

/// Grants, to be looked up.
struct Covering<'g> {
    /// Terms by their actions in lower case, and their conditions; each has a number.
    terms: BTreeMap<(String, &'g BTreeSet<GrantCondition>), usize>,
    grants: BTreeSet<(bool, &'g GrantSubject, usize)>,
    /// How long the texts are that stand before a `*` at the end of an action, or a resource.
    actions: BTreeSet<usize>,
    resources: BTreeSet<usize>,
    /// The same of the resources that grants to principals are on, and these that end so.
    on: BTreeSet<usize>,
    wide: BTreeSet<&'g str>,
}

impl<'g> Covering<'g> {
    fn of(grants: &'g [Grant]) -> Self {
        let mut covering = Self {
            terms: BTreeMap::new(),
            grants: BTreeSet::new(),
            actions: BTreeSet::new(),
            resources: BTreeSet::new(),
            on: BTreeSet::new(),
            wide: BTreeSet::new(),
        };
        let mut known = BTreeMap::new();
        for grant in grants {
            let number = *known.entry(Arc::as_ptr(&grant.terms)).or_insert_with(|| {
                let action = action_of(&grant.terms);
                covering.actions.extend(action.strip_suffix('*').map(str::len));
                for resource in grant.resources().filter(|resource| resource.ends_with('*')) {
                    covering.on.extend(resource.strip_suffix('*').map(str::len));
                    covering.wide.insert(resource);
                }
                let fresh = covering.terms.len();
                *covering.terms.entry((action, &grant.terms.conditions)).or_insert(fresh)
            });
            if let GrantSubject::Resource(resource) = &grant.subject {
                covering.resources.extend(resource.strip_suffix('*').map(str::len));
            }
            covering.grants.insert((grant.is_denied, &grant.subject, number));
        }
        covering
    }

    /// The numbers of the terms under which everything is granted that is under these: fewer conditions, wider
    /// actions and resources.
    fn terms_that_cover(&self, terms: &GrantTerms) -> Vec<usize> {
        let action = action_of(terms);
        let mut actions = vec![action.clone()];
        if terms.actions.len() == 1 {
            actions.extend(starts(&action, &self.actions));
        }
        let mut parts = parts_of(&terms.conditions);
        let wider: Vec<_> = parts.iter().flat_map(|part| self.on_wider_resources(part)).collect();
        parts.extend(wider);
        let each = actions.iter().flat_map(|action| parts.iter().map(move |part| (action.clone(), part)));
        each.filter_map(|key| self.terms.get(&key)).copied().collect()
    }

    /// Conditions with each wider resource that there is for theirs.
    fn on_wider_resources(&self, conditions: &BTreeSet<GrantCondition>) -> Vec<BTreeSet<GrantCondition>> {
        let on = conditions.iter().find(|condition| condition.is_on_resource() && condition.values.len() == 1);
        let Some((on, resource)) = on.and_then(|on| Some((on, on.values.first()?))) else { return Vec::new() };
        if has_variable(resource) {
            return Vec::new();
        }
        let is_another = |wider: &String| wider != resource && self.wide.contains(wider.as_str());
        let instead = |wider: String| {
            let others = conditions.iter().filter(|condition| *condition != on).cloned();
            others.chain([GrantCondition { values: BTreeSet::from([wider]), ..on.clone() }]).collect()
        };
        starts(resource, &self.on).filter(is_another).map(instead).collect()
    }

    fn covers(&self, grant: &Grant, terms: &[usize]) -> bool {
        let mut subjects = vec![grant.subject.clone()];
        match &grant.subject {
            GrantSubject::Principal(principal) => {
                // A service is a principal of another kind.
                if principal == "*" || !principal.contains(':') || principal.starts_with("arn:") {
                    subjects.push(GrantSubject::Principal("*".to_owned()));
                }
                let account = account_of(principal).filter(|_| account_of_root(principal).is_none());
                let root = account.map(|(partition, account)| format!("arn:{partition}:iam::{account}:root"));
                subjects.extend(root.map(GrantSubject::Principal));
            }
            GrantSubject::Resource(resource) if !has_variable(resource) => {
                subjects.extend(starts(resource, &self.resources).map(GrantSubject::Resource));
            }
            GrantSubject::Resource(_) | GrantSubject::Statement(_) => {}
        }
        let is_there =
            |subject: &GrantSubject| terms.iter().any(|t| self.grants.contains(&(grant.is_denied, subject, *t)));
        subjects.iter().any(is_there)
    }
}

/// The patterns that begin as a text does and end in `*`, of the lengths that there are.
fn starts<'t>(text: &'t str, lengths: &'t BTreeSet<usize>) -> impl Iterator<Item = String> + 't {
    lengths.range(..=text.len()).filter_map(|length| text.get(..*length)).map(|start| format!("{start}*"))
}

/// What a variable becomes is not known.
fn has_variable(resource: &str) -> bool {
    resource.contains("${")
}

fn action_of(terms: &GrantTerms) -> String {
    terms.actions.join(", ").to_ascii_lowercase()
}

/// Every part of some conditions, none and all included.
fn parts_of(conditions: &BTreeSet<GrantCondition>) -> Vec<BTreeSet<GrantCondition>> {
    if conditions.len() > MAX_CONDITIONS {
        return vec![BTreeSet::new(), conditions.clone()];
    }
    let mut parts = vec![BTreeSet::new()];
    for condition in conditions {
        let with = |part: &BTreeSet<GrantCondition>| {
            let mut part = part.clone();
            part.insert(condition.clone());
            part
        };
        let more: Vec<_> = parts.iter().map(with).collect();
        parts.extend(more);
    }
    parts
}
