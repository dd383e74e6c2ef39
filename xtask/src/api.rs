//! The public API of the published crates, as text in `tests/api/`, so that a change of it is seen.

use std::fs;
use std::path::PathBuf;

use crate::not_run::not_run;
use crate::run::{Step, root, target};

const CRATES: [&str; 6] = [
    "xacct-sign",
    "xacct-sign-client",
    "xacct-sign-diagnosis",
    "xacct-sign-emulator",
    "xacct-sign-identity",
    "xacct-sign-provider",
];

/// The format of rustdoc's JSON that `public-api` reads, in the version that xtask-api/Cargo.toml names.
const FORMAT: &str = "\"format_version\":57";

/// Compares the snapshots with the code.
pub(crate) fn check() -> Result<(), String> {
    let Some(found) = found()? else {
        return not_run("public-api");
    };
    let mut changed = false;
    for (path, text) in found {
        let old = fs::read_to_string(&path).unwrap_or_default();
        let differs = |text: &str, from: &str, sign| {
            for line in text.lines().filter(|line| !from.lines().any(|other| other == *line)) {
                eprintln!("{sign} {line}");
            }
        };
        if old != text {
            changed = true;
            eprintln!("{}:", path.display());
            differs(&old, &text, '-');
            differs(&text, &old, '+');
        }
    }
    if changed { Err("the public API is not that of tests/api/: run `cargo xtask api`".to_owned()) } else { Ok(()) }
}

/// Writes the snapshots.
pub(crate) fn write() -> Result<(), String> {
    let Some(found) = found()? else {
        return not_run("public-api");
    };
    found
        .into_iter()
        .try_for_each(|(path, text)| fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display())))
}

/// Each snapshot's path, and what it should hold. None if rustdoc's JSON cannot be read.
fn found() -> Result<Option<Vec<(PathBuf, String)>>, String> {
    // A folder of its own: with RUSTC_BOOTSTRAP, cargo would build again what everything else uses.
    let folder = target().join("api");
    Step::cargo(["doc", "--quiet", "--locked", "--no-deps", "--all-features", "--target-dir"])
        .arg(&folder)
        .args(CRATES.iter().flat_map(|name| ["--package", name]))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format json")
        .run()?;
    let mut found = Vec::new();
    for name in CRATES {
        let json = folder.join("doc").join(format!("{}.json", name.replace('-', "_")));
        let text = fs::read_to_string(&json).map_err(|error| format!("{}: {error}", json.display()))?;
        if !text.contains(FORMAT) {
            return Ok(None);
        }
        let api = Step::cargo(["run", "--quiet", "--release", "--locked", "--package", "xtask-api", "--"]).arg(&json);
        found.push((root().join("tests/api").join(format!("{name}.txt")), api.output()?));
    }
    Ok(Some(found))
}
