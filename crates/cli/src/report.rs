//! What is said of a failure.

use std::error::Error as _;
use std::io;

use xacct_sign_provider::ManifestError;

use crate::failure::Failure;
use crate::output;

/// Prints the error, its causes and what to do about it; the result is the exit code.
///
/// A reader that went away wants nothing more: that is no failure.
pub(crate) fn report(failure: &Failure) -> u8 {
    if let Failure::Output(error) | Failure::Answer(error) = failure
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        return 0;
    }
    match failure {
        Failure::Manifest(error) => report_mistakes(error),
        Failure::Silent(_) | Failure::Ended(_) => {}
        failure => report_one(failure),
    }
    failure.exit_code()
}

fn report_one(failure: &Failure) {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        // Some errors say themselves what they come from.
        let reason = error.to_string();
        if !text.contains(&reason) {
            text.push_str(&format!(": {reason}"));
        }
        cause = error.source();
    }
    let text = format!("error[{}]: {text}", failure.code());
    let mut lines = match failure {
        // It has lines of its own, of which none is from outside.
        Failure::Usage { .. } => text.lines().map(str::to_owned).collect(),
        _ => vec![text],
    };
    lines.extend(failure.hint().map(|hint| format!("hint: {hint}")));
    output::note(&lines);
}

/// Prints every mistake of a manifest, and what to do about each kind, once.
fn report_mistakes(error: &ManifestError) {
    let mistakes: Vec<&ManifestError> = std::iter::once(error).chain(error.others()).collect();
    let (mut lines, mut hints) = (Vec::new(), Vec::new());
    for (index, mistake) in mistakes.iter().enumerate() {
        let (place, code) = (format!("{}:{}:{}", mistake.file(), mistake.line(), mistake.column()), mistake.code());
        lines.push(format!("error[{code}]: {place}: {}", mistake.message()));
        let is_last = mistakes.get(index.saturating_add(1)).is_none_or(|next| next.kind() != mistake.kind());
        if is_last && !hints.contains(&mistake.hint()) {
            lines.push(format!("hint: {}", mistake.hint()));
            hints.push(mistake.hint());
        }
    }
    output::note(&lines);
}
