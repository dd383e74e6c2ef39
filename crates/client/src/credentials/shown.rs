//! How the chain's errors show what they speak of.

use xacct_sign::{Error, ErrorClass, ErrorKind, escaped};

/// How much is shown of what others wrote.
const SHOWN: usize = 300;

/// What is shown in place of a secret.
const HIDDEN: &str = "[redacted]";

/// A name of the user's, such as a profile's, in backticks.
pub(super) fn name(text: &str) -> String {
    let cut: String = text.chars().take(64).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", escaped(&cut))
}

/// The end of what a program said, on one line: that is where it says what went wrong.
pub(super) fn ending(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let text = &without_secrets(&lines.collect::<Vec<_>>().join("; "));
    let count = text.chars().count();
    let end: String = text.chars().skip(count.saturating_sub(SHOWN)).collect();
    let more = if count > SHOWN { "…" } else { "" };
    format!("{more}{}", escaped(&end))
}

/// A text of somebody who had credentials at hand, without what may be some of them: what stands behind a word for a secret, and
/// whatever looks like a key or a token.
fn without_secrets(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+/=_.-".contains(c);
    let mut shown = String::new();
    // The word before names a secret; and a colon stands between.
    let (mut is_named, mut is_value) = (false, false);
    for piece in text.split_inclusive(|c| !is_part(c)) {
        let word = piece.trim_end_matches(|c| !is_part(c));
        let end = piece.get(word.len()..).unwrap_or_default();
        if word == "=" {
            shown.push_str(word);
            is_value = is_named;
        } else if !word.is_empty() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let is_pair = sounds_secret(name) && !value.is_empty();
            match is_value || looks_secret(word) {
                true => shown.push_str(HIDDEN),
                false if is_pair => shown.extend([name, "=", HIDDEN]),
                false => shown.push_str(word),
            }
            is_named = sounds_secret(name) && !is_pair;
            is_value = is_named && (word.ends_with('=') || name.eq_ignore_ascii_case("bearer"));
        }
        shown.push_str(end);
        is_value = is_value || is_named && end == ":";
    }
    shown
}

/// Whether what follows a word may be a secret: `SecretAccessKey`, `AWS_SESSION_TOKEN`, `--password`.
fn sounds_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["secret", "token", "password", "bearer", "secretaccesskey", "secret_access_key"]
        .iter()
        .any(|end| word.ends_with(end))
}

/// Whether it is as long as a key, and as mixed; or as long as a token. Paths are made of words.
fn looks_secret(word: &str) -> bool {
    let is_word = |part: &str| part.bytes().skip(1).all(|byte| !byte.is_ascii_uppercase());
    word.len() >= 100 || word.split(['_', '.', '-']).any(|run| run.len() >= 32 && !run.split('/').all(is_word))
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

#[cfg(test)]
mod tests {
    use super::ending;

    #[test]
    fn what_a_program_says_is_shown_without_secrets() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let token = "Fwo".repeat(60);
        for (said, shown) in [
            (
                r#"{"Version":1,"SecretAccessKey":"short","SessionToken":"t","Expiration":"2026"}"#.to_owned(),
                r#"{"Version":1,"SecretAccessKey":"[redacted]","SessionToken":"[redacted]","Expiration":"2026"}"#,
            ),
            (format!("failed with {key} at hand"), "failed with [redacted] at hand"),
            (format!("Authorization: Bearer {token}"), "Authorization: Bearer [redacted]"),
            ("AWS_SESSION_TOKEN=abc --password=b x".to_owned(), "AWS_SESSION_TOKEN=[redacted] --password=[redacted] x"),
            ("client_secret = abc".to_owned(), "client_secret = [redacted]"),
        ] {
            assert_eq!(ending(&said), shown);
        }
        assert_eq!(ending("error[x]: no\r\n\n  hint: do\u{1b}[m\n"), r"error[x]: no; hint: do\u{1b}[m");
        for said in [
            "The security token included in the request is expired",
            "cannot open /home/Somebody/.aws/helper.pem: no such file",
            "arn:aws:iam::111111111111:role/LambdaRoleDeve may not assume arn:aws:iam::222222222222:role/ApiAllowByIamRoleStag",
            "error 3 (see https://docs.example.com/Rolesanywhere/latest/userguide)",
        ] {
            assert_eq!(ending(said), said);
        }
    }
}
