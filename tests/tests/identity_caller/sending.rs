//! Where a session lets an identity go.

use std::sync::Arc;

use xacct_sign_client::{Body, Identity as _, Patience, Request, Session};
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{Seen, emulator, machine, token};

const API: &str = "https://api.example.com/orders";

/// A session, what its server saw, and what it says.
fn session() -> (Session, Seen, String) {
    let (emulator, base) = emulator();
    let (host, seen) = machine(emulator);
    let host: Arc<VirtualHost> = Arc::new(host);
    let identity = token(&host, base).unwrap();
    let said = format!("Bearer {}", identity.bearer(&Patience::default()).unwrap().as_str());
    (Session::of_identity_on(host, identity), seen, said)
}

#[test]
fn a_request_says_who_calls_and_is_not_signed() {
    let (session, seen, said) = session();
    let mut request = Request::new("put", API);
    request.headers.push(("authorization".to_owned(), b"Basic eDp5".to_vec()));
    request.body = Body::from("body");
    assert_eq!(session.send(request).unwrap().status, 200);
    // There is one such header, and it is this one.
    assert_eq!(*seen.lock().unwrap(), [(API.to_owned(), said)]);
}

#[test]
fn the_header_is_ones_own_to_choose() {
    let (session, seen, said) = session();
    let session = session.with_identity_header("X-Caller").unwrap();
    let mut request = Request::new("GET", API);
    request.headers.push(("authorization".to_owned(), b"Basic eDp5".to_vec()));
    session.send(request).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].1, "Basic eDp5");
    assert_ne!(seen[0].1, said);
}

#[test]
fn no_identity_stands_in_a_header_of_the_connection() {
    let of_proxies = ["Proxy-Authorization", "proxy-authenticate", "proxy-connection"];
    for name in ["", "a b", "Host", "content-length", "Transfer-Encoding", "connection"].into_iter().chain(of_proxies) {
        let (session, ..) = session();
        assert_eq!(session.with_identity_header(name).unwrap_err().code(), "invalid_header", "{name}");
    }
}

#[test]
fn no_identity_stands_in_a_header_that_clients_set_themselves() {
    for name in ["Content-Type", "cookie"] {
        let (session, ..) = session();
        let error = session.with_identity_header(name).unwrap_err();
        assert_eq!(error.code(), "invalid_header", "{name}");
        let message = format!("is `{}`, which HTTP clients and proxies keep for themselves", name.to_lowercase());
        assert!(error.to_string().contains(&message), "{error}");
    }
}

#[test]
fn no_identity_goes_over_plain_http_but_to_this_machine() {
    let (session, seen, said) = session();
    let error = session.send(Request::new("GET", "http://api.example.com/")).unwrap_err();
    assert_eq!(error.code(), "insecure_url");
    assert!(seen.lock().unwrap().is_empty());
    session.send(Request::new("GET", "http://127.0.0.1:8000/")).unwrap();
    assert_eq!(seen.lock().unwrap()[0].1, said);
}

#[test]
fn a_redirect_within_the_origin_is_followed_and_one_to_elsewhere_is_the_answer() {
    let (session, seen, said) = session();
    let answer = session.send(Request::new("GET", format!("{API}?to=/other"))).unwrap();
    assert_eq!((answer.status, answer.url.as_str()), (200, "https://api.example.com/other"));
    for elsewhere in
        ["https://evil.example.com/", "http://api.example.com/", "https://api.example.com:444/", "//x.example/"]
    {
        let answer = session.send(Request::new("GET", format!("{API}?to={elsewhere}"))).unwrap();
        assert_eq!(answer.status, 307, "{elsewhere}");
    }
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().all(|(url, header)| url.starts_with("https://api.example.com/") && *header == said),
        "{seen:?}"
    );
    assert_eq!(seen.len(), 2 + 4);
}

#[test]
fn nothing_of_an_identity_is_shown() {
    let (session, _, said) = session();
    assert!(!format!("{session:?}").contains(said.get(7..40).unwrap()), "{session:?}");
}
