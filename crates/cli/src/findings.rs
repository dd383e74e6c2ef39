//! What the check found, as it is shown.

use xacct_sign_provider::{Finding, Level, Manifest, ResourcePolicy, Stage, StageTarget};

use crate::failure::Failure;
use crate::output;

/// Says on stderr what is found and not accepted.
pub(crate) fn note(manifest: &Manifest, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        output::note(&lines(&manifest.file, finding));
    }
}

/// As [`note`], on documents that are about to be printed.
///
/// # Errors
///
/// [`Failure::Errors`] with the number of errors, where there are any.
pub(crate) fn refuse_errors(manifest: &Manifest, findings: &[Finding]) -> Result<(), Failure> {
    note(manifest, findings);
    match findings.iter().filter(|finding| finding.code.level() == Level::Error).count() {
        0 => Ok(()),
        errors => Err(Failure::Errors(errors)),
    }
}

/// Says on stderr that a document is not of one stage alone.
pub(crate) fn note_shared(stage: &Stage, policy: Option<&ResourcePolicy>) {
    if let Some(policy) = policy.filter(|policy| policy.stages.len() > 1) {
        let stages: Vec<String> = policy.stages.iter().map(|stage| format!("`{stage}`")).collect();
        let whose = match &stage.target {
            StageTarget::FunctionUrl { .. } => "the policy is that of the function, and to be deployed once",
            _ => "the resource policy is that of the whole API",
        };
        output::note(&[format!("{whose}: it is of the stages {}", stages.join(", "))]);
    }
}

/// Says on stderr whose policy there is, where a stage that needs none prints none.
pub(crate) fn note_beside(stage: &Stage, others: &[String]) {
    let Some(first) = others.first() else { return };
    let names: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
    output::note(&[format!(
        "stage `{}` is called by role and needs no policy; the one that its API has is of {}: see `xacct-sign policy resource --stage {first}`",
        stage.name,
        names.join(", ")
    )]);
}

/// That nobody has read the document of a permissions boundary: what it forbids is allowed here.
pub(crate) fn unknown_boundary(arn: &str) -> String {
    format!("the permissions boundary `{arn}` is not known here and limits nobody")
}

/// A finding with its place, its reason and what to do about it.
pub(crate) fn lines(file: &str, finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("{file}:{}: {finding}", finding.line)];
    match &finding.accepted {
        Some(reason) => lines.push(format!("  accepted: {reason}")),
        None => {
            if finding.code.level() != Level::Note {
                lines.push(format!("  reason: {}", finding.code.reason()));
            }
            lines.push(format!("  hint: {}", finding.code.hint()));
        }
    }
    lines
}
