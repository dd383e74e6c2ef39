//! `xacct-sign explain`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use xacct_sign::{Error, ErrorKind, file_text};
use xacct_sign_diagnosis::{Exchange, explain, to_json};

use super::doctor::lines;
use crate::arguments::ExplainArguments;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let answer = read("the answer", &arguments.file)?;
    if answer.trim().is_empty() {
        let error = Error::new(ErrorKind::InvalidBody, "there is nothing in the answer");
        return Err(error.with_hint("save what `xacct-sign call --include` prints of the refused call").into());
    }
    let mut exchange = read_answer(&answer);
    exchange.has_bearer = arguments.identity;
    if let Some(file) = &arguments.canonical {
        exchange.canonical_request = Some(read("the canonical request", file)?);
    }
    let findings = explain(&exchange);
    if arguments.json {
        return output::document(&format!("{}\n", to_json(&findings)));
    }
    if findings.is_empty() {
        return output::print(&["nothing in it says that a call was refused".to_owned()]);
    }
    output::print(&findings.iter().flat_map(lines).collect::<Vec<_>>())
}

fn read(what: &str, path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        if std::io::stdin().is_terminal() {
            output::note(&[format!(
                "{what} is read from this terminal: paste it, and end it with Ctrl-D on a line of its own"
            )]);
        }
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|source| Failure::InputUnreadable { path: path.to_path_buf(), source })?;
    file_text(&bytes).ok_or_else(|| Failure::InputNotText(path.to_path_buf()))
}

/// How much of standard input is read: an answer of API Gateway is no longer, and what tells is at its start.
const LONGEST: u64 = 16 << 20;

/// A body, with the status and the headers before it or without. Of several answers that were printed the last one counts.
fn read_answer(text: &str) -> Exchange {
    let mut exchange = Exchange::default();
    let text = text.replace("\r\n", "\n");
    let mut rest = text.as_str();
    while rest.starts_with("HTTP/") {
        let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split_whitespace().nth(1));
        exchange.status = status.and_then(|status| status.parse().ok());
        let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        exchange.headers = lines.filter_map(pair).collect::<BTreeMap<_, _>>();
        rest = body;
    }
    exchange.body = Some(rest.to_owned());
    exchange
}
