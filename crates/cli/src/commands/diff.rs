//! `xacct-sign diff`.

use xacct_sign_provider::{Access, DeployedRole, Plan, ResourceDiff, RoleDiff, Stage, read_roles};

use crate::arguments::DiffArguments;
use crate::failure::Failure;
use crate::{files, manifest, output};

pub(crate) fn run(arguments: &DiffArguments) -> Result<(), Failure> {
    let path = &arguments.stage.manifest;
    let manifest = manifest::read(path)?;
    let stage = manifest::stage(&manifest, &arguments.stage.stage)?;
    let plan = manifest.plan(&manifest::read_lock(path)?);
    let file = arguments.deployed.clone();
    if stage.access == Access::Identity {
        // An error that says so.
        plan.diff(stage, None, &[]).map_err(|source| Failure::Deployed { path: file.clone(), source })?;
    }
    if stage.access == Access::Direct {
        return directly(&plan, stage, arguments);
    }
    let text = files::read(&file)?;
    // A private API has a policy, too: beside the roles in a template, or alone.
    let policy = match plan.resource_policy(stage).map(|_| plan.diff_resource_policy(stage, &text)) {
        Some(Ok(policy)) => Some(policy),
        // One that is there and cannot be read must not look as if there were none.
        Some(Err(source)) if !["no_resource_policy", "not_json"].contains(&source.code()) => {
            return Err(Failure::Deployed { path: file, source });
        }
        _ => None,
    };
    let read = read_roles(&text);
    if let Some(policy) = &policy {
        output::print(&resource_lines(policy))?;
        let is_alone = |roles: &[DeployedRole]| matches!(roles, [one] if one.name.is_none() && one.is_alone);
        if read.as_ref().map_or_else(|error| error.code() == "no_role", |roles| is_alone(roles)) {
            return if policy.is_different() { Err(Failure::PolicyDiffers) } else { Ok(()) };
        }
    }
    let deployed = read.map_err(|source| Failure::Deployed { path: file.clone(), source })?;
    let roles = plan
        .diff(stage, arguments.role.as_deref(), &deployed)
        .map_err(|source| Failure::Deployed { path: file, source })?;
    let mut printed: Vec<String> = roles.iter().flat_map(lines).collect();
    // A file about one role alone says nothing of all else.
    if policy.is_none() && plan.resource_policy(stage).is_some() && !deployed.iter().any(|role| role.is_alone) {
        let arn = manifest.stage_arn(stage).unwrap_or_default();
        printed.push(format!("? the file does not say: resource policy of `{arn}`"));
    }
    output::print(&printed)?;
    match roles.iter().filter(|role| role.is_different()).count() {
        0 if policy.is_some_and(|policy| policy.is_different()) => Err(Failure::PolicyDiffers),
        0 => Ok(()),
        different => Err(Failure::Different(different)),
    }
}

/// The same of a stage that is called directly: its one policy.
fn directly(plan: &Plan<'_>, stage: &Stage, arguments: &DiffArguments) -> Result<(), Failure> {
    let path = &arguments.deployed;
    let failed = |source| Failure::Deployed { path: path.clone(), source };
    if let Some(role) = &arguments.role {
        // It has none: an error that says so.
        plan.diff(stage, Some(role), &[]).map_err(failed)?;
    }
    let diff = plan.diff_resource_policy(stage, &files::read(path)?).map_err(failed)?;
    output::print(&resource_lines(&diff))?;
    if diff.is_different() { Err(Failure::PolicyDiffers) } else { Ok(()) }
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
        (false, _) => ": is not in the manifest",
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
