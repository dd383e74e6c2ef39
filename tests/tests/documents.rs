//! The Rust programs of README.md and docs/, run as they stand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use xacct_sign_emulator::Options;
use xacct_sign_tests::data;
use xacct_sign_tests::emulator::start_with;

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
    let pages = ["../README.md", "../docs/credentials.md", "../docs/emulator.md", "../docs/rust.md"];
    let blocks: usize = pages.iter().map(|page| data(page).matches("```rust").count()).sum();
    assert_eq!(names.lines().count(), blocks, "{names}");

    let emulator = start_with(Options { caller_policies: everything_of_sts(), ..Options::default() });
    let addresses = emulator.ready().addresses();
    let caller = emulator.ready().caller("shop", "stag").unwrap().credentials.clone();
    for line in names.lines() {
        let (name, calls) = line.split_once(' ').unwrap();
        let before = emulator.log().len();
        let (server, bearer) = server();
        let mut command = documents();
        command
            .arg(name)
            .env("API_URL", if calls == "server" { &server } else { addresses.stages.get("stag").unwrap() })
            .env("AWS_ENDPOINT_URL_STS", &addresses.sts)
            .env("AWS_ACCESS_KEY_ID", caller.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", caller.secret_access_key())
            .env("AWS_SESSION_TOKEN", caller.session_token().unwrap_or_default());
        text(&command.output().unwrap());
        let log = emulator.log();
        let signed: Vec<_> = log.iter().skip(before).filter(|entry| entry.target == "stag").collect();
        assert!(signed.iter().all(|entry| entry.status == Some(200)), "{name}: {signed:?}");
        assert_eq!(!signed.is_empty(), calls == "api", "{name}: {signed:?}");
        let bearer = bearer.recv_timeout(Duration::ZERO).ok();
        assert_eq!(
            bearer.is_some_and(|head| head.contains("\r\nauthorization: Bearer ey")),
            calls == "server",
            "{name}"
        );
    }
}

/// What lets a caller do all that the pages show.
fn everything_of_sts() -> BTreeMap<String, String> {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    [("shop".to_owned(), policy.to_owned())].into()
}

/// A server that takes one call, and tells its head.
fn server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = String::new();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap() > 0 {}
        sender.send(head).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    });
    (url, receiver)
}
