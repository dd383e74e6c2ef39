//! `xacct-sign check`.

use xacct_sign_provider::{Finding, Level, Manifest};

use crate::arguments::CheckArguments;
use crate::failure::Failure;
use crate::output::counted;
use crate::{manifest, output};

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    let findings = plan.findings();
    let roles = plan.provider_roles();
    let largest = roles.iter().map(|role| role.trust_policy.characters()).max().unwrap_or_default();

    let mut text: String =
        findings.iter().map(|finding| format!("{}\n", self::text(&manifest.file, finding))).collect();
    text.push_str(&format!(
        "{}, {}, {}; the longest trust policy has {largest} of {} characters\n",
        counted(manifest.stages.len(), "stage", "stages"),
        counted(manifest.callers.len(), "caller", "callers"),
        counted(roles.len(), "role", "roles"),
        manifest.api.role_trust_policy_length
    ));
    output::print(&text)?;
    match findings.iter().filter(|finding| finding.is_open()).count() {
        0 => Ok(()),
        open => Err(Failure::Findings(open)),
    }
}

/// Prints on stderr what is found and not accepted on documents that are about to be printed.
///
/// # Errors
///
/// [`Failure::Errors`] with the number of errors, where there are any.
pub(crate) fn warn(manifest: &Manifest, findings: &[Finding]) -> Result<(), Failure> {
    let errors = findings.iter().filter(|finding| finding.code.level() == Level::Error).count();
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        output::note(&text(&manifest.file, finding));
    }
    if errors == 0 { Ok(()) } else { Err(Failure::Errors(errors)) }
}

/// A finding with its place, its reason and what to do about it.
pub(crate) fn text(file: &str, finding: &Finding) -> String {
    let place = format!("{file}:{}: {finding}", finding.line);
    match &finding.accepted {
        Some(reason) => format!("{place}\n  accepted: {reason}"),
        None if finding.code.level() == Level::Note => format!("{place}\n  hint: {}", finding.code.hint()),
        None => format!("{place}\n  reason: {}\n  hint: {}", finding.code.reason(), finding.code.hint()),
    }
}
