//! `xacct-sign doctor`.

use serde_json::{Map, Value, json};
use xacct_sign_diagnosis::{Finding, diagnose, to_json};

use crate::arguments::DoctorArguments;
use crate::doctor::{State, Tried, walk};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let walk = walk(arguments)?;
    let findings = diagnose(&walk.evidence);
    if arguments.json {
        output::document(&format!("{}\n", with_links(&to_json(&findings), &walk.tried)))?;
    } else {
        let links = walk.tried.iter().map(line);
        let found = findings.iter().flat_map(lines);
        let end = findings.is_empty().then(|| {
            let is_all_told = walk.tried.iter().all(|tried| tried.state != State::Unknown);
            if is_all_told { "nothing is broken" } else { "nothing is broken, as far as it could be told" }.to_owned()
        });
        output::print(&links.chain(found).chain(end).collect::<Vec<_>>())?;
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure::Broken.silent()) }
}

/// The findings, and what each link was seen to be.
fn with_links(findings: &str, tried: &[Tried]) -> Value {
    let mut document: Map<String, Value> = serde_json::from_str(findings).unwrap_or_default();
    let link = |Tried { link, state, seen }: &Tried| json!({ "link": link, "state": state.name(), "seen": seen });
    document.insert("links".to_owned(), tried.iter().map(link).collect());
    document.into()
}

/// How much is shown of what was seen: what is broken is told below.
const SEEN: usize = 120;

fn line(Tried { link, state, seen }: &Tried) -> String {
    let cut: String = seen.chars().take(SEEN).collect();
    let more = if cut.len() < seen.len() { "…" } else { "" };
    format!("{link:12} {:7} {cut}{more}", state.name())
}

/// What was found, as it is shown: with what to do about it.
pub(super) fn lines(finding: &Finding) -> Vec<String> {
    vec![finding.to_string(), format!("  hint: {}", finding.hint)]
}
