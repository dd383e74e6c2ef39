//! Markdown around values, by the rules of [CommonMark](https://spec.commonmark.org/0.31.2/#code-spans).

/// A code span: it is closed by as many backticks as have opened it, so by more than stand in the text.
pub(crate) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    // A space at both ends is taken away again; it parts the text's own backticks from the fence.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Code spans, parted by commas.
pub(crate) fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(|value| code(&value.to_string())).collect::<Vec<_>>().join(", ")
}

/// A fenced block of whole lines.
pub(super) fn block(language: &str, lines: &str) -> String {
    let fence = "`".repeat((longest_run(lines) + 1).max(3));
    format!("{fence}{language}\n{lines}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_stay_in_their_span_and_block() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``a"), "``` ``a ```");
        assert_eq!(block("sh", "a\n"), "```sh\na\n```\n");
        assert_eq!(block("sh", "```\n"), "````sh\n```\n````\n");
    }
}
