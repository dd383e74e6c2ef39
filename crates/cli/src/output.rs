//! Writing to stdout and stderr. What is from outside (a file, an argument, a request) is escaped here, whoever it comes from.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use xacct_sign::escaped;

use crate::failure::Failure;

/// Writes a document to stdout: JSON, Markdown or TOML, which has ways of its own to hold a text.
pub(crate) fn document(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Writes what a command answers by its exit code, too. A reader that went away wants no more, and the code stays what it is.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    match document(text) {
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The same by lines; none becomes two.
pub(crate) fn answer_lines(lines: &[String]) -> Result<(), Failure> {
    answer(&shown(lines))
}

/// Writes a value to stdout, as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    document(&format!("{text}\n"))
}

/// Writes lines to stdout; none becomes two.
pub(crate) fn print(lines: &[String]) -> Result<(), Failure> {
    document(&shown(lines))
}

/// Writes lines to stderr in one piece; none becomes two. If nobody reads them, the command goes on. On a terminal that shows
/// colours, and unless `NO_COLOR` is set, what begins a line is coloured.
pub(crate) fn note(lines: &[String]) {
    let painted: String = shown(lines).lines().map(|line| format!("{}\n", painted(line))).collect();
    let _ = anstream::stderr().lock().write_all(painted.as_bytes());
}

const LABELS: [(&str, AnsiColor); 3] =
    [("error", AnsiColor::Red), ("warning", AnsiColor::Yellow), ("hint", AnsiColor::Cyan)];

/// A line whose label, `error[CODE]:`, `hint:`, has its colour.
fn painted(line: &str) -> String {
    let Some((label, rest)) = line.split_once(": ") else { return line.to_owned() };
    let word = label.trim_start().split('[').next().unwrap_or_default();
    let Some((_, color)) = LABELS.iter().find(|(name, _)| *name == word) else { return line.to_owned() };
    let style = Style::new().bold().fg_color(Some((*color).into()));
    format!("{style}{label}:{style:#} {rest}")
}

fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", escaped(line))).collect()
}
