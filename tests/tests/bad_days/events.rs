//! What a program hears of that it did not ask for.

use std::sync::{Arc, Mutex};

use http::{Request as HttpRequest, Response};
use xacct_sign::{Credentials, Scope};
use xacct_sign_client::{Event, Listener, Request, RoleOptions, RoleProvider, Session};
use xacct_sign_emulator::Options;
use xacct_sign_tests::example_credentials;
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{API, REGION, ROLE, answered, broken, caller, emulator, is_sts, seconds, sts_error};

type Heard = Arc<Mutex<Vec<String>>>;

/// What writes down what it hears, in one line each.
fn listener() -> (Heard, Listener) {
    let heard = Heard::default();
    let lines = Arc::clone(&heard);
    let listener = Listener::new(move |event| {
        let line = match event {
            Event::Refreshed { role, action, expires_at, duration, .. } => {
                format!("refreshed {role} {action} {} {duration:?}", expires_at.is_some())
            }
            Event::RefreshFailed { role, action, is_early, error, duration, .. } => {
                format!("failed {role} {action} {is_early} {} {duration:?}", error.code())
            }
            Event::Request { method, url, outcome, .. } => {
                format!("request {method} {url} {}", outcome.map_or_else(|e| e.code().to_owned(), |s| s.to_string()))
            }
            Event::ClockSkew { seconds, .. } => format!("skew {seconds}"),
            other => format!("{other:?}"),
        };
        lines.lock().unwrap().push(line);
    });
    (heard, listener)
}

fn role(host: &Arc<VirtualHost>, base: Credentials, listener: Listener) -> RoleProvider {
    let mut options = RoleOptions::on(&**host, ROLE, REGION);
    options.call.duration_seconds = 900;
    options.listener = Some(listener);
    RoleProvider::on(Arc::clone(host) as _, options, base).unwrap()
}

fn heard(lines: &Heard) -> Vec<String> {
    std::mem::take(&mut *lines.lock().unwrap())
}

/// The emulator, or what the test wants in place of STS.
fn host(mut in_place: impl FnMut() -> Option<Response<Vec<u8>>> + Send + 'static) -> (Arc<VirtualHost>, Credentials) {
    let mut emulator = emulator(Options::default());
    let base = caller(&emulator);
    let host = VirtualHost::new(move |request: &HttpRequest<&[u8]>, now| {
        let other = if is_sts(request) { in_place() } else { None };
        Ok(other.unwrap_or_else(|| answered(&mut emulator, request, now)))
    });
    (Arc::new(host), base)
}

#[test]
fn refreshes_and_requests_are_told() {
    let (host, base) = host(|| None);
    let (lines, listener) = listener();
    let session = Session::on(
        Arc::clone(&host) as _,
        role(&host, base, listener.clone()),
        Scope::new(REGION, "execute-api").unwrap(),
    )
    .with_listener(listener);
    let request = || {
        let mut request = Request::new("PUT", API);
        request.query.push(("key".to_owned(), "secret".to_owned()));
        request
    };
    assert_eq!(session.send(request()).unwrap().status, 200);
    assert_eq!(heard(&lines), [format!("refreshed {ROLE} AssumeRole true 0ns"), format!("request PUT {API} 200")]);
    assert_eq!(session.send(request()).unwrap().status, 200);
    assert_eq!(heard(&lines), [format!("request PUT {API} 200")]);
    host.pass(seconds(900));
    assert_eq!(session.send(request()).unwrap().status, 200);
    assert_eq!(heard(&lines).len(), 2);
}

#[test]
fn what_is_refused_before_it_is_sent_is_no_request() {
    let (lines, listener) = listener();
    let host = Arc::new(VirtualHost::new(|_, _| Err(broken())));
    let scope = Scope::new(REGION, "execute-api").unwrap();
    let session = Session::on(host as _, example_credentials(None), scope).with_listener(listener);
    assert!(session.send(Request::new("GET", "http://api.example.com/")).is_err());
    assert_eq!(heard(&lines), Vec::<String>::new());
    assert!(session.send(Request::new("GET", "https://api.example.com/?key=secret")).is_err());
    assert_eq!(heard(&lines), ["request GET https://api.example.com/ transport"]);
}

#[test]
fn a_failed_refresh_is_told_and_whether_it_is_early() {
    let refuses = Arc::new(Mutex::new(false));
    let refusing = Arc::clone(&refuses);
    let (host, base) = host(move || refusing.lock().unwrap().then(|| sts_error(403, "AccessDenied", "no")));
    let (lines, listener) = listener();
    let role = role(&host, base, listener);
    role.credentials().unwrap();
    heard(&lines);
    *refuses.lock().unwrap() = true;
    // In the early window, which begins 225 s before the end, and of which half is spread.
    host.pass(seconds(900 - 60));
    role.credentials().unwrap();
    // It is told by a thread of its own, after whoever waited for it may go on.
    while lines.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(heard(&lines), [format!("failed {ROLE} AssumeRole true sts_denied 0ns")]);
    host.pass(seconds(60));
    assert_eq!(role.credentials().unwrap_err().code(), "sts_denied");
    assert_eq!(heard(&lines), [format!("failed {ROLE} AssumeRole false sts_denied 0ns")]);
    // The error that stands for a while is no other failure.
    assert_eq!(role.credentials().unwrap_err().code(), "sts_denied");
    assert_eq!(heard(&lines), Vec::<String>::new());
}

#[test]
fn skew_is_told_once() {
    let mut emulator = emulator(Options::default());
    let base = caller(&emulator);
    let host = VirtualHost::new(move |request, now| Ok(answered(&mut emulator, request, now)));
    let host = Arc::new(host.ahead(7200));
    let (lines, listener) = listener();
    let scope = Scope::new(REGION, "execute-api").unwrap();
    let source = role(&host, base, listener.clone());
    let session = Session::on(Arc::clone(&host) as _, source, scope).with_listener(listener);
    for _ in 0..3 {
        session.send(Request::new("GET", API)).unwrap();
        host.pass(seconds(900));
    }
    let skews: Vec<_> = heard(&lines).into_iter().filter(|line| line.starts_with("skew")).collect();
    assert_eq!(skews, ["skew -7200"]);
}

#[test]
fn a_listener_may_ask_for_the_credentials_it_is_told_of() {
    let (host, base) = host(|| None);
    let asked = Arc::new(Mutex::new(None::<RoleProvider>));
    let keys = Heard::default();
    let (of_listener, seen) = (Arc::clone(&asked), Arc::clone(&keys));
    let listener = Listener::new(move |_| {
        let role = of_listener.lock().unwrap().clone().unwrap();
        seen.lock().unwrap().push(role.credentials().unwrap().access_key_id().to_owned());
    });
    let role = role(&host, base, listener);
    *asked.lock().unwrap() = Some(role.clone());
    let got = role.credentials().unwrap();
    assert_eq!(heard(&keys), [got.access_key_id()]);
    assert_eq!(host.sent(), 1);
}
