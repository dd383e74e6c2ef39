//! The callers' roles where the manifest leaves account or role open: for each one that fits.

use std::collections::BTreeSet;

use crate::plan::CallerRole;

/// The role that stands for every role of an account.
const ANY_ROLE: &str = "AnyRole";

/// What stands for the `*` of a name: the first by which it is no other caller's role.
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
    let named = callers.iter().filter(|caller| !caller.role_name.contains('*'));
    let named: BTreeSet<_> =
        named.map(|caller| (caller.account.as_str(), caller.role_name.to_ascii_lowercase())).collect();
    (outsider, callers.iter().map(|caller| concrete(caller, partition, &mut accounts, &named)).collect())
}

fn concrete<'d>(
    caller: &'d CallerRole,
    partition: &str,
    accounts: &mut Accounts,
    named: &BTreeSet<(&str, String)>,
) -> ConcreteRole<'d> {
    let account = if caller.account == "*" { accounts.unused() } else { caller.account.clone() };
    let arn = match caller.arn.split_once(":role/") {
        // One that another caller's role has would be that one.
        Some((_, "*")) => {
            let others = LETTERS.chars().map(|letter| format!("{ANY_ROLE}{letter}"));
            let mut names = std::iter::once(ANY_ROLE.to_owned()).chain(others);
            let is_free = |name: &String| !named.contains(&(&account, name.to_ascii_lowercase()));
            let name = names.find(is_free).unwrap_or_else(|| ANY_ROLE.to_owned());
            format!("arn:{partition}:iam::{account}:role/{name}")
        }
        // Where the name is a pattern, this fits it, and is no longer than a name may be.
        Some((_, name)) => {
            let with = |letter: char| caller.role_name.replace('*', &letter.to_string()).to_ascii_lowercase();
            let is_free = |letter: &char| !named.contains(&(&account, with(*letter)));
            let letter = LETTERS.chars().find(is_free).unwrap_or('x');
            format!("arn:{partition}:iam::{account}:role/{}", name.replace('*', &letter.to_string()))
        }
        None => caller.arn.clone(),
    };
    ConcreteRole { caller, account, arn }
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
