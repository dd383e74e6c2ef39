//! Audiences of tokens and proofs.

/// Why a text is no audience that a token, a proof and a policy can have as it stands, as it is said behind "the audience"; `None` for
/// one that is.
///
/// A header holds it, no policy takes a part of it for a variable
/// ([policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html)), and whoever is told it is
/// told no password.
#[must_use]
pub fn audience_problem(text: &str) -> Option<&'static str> {
    // By bytes: a search for a text is 3 kB of the module of WebAssembly.
    let bytes = text.as_bytes();
    let authority = bytes.windows(3).position(|three| three == b"://").and_then(|at| bytes.get(at + 3..));
    let mut authority = authority.unwrap_or_default().iter().take_while(|byte| !b"/?#".contains(byte));
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > 1000 {
        Some("has more than 1000 characters")
    } else if authority.any(|byte| *byte == b'@') {
        Some("has a user, which tokens and proofs would show")
    } else if !bytes.iter().all(|byte| byte.is_ascii_graphic() && !b"\"\\$".contains(byte)) {
        Some("is not of visible ASCII characters without `\"`, `\\` and `$`")
    } else {
        None
    }
}
