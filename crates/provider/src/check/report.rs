//! What the check found, for programs: as JSON, and as GitHub shows it beside the lines.

use serde::Serialize;
use xacct_sign::escaped;

use crate::finding::{Finding, Level};
use crate::manifest::ManifestError;

/// A finding, or a mistake of the manifest's, as other programs read it.
///
/// As JSON it has these keys, `file` aside; `accepted` only where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reported {
    /// The stable code.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub level: &'static str,
    /// The line of the file, from 1.
    pub line: usize,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do about it, in one sentence.
    pub hint: &'static str,
    /// The reason for which the manifest accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// The file.
    #[serde(skip)]
    pub file: String,
}

impl Reported {
    /// What the check found in a file.
    #[must_use]
    pub fn finding(finding: &Finding, file: &str) -> Self {
        Self {
            code: finding.code.code(),
            level: finding.code.level().name(),
            line: finding.line,
            message: format!("{}: {}", finding.subject, finding.message),
            hint: finding.code.hint(),
            accepted: finding.accepted.clone(),
            file: file.to_owned(),
        }
    }

    /// Every mistake of a manifest, or of its lock file.
    #[must_use]
    pub fn mistakes(error: &ManifestError) -> Vec<Self> {
        let one = |error: &ManifestError| Self {
            code: error.code(),
            level: Level::Error.name(),
            line: error.line(),
            message: error.message().to_owned(),
            hint: error.hint(),
            accepted: None,
            file: error.file().to_owned(),
        };
        std::iter::once(error).chain(error.others()).map(one).collect()
    }

    /// A workflow command of GitHub's, one line without its end
    /// ([Workflow commands](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands)). What is
    /// accepted is a notice with its reason.
    #[must_use]
    pub fn github_command(&self) -> String {
        let (command, what_to_do) = match (&self.accepted, self.level) {
            (Some(reason), _) => ("notice", format!("accepted: {reason}")),
            (None, "note") => ("notice", self.hint.to_owned()),
            (None, level) => (level, self.hint.to_owned()),
        };
        let Self { file, line, code, message, .. } = self;
        // What stands in a log is shown by a terminal, too.
        let text = data(&format!("{}\n{}", escaped(message), escaped(&what_to_do)));
        format!("::{command} file={},line={line},title={}::{text}", property(&escaped(file)), property(code))
    }
}

/// The findings as one object, on one line without its end.
#[must_use]
#[expect(clippy::expect_used, reason = "texts and numbers always serialize")]
pub fn json_of_findings(findings: &[Reported]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        findings: &'a [Reported],
    }
    serde_json::to_string(&Report { findings }).expect("a report serializes")
}

/// What GitHub reads as data: these three would end it, or be read as an escape
/// ([command.ts](https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts)).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What it reads as a property's value: these two would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
