//! The callers' roles where the manifest leaves account or role open: for each one that fits.

use std::collections::BTreeSet;

use crate::plan::CallerRole;

/// The role that stands for every role of an account.
const ANY_ROLE: &str = "AnyRole";

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
    (outsider, callers.iter().map(|caller| concrete(caller, partition, &mut accounts)).collect())
}

fn concrete<'d>(caller: &'d CallerRole, partition: &str, accounts: &mut Accounts) -> ConcreteRole<'d> {
    let account = if caller.account == "*" { accounts.unused() } else { caller.account.clone() };
    let arn = match caller.arn.split_once(":role/") {
        Some((_, name)) => {
            // Where the name is a pattern, this fits it, and is no longer than a name may be.
            let name = if name == "*" { ANY_ROLE.to_owned() } else { name.replace('*', "x") };
            format!("arn:{partition}:iam::{account}:role/{name}")
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
