//! CORS: preflights without a signature, and what a page is told with every answer.

use bytes::Bytes;
use http::{Request, Response, Uri};
use xacct_sign::sts::AssumeRole;
use xacct_sign_emulator::{BodyFailure, Emulator, Options, Outcome, SetupError, Target};
use xacct_sign_provider::Manifest;

use crate::world::*;

const PAGE: &str = "https://app.example.com";

fn allowing(origins: &[&str]) -> World {
    world_with(Options {
        allow_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        ..Options::default()
    })
}

fn from_page(mut request: Request<Bytes>, origin: &str) -> Request<Bytes> {
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

fn preflight(origin: &str) -> Request<Bytes> {
    let mut request = from_page(request("OPTIONS", "/hoge", ""), origin);
    let headers = request.headers_mut();
    headers.insert("access-control-request-method", "PUT".parse().unwrap());
    headers.insert("access-control-request-headers", "authorization,x-amz-date".parse().unwrap());
    request
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn says_of_cors(response: &Response<Bytes>) -> Vec<&str> {
    response.headers().keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control-")).collect()
}

#[test]
fn a_preflight_needs_no_signature() {
    let mut world = allowing(&["http://localhost:5173", PAGE]);
    let response = world.send(&stag(), preflight(PAGE));
    assert_eq!(response.status(), 204);
    assert!(response.body().is_empty());
    assert_eq!(header(&response, "access-control-allow-origin"), Some(PAGE));
    assert_eq!(header(&response, "access-control-allow-headers"), Some("authorization,x-amz-date"));
    assert!(header(&response, "access-control-allow-methods").unwrap().split(',').any(|method| method == "PUT"));
    assert_eq!(header(&response, "access-control-max-age"), Some("300"));
    assert_eq!(header(&response, "vary"), Some("Origin"));
    let log = world.log.last().unwrap();
    assert_eq!((log.status, log.done.as_deref()), (Some(204), Some("preflight from https://app.example.com")));
}

#[test]
fn another_origin_is_told_nothing() {
    let mut world = allowing(&[PAGE]);
    for origin in ["https://evil.example.com", "http://app.example.com", "https://app.example.com:8443", "null"] {
        let response = world.send(&stag(), preflight(origin));
        assert_eq!((response.status().as_u16(), world.reason()), (204, Some("origin_not_allowed")), "{origin}");
        assert_eq!(says_of_cors(&response), Vec::<&str>::new(), "{origin}");
        let response = world.send(&stag(), from_page(request("GET", "/hoge", ""), origin));
        assert_eq!((response.status().as_u16(), says_of_cors(&response)), (403, vec![]), "{origin}");
    }
}

#[test]
fn any_origin() {
    let mut world = allowing(&["*"]);
    let response = world.send(&stag(), preflight("https://whoever.example"));
    assert_eq!((header(&response, "access-control-allow-origin"), header(&response, "vary")), (Some("*"), None));
}

#[test]
fn refusals_and_answers_can_be_read_by_the_page() {
    let mut world = allowing(&[PAGE]);
    let refused = world.send(&stag(), from_page(request("PUT", "/hoge", "{}"), PAGE));
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = from_page(request("PUT", "/hoge", "{}"), PAGE);
    sign(&mut request, &credentials, "execute-api", world.now);
    let (parts, _) = request.clone().into_parts();
    let allowed = world.send(&stag(), request);
    let Outcome::Respond(too_large) =
        world.emulator.body_failed(&stag(), &parts, BodyFailure::TooLarge, world.now).outcome
    else {
        panic!("forwarded");
    };
    for (response, status) in [(refused, 403), (allowed, 200), (too_large, 413)] {
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "access-control-allow-origin"), Some(PAGE));
        assert_eq!(header(&response, "access-control-expose-headers"), Some("*"));
        assert_eq!(header(&response, "vary"), Some("Origin"));
    }
}

#[test]
fn nothing_is_said_where_it_is_not_configured_or_nobody_asks() {
    let mut world = world();
    let response = world.send(&stag(), preflight(PAGE));
    assert_eq!((response.status().as_u16(), world.reason()), (403, Some("signature_missing")));
    assert_eq!(says_of_cors(&response), Vec::<&str>::new());

    let mut world = allowing(&[PAGE]);
    let response = world.send(&stag(), request("GET", "/hoge", ""));
    assert_eq!(says_of_cors(&response), Vec::<&str>::new());
}

#[test]
fn an_options_request_that_is_no_preflight_needs_a_signature() {
    let mut world = allowing(&[PAGE]);
    for request in [request("OPTIONS", "/hoge", ""), from_page(request("OPTIONS", "/hoge", ""), PAGE)] {
        assert_eq!(world.send(&stag(), request).status(), 403);
        assert_eq!(world.reason(), Some("signature_missing"));
    }
}

#[test]
fn what_the_upstream_says_of_cors_counts_only_where_the_gateway_has_none() {
    for (origins, expected) in [(&[PAGE][..], PAGE), (&[], "https://upstream.example")] {
        let mut world = world_with(Options {
            upstream: Some(Uri::from_static("http://127.0.0.1:3000")),
            allow_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            ..Options::default()
        });
        let credentials = world.assume(&world.shop(), STAG);
        let mut request = from_page(request("GET", "/hoge", ""), PAGE);
        sign(&mut request, &credentials, "execute-api", world.now);
        let Outcome::Forward(forward) = world.outcome(&stag(), request) else { panic!("not forwarded") };
        let answer = Response::builder()
            .header("access-control-allow-origin", "https://upstream.example")
            .header("access-control-allow-credentials", "true")
            .header("access-control-allow-methods", "GET")
            .body(Bytes::new())
            .unwrap();
        let answer = forward.reply.answered(answer, world.log.last_mut().unwrap());
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(expected));
        assert_eq!(header(&answer, "access-control-allow-credentials").is_some(), origins.is_empty());
    }
}

#[test]
fn sts_lets_every_origin_in() {
    let mut world = world();
    let response = world.send(&Target::Sts, preflight(PAGE));
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (200, Some("*")));
    assert_eq!(header(&response, "access-control-allow-headers"), Some("authorization,x-amz-date"));

    let request = world.assume_request(&world.shop(), &AssumeRole::new(STAG, "page"));
    let response = world.send(&Target::Sts, from_page(request, PAGE));
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (200, Some("*")));
    let response = world.send(&Target::Sts, from_page(self::request("POST", "/", ""), PAGE));
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (400, Some("*")));
    let response = world.send(&Target::Sts, self::request("POST", "/", ""));
    assert_eq!(says_of_cors(&response), Vec::<&str>::new());
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let manifest = Manifest::parse(DEMO, "xacct.toml").unwrap();
    let made = |origin: &str| {
        let options = Options { allow_origins: vec![origin.to_owned()], ..Options::default() };
        Emulator::new(&manifest, options, [0; 32]).map(drop)
    };
    for good in ["*", PAGE, "http://localhost:5173", "http://[::1]:8080", "capacitor://localhost"] {
        assert!(made(good).is_ok(), "{good}");
    }
    let bad = [
        "",
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://",
        "https://*",
        "https://a b",
    ];
    for bad in bad {
        assert!(matches!(made(bad), Err(SetupError::Origin(text)) if text == bad), "{bad}");
    }
}
