//! Writing to stdout and stderr. What is from outside (a file, an argument, a request) is escaped here, whoever it comes from.

use std::io::{self, Write as _};

use serde::Serialize;
use xacct_sign::escaped;

use crate::failure::Failure;

/// Writes a document to stdout: JSON, Markdown or TOML, which has ways of its own to hold a text.
pub(crate) fn document(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
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

/// Writes lines to stderr in one piece; none becomes two. If nobody reads them, the command goes on.
pub(crate) fn note(lines: &[String]) {
    let _ = io::stderr().lock().write_all(shown(lines).as_bytes());
}

fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", escaped(line))).collect()
}
