//! All tests: Rust, then Python on the built wheel, then JavaScript on the packed packages.

use std::fs;
use std::path::Path;

use crate::run::{Step, is_ci, system_packages, target};
use crate::{js, not_run, npm, python};

pub(crate) fn run() -> Result<(), String> {
    crate::build_cli()?;
    // The tests of crates that are built as an extension module cannot be linked.
    let left_out = [
        "xacct-sign-python",
        "xacct-sign-wasm",
        "xacct-sign-diagnosis-wasm",
        "xacct-sign-emulator-wasm",
        "xacct-sign-server-wasm",
        "xacct-sign-provider-wasm",
        "xtask",
        "xtask-bindgen",
    ];
    let workspace: Vec<&str> = ["--release", "--locked", "--workspace"]
        .into_iter()
        .chain(left_out.into_iter().flat_map(|package| ["--exclude", package]))
        .collect();
    npm::pack_all()?;
    // The Rust tests drive the npm package too, as it is packed and installed.
    let app = npm::app(&npm::CALLER.tarball()?, "rust-tests")?;
    let nextest = Step::cargo(["nextest", "--version"]).succeeds();
    let runner = if nextest {
        Step::cargo(["nextest", "run", "--no-fail-fast"])
    } else {
        eprintln!("cargo-nextest is not installed: cargo test runs the same tests");
        Step::cargo(["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
    };
    runner
        .args(&workspace)
        .args(["--features", "xacct-sign-tests/npm"])
        .env("XACCT_SIGN_BIN", crate::cli())
        .env("XACCT_SIGN_NPM", &app)
        .without_env("NODE_EXTRA_CA_CERTS")
        .run()?;
    Step::cargo(["test", "--doc"]).args(&workspace).run()?;

    // Elsewhere the tests say that they did not run.
    let faketime = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    for (package, file) in
        [("awscli", "/usr/bin/aws"), ("fish", "/usr/bin/fish"), ("jq", "/usr/bin/jq"), ("libfaketime", &faketime)]
    {
        if is_ci() && !Path::new(file).exists() {
            system_packages(&[package])?;
        }
    }
    let (venv, wheel) = python::test_venv()?;
    let (cli_wheel, emulator_wheel) = (python::cli_wheel()?, python::emulator_wheel()?);
    let vectors = target().join("vectors.json");
    let json =
        Step::cargo(["run", "--quiet", "--release", "--locked", "--package", "xacct-sign-tests", "--bin", "vectors"])
            .output()?;
    fs::write(&vectors, json).map_err(|error| format!("{}: {error}", vectors.display()))?;
    Step::cargo(["build", "--release", "--locked", "--package", "xacct-sign-tests", "--bin", "judge"]).run()?;
    Step::new(venv.python())
        .args(["-m", "pytest", "--strict-markers"])
        .env("XACCT_SIGN_BIN", crate::cli())
        .env("XACCT_SIGN_JUDGE", crate::judge())
        .env("XACCT_SIGN_VECTORS", &vectors)
        .env("XACCT_SIGN_WHEEL", &wheel)
        .env("XACCT_SIGN_CLI_WHEEL", &cli_wheel)
        .env("XACCT_SIGN_EMULATOR_WHEEL", &emulator_wheel)
        .env("XACCT_SIGN_NOT_RUN", not_run::file())
        .env("XACCT_SIGN_XTASK", std::env::current_exe().map_err(|error| format!("xtask: {error}"))?)
        .run()?;

    js::test(&venv.bin("cfn-lint"))
}
