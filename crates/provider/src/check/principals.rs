//! Names of callers' roles that no role has, or that only one of two has.

use std::collections::BTreeMap;

use xacct_sign::aws::RoleName;

use super::{Findings, quoted};
use crate::finding::{FindingCode as Code, Subject};
use crate::manifest::{Caller, CallerPrincipals, WhichRole};

/// The path that IAM Identity Center gives the roles of permission sets, and what their names begin with
/// ([referencing permission sets](https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html)).
pub(crate) const PERMISSION_SETS: &str = "/aws-reserved/sso.amazonaws.com/";
const PERMISSION_SET: &str = "AWSReservedSSO_";

/// The roles by their accounts and names, in lower case.
pub(super) type RoleNames<'m> = BTreeMap<(&'m str, String), &'m RoleName>;

pub(super) fn check_names<'m>(caller: &'m Caller, names: &mut RoleNames<'m>, found: &mut Findings<'_>) {
    let CallerPrincipals::Roles { account, roles, .. } = &caller.principals else { return };
    let subject = || Subject::Caller(caller.name.clone());
    let mut two = Vec::new();
    for (stage, role) in roles.iter().flat_map(|(stage, roles)| roles.iter().map(move |role| (stage, role))) {
        let (path, name) = match role {
            WhichRole::Named(role) => (role.path(), role.name()),
            WhichRole::Like(pattern) => (pattern.path(), pattern.name()),
            WhichRole::Every => continue,
        };
        if name.starts_with(PERMISSION_SET) && !path.starts_with(PERMISSION_SETS) {
            let shown = format!("{}{name}", path.trim_start_matches('/'));
            let message = format!("`{shown}` on `{stage}` is a permission set's by its name, and not by its path");
            found.add_on(&[stage], Code::PermissionSetWithoutPath, subject(), message);
        }
        // Of every account, roles of one name have different paths.
        let WhichRole::Named(role) = role else { continue };
        if account != "*" {
            let known = *names.entry((account, name.to_ascii_lowercase())).or_insert(role);
            let pair = [known.to_string(), role.to_string()];
            if known != role && !two.contains(&pair) {
                two.push(pair);
            }
        }
    }
    for [known, other] in two {
        let message = format!("{} and {} are one name in account `{account}`", quoted(&[&known]), quoted(&[&other]));
        found.add(Code::RoleNameNotUnique, subject(), message);
    }
}
