//! Any request, the same signature: the core against the signer of `aws-sigv4`, which AWS's own SDK for Rust uses.
//!
//! 10,000 random requests, each in the header and in the query; with `XACCT_SIGN_DEEP=1` in the environment, a million.
//! A case that failed is shown shrunk, and can be run again from the seed that is shown with it.
//!
//! Where the two are known to differ, the generator (`tests/src/random.rs`) stays out of the way and says why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::borrow::Cow;
use std::cell::Cell;
use std::time::Duration;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings as OracleSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use xacct_sign::{Credentials, Payload, Request, Scope, Signer, UnsignedPayload, Url};
use xacct_sign_tests::query_pairs;
use xacct_sign_tests::random::{Body, LEFT_UNSIGNED, Random, random};

fn cases() -> u32 {
    match std::env::var("XACCT_SIGN_DEEP").as_deref() {
        Ok("1") => 1_000_000,
        _ => 10_000,
    }
}

fn compare(test: impl Fn(&Random) -> Result<(), TestCaseError>) {
    let ran = Cell::new(0);
    let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&random(), |random| {
        ran.set(ran.get() + 1);
        test(&random)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(ran.get() >= cases(), "{} cases ran", ran.get());
}

#[test]
fn signs_headers_as_the_oracle_does() {
    compare(|random| {
        let (expected, expected_headers) = oracle(random, SignatureLocation::Headers);
        let signer = signer(random);
        let headers = headers(random);
        let url = random.url();
        let request = Request {
            method: &random.method,
            url: Url::parse(&url).unwrap(),
            headers: &headers,
            payload: payload(&random.body),
        };
        let (signed, trace) = signer.trace(&request, random.now).map_err(fail)?;
        prop_assert_eq!(&trace.signature, &expected, "{}", trace.canonical_request);
        let mut added: Vec<(String, String)> =
            signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        added.sort();
        prop_assert_eq!(added, expected_headers);
        Ok(())
    });
}

#[test]
fn signs_queries_as_the_oracle_does() {
    compare(|random| {
        let (expected, expected_pairs) = oracle(random, SignatureLocation::QueryParams);
        let signer = signer(random);
        let headers = headers(random);
        let url = random.url();
        let request = Request {
            method: &random.method,
            url: Url::parse(&url).unwrap(),
            headers: &headers,
            payload: payload(&random.body),
        };
        let expires_in = Duration::from_secs(random.expires_in);
        let (presigned, trace) = signer.trace_presign(&request, expires_in, random.now).map_err(fail)?;
        prop_assert_eq!(&trace.signature, &expected, "{}", trace.canonical_request);
        let mut pairs = query_pairs(random.query.as_deref());
        pairs.extend(expected_pairs);
        pairs.sort();
        let (before, query) = presigned.split_once('?').unwrap();
        prop_assert_eq!(query_pairs(Some(query)), pairs);
        prop_assert_eq!(before, format!("{}{}", random.base, random.path));
        Ok(())
    });
}

fn fail(error: xacct_sign::Error) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn headers(random: &Random) -> Vec<(&str, &[u8])> {
    random.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn payload(body: &Body) -> Payload<'_> {
    match body {
        Body::Bytes(bytes) => Payload::Bytes(bytes),
        Body::Hash(hash) => Payload::Sha256(hash),
        Body::Unsigned => Payload::Unsigned,
    }
}

fn signer(random: &Random) -> Signer {
    let credentials = Credentials::new("AKIDEXAMPLE", &random.secret, random.token.clone(), None).unwrap();
    let mut settings = random.settings();
    // A service of the other kind refuses a presigned URL whose payload is unsigned.
    settings.unsigned_payload = match random.body {
        Body::Unsigned => UnsignedPayload::AllowedAlwaysPresigned,
        _ => UnsignedPayload::Allowed,
    };
    Signer::with_settings(credentials, Scope::new(&random.region, &random.service).unwrap(), settings)
}

/// The oracle's signature, and what it adds to the request: headers or query pairs, sorted.
fn oracle(random: &Random, location: SignatureLocation) -> (String, Vec<(String, String)>) {
    let identity =
        aws_credential_types::Credentials::new("AKIDEXAMPLE", &random.secret, random.token.clone(), None, "test")
            .into();
    let mut settings = OracleSettings::default();
    settings.percent_encoding_mode =
        if random.double { PercentEncodingMode::Double } else { PercentEncodingMode::Single };
    settings.uri_path_normalization_mode =
        if random.normalize { UriPathNormalizationMode::Enabled } else { UriPathNormalizationMode::Disabled };
    settings.session_token_mode = if random.sign_token { SessionTokenMode::Include } else { SessionTokenMode::Exclude };
    // The core adds the header by itself where the payload is unsigned.
    let payload_header = random.payload_header || matches!(random.body, Body::Unsigned);
    settings.payload_checksum_kind =
        if payload_header { PayloadChecksumKind::XAmzSha256 } else { PayloadChecksumKind::NoHeader };
    let is_for_url = matches!(location, SignatureLocation::QueryParams);
    settings.signature_location = location;
    settings.expires_in = Some(Duration::from_secs(random.expires_in));
    // The core's list is longer than the oracle's, so the oracle is given the core's.
    let left_out: &[&str] = if random.all_headers { &["authorization"] } else { &LEFT_UNSIGNED };
    // A URL is bound to the length of what it is for.
    let bound = if is_for_url { "content-length" } else { "" };
    settings.excluded_headers =
        Some(left_out.iter().filter(|name| **name != bound).map(|name| Cow::Borrowed(*name)).collect());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&random.region)
        .name(&random.service)
        .time(random.now)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let body = match &random.body {
        Body::Bytes(bytes) => SignableBody::Bytes(bytes),
        Body::Hash(hash) => SignableBody::Precomputed(hash.clone()),
        Body::Unsigned => SignableBody::UnsignedPayload,
    };
    let given = random.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(&random.method, random.url(), given, body).unwrap();
    let (instructions, signature) = sign(request, &params).unwrap().into_parts();
    let (headers, pairs) = instructions.into_parts();
    let headers = headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into_owned()));
    let mut added: Vec<(String, String)> = headers.chain(pairs).collect();
    added.sort();
    (signature, added)
}
