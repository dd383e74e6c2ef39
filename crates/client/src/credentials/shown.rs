//! How the chain's errors show what they speak of.

use xacct_sign::{Error, ErrorClass, ErrorKind, escaped};

/// How much is shown of what others wrote.
const SHOWN: usize = 300;

/// A name of the user's, such as a profile's, in backticks.
pub(super) fn name(text: &str) -> String {
    let cut: String = text.chars().take(64).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", escaped(&cut))
}

/// The end of what a program said, on one line: that is where it says what went wrong.
pub(super) fn ending(text: &str) -> String {
    let text = text.trim();
    let count = text.chars().count();
    let end: String = text.chars().skip(count.saturating_sub(SHOWN)).collect();
    let more = if count > SHOWN { "…" } else { "" };
    format!("{more}{}", escaped(&end))
}

/// The error with what it was about before its sentence, all else as it was. What STS says, and what a caller that gave up waiting
/// is told, speaks for itself.
pub(super) fn about(what: &str, error: Error) -> Error {
    if error.kind() == ErrorKind::Interrupted || error.kind().class() == ErrorClass::Sts {
        return error;
    }
    let about = Error::new(error.kind(), format!("{what}: {error}"));
    match error.hint().map(str::to_owned) {
        Some(hint) => about.with_hint(hint),
        None => about,
    }
    .with_source(error)
}
