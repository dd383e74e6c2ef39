//! A command line as its parts, without a shell.

/// The program and its arguments, as botocore parts them on this system; `None` for a quote that does not end, or for nothing.
pub(super) fn split(command: &str) -> Option<(String, Vec<String>)> {
    let parts = if cfg!(windows) { windows(command) } else { posix(command) };
    let mut parts = parts?.into_iter();
    Some((parts.next()?, parts.collect()))
}

/// As POSIX shells part words, and Python's `shlex.split`.
fn posix(command: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part: Option<String> = None;
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => parts.extend(part.take()),
            '\\' => part.get_or_insert_default().push(rest.next()?),
            '\'' => {
                let part = part.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => part.push(c),
                    }
                }
            }
            '"' => {
                let part = part.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => match rest.next()? {
                            c @ ('"' | '\\') => part.push(c),
                            c => part.extend(['\\', c]),
                        },
                        c => part.push(c),
                    }
                }
            }
            c => part.get_or_insert_default().push(c),
        }
    }
    parts.extend(part);
    Some(parts)
}

/// As Windows' C runtime parts them: backslashes are themselves, but before a double quote
/// ([parsing C++ command-line arguments](https://learn.microsoft.com/cpp/cpp/main-function-command-line-args)).
fn windows(command: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part: Option<String> = None;
    let mut is_quoted = false;
    let mut backslashes = 0;
    for c in command.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let (kept, is_escaped) = if c == '"' { (backslashes / 2, backslashes % 2 == 1) } else { (backslashes, false) };
        if backslashes > 0 {
            part.get_or_insert_default().extend(std::iter::repeat_n('\\', kept));
            backslashes = 0;
        }
        match c {
            '"' if !is_escaped => {
                is_quoted = !is_quoted;
                part.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => parts.extend(part.take()),
            c => part.get_or_insert_default().push(c),
        }
    }
    if backslashes > 0 {
        part.get_or_insert_default().extend(std::iter::repeat_n('\\', backslashes));
    }
    parts.extend(part);
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(parts: &[&str]) -> Option<Vec<String>> {
        Some(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    /// What `shlex.split` of Python 3 gives.
    #[test]
    fn words_are_parted_as_shlex_does() {
        for (command, wanted) in [
            ("a  b\tc\n", parts(&["a", "b", "c"])),
            ("a 'b c' \"d e\"", parts(&["a", "b c", "d e"])),
            (r#"/o\ p/x --a="b \"c\" \\ \d" '\'"#, parts(&["/o p/x", r#"--a=b "c" \ \d"#, "\\"])),
            ("a '' \"\"", parts(&["a", "", ""])),
            ("a;b #c | d $E", parts(&["a;b", "#c", "|", "d", "$E"])),
            ("", parts(&[])),
            ("a 'b", None),
            ("a \"b", None),
            ("a \\", None),
            ("a \"b\\", None),
        ] {
            assert_eq!(posix(command), wanted, "{command}");
        }
    }

    /// What `botocore.compat._windows_shell_split` gives.
    #[test]
    fn words_are_parted_as_windows_does() {
        for (command, wanted) in [
            (r"C:\a\b.exe  c", parts(&[r"C:\a\b.exe", "c"])),
            (r#""C:\a b\c.exe" 'd e'"#, parts(&[r"C:\a b\c.exe", "'d", "e'"])),
            (r#"a \"b\" \\"c d" e\\"#, parts(&["a", "\"b\"", r"\c d", r"e\\"])),
            (r#"a "" b"#, parts(&["a", "", "b"])),
            (r"a \ b", parts(&["a", r"\", "b"])),
            ("", parts(&[])),
            ("a \"b", None),
        ] {
            assert_eq!(windows(command), wanted, "{command}");
        }
    }
}
