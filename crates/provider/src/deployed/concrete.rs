//! The callers' roles where the manifest leaves account or role open: for each one that fits.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::is_like;

use crate::plan::CallerRole;

/// What stands for every role of an account.
const ANY_ROLE: &str = "AnyRole*";

/// What stands for the `*` of a name.
const LETTERS: &str = "xyzabcdefghijklmnopqrstuvw";

/// A role that fits what the manifest says of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcreteRole<'d> {
    /// What the manifest says.
    pub caller: &'d CallerRole,
    /// The account, 12 digits.
    pub account: String,
    /// The role's ARN, path included.
    pub arn: String,
}

/// A role for each of the callers', in their order, and before them an account that is nobody's. `account` is the API's.
///
/// An account that is left open is one that nobody else has.
#[must_use]
pub fn concrete_roles<'d>(
    callers: &'d [CallerRole],
    partition: &str,
    account: &str,
) -> (String, Vec<ConcreteRole<'d>>) {
    let mut accounts = Accounts::beside(callers, account);
    let outsider = accounts.unused();
    let mut taken: BTreeMap<&str, Taken<'_>> = BTreeMap::new();
    for caller in callers {
        taken.entry(&caller.account).or_default().add(caller);
    }
    let concrete = |caller: &'d CallerRole| {
        let account = if caller.account == "*" { accounts.unused() } else { caller.account.clone() };
        let taken = taken.get(account.as_str());
        let arn = match caller.arn.split_once(":role/") {
            Some((_, role)) if role.contains('*') => {
                let path = role.strip_suffix(&caller.role_name).unwrap_or_default();
                let name = name_for(caller, |name| taken.map_or(0, |taken| taken.others(caller, name)));
                format!("arn:{partition}:iam::{account}:role/{path}{name}")
            }
            Some((_, role)) => format!("arn:{partition}:iam::{account}:role/{role}"),
            None => caller.arn.clone(),
        };
        ConcreteRole { caller, account, arn }
    };
    (outsider, callers.iter().map(concrete).collect())
}

/// A name that fits the caller's pattern, and is no longer than a name may be: the first by which it is none of the others, or the
/// fewest of them.
fn name_for(caller: &CallerRole, others: impl Fn(&str) -> usize) -> String {
    let is_any = caller.role_name == "*";
    let pattern = if is_any { ANY_ROLE } else { &caller.role_name };
    let letters = LETTERS.split("").filter(|letter| is_any || !letter.is_empty());
    let names = letters.map(|letter| pattern.replace('*', letter));
    let mut fewest: Option<(usize, String)> = None;
    for name in names {
        let count = others(&name);
        if fewest.as_ref().is_none_or(|(least, _)| count < *least) {
            fewest = Some((count, name));
        }
        if count == 0 {
            break;
        }
    }
    fewest.map(|(_, name)| name).unwrap_or_default()
}

/// The roles of one account that callers have.
#[derive(Default)]
struct Taken<'d> {
    /// In lower case: an account has no two roles whose names differ by case alone.
    names: BTreeSet<String>,
    patterns: Vec<&'d CallerRole>,
}

impl<'d> Taken<'d> {
    fn add(&mut self, caller: &'d CallerRole) {
        if caller.role_name.contains('*') {
            self.patterns.push(caller);
        } else {
            self.names.insert(caller.role_name.to_ascii_lowercase());
        }
    }

    /// How many of the other callers a role of this name would be, of whatever path.
    fn others(&self, caller: &CallerRole, name: &str) -> usize {
        let is_other = |other: &&&CallerRole| other.caller != caller.caller && is_like(&other.role_name, name);
        let is_named = self.names.contains(&name.to_ascii_lowercase());
        self.patterns.iter().filter(is_other).count().saturating_add(is_named.into())
    }
}

/// Accounts that nobody has, from the highest number down.
struct Accounts {
    taken: BTreeSet<String>,
    next: u64,
}

impl Accounts {
    fn beside(callers: &[CallerRole], account: &str) -> Self {
        let mut taken: BTreeSet<String> = callers.iter().map(|caller| caller.account.clone()).collect();
        taken.insert(account.to_owned());
        Self { taken, next: 999_999_999_999 }
    }

    fn unused(&mut self) -> String {
        loop {
            let account = format!("{:012}", self.next);
            self.next = self.next.saturating_sub(1);
            if !self.taken.contains(&account) || self.next == 0 {
                return account;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::cell::RefCell;

    use super::*;
    use crate::manifest::{Lock, Manifest};

    const PATTERN: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[callers.ops]
account = "000000000000"
roles = { stag = "Ops-*" }
trust = "account"
"#;

    #[test]
    fn the_first_name_that_is_nobodys_ends_the_search() {
        let manifest = Manifest::parse(PATTERN, "xacct.toml").unwrap();
        let caller = manifest.plan(&Lock::default()).caller_roles().remove(0);
        // By name how many others it is, in the order of the names.
        for (others, name, tried) in
            [(&[0_usize] as &[usize], "Ops-x", 1), (&[2, 1, 0, 0], "Ops-z", 3), (&[2, 1, 1], "Ops-y", 26)]
        {
            let asked = RefCell::new(Vec::new());
            let of_name = |name: &str| {
                asked.borrow_mut().push(name.to_owned());
                let number = asked.borrow().len().saturating_sub(1);
                others.get(number).or(others.last()).copied().unwrap_or_default()
            };
            assert_eq!(name_for(&caller, of_name), name);
            assert_eq!(asked.borrow().len(), tried, "{others:?}");
        }
    }
}
