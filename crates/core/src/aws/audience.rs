//! Audiences of tokens and proofs.

/// Why a text is no audience that a token, a proof and a policy can have as it stands, as it is said behind "the audience"; `None` for
/// one that is.
///
/// A header holds it, no policy takes a part of it for a variable
/// ([policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html)), and whoever is told it is
/// told no password.
#[must_use]
pub fn audience_problem(text: &str) -> Option<&'static str> {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > 1000 {
        Some("has more than 1000 characters")
    } else if authority.is_some_and(|authority| authority.contains('@')) {
        Some("has a user, which tokens and proofs would show")
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\$".contains(&byte)) {
        Some("is not of visible ASCII characters without `\"`, `\\` and `$`")
    } else {
        None
    }
}
