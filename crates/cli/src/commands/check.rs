//! `xacct-sign check`.

use xacct_sign_provider::{Finding, Manifest, Plan, Reported, json_of_findings};

use crate::arguments::{CheckArguments, CheckFormat};
use crate::counted::counted;
use crate::failure::Failure;
use crate::{findings, manifest, output};

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let found = match check(arguments) {
        // What is printed says them all.
        Err(Failure::Manifest(error)) if arguments.json || arguments.format.is_some() => {
            report(&Reported::mistakes(&error), arguments)?;
            return Err(Failure::Manifest(error).silent());
        }
        found => found?,
    };
    match found.iter().filter(|finding| finding.is_open()).count() {
        0 => Ok(()),
        open => Err(Failure::Findings(open)),
    }
}

fn check(arguments: &CheckArguments) -> Result<Vec<Finding>, Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    let found = plan.findings();
    if arguments.json || arguments.format.is_some() {
        let reported: Vec<Reported> = found.iter().map(|finding| Reported::finding(finding, &manifest.file)).collect();
        report(&reported, arguments)?;
    } else {
        output::answer_lines(&lines(&manifest, &plan, &found))?;
    }
    Ok(found)
}

fn report(found: &[Reported], arguments: &CheckArguments) -> Result<(), Failure> {
    match arguments.format {
        // Its escapes are not a terminal's.
        Some(CheckFormat::Github) => {
            output::answer(&found.iter().map(|finding| finding.github_command() + "\n").collect::<String>())
        }
        None => output::answer(&format!("{}\n", json_of_findings(found))),
    }
}

fn lines(manifest: &Manifest, plan: &Plan<'_>, found: &[Finding]) -> Vec<String> {
    let roles = plan.provider_roles();
    let largest = roles.iter().map(|role| role.trust_policy.characters()).max().map(|largest| {
        let limit = manifest.api.role_trust_policy_length;
        format!("; the longest trust policy has {largest} of {limit} characters")
    });
    let mut lines: Vec<String> = found.iter().flat_map(|finding| findings::lines(&manifest.file, finding)).collect();
    lines.push(format!(
        "{}, {}, {}{}",
        counted(manifest.stages.len(), "stage", "stages"),
        counted(manifest.callers.len(), "caller", "callers"),
        counted(roles.len(), "role", "roles"),
        largest.unwrap_or_default()
    ));
    lines
}
