//! The Rust client against the emulator, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics to fail"
)]

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::Value;
use xacct_sign::call::BaseUrl;
use xacct_sign::{Credentials, Error, Scope};
use xacct_sign_client::host::{Host as _, Machine};
use xacct_sign_client::{CredentialSource, Patience, Request, Response, RoleOptions, RoleProvider, Session};
use xacct_sign_tests::emulator::Running;

fn role(emulator: &Running, base: Credentials) -> RoleProvider {
    let mut options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", "ap-northeast-1");
    options.sts_endpoint = Some(emulator.ready().addresses().sts.clone());
    RoleProvider::new(options, base).unwrap()
}

fn caller(emulator: &Running) -> Credentials {
    emulator.ready().caller("shop", "stag").unwrap().credentials.clone()
}

fn url(emulator: &Running, stage: &str, path: &str) -> String {
    format!("{}{path}", emulator.ready().addresses().stages[stage])
}

fn session(emulator: &Running) -> Session {
    Session::new(role(emulator, caller(emulator)), Scope::new("ap-northeast-1", "execute-api").unwrap())
}

fn put(session: &Session, url: String) -> Result<Response, Error> {
    let mut request = Request::new("put", url);
    request.headers.push(("content-type".into(), b"application/json".to_vec()));
    request.query.push(("q".into(), "a b&c".into()));
    request.body = br#"{"foo":"bar"}"#.to_vec().into();
    session.send(request)
}

#[test]
fn a_signed_call_arrives_as_it_was_sent() {
    let emulator = xacct_sign_tests::emulator::start();
    let answer = put(&session(&emulator), url(&emulator, "stag", "/hoge")).unwrap();
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
    let emulator = xacct_sign_tests::emulator::start();
    let answer = put(&session(&emulator), url(&emulator, "prod", "/hoge")).unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body, br#"{"message":"Forbidden"}"#);
    assert!(answer.headers["x-xacct-reason"].to_str().unwrap().starts_with("not_allowed:"));
}

#[test]
fn an_outsider_does_not_get_the_role() {
    let emulator = xacct_sign_tests::emulator::start();
    let role = role(&emulator, emulator.ready().outsider().credentials.clone());
    let error = role.credentials().unwrap_err();
    assert_eq!((error.code(), error.aws().unwrap().status), ("sts_denied", 403));
}

#[test]
fn one_call_serves_every_thread() {
    let emulator = xacct_sign_tests::emulator::start();
    let role = role(&emulator, caller(&emulator));
    let keys: Vec<String> = std::thread::scope(|scope| {
        let fetch = || role.credentials().unwrap().access_key_id().to_owned();
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // Each STS call gives another key.
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

/// Credentials that never come.
#[derive(Debug)]
struct Broken(Barrier);

impl CredentialSource for Broken {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        self.0.wait();
        // The other caller waits by now, or comes later and fetches itself.
        std::thread::sleep(Duration::from_millis(100));
        panic!("the source of the base credentials is broken");
    }
}

#[test]
fn whoever_waits_for_a_thread_that_panics_is_told() {
    let options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", "ap-northeast-1");
    let start = Arc::new(Broken(Barrier::new(2)));
    let role = RoleProvider::new(options, Arc::clone(&start)).unwrap();
    let fetching = role.clone();
    let fetching = std::thread::spawn(move || fetching.credentials().map(drop));
    start.0.wait();
    let error = role.credentials().unwrap_err();
    assert_eq!((error.code(), error.action()), ("sts_failed", Some("AssumeRole")));
    assert!(fetching.join().is_err());
}

#[test]
fn what_must_not_leave_does_not() {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let session = || Session::new(credentials.clone(), Scope::new("us-east-1", "execute-api").unwrap());
    let code = |answer: Result<Response, Error>| answer.unwrap_err().code();
    assert_eq!(code(session().send(Request::new("GET", "http://api.example.com/"))), "insecure_url");
    assert_eq!(code(session().send(Request::new("GET", "/relative"))), "invalid_url");
    let based = session().with_base_url(BaseUrl::parse("https://api.example.com/v1").unwrap());
    assert_eq!(code(based.send(Request::new("GET", "https://other.example.com/"))), "origin_mismatch");
    assert_eq!(code(based.send(Request::new("GET", "//other.example.com/"))), "origin_mismatch");
    assert_eq!(BaseUrl::parse("http://api.example.com").unwrap_err().code(), "insecure_url");
    // Of two faults the worse is told.
    assert_eq!(BaseUrl::parse("http://api.example.com/?a").unwrap_err().code(), "insecure_url");
    assert_eq!(BaseUrl::parse("https://api.example.com/?a").unwrap_err().code(), "invalid_endpoint");
}

#[test]
fn a_file_of_somebody_elses_beside_one_that_is_replaced_stays() {
    let folder = std::env::temp_dir().join(format!("xacct-sign-replaced-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("login.json");
    let beside = [String::new(), ".0".to_owned(), ".1".to_owned(), ".2".to_owned()]
        .map(|number| folder.join(format!("login.json.{}{number}", std::process::id())));
    beside.iter().for_each(|path| std::fs::write(path, "another's").unwrap());
    let machine = Machine::default();
    for content in ["one", "two"] {
        machine.replace(&path, content.as_bytes()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    // What cannot take its place is not left behind either.
    machine.replace(&folder, b"no file").unwrap_err();
    assert!(beside.iter().all(|path| std::fs::read_to_string(path).unwrap() == "another's"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1 + beside.len());
    std::fs::remove_dir_all(folder).unwrap();
}
