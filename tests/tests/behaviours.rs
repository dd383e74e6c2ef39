//! What users of other signers were hurt by (`tests/behaviours.toml`), and what of it is no row of a table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::collections::BTreeSet;

use xacct_sign::call::{Call, check_reachable};
use xacct_sign::sts::AssumeRole;
use xacct_sign::{CanonicalUrl, Credentials, Payload, Request, Scope, Signer, Url, canonical_url, sha256_hex};
use xacct_sign_tests::behaviours::{Case, Table, TableSigner};
use xacct_sign_tests::{at, example_credentials, example_instant};

#[test]
fn every_case_of_the_table() {
    let table = Table::load();
    let names: BTreeSet<&str> = table.case.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), table.case.len(), "names are unique");
    for case in &table.case {
        assert!(!case.issue.is_empty(), "{}", case.name);
        check(&table.signer, case);
    }
}

fn check(from: &TableSigner, case: &Case) {
    let name = &case.name;
    let credentials =
        Credentials::new(&from.access_key_id, &from.secret_access_key, case.session_token.clone(), None).unwrap();
    let signer = Signer::new(credentials, Scope::new(&from.region, &from.service).unwrap());
    let headers: Vec<(&str, &[u8])> =
        case.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    if let Some(expected) = &case.canonical_url {
        let canonical = canonical_url(&case.url).unwrap();
        assert_eq!(&canonical, expected, "{name}");
        assert_eq!(&canonical_url(&canonical).unwrap(), expected, "{name}: a fixed point");
    }
    let payload = Payload::Bytes(case.body.as_bytes());
    let outcome = Url::parse(case.url_to_sign()).and_then(|url| {
        let request = Request { method: case.method(), url, headers: &headers, payload };
        signer.trace(&request, from.now())
    });
    if let Some(code) = &case.error {
        let error = outcome.err().unwrap_or_else(|| panic!("{name}: was signed"));
        assert_eq!(error.code(), code, "{name}");
        assert!(error.hint().is_some(), "{name}: has a hint");
        return;
    }
    let (signed, trace) = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(trace.canonical_request, case.canonical_request(), "{name}");
    let (_, authorization) = signed.headers().find(|(name, _)| *name == "authorization").unwrap();
    assert_eq!(authorization, case.authorization(from), "{name}");
    assert_eq!(signed.headers().any(|(name, _)| name == "x-amz-security-token"), case.has_token(), "{name}");
}

/// requests-aws4auth#10: the date of the key is the date of the request, in any order.
#[test]
fn a_signer_lives_past_midnight() {
    let before = at(1_440_979_199); // 2015-08-30T23:59:59Z
    let after = at(1_440_979_200);
    let shared = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    for (now, day) in [(before, "20150830"), (after, "20150831"), (before, "20150830")] {
        let fresh = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
        let (one, other) = (authorization(&shared, now), authorization(&fresh, now));
        assert_eq!(one, other);
        assert!(one.contains(&format!("Credential=AKIDEXAMPLE/{day}/")), "{one}");
    }
}

/// A signer that is shared by threads on two days signs as one that is not.
#[test]
fn threads_share_a_signer_across_days() {
    let shared = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    let days: Vec<_> = (0..8_u64).map(|day| at(1_440_938_160 + day * 86_400)).collect();
    let expected: Vec<String> = days
        .iter()
        .map(|now| {
            authorization(
                &Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap()),
                *now,
            )
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    for (now, expected) in days.iter().zip(&expected) {
                        assert_eq!(&authorization(&shared, *now), expected);
                    }
                }
            });
        }
    });
}

fn authorization(signer: &Signer, now: std::time::SystemTime) -> String {
    let request = Request {
        method: "GET",
        url: Url::parse("https://api.example.com/").unwrap(),
        headers: &[],
        payload: Payload::Bytes(b""),
    };
    let signed = signer.sign_parts(&request, now).unwrap();
    signed.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned()
}

/// litellm#27513: signing what is signed already gives the same signature, not one of two.
#[test]
fn an_http_request_can_be_signed_again() {
    let mut request = http::Request::put("https://api.example.com/hoge")
        .header("content-type", "application/json")
        .body(b"{}".to_vec())
        .unwrap();
    let with_token = Signer::new(example_credentials(Some("token")), Scope::new("us-east-1", "execute-api").unwrap());
    with_token.sign(&mut request, example_instant()).unwrap();
    let once = request.headers().clone();
    assert!(once.get("x-amz-security-token").unwrap().is_sensitive());
    assert!(once.get("authorization").unwrap().is_sensitive());
    with_token.sign(&mut request, example_instant()).unwrap();
    assert_eq!(request.headers(), &once);
    // Without a token, the old one goes.
    let without = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    without.sign(&mut request, example_instant()).unwrap();
    assert!(!request.headers().contains_key("x-amz-security-token"));
    let fresh = {
        let mut fresh = http::Request::put("https://api.example.com/hoge")
            .header("content-type", "application/json")
            .body(b"{}".to_vec())
            .unwrap();
        without.sign(&mut fresh, example_instant()).unwrap();
        fresh.headers().clone()
    };
    assert_eq!(request.headers(), &fresh);
}

