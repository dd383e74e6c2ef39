//! The Rust programs of README.md and docs/, run as they stand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use std::process::{Command, Output};

use xacct_sign_tests::data;
use xacct_sign_tests::emulator::start;

fn documents() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_documents"));
    // Nothing of whoever runs the tests.
    command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    command
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_program_of_the_documents_runs() {
    let names = text(&documents().output().unwrap());
    assert_eq!(names.lines().filter(|name| name.starts_with("readme_")).count(), 1);
    let pages = ["../README.md", "../docs/credentials.md", "../docs/rust.md"];
    let blocks: usize = pages.iter().map(|page| data(page).matches("```rust").count()).sum();
    assert_eq!(names.lines().count(), blocks, "{names}");

    let emulator = start();
    let addresses = emulator.ready().addresses();
    let caller = emulator.ready().caller("shop", "stag").unwrap().credentials.clone();
    for line in names.lines() {
        let (name, calls_the_api) = line.split_once(' ').unwrap();
        let before = emulator.log().len();
        let mut command = documents();
        command
            .arg(name)
            .env("API_URL", addresses.stages.get("stag").unwrap())
            .env("AWS_ENDPOINT_URL_STS", &addresses.sts)
            .env("AWS_ACCESS_KEY_ID", caller.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", caller.secret_access_key())
            .env("AWS_SESSION_TOKEN", caller.session_token().unwrap_or_default());
        text(&command.output().unwrap());
        let log = emulator.log();
        let calls: Vec<_> = log.iter().skip(before).filter(|entry| entry.target == "stag").collect();
        assert!(calls.iter().all(|entry| entry.status == Some(200)), "{name}: {calls:?}");
        assert_eq!((!calls.is_empty()).to_string(), calls_the_api, "{name}: {calls:?}");
    }
}
