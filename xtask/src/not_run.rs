//! What cannot run here: said, if `tests/not-run.toml` lists it, and a failure if not.
//!
//! Steps, Python's tests and those in `js/runtimes` all write a line to one file, and the end of the command reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::run::{is_ci, root, target};

const LIST: &str = "tests/not-run.toml";

/// Where a line is written for each check that did not run.
pub(crate) fn file() -> PathBuf {
    target().join("not-run.txt")
}

/// Forgets what did not run before.
pub(crate) fn begin() -> Result<(), String> {
    let file = file();
    let failed = |error| format!("{}: {error}", file.display());
    fs::create_dir_all(target()).map_err(failed)?;
    fs::write(&file, "").map_err(failed)
}

/// Something does not run. An error if it has to.
pub(crate) fn not_run(id: &str) -> Result<(), String> {
    use std::io::Write as _;
    let line = line(&list()?, id)?;
    let file = file();
    let append =
        || fs::OpenOptions::new().create(true).append(true).open(&file).and_then(|mut to| writeln!(to, "{line}"));
    append().map_err(|error| format!("{}: {error}", file.display()))
}

/// Says what did not run. An error if any of it has to.
pub(crate) fn end() -> Result<(), String> {
    let file = file();
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let list = list()?;
    let ids: BTreeSet<String> = text.lines().map(id).collect();
    for id in ids {
        eprintln!("{}", line(&list, &id)?);
    }
    Ok(())
}

/// The check that a line is about: `NOT RUN id: reason`, or `Name, what of it: NOT RUN (reason)`.
fn id(line: &str) -> String {
    let name = line.strip_prefix("NOT RUN ").unwrap_or(line);
    name.split([':', ',']).next().unwrap_or(name).trim().to_lowercase()
}

fn line(list: &List, id: &str) -> Result<String, String> {
    let Some(entry) = list.get(id) else {
        return Err(format!("`{id}` did not run, and {LIST} does not list it"));
    };
    let counts = match entry.get("when").map(String::as_str) {
        None => true,
        Some("not CI") => !is_ci(),
        Some("not Linux") => cfg!(not(target_os = "linux")),
        Some(other) => return Err(format!("{LIST}: `{other}` is nothing that `when` may be")),
    };
    let reason = entry.get("reason").ok_or_else(|| format!("{LIST}: `{id}` has no reason"))?;
    if counts {
        Ok(format!("NOT RUN {id}: {reason}"))
    } else {
        Err(format!("`{id}` did not run, but has to here: {reason}"))
    }
}

type List = BTreeMap<String, BTreeMap<String, String>>;

fn list() -> Result<List, String> {
    let text = fs::read_to_string(root().join(LIST)).map_err(|error| format!("{LIST}: {error}"))?;
    parse(&text)
}

/// Of TOML what the list is made of: comments, tables, and plain strings.
fn parse(text: &str) -> Result<List, String> {
    let mut list = List::new();
    let mut entry = None;
    for text in text.lines().map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#')) {
        if let Some(id) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            entry = Some(list.entry(id.to_owned()).or_default());
            continue;
        }
        let value = |text: &str| text.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
        match (&mut entry, text.split_once('=').and_then(|(key, text)| Some((key.trim(), value(text)?)))) {
            (Some(entry), Some((key @ ("what" | "reason" | "when"), value))) => {
                entry.insert(key.to_owned(), value);
            }
            _ => return Err(format!("{LIST}: `{text}` is none of `[id]`, `what`, `reason` and `when`")),
        }
    }
    Ok(list)
}
