//! The Rust client against the command's emulator, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics to fail"
)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use xacct_sign::{Credentials, Error};
use xacct_sign_client::{Base, Request, Response, RoleOptions, RoleProvider, Session, Source};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/xacct.toml");

struct Emulator {
    process: Child,
    ready: Value,
}

impl Emulator {
    fn start() -> Self {
        let built = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/xacct-sign"));
        let command = std::env::var_os("XACCT_SIGN_BIN").map_or_else(built, PathBuf::from);
        let mut process = Command::new(&command)
            .args(["emulator", "--manifest", MANIFEST, "--explain", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: build it, or set XACCT_SIGN_BIN", command.display()));
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, ready: serde_json::from_str(&line).unwrap() }
    }

    fn url(&self, stage: &str, path: &str) -> String {
        format!("{}{path}", self.ready["stages"][stage]["url"].as_str().unwrap().trim_end_matches('/'))
    }

    fn credentials(from: &Value) -> Credentials {
        let part = |name: &str| from["credentials"][name].as_str().unwrap().to_owned();
        Credentials::new(part("access_key_id"), part("secret_access_key"), Some(part("session_token")), None).unwrap()
    }

    fn role(&self, base: Credentials) -> Arc<RoleProvider> {
        let mut options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", "ap-northeast-1");
        options.sts_endpoint = Some(self.ready["sts_url"].as_str().unwrap().to_owned());
        Arc::new(RoleProvider::new(options, Base::Explicit(base)).unwrap())
    }

    fn caller(&self) -> Credentials {
        let callers = self.ready["callers"].as_array().unwrap();
        Self::credentials(callers.iter().find(|caller| !caller["may_assume"]["stag"].is_null()).unwrap())
    }

    fn session(&self) -> Session {
        Session::new(Source::Role(self.role(self.caller())), "ap-northeast-1", "execute-api").unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn put(session: &Session, url: String) -> Result<Response, Error> {
    let mut request = Request::new("put", url);
    request.headers.push(("content-type".into(), b"application/json".to_vec()));
    request.query.push(("q".into(), "a b&c".into()));
    request.body = br#"{"foo":"bar"}"#.to_vec();
    session.send(request)
}

#[test]
fn a_signed_call_arrives_as_it_was_sent() {
    let emulator = Emulator::start();
    let answer = put(&emulator.session(), emulator.url("stag", "/hoge")).unwrap();
    assert_eq!(answer.status, 200);
    let seen: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((seen["method"].as_str(), seen["path"].as_str()), (Some("PUT"), Some("/hoge")));
    assert_eq!(seen["query"], "q=a%20b%26c");
    assert_eq!(seen["body"], r#"{"foo":"bar"}"#);
    let iam = &seen["requestContext"]["authorizer"]["iam"];
    assert_eq!(iam["accountId"], "111111111111");
}

#[test]
fn another_stage_is_refused_with_its_reason() {
    let emulator = Emulator::start();
    let answer = put(&emulator.session(), emulator.url("prod", "/hoge")).unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body, br#"{"message":"Forbidden"}"#);
    assert!(answer.headers["x-xacct-reason"].to_str().unwrap().starts_with("not_allowed:"));
}

#[test]
fn an_outsider_does_not_get_the_role() {
    let emulator = Emulator::start();
    let role = emulator.role(Emulator::credentials(&emulator.ready["outsider"]));
    let error = role.credentials().unwrap_err();
    assert_eq!((error.code(), error.aws().unwrap().status), ("assume_role_denied", 403));
}

#[test]
fn one_call_serves_every_thread() {
    let emulator = Emulator::start();
    let role = emulator.role(emulator.caller());
    let keys: Vec<String> = std::thread::scope(|scope| {
        let fetch = || role.credentials().unwrap().access_key_id().to_owned();
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // Each STS call gives another key.
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn what_must_not_leave_does_not() {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let session =
        || Session::new(Source::Base(Base::Explicit(credentials.clone())), "us-east-1", "execute-api").unwrap();
    let code = |answer: Result<Response, Error>| answer.unwrap_err().code();
    assert_eq!(code(session().send(Request::new("GET", "http://api.example.com/"))), "insecure_url");
    assert_eq!(code(session().send(Request::new("GET", "/relative"))), "invalid_url");
    let based = session().with_base_url("https://api.example.com/v1").unwrap();
    assert_eq!(code(based.send(Request::new("GET", "https://other.example.com/"))), "origin_mismatch");
    assert_eq!(code(based.send(Request::new("GET", "//other.example.com/"))), "origin_mismatch");
    assert_eq!(session().with_base_url("http://api.example.com").unwrap_err().code(), "insecure_url");
}
