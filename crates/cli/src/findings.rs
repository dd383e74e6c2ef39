//! What the check found, as it is shown.

use xacct_sign_provider::{Finding, Level, Manifest};

use crate::failure::Failure;
use crate::output;

/// Says on stderr what is found and not accepted.
pub(crate) fn note(manifest: &Manifest, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        output::note(&text(&manifest.file, finding));
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

/// A finding with its place, its reason and what to do about it.
pub(crate) fn text(file: &str, finding: &Finding) -> String {
    let place = format!("{file}:{}: {finding}", finding.line);
    match &finding.accepted {
        Some(reason) => format!("{place}\n  accepted: {reason}"),
        None if finding.code.level() == Level::Note => format!("{place}\n  hint: {}", finding.code.hint()),
        None => format!("{place}\n  reason: {}\n  hint: {}", finding.code.reason(), finding.code.hint()),
    }
}
