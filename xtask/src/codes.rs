//! That every code which an error may have stands in the docs. The tables of `docs/errors.md` are written from the core's own;
//! what the command, the provider's side, the emulator and the packages have beside is written by hand, and so is looked for here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::root;

/// Where errors are made, with how their files end.
const SOURCES: [(&str, &str); 8] = [
    ("crates/client/src", "rs"),
    ("crates/cli/src", "rs"),
    ("crates/provider/src", "rs"),
    ("crates/emulator/src", "rs"),
    ("crates/identity/src", "rs"),
    ("crates/diagnosis/src", "rs"),
    ("python/xacct_sign", "py"),
    ("js", "ts"),
];

/// What stands before a code where an error is made.
const BEFORE: [&str; 4] = ["Error::new(", "Error(", "code=", "Error { code: "];

/// Looks for each code in the docs.
pub(crate) fn check() -> Result<(), String> {
    let mut made = BTreeMap::new();
    for (folder, ending) in SOURCES {
        let mut is_any = false;
        for path in files(&root().join(folder), ending)? {
            let text = read(&path)?;
            for code in codes_in(&text) {
                is_any = true;
                made.entry(code.to_owned()).or_insert_with(|| path.clone());
            }
        }
        // Where errors are made in a way that is not seen here, none would be missing.
        if !is_any {
            return Err(format!("no code of an error is found in {folder}"));
        }
    }
    let pages = files(&root().join("docs"), "md")?.iter().map(|path| read(path)).collect::<Result<String, _>>()?;
    let missing: Vec<String> = made
        .iter()
        .filter(|(code, _)| !pages.contains(&format!("`{code}`")))
        .map(|(code, path)| format!("`{code}` of {}", path.strip_prefix(root()).unwrap_or(path).display()))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no page of docs/ has these codes: {}", missing.join(", "))) }
}

/// The codes that a source gives to errors: in its tables, in `fn code`, and where an error is made.
fn codes_in(text: &str) -> Vec<&str> {
    // What tests make up is nobody's.
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let in_tables = text.lines().filter_map(|line| {
        let (variant, rest) = line.trim().split_once(", \"")?;
        let is_variant = variant.starts_with(char::is_uppercase) && variant.chars().all(char::is_alphanumeric);
        rest.split_once('"').filter(|_| is_variant).map(|(code, _)| code)
    });
    let bodies = text.split("fn code(").skip(1).filter_map(|rest| rest.split_once("\n    }\n")).map(|(body, _)| body);
    let in_functions = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
    let made = BEFORE.iter().flat_map(|before| text.split(before).skip(1)).filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix('"')?;
        rest.split_once('"').map(|(code, _)| code)
    });
    in_tables.chain(in_functions).chain(made).filter(|code| is_code(code)).collect()
}

/// A sentence is none, nor is a single word.
fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Every file of an ending below a folder; nothing of what was installed or built there.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "dist", "test", "tests", "wasm"].contains(&name.as_str()) {
            found.extend(files(&path, ending)?);
        } else if path.extension().is_some_and(|other| other == ending) && !name.ends_with(".d.ts") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