/// In every form in which Rust signs: AWS takes neither of two signatures.
#[test]
fn c11_a_url_that_is_signed_is_not_signed_again() {
    let signer = Signer::new(example_credentials(Some("token")), Scope::new("us-east-1", "execute-api").unwrap());
    let request = |url| Request { method: "GET", url, headers: &[], payload: Payload::Bytes(b"") };
    let url = "https://api.example.com/a?b=1";
    let hour = std::time::Duration::from_secs(3600);
    let link = signer.presign(&request(Url::parse(url).unwrap()), hour, example_instant()).unwrap();
    for signed in [link.as_str(), "https://api.example.com/?a&X-Amz-Signature", "https://a/?X%2dAmz-Signature=0"] {
        let parsed = Url::parse(signed).unwrap();
        let canonical = || CanonicalUrl::parse(signed).unwrap();
        let mut http = http::Request::get(signed).body("").unwrap();
        let errors = [
            signer.sign_parts(&request(parsed), example_instant()).map(drop),
            signer.trace(&request(parsed), example_instant()).map(drop),
            signer.sign(&mut http, example_instant()),
            check_reachable(parsed),
            Call::new::<&str, &str>("GET", canonical(), &[], Vec::new()).map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().code(), "already_signed", "{signed}");
        }
        assert!(!http.headers().contains_key("authorization"));
    }
}

/// Its request line holds host and port, so a signature for a path would be one for something else.
#[test]
fn c10_connect_is_refused_in_every_form() {
    let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    let url = Url::parse("https://api.example.com/").unwrap();
    let request = Request { method: "CONNECT", url, headers: &[], payload: Payload::Bytes(b"") };
    let hour = std::time::Duration::from_secs(3600);
    let mut http = http::Request::connect("https://api.example.com/").body("").unwrap();
    let canonical = CanonicalUrl::parse("https://api.example.com/").unwrap();
    let call = Call::new::<&str, &str>("connect", canonical, &[], Vec::new());
    for error in [
        signer.sign_parts(&request, example_instant()).map(drop),
        signer.presign(&request, hour, example_instant()).map(drop),
        signer.sign(&mut http, example_instant()),
        call.map(drop),
    ] {
        assert_eq!(error.unwrap_err().code(), "invalid_method");
    }
}

/// AWS's secrets have 40 characters and more, and are easily given in the place of something else.
#[test]
fn c10_a_secret_in_the_place_of_a_name_is_not_shown() {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    let url = Url::parse("https://api.example.com/").unwrap();
    let headers = [(secret, b"a".as_slice())];
    let as_header = Request { method: "GET", url, headers: &headers, payload: Payload::Bytes(b"") };
    let as_method = Request { method: secret, url, headers: &[], payload: Payload::Bytes(b"") };
    let role = |arn: &str, name: &str| AssumeRole::new(arn, name).validate();
    for error in [
        Scope::new(secret, "execute-api").map(drop),
        Scope::new("us-east-1", secret).map(drop),
        signer.sign_parts(&as_header, example_instant()).map(drop),
        signer.sign_parts(&as_method, example_instant()).map(drop),
        role(secret, "name"),
        role("arn:aws:iam::111111111111:role/R", secret),
    ] {
        let text = error.unwrap_err().to_string();
        assert!(!text.contains("wJalr") && text.contains("`…`"), "{text}");
    }
}

/// Presigning a URL that is presigned already replaces the old parameters.
#[test]
fn a_presigned_url_can_be_presigned_again() {
    let signer = Signer::new(example_credentials(Some("token")), Scope::new("us-east-1", "execute-api").unwrap());
    let hour = std::time::Duration::from_secs(3600);
    let presign = |url: &str| {
        let request =
            Request { method: "GET", url: Url::parse(url).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
        signer.presign(&request, hour, example_instant()).unwrap()
    };
    let once = presign("https://api.example.com/a?b=1");
    assert_eq!(presign(&once), once);
}

/// requests-aws4auth#35: a header of megabytes of blanks is folded in one pass (in a quadratic one, this never ends).
#[test]
fn megabytes_of_blanks_fold() {
    let value = format!("a{}b{}", " ".repeat(8 << 20), " x".repeat(4 << 20));
    let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    let headers = [("x-a", value.as_bytes())];
    let request = Request {
        method: "GET",
        url: Url::parse("https://api.example.com/").unwrap(),
        headers: &headers,
        payload: Payload::Bytes(b""),
    };
    let (_, trace) = signer.trace(&request, example_instant()).unwrap();
    assert!(trace.canonical_request.contains("\nx-a:a b x x x"));
}

/// A hash in place of the body gives the signature of the body.
#[test]
fn a_given_hash_signs_as_the_body_does() {
    let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap());
    let sign = |payload| {
        let request =
            Request { method: "PUT", url: Url::parse("https://api.example.com/").unwrap(), headers: &[], payload };
        signer.trace(&request, example_instant()).unwrap().1
    };
    let hash = sha256_hex(b"body");
    assert_eq!(hash, "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5");
    assert!(sign(Payload::Bytes(b"body")) == sign(Payload::Sha256(&hash)));
    assert!(sign(Payload::Bytes(b"body")) != sign(Payload::Bytes(b"")));
}
