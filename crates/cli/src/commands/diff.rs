//! `xacct-sign diff`.

use xacct_sign_provider::{ResourceDiff, RoleDiff};

use crate::arguments::DiffArguments;
use crate::failure::Failure;
use crate::{files, manifest, output};

pub(crate) fn run(arguments: &DiffArguments) -> Result<(), Failure> {
    let path = &arguments.stage.manifest;
    let manifest = manifest::read(path)?;
    let stage = manifest::stage(&manifest, &arguments.stage.stage)?;
    let plan = manifest.plan(&manifest::read_lock(path)?);
    let file = &arguments.deployed;
    let failed = |source| Failure::of_documents(std::slice::from_ref(file), source);
    let diff = plan.diff_stage(stage, arguments.role.as_deref(), &files::read(file)?).map_err(failed)?;
    let mut printed: Vec<String> = diff.policy.iter().flat_map(resource_lines).collect();
    printed.extend(diff.roles.iter().flat_map(lines));
    printed.extend(diff.unsaid.iter().map(|what| format!("? the file does not say: {what}")));
    printed.extend(diff.unread.iter().map(|what| format!("? not compared: {what}")));
    if printed.is_empty() {
        printed.push("no role is meant for the stage, and none that is there opens it".to_owned());
    }
    output::answer_lines(&printed)?;
    match diff.roles.iter().filter(|role| role.is_different()).count() {
        0 if diff.is_different() => Err(Failure::PolicyDiffers),
        0 => Ok(()),
        different => Err(Failure::Different(different)),
    }
}

fn resource_lines(diff: &ResourceDiff) -> Vec<String> {
    let state = if diff.is_different() { "" } else { ": the same" };
    let mut lines = vec![format!("{}{state}", diff.resource)];
    lines.extend(diff.only_deployed.iter().map(|grant| format!("- {grant}")));
    lines.extend(diff.only_meant.iter().map(|grant| format!("+ {grant}")));
    lines.extend(diff.unjudged.iter().map(|what| format!("? cannot be judged: {what}")));
    lines.extend(diff.faults.iter().map(|fault| format!("! {}: {fault}", fault.code())));
    lines.extend(diff.beside.iter().map(|grant| format!("  beside it: {grant}")));
    lines
}

/// `+` is what the manifest would add, `-` what it would take away, `?` what could not be judged.
fn lines(role: &RoleDiff) -> Vec<String> {
    let state = match (role.is_meant, role.is_deployed) {
        (true, false) => ": is not deployed",
        (false, _) => ": is no role of the stage's in the manifest",
        (true, true) if role.is_same() => ": the same",
        (true, true) if !role.is_different() => ": no difference in what the file says",
        (true, true) => "",
    };
    let mut lines = vec![format!("{}{state}", role.role)];
    lines.extend(role.only_deployed.iter().map(|fact| format!("- {fact}")));
    lines.extend(role.only_meant.iter().map(|fact| format!("+ {fact}")));
    lines.extend(role.unjudged.iter().map(|what| format!("? cannot be judged: {what}")));
    lines.extend(role.faults.iter().map(|fault| format!("! {}: {fault}", fault.code())));
    if !role.unseen.is_empty() {
        let unseen: Vec<String> = role.unseen.iter().map(ToString::to_string).collect();
        lines.push(format!("? the file does not say: {}", unseen.join(", ")));
    }
    lines
}
