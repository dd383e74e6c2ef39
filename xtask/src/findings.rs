//! The table of findings in `docs/troubleshooting.md`, written from the diagnosis' own table.

use crate::errors::{Page, read};

const CODES: &str = "crates/diagnosis/src/finding.rs";
const PAGE: Page = Page { path: "docs/troubleshooting.md", table };

/// Compares the page with the table.
pub(crate) fn check() -> Result<(), String> {
    PAGE.check()
}

/// Writes the page's table anew.
pub(crate) fn write() -> Result<(), String> {
    PAGE.write()
}

fn table() -> Result<String, String> {
    let text = read(CODES)?;
    let rows = text.split_once("\ncodes! {\n").and_then(|(_, rest)| rest.split_once("\n}\n")).map(|(rows, _)| rows);
    let rows = rows.ok_or_else(|| format!("{CODES} has no `codes!`"))?;
    let mut lines = vec!["| code | side | what it means | what to do |".to_owned(), "|---|---|---|---|".to_owned()];
    for row in rows.split(";\n").map(|row| row.trim_end_matches(';').trim()).filter(|row| !row.is_empty()) {
        lines.push(line(row)?);
    }
    Ok(lines.join("\n") + "\n")
}

/// A variant, a code, a side, a meaning, a hint: the texts are within quotation marks.
fn line(row: &str) -> Result<String, String> {
    if row.contains(['\\', '|']) {
        return Err(format!("{CODES}: `{row}` has a character that this step cannot read or a table cannot have"));
    }
    let parts: Vec<&str> = row.split('"').collect();
    let [_, code, side, meaning, _, hint, _] = parts[..] else {
        return Err(format!("{CODES}: `{row}` is no row with three texts"));
    };
    let side = side.trim_matches(|c: char| c == ',' || c.is_whitespace()).to_lowercase();
    Ok(format!("| `{code}` | {side} | {meaning} | {hint} |"))
}
