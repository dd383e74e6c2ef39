//! `xacct-sign render`.

use xacct_sign_provider::{FindingCode, Format};

use crate::arguments::{RenderCommand, StageArguments};
use crate::failure::Failure;
use crate::{files, findings, manifest, output};

pub(crate) fn run(command: RenderCommand) -> Result<(), Failure> {
    let (arguments, format, is_import) = match command {
        RenderCommand::Cloudformation(arguments) => (arguments.render, Format::CloudFormation, arguments.import),
        RenderCommand::Terraform(arguments) => (arguments.render, Format::Terraform, arguments.import),
        RenderCommand::Json(arguments) => (arguments, Format::Json, false),
        RenderCommand::Callers(arguments) => return callers(&arguments),
    };
    let path = &arguments.stage.manifest;
    let manifest = manifest::read(path)?;
    let stage = manifest::stage(&manifest, &arguments.stage.stage)?;
    let recorded = manifest::read_lock(path)?;
    let plan = manifest.plan(&recorded);

    let mut findings = plan.findings_on(stage);
    // The lock file is about to be written.
    findings.retain(|finding| finding.code != FindingCode::LockOutdated);
    findings::refuse_errors(&manifest, &findings)?;
    // Before anything is written.
    let text = if is_import { plan.render_import(stage, format)? } else { plan.render(stage, format)? };
    findings::note_shared(stage, plan.resource_policy(stage).as_ref());
    if let Some(left_out) = plan.left_out(stage, format) {
        output::note(&[left_out.to_string(), format!("  hint: {}", left_out.hint())]);
    }
    if *plan.lock() == recorded {
        return output::document(&text);
    }
    let lock_path = manifest::lock_path(path);
    if arguments.locked {
        return Err(Failure::LockOutdated { is_there: lock_path.exists(), path: lock_path });
    }
    // Who gets nothing has been told nothing.
    let lock = files::replacement(&lock_path, &plan.lock().to_toml())?;
    output::document(&text)?;
    lock.put()?;
    output::note(&[format!("wrote `{}`: commit it beside the manifest", lock_path.display())]);
    Ok(())
}

/// What a verifier reads. Nothing is deployed by it, and nothing is written.
fn callers(arguments: &StageArguments) -> Result<(), Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let stage = manifest::stage(&manifest, &arguments.stage)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::refuse_errors(&manifest, &plan.findings_on(stage))?;
    let file = plan.callers(stage)?;
    let others: Vec<String> = plan.other_stages_of_api(stage).map(|name| format!("`{name}`")).collect();
    if !others.is_empty() {
        let stages = others.join(", ");
        output::note(&[format!("the API is that of {stages}, too, whose callers reach it and are not in this list")]);
    }
    if let Some(finding) = plan.callers_not_told_apart(stage) {
        // A note, which other commands keep to themselves: here it says whom the verifier will refuse.
        output::note(&findings::lines(&manifest.file, &finding));
    }
    output::document(&file.to_json())
}
