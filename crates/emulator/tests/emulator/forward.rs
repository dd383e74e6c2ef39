//! Requests for the upstream, and its answers.

use bytes::Bytes;
use http::{Response, Uri};
use serde_json::Value;
use xacct_sign::{Payload, Scope, Signer, Url};
use xacct_sign_emulator::{Emulator, Forward, Options, Outcome, SetupError, UpstreamFailure};
use xacct_sign_provider::Manifest;

use crate::world::*;

fn with_upstream(upstream: &'static str) -> World {
    world_with(Options { upstream: Some(Uri::from_static(upstream)), explain: true, ..Options::default() })
}

fn forwarded(world: &mut World, request: http::Request<Bytes>) -> Forward {
    match world.outcome(&stag(), request) {
        Outcome::Forward(forward) => *forward,
        Outcome::Respond(response) => panic!("{response:?} {}", world.detail()),
    }
}

#[test]
fn the_upstream_sees_the_request_without_secrets_and_with_the_identity() {
    let mut world = with_upstream("http://127.0.0.1:3000/base/");
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = request("PUT", "/a%2Fb/../c?x=1&x=%20", "body");
    for (name, value) in [
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("accept", "text/plain"),
        ("x-amzn-request-context", "{\"forged\":true}"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    sign(&mut request, &credentials, "execute-api", world.now);
    let Forward { request, reply, .. } = forwarded(&mut world, request);
    assert_eq!(request.uri(), "http://127.0.0.1:3000/base/a%2Fb/../c?x=1&x=%20");
    assert_eq!((request.method().as_str(), request.body().as_ref()), ("PUT", b"body".as_slice()));
    for name in ["authorization", "x-amz-security-token", "connection", "x-hop", "te"] {
        assert!(!request.headers().contains_key(name), "{name}");
    }
    assert_eq!(request.headers()["accept"], "text/plain");
    assert_eq!(request.headers()["host"], "127.0.0.1:3000");
    assert_eq!(request.headers()["forwarded"], "for=127.0.0.1;host=\"server.stag.foo.example.com\";proto=http");
    assert_eq!(request.headers().get_all("x-amzn-request-context").iter().count(), 1);
    let context: Value = serde_json::from_slice(request.headers()["x-amzn-request-context"].as_bytes()).unwrap();
    assert_eq!(context["authorizer"]["iam"]["accountId"], "111111111111");

    let mut log = world.log.pop().unwrap();
    assert_eq!(log.status, None);
    let answer = Response::builder()
        .status(201)
        .header("connection", "keep-alive")
        .header("x-own", "1")
        .body(Bytes::from("ok"))
        .unwrap();
    let answer = reply.answered(answer, &mut log);
    assert_eq!((answer.status().as_u16(), log.status), (201, Some(201)));
    assert_eq!(answer.headers()["x-own"], "1");
    assert_eq!(answer.headers()["apigw-requestid"], context["requestId"].as_str().unwrap());
    assert!(!answer.headers().contains_key("connection"));
}

#[test]
fn e7_nothing_that_a_client_sends_poses_as_the_gateway() {
    const POSING: [&str; 12] = [
        "x-amzn-request-context",
        "x_amzn_request_context",
        "x-amzn_request-context",
        "x.amzn.request.context",
        "x-amzn-trace-id",
        "x-apigateway-event",
        "x-forwarded-for",
        "x_forwarded_host",
        "forwarded",
        "via",
        "apigw-requestid",
        "apigw_requestid",
    ];
    let posing = || {
        let mut request = request("PUT", "/hoge", "body");
        for name in POSING {
            request.headers_mut().append(name, "posed".parse().unwrap());
        }
        request.headers_mut().insert("x-own", "1".parse().unwrap());
        request
    };
    let mut world = with_upstream("http://127.0.0.1:3000");
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = posing();
    sign(&mut request, &credentials, "execute-api", world.now);
    let sent = forwarded(&mut world, request).request;
    assert_eq!(sent.headers()["x-own"], "1");
    assert!(sent.headers().values().all(|value| value != "posed"), "{:?}", sent.headers());
    let of_the_gateway = |name: &&str| name.replace('_', "-").starts_with("x-amzn") || *name == "forwarded";
    let names: Vec<&str> = sent.headers().keys().map(http::HeaderName::as_str).filter(of_the_gateway).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    let mut world = world_with(Options::default());
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = posing();
    sign(&mut request, &credentials, "execute-api", world.now);
    let echo = text(&world.send(&stag(), request));
    assert!(echo.contains("x-own") && !echo.contains("posed"), "{echo}");
}

#[test]
fn e7_methods_that_no_route_has_are_not_forwarded() {
    let mut world = with_upstream("http://127.0.0.1:3000");
    let credentials = world.assume(&world.shop(), STAG);
    for method in ["CONNECT", "TRACE", "PROPFIND", "ANY", "get"] {
        let mut request = request(method, "/hoge", "");
        // Nobody signs a `CONNECT`.
        if method != "CONNECT" {
            sign(&mut request, &credentials, "execute-api", world.now);
        }
        let response = world.send(&stag(), request);
        assert_eq!((response.status().as_u16(), world.reason()), (404, Some("method_unknown")), "{method}");
        assert_eq!(text(&response), r#"{"message":"Not Found"}"#);
    }
    for method in ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] {
        let mut request = request(method, "/hoge", "");
        sign(&mut request, &credentials, "execute-api", world.now);
        assert_eq!(forwarded(&mut world, request).request.method(), method);
    }
}

#[test]
fn a_presigned_urls_signature_does_not_reach_the_upstream() {
    let mut world = with_upstream("http://127.0.0.1:3000");
    let credentials = world.assume(&world.shop(), STAG);
    let parts = xacct_sign::Request {
        method: "GET",
        url: Url::parse("http://api.example.com/hoge?a=1").unwrap(),
        headers: &[],
        payload: Payload::Bytes(b""),
    };
    let url = Signer::new(credentials, Scope::new(REGION, "execute-api").unwrap())
        .presign(&parts, seconds(60), world.now)
        .unwrap();
    let request = http::Request::get(url).header("host", "api.example.com").body(Bytes::new()).unwrap();
    assert_eq!(forwarded(&mut world, request).request.uri(), "http://127.0.0.1:3000/hoge?a=1");
}

#[test]
fn e9_an_upstream_may_be_over_tls() {
    let mut world = with_upstream("https://localhost:8443/base");
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = request("GET", "/hoge", "");
    sign(&mut request, &credentials, "execute-api", world.now);
    let request = forwarded(&mut world, request).request;
    assert_eq!(request.uri(), "https://localhost:8443/base/hoge");
    assert_eq!(request.headers()["host"], "localhost:8443");
}

#[test]
fn failures_of_the_upstream() {
    for (failure, status, message, code) in [
        (UpstreamFailure::Timeout, 503, "Service Unavailable", "upstream_timeout"),
        (UpstreamFailure::Connection, 500, "Internal Server Error", "upstream_failed"),
        (UpstreamFailure::Certificate, 500, "Internal Server Error", "upstream_failed"),
        (UpstreamFailure::TooLarge, 500, "Internal Server Error", "upstream_too_large"),
    ] {
        let mut world = with_upstream("http://127.0.0.1:3000");
        let credentials = world.assume(&world.shop(), STAG);
        let mut request = request("GET", "/hoge", "");
        sign(&mut request, &credentials, "execute-api", world.now);
        let reply = forwarded(&mut world, request).reply;
        let response = reply.failed(failure, world.log.last_mut().unwrap());
        assert_eq!((response.status().as_u16(), world.reason()), (status, Some(code)));
        assert_eq!(text(&response), format!("{{\"message\":\"{message}\"}}"));
        assert!(response.headers()["x-xacct-reason"].to_str().unwrap().starts_with(code));
    }
}

#[test]
fn options_that_make_no_sense() {
    let manifest = Manifest::parse(DEMO, "xacct.toml").unwrap();
    let made = |options| Emulator::new(&manifest, options, [0; 32]).map(drop);
    for upstream in ["ftp://example.com", "/relative", "https://a/?q=1"] {
        let options = Options { upstream: Some(Uri::from_static(upstream)), ..Options::default() };
        assert!(matches!(made(options), Err(SetupError::Upstream(_))), "{upstream}");
    }
    let options = Options { credential_lifetime: Some(seconds(0)), ..Options::default() };
    assert!(matches!(made(options), Err(SetupError::Lifetime)));
    assert!(made(Options::default()).is_ok());
}
