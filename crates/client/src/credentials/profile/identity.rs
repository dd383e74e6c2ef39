//! Whose credentials a profile gives, as far as the files tell it.

use super::plan::{Base, Plan, Source};
use crate::credentials::environment;
use crate::host::Host;

/// The source and what it is set up with, without a secret. `None` where that is the machine: it has to be asked.
pub(super) fn identity(plan: &Plan, host: &dyn Host) -> Option<Vec<String>> {
    let key_id;
    let mut said: Vec<&str> = match &plan.base {
        Base::Keys(keys) => vec!["keys", keys.access_key_id()],
        Base::Source { source: Source::Environment, .. } => {
            key_id = environment::key_id(host)?;
            vec!["keys", &key_id]
        }
        Base::Source { .. } => return None,
        Base::WebIdentity { role_arn, token_file, session_name, .. } => {
            vec!["web identity", role_arn, token_file, session_name.as_deref().unwrap_or_default()]
        }
        // What a program is given may be a secret.
        Base::Process { program, .. } => vec!["process", program],
        Base::Sso(login) => vec!["sso", &login.start_url, &login.account_id, &login.role_name],
        Base::Export { .. } => vec!["export"],
    };
    for role in &plan.roles {
        let (session_name, external_id) = (role.session_name.as_deref(), role.external_id.as_deref());
        said.extend(["role", &role.arn, session_name.unwrap_or_default(), external_id.unwrap_or_default()]);
    }
    Some(said.into_iter().map(str::to_owned).collect())
}
