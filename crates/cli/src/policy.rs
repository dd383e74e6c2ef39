//! `xacct-sign policy`.

use std::io::{self, Write as _};

use xacct_sign_provider::{Document, ProviderRole};

use crate::arguments::{CallerArguments, PolicyCommand, StageArguments};
use crate::failure::Failure;
use crate::manifest;

/// A role's ARN, and its document.
type Documents = Vec<(String, Document)>;

/// Prints the document, or where there are several an object of role ARN → document.
pub(crate) fn run(command: PolicyCommand) -> Result<(), Failure> {
    let documents = match command {
        PolicyCommand::Trust(arguments) => stage_documents(&arguments, |role| role.trust_policy)?,
        PolicyCommand::Invoke(arguments) => stage_documents(&arguments, |role| role.invoke_policy)?,
        PolicyCommand::Caller(arguments) => caller_documents(&arguments)?,
    };
    let mut stdout = io::stdout().lock();
    let written = match documents.as_slice() {
        [(_, document)] => writeln!(stdout, "{}", document.to_json_pretty()),
        several => several
            .iter()
            .enumerate()
            .try_for_each(|(index, (role, document))| {
                let lead = if index == 0 { "{\n  " } else { ",\n  " };
                write!(stdout, "{lead}\"{role}\": {}", document.to_json_pretty().replace('\n', "\n  "))
            })
            .and_then(|()| writeln!(stdout, "\n}}")),
    };
    written.and_then(|()| stdout.flush()).map_err(Failure::Output)
}

fn stage_documents(
    arguments: &StageArguments,
    document: impl Fn(ProviderRole) -> Document,
) -> Result<Documents, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    if !manifest.stages.contains_key(&arguments.stage) {
        let known = manifest.stages.keys().cloned().collect();
        return Err(Failure::NotInManifest { kind: "stage", name: arguments.stage.clone(), known });
    }
    let roles = manifest.provider_roles().into_iter().filter(|role| role.stage == arguments.stage);
    Ok(roles.map(|role| (role.arn.clone(), document(role))).collect())
}

fn caller_documents(arguments: &CallerArguments) -> Result<Documents, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    if !manifest.callers.contains_key(&arguments.caller) {
        let known = manifest.callers.keys().cloned().collect();
        return Err(Failure::NotInManifest { kind: "caller", name: arguments.caller.clone(), known });
    }
    let roles = manifest.caller_roles().into_iter().filter(|role| role.caller == arguments.caller);
    Ok(roles.map(|role| (role.arn, role.policy)).collect())
}
