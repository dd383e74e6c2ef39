//! Build steps that cargo, pip and npm do not do themselves:
//! `cargo xtask demo|test|lint|bench|soak|fuzz|live|live-undo|wheel|cli-wheel|emulator-wheel|npm|api|stubs|errors`.
//!
//! Everything is built in the release profile, once, in one target directory; but for the wheel, which is linked as one piece.

#![allow(clippy::print_stderr, reason = "a build tool talks to a person")]

mod api;
mod bench;
mod codes;
mod errors;
mod findings;
mod js;
mod lint;
mod live;
mod not_run;
mod npm;
mod python;
mod run;
mod test;
mod wasm;

use std::process::ExitCode;

use run::Step;

/// Said where the command is none of these.
const USAGE: &str = "usage: cargo xtask demo|test|lint|bench|soak|fuzz|live|live-undo|wheel|cli-wheel|emulator-wheel|npm|api|stubs|errors";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let outcome = not_run::begin().and_then(|()| run(&command));
    // What did not run is said last, where it is seen, also if something else failed.
    match outcome.and(not_run::end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {command}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str) -> Result<(), String> {
    match command {
        "demo" => demo(),
        "test" => test::run(),
        "lint" => lint::run(),
        "bench" => bench::run(),
        "soak" => soak(),
        "fuzz" => fuzz(),
        "live" => live::run(),
        "live-undo" => live::undo(),
        "wheel" => python::wheel().map(|path| eprintln!("{}", path.display())),
        "cli-wheel" => python::cli_wheel().map(|path| eprintln!("{}", path.display())),
        "emulator-wheel" => python::emulator_wheel().map(|path| eprintln!("{}", path.display())),
        "npm" => npm::pack_all().map(|paths| paths.iter().for_each(|path| eprintln!("{}", path.display()))),
        "api" => api::write(),
        "errors" => errors::write().and_then(|()| findings::write()).and_then(|()| codes::check()),
        "stubs" => python::test_venv().and_then(|(venv, _)| Step::new(venv.python()).arg(python::STUB_DOCS).run()),
        _ => Err(USAGE.to_owned()),
    }
}

/// Builds the command, the wheel and the npm package, and shows them at work.
fn demo() -> Result<(), String> {
    build_cli()?;
    let venv = python::demo_venv()?;
    let node_app = npm::app(&npm::CALLER.pack()?, "demo")?;
    Step::new(venv.python()).arg("demo/demo.py").env("XACCT_SIGN_BIN", cli()).env("XACCT_SIGN_NODE_APP", node_app).run()
}

/// Thirty virtual days of calls, one each second: the long form of a test.
fn soak() -> Result<(), String> {
    Step::cargo(["test", "--release", "--locked", "--package", "xacct-sign-tests", "--test", "bad_days", "soak"])
        .args(["--", "--nocapture"])
        .env("XACCT_SIGN_SOAK_DAYS", "30")
        .run()
}

/// Mutations for ten minutes a target: the long form of a test.
fn fuzz() -> Result<(), String> {
    Step::cargo(["test", "--release", "--locked", "--package", "xacct-sign-identity", "--test", "identity"])
        .args(["mutations_let_nobody_in", "--", "--nocapture"])
        .env("XACCT_SIGN_FUZZ_SECONDS", "600")
        .run()
}

fn build_cli() -> Result<(), String> {
    Step::cargo(["build", "--release", "--locked", "--package", "xacct-sign-cli"]).run()
}

/// The command, as built by [`build_cli`].
fn cli() -> std::path::PathBuf {
    built("xacct-sign")
}

/// The verifier that stands beside the emulator where other people's clients are tried; `test` builds it.
fn judge() -> std::path::PathBuf {
    built("judge")
}

fn built(program: &str) -> std::path::PathBuf {
    run::target().join("release").join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
}
