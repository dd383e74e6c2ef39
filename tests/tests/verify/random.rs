//! Random requests and random changes.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use xacct_sign::{Credentials, Payload, Request, Scope, Signer, UnsignedPayload, Url};
use xacct_sign_tests::random::{Body, Random, random};

use crate::sent::{Sent, header_map, rekeyed};

#[derive(Debug, Clone, Copy)]
enum Change {
    Method,
    Path,
    Query,
    Header,
    Body,
    Date,
    Secret,
    Token,
    Region,
    Service,
}

/// Random requests, in the header and in the query, are let in; each with one random change is refused.
#[test]
fn random_requests_are_let_in_and_changed_ones_are_not() {
    let change = select(vec![
        Change::Method,
        Change::Path,
        Change::Query,
        Change::Header,
        Change::Body,
        Change::Date,
        Change::Secret,
        Change::Token,
        Change::Region,
        Change::Service,
    ]);
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(random(), change, any::<bool>()), |(random, change, in_query)| {
        let sent = send(&random, in_query);
        prop_assert_eq!(sent.check(), Ok(()));
        if let Some((changed, expected)) = apply(change, &sent) {
            let code = changed.check().map_err(|refusal| refusal.code());
            prop_assert_eq!(code, Err(expected), "{:?}", change);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// The request with the change, and the code it must be refused with.
fn apply(change: Change, sent: &Sent) -> Option<(Sent, &'static str)> {
    let is_unsigned = sent.settings.unsigned_payload == UnsignedPayload::AllowedAlwaysPresigned
        && sent.query.as_deref().is_some_and(|query| query.contains("X-Amz-Signature="))
        || sent.headers.get("x-amz-content-sha256").is_some_and(|hash| hash == "UNSIGNED-PAYLOAD");
    let mut changed = sent.clone();
    let code = match change {
        Change::Method => {
            changed.method.push('X');
            "signature_mismatch"
        }
        Change::Path => {
            changed.path.push('x');
            "signature_mismatch"
        }
        Change::Query => {
            changed.edit_query(|query| query + "&added");
            "signature_mismatch"
        }
        Change::Header => {
            changed.edit_header("x-always", |value| value + "2");
            "signature_mismatch"
        }
        // An unsigned body may change: that is what unsigned means.
        Change::Body if is_unsigned => return None,
        Change::Body => {
            changed.body.push(b'x');
            if changed.headers.contains_key("x-amz-content-sha256") { "body_mismatch" } else { "signature_mismatch" }
        }
        Change::Date => {
            changed.now += Duration::from_secs(700_000);
            if sent.query.as_deref().is_some_and(|query| query.contains("X-Amz-Signature=")) {
                "presigned_expired"
            } else {
                "skewed"
            }
        }
        Change::Secret => {
            changed.credentials = rekeyed(sent, &format!("{}x", sent.credentials.secret_access_key()), None);
            "signature_mismatch"
        }
        Change::Token => {
            changed.credentials = rekeyed(sent, sent.credentials.secret_access_key(), Some("another-token"));
            "token_invalid"
        }
        Change::Region => {
            changed.region.push('x');
            "scope_mismatch"
        }
        Change::Service => {
            changed.service.push('x');
            "scope_mismatch"
        }
    };
    Some((changed, code))
}

fn send(random: &Random, in_query: bool) -> Sent {
    let is_unsigned = matches!(random.body, Body::Unsigned);
    let mut settings = random.settings();
    // Without the header a presigned URL does not say that its payload is unsigned: the verifier must know.
    settings.unsigned_payload =
        if is_unsigned && in_query { UnsignedPayload::AllowedAlwaysPresigned } else { UnsignedPayload::Allowed };
    let body = match &random.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Hash(text) => text.clone().into_bytes(),
        Body::Unsigned => b"unsigned".to_vec(),
    };
    let payload = if is_unsigned { Payload::Unsigned } else { Payload::Bytes(&body) };
    let credentials = Credentials::new("AKIDEXAMPLE", &random.secret, random.token.clone(), None).unwrap();
    let signer = Signer::with_settings(credentials, Scope::new(&random.region, &random.service).unwrap(), settings);
    // A second `authorization` would be refused; a client replaces it by the signature.
    let mut given: Vec<(&str, &[u8])> = random
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"))
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    given.push(("x-always", b"1"));
    let url = random.url();
    let request = Request { method: &random.method, url: Url::parse(&url).unwrap(), headers: &given, payload };
    let mut headers = header_map(given.iter().copied());
    let mut sent = if in_query {
        let presigned = signer.presign(&request, Duration::from_secs(random.expires_in), random.now).unwrap();
        Sent::new(&random.method, &presigned, headers, &body, &signer, settings)
    } else {
        let signed = signer.sign_parts(&request, random.now).unwrap();
        for (name, value) in signed.headers() {
            headers.insert(name, value.parse().unwrap());
        }
        Sent::new(&random.method, &url, headers, &body, &signer, settings)
    };
    sent.now = random.now;
    sent
}
