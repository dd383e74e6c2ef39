//! The callers that a trust policy lets in: those with the same terms and account together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::trust::{Who, trusting};
use crate::iam::elements::statements;

/// A caller as one role's trust policy has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReadCaller {
    pub(super) who: Who,
    pub(super) terms: Terms,
}

/// What it has to keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Terms {
    pub(super) external_id: Option<String>,
    pub(super) session_names: BTreeSet<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) source_identity: BTreeSet<String>,
}

/// Everybody whom the policy lets assume the role and whom a manifest can name.
///
/// # Errors
///
/// Why no manifest has them: there are none, or one principal is let in on different terms.
pub(super) fn read(policy: &Value, partition: &str) -> Result<Vec<ReadCaller>, String> {
    let mut whys = Vec::new();
    let trusting = |statement: &Value| trusting(statement, partition).map_err(|why| whys.push(why)).ok();
    // Services and users of identity providers are nobody whom a manifest could name.
    let is_of_accounts = |statement: &&Value| {
        statement.pointer("/Principal/AWS").is_some() || !statement.get("Principal").is_some_and(Value::is_object)
    };
    let all: Vec<_> = statements(policy).iter().filter(is_of_accounts).filter_map(trusting).collect();
    let mut callers: BTreeMap<Who, Terms> = BTreeMap::new();
    for trust in all.iter().filter(|trust| has(&trust.actions, "sts:AssumeRole")) {
        // On an action whose key it is not, no manifest has a condition.
        if let Some(of_other) = ["tags", "source_identity"].iter().find_map(|key| trust.conditions.get(key)) {
            whys.push(of_other.clone());
            continue;
        }
        let ids = trust.terms.get("external_id");
        let external_id = match ids.map(Vec::as_slice) {
            None => None,
            Some([one]) => Some(one.clone()),
            // An empty list lets nobody in.
            Some(_) => continue,
        };
        let session_names = trust.terms.get("session_names").into_iter().flatten().cloned().collect();
        for who in &trust.whom {
            let terms = Terms {
                external_id: external_id.clone(),
                session_names: BTreeSet::clone(&session_names),
                ..Terms::default()
            };
            if callers.insert(who.clone(), terms.clone()).is_some_and(|other| other != terms) {
                return Err(format!("{} is let in twice, on different terms, which no manifest says", shown(who)));
            }
        }
    }
    for (action, key) in [("sts:TagSession", "tags"), ("sts:SetSourceIdentity", "source_identity")] {
        for trust in all.iter().filter(|trust| has(&trust.actions, action) && trust.terms.len() == 1) {
            let Some(values) = trust.terms.get(key) else { continue };
            for who in &trust.whom {
                let Some(terms) = callers.get_mut(who) else { continue };
                let of = if key == "tags" { &mut terms.tags } else { &mut terms.source_identity };
                of.extend(values.iter().cloned());
            }
        }
    }
    if callers.is_empty() {
        let why =
            whys.into_iter().next().unwrap_or_else(|| "no `sts:AssumeRole` by which somebody comes in".to_owned());
        return Err(format!("it lets nobody in whom a manifest could name: {why}"));
    }
    Ok(callers.into_iter().map(|(who, terms)| ReadCaller { who, terms }).collect())
}

fn has(actions: &[String], action: &str) -> bool {
    actions.iter().any(|of| of.eq_ignore_ascii_case(action) || of.eq_ignore_ascii_case("sts:*"))
}

pub(super) fn shown(who: &Who) -> String {
    match who {
        Who::Role { account, role, .. } => format!("role `{role}` of account `{account}`"),
        Who::Account(account) => format!("account `{account}`"),
        Who::Organization(id) => format!("organization `{id}`"),
    }
}
