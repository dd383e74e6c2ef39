//! What single services need of a signature.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use std::time::Duration;

use xacct_sign::sts::AssumeRole;
use xacct_sign::{Payload, Request, Scope, Signer, Url};
use xacct_sign_tests::{example_credentials, example_instant, query_pairs};

fn signer(service: &str, token: Option<&str>) -> Signer {
    Signer::new(example_credentials(token), Scope::new("us-east-1", service).unwrap())
}

fn request<'a>(url: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request { method: "GET", url: Url::parse(url).unwrap(), headers, payload: Payload::Bytes(b"") }
}

#[test]
fn c11_the_hash_of_the_payload_is_sent_where_it_is_wanted() {
    for (service, expected) in [
        ("s3", true),
        ("s3express", true),
        ("s3-object-lambda", true),
        ("s3-outposts", true),
        ("aoss", true),
        ("glacier", true),
        ("lambda", true),
        ("vpc-lattice-svcs", true),
        ("es", false),
        ("execute-api", false),
        ("iotdevicegateway", false),
    ] {
        let signer = signer(service, None);
        let signed = signer.sign_parts(&request("https://example.com/", &[]), example_instant()).unwrap();
        let sent: Vec<&str> = signed.headers().map(|(name, _)| name).collect();
        assert_eq!(sent.contains(&"x-amz-content-sha256"), expected, "{service}");
        let authorization = signed.headers().find(|(name, _)| *name == "authorization").unwrap().1;
        assert_eq!(authorization.contains("x-amz-content-sha256"), expected, "{service}: {authorization}");
    }
}

/// Where a service takes no hash of the payload, none is signed, whatever the payload: in a header, or in a URL.
#[test]
fn a_payload_is_unsigned_where_the_service_wants_it_so() {
    for (service, in_header, in_url) in
        [("execute-api", false, false), ("s3", false, true), ("vpc-lattice-svcs", true, true)]
    {
        let signer = signer(service, None);
        let request = Request { payload: Payload::Bytes(b"body"), ..request("https://example.com/", &[]) };
        let (_, trace) = signer.trace(&request, example_instant()).unwrap();
        assert_eq!(trace.canonical_request.ends_with("\nUNSIGNED-PAYLOAD"), in_header, "{service}");
        let (_, trace) = signer.trace_presign(&request, Duration::from_secs(60), example_instant()).unwrap();
        assert_eq!(trace.canonical_request.ends_with("\nUNSIGNED-PAYLOAD"), in_url, "{service}");
    }
}

/// Whoever gets the URL of an upload would send what it likes otherwise; of a request that is sent here, clients say the length.
#[test]
fn a_length_is_signed_into_a_url_and_into_no_header() {
    let length: &[(&str, &[u8])] = &[("Content-Length", b"5"), ("user-agent", b"x")];
    for service in ["s3", "execute-api"] {
        let signer = signer(service, None);
        let request = request("https://example.com/", length);
        let url = signer.presign(&request, Duration::from_secs(60), example_instant()).unwrap();
        assert!(url.contains("X-Amz-SignedHeaders=content-length%3Bhost&"), "{url}");
        let signed = signer.sign_parts(&request, example_instant()).unwrap();
        let authorization = signed.headers().find(|(name, _)| *name == "authorization").unwrap().1;
        assert!(!authorization.contains("content-length"), "{authorization}");
    }
}

/// Every kind of Amazon S3 takes keys as they are: the path encoded once, and not normalized.
#[test]
fn c11_all_of_s3_signs_the_path_alike() {
    for service in ["s3", "s3express", "s3-object-lambda", "s3-outposts"] {
        let signer = signer(service, None);
        let (_, trace) = signer.trace(&request("https://example.com/a//b%20c", &[]), example_instant()).unwrap();
        assert_eq!(trace.canonical_request.lines().nth(1), Some("/a//b%20c"), "{service}");
    }
}

#[test]
fn c11_the_token_of_a_device_gateway_is_appended_after_signing() {
    let presign = |token| {
        let url = "wss://example.iot.us-east-1.amazonaws.com/mqtt";
        let signer = signer("iotdevicegateway", token);
        signer.presign(&request(url, &[]), Duration::from_secs(60), example_instant()).unwrap()
    };
    let pairs = |url: &str| query_pairs(url.split_once('?').map(|(_, query)| query));
    let (with, without) = (presign(Some("token")), presign(None));
    let mut expected = pairs(&without);
    expected.push(("X-Amz-Security-Token".into(), "token".into()));
    expected.sort();
    assert_eq!(pairs(&with), expected, "the signature is that without the token");
}

#[test]
fn c11_what_a_handshake_and_what_tracing_adds_is_not_signed() {
    let headers: Vec<(&str, &[u8])> = [
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
        "upgrade",
        "traceparent",
        "tracestate",
        "baggage",
        "x-mine",
    ]
    .map(|name| (name, b"value".as_slice()))
    .to_vec();
    let signer = signer("execute-api", None);
    let signed = signer.sign_parts(&request("wss://example.com/", &headers), example_instant()).unwrap();
    let authorization = signed.headers().find(|(name, _)| *name == "authorization").unwrap().1;
    assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-mine,"), "{authorization}");
}

#[test]
fn c11_the_name_of_an_endpoint_is_no_region() {
    for region in ["aws-global", "aws-cn-global", "us-east-1-fips", "fips-us-gov-west-1"] {
        let error = Scope::new(region, "sts").unwrap_err();
        assert_eq!(error.code(), "invalid_region");
        assert!(error.hint().unwrap().contains("`ap-northeast-1`"));
        let call = AssumeRole::new("arn:aws:iam::123456789012:role/R", "session");
        for url in [None, Some("https://sts.amazonaws.com")] {
            assert_eq!(call.endpoint(region, url).unwrap_err().code(), "invalid_region", "{region}");
        }
    }
}
