//! `xacct-sign policy`.

use xacct_sign_provider::{Access, Document, Format, Plan, ProviderRole, Stage};

use crate::arguments::{CallerArguments, PolicyCommand, StageArguments};
use crate::failure::Failure;
use crate::{findings, manifest, output};

/// A role's ARN, or that of an API, and its document.
type Documents = Vec<(String, Document)>;

/// Prints the document, or where there are several an object of role ARN → document.
pub(crate) fn run(command: PolicyCommand) -> Result<(), Failure> {
    let documents = match command {
        PolicyCommand::Trust(arguments) => stage_documents(&arguments, |role| role.trust_policy)?,
        PolicyCommand::Invoke(arguments) => stage_documents(&arguments, |role| role.invoke_policy)?,
        PolicyCommand::Resource(arguments) => resource_documents(&arguments)?,
        PolicyCommand::Caller(arguments) => caller_documents(&arguments)?,
        PolicyCommand::Note(arguments) => return note(&arguments),
    };
    match documents.as_slice() {
        [] => output::document("{}\n"),
        [(_, document)] => output::document(&format!("{}\n", document.to_json_pretty())),
        several => {
            let entry = |(role, document): &(String, Document)| {
                format!("  \"{role}\": {}", document.to_json_pretty().replace('\n', "\n  "))
            };
            output::document(&format!("{{\n{}\n}}\n", several.iter().map(entry).collect::<Vec<_>>().join(",\n")))
        }
    }
}

fn stage_documents(
    arguments: &StageArguments,
    document: impl Fn(ProviderRole) -> Document,
) -> Result<Documents, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let stage = manifest::stage(&manifest, &arguments.stage)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::refuse_errors(&manifest, &plan.findings_on(stage))?;
    has_policies(&plan, stage)?;
    Ok(plan.stage_roles(stage).into_iter().map(|role| (role.arn.clone(), document(role))).collect())
}

/// That anything is deployed of the stage: of a server nothing is, which must not look like a policy that is empty.
fn has_policies(plan: &Plan<'_>, stage: &Stage) -> Result<(), Failure> {
    if stage.access == Access::Identity {
        plan.render(stage, Format::Json)?;
    }
    Ok(())
}

/// One, or none for a stage that needs none.
fn resource_documents(arguments: &StageArguments) -> Result<Documents, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let stage = manifest::stage(&manifest, &arguments.stage)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::refuse_errors(&manifest, &plan.findings_on(stage))?;
    has_policies(&plan, stage)?;
    let policy = plan.resource_policy(stage);
    findings::note_shared(stage, policy.as_ref());
    findings::note_beside(stage, &plan.stages_with_policy_beside(stage));
    if let Some(how) = plan.deployed_by_hand(stage) {
        output::note(&[how]);
    }
    Ok(manifest.stage_arn(stage).zip(policy.map(|policy| policy.document)).into_iter().collect())
}

fn caller_documents(arguments: &CallerArguments) -> Result<Documents, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let caller = manifest::caller(&manifest, &arguments.caller)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::refuse_errors(&manifest, &plan.findings_of(caller))?;
    Ok(plan.roles_of(caller).into_iter().map(|role| (role.arn, role.policy)).collect())
}

fn note(arguments: &CallerArguments) -> Result<(), Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let caller = manifest::caller(&manifest, &arguments.caller)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::refuse_errors(&manifest, &plan.findings_of(caller))?;
    output::document(&plan.note(caller))
}
