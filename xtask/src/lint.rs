//! Formatting, lints, licences and types.

use std::env;

use crate::run::{Step, root, target};
use crate::{js, python};

const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run() -> Result<(), String> {
    Step::cargo(["fmt", "--all", "--check"]).run()?;
    Step::cargo([
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ])
    .run()?;
    Step::cargo(["doc", "--release", "--locked", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .run()?;
    deny()?;

    let (venv, _) = python::test_venv()?;
    Step::new(venv.bin("ruff")).args(["format", "--check", "."]).run()?;
    Step::new(venv.bin("ruff")).args(["check", "."]).run()?;
    Step::new(venv.python()).args(["-m", "mypy"]).run()?;
    // From outside the repository, so that the installed wheel is checked and not the source beside it.
    Step::new(venv.python()).args(["-m", "mypy.stubtest", "xacct_sign._native"]).in_directory(env::temp_dir()).run()?;
    js::lint()
}

/// Licences, bans and sources; advisories where their database can be had.
fn deny() -> Result<(), String> {
    let tools = target().join("tools");
    let installed = tools.join("bin").join(format!("cargo-deny{}", env::consts::EXE_SUFFIX));
    let on_path = Step::cargo(["deny", "--version"]).succeeds();
    if !on_path && !installed.exists() {
        let install = Step::cargo(["install", "--quiet", "--locked", "cargo-deny", "--version", CARGO_DENY, "--root"])
            .arg(&tools);
        if install.run().is_err() {
            eprintln!("cargo deny: NOT RUN (it is not installed and cannot be)");
            return Ok(());
        }
    }
    let deny = || {
        let step = if on_path { Step::cargo(["deny"]) } else { Step::new(&installed) };
        step.in_directory(root())
    };
    deny().args(["check", "licenses", "bans", "sources"]).run()?;
    if deny().args(["fetch", "db"]).succeeds() {
        deny().args(["check", "advisories"]).run()?;
    } else {
        eprintln!("cargo deny check advisories: NOT RUN (the database cannot be fetched)");
    }
    Ok(())
}
