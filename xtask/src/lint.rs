//! Formatting, lints, licences and types.

use std::collections::BTreeSet;
use std::env;

use crate::not_run::not_run;
use crate::python::STUB_DOCS;
use crate::run::{Step, root, target};
use crate::{api, codes, errors, findings, js, python};

const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run() -> Result<(), String> {
    Step::cargo(["fmt", "--all", "--check"]).run()?;
    skips()?;
    errors::check()?;
    findings::check()?;
    codes::check()?;
    is_light("xacct-sign", 20, &["syn", "tokio", "tracing"])?;
    is_light("xacct-sign-python", 61, &[])?;
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
    api::check()?;
    deny()?;

    let (venv, _) = python::test_venv()?;
    Step::new(venv.bin("ruff")).args(["format", "--check", "."]).run()?;
    Step::new(venv.bin("ruff")).args(["check", "."]).run()?;
    Step::new(venv.python()).args(["-m", "mypy"]).run()?;
    Step::new(venv.python()).args([STUB_DOCS, "--check"]).run()?;
    // From outside the repository, so that the installed wheel is checked and not the source beside it.
    Step::new(venv.python()).args(["-m", "mypy.stubtest", "xacct_sign._native"]).in_directory(env::temp_dir()).run()?;
    js::lint()
}

/// That a crate brings at most so many crates, itself included, and none of those named: counted as the wheel for Linux
/// links them, on every machine.
fn is_light(package: &str, most: usize, banned: &[&str]) -> Result<(), String> {
    let tree = Step::cargo(["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--format", "{p}"])
        .output()?;
    // What follows name and version is a path, or the mark of a repetition.
    let crates: BTreeSet<String> =
        tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let is_banned = |each: &&String| banned.contains(&each.split(' ').next().unwrap_or_default());
    let found: Vec<&str> = crates.iter().filter(is_banned).map(String::as_str).collect();
    if !found.is_empty() {
        return Err(format!(
            "{package} brings {}: `cargo tree -p {package} -e normal -i CRATE` says why",
            found.join(", ")
        ));
    }
    if crates.len() > most {
        let all: Vec<&str> = crates.iter().map(String::as_str).collect();
        return Err(format!("{package} brings {} crates and not at most {most}: {}", all.len(), all.join(", ")));
    }
    Ok(())
}

/// That no test is left out but through the list in `tests/not-run.toml`.
fn skips() -> Result<(), String> {
    let patterns = [
        r"#\[ignore",
        r"\b(it|test|describe|suite|context)\.(skip|todo|only)\b",
        r"\b(skipIf|runIf)\(",
        r"\bpytest\.(skip|importorskip|xfail)\b|\bmark\.(skip|skipif|xfail)\b|\bunittest\.skip",
    ];
    let grep = Step::new("git").args(["grep", "--line-number", "--extended-regexp"]);
    let grep = patterns.iter().fold(grep, |grep, pattern| grep.arg("-e").arg(pattern));
    let code = grep
        .args(["--", "*.rs", "*.py", "*.js", "*.mjs", "*.ts"])
        // Where the list is asked, and this text itself.
        .args([":!js/runtimes/lib/run.mjs", ":!python/tests/helpers.py", ":!xtask/src/lint.rs"])
        .code()?;
    match code {
        1 => Ok(()),
        0 => Err("these tests are left out: what cannot run goes through tests/not-run.toml".to_owned()),
        _ => Err("git cannot say which tests are left out".to_owned()),
    }
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
            return not_run("cargo-deny");
        }
    }
    let deny = || {
        let step = if on_path { Step::cargo(["deny"]) } else { Step::new(&installed) };
        step.in_directory(root())
    };
    deny().args(["check", "licenses", "bans", "sources"]).run()?;
    if deny().args(["fetch", "db"]).succeeds() {
        deny().args(["check", "advisories"]).run()
    } else {
        not_run("cargo-deny-advisories")
    }
}
