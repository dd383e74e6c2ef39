//! Text from outside, as it may be shown.

/// The text on one line, without what does something to a terminal, to a log or to the order in which it is read: control
/// characters, line breaks and escape sequences among them, and what Unicode has for the direction of text or does not show at
/// all. Each is written as Rust writes it: `\n`, `\u{1b}`, `\u{202e}`.
///
/// ```
/// assert_eq!(xacct_sign::escaped("a\u{1b}[2K\nb\u{202e}"), r"a\u{1b}[2K\nb\u{202e}");
/// ```
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push_escaped(&mut shown, c));
    shown
}

/// Appends a character as [`escaped`] shows it.
pub(crate) fn push_escaped(shown: &mut String, c: char) {
    if c.is_control() || is_format(c) {
        shown.extend(c.escape_default());
    } else {
        shown.push(c);
    }
}

/// Whether it changes the direction of text, breaks a line or is not seen
/// ([Unicode Bidirectional Algorithm](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters)).
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
