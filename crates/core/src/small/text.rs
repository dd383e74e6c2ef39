//! Text in text.
//!
//! The library's own search brings the formatting of its panics along, a tenth of the WebAssembly module; what is searched here
//! is short.

/// What stands before the first `part` and what behind it.
#[inline(never)]
pub(crate) fn cut<'t>(text: &'t str, part: &str) -> Option<(&'t str, &'t str)> {
    let at = text.as_bytes().windows(part.len().max(1)).position(|window| window == part.as_bytes())?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.strip_prefix(part)?))
}

pub(crate) fn contains(text: &str, part: &str) -> bool {
    cut(text, part).is_some()
}

/// The text with `by` in place of each `part`.
pub(crate) fn replaced(text: &str, part: &str, by: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some((before, after)) = cut(rest, part) {
        out.push_str(before);
        out.push_str(by);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_library_does() {
        for text in ["", "a", "aa", "aaa", "ab--ba", "--", "é--é", "éé"] {
            for part in ["a", "aa", "--", "é", "\u{a9}", "ab--ba!"] {
                assert_eq!(cut(text, part), text.split_once(part), "{text} {part}");
                assert_eq!(contains(text, part), text.contains(part), "{text} {part}");
                assert_eq!(replaced(text, part, "<>"), text.replace(part, "<>"), "{text} {part}");
            }
        }
    }
}
