//! AWS's signing test suite, stage by stage, in the header and in the query, and back through the verifier.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test panics to fail, and says what it counted"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::verify::{Presented, Rules};
use xacct_sign::{Credentials, Payload, Request, Scope, Signer, Url, canonical_url};
use xacct_sign_tests::path_and_query;
use xacct_sign_tests::vectors::{CASES, Mode, Need, SIGNING_HEADERS, SignedRequest, Vector, folder, load, names};

#[test]
fn the_suite_has_forty_cases_and_each_is_in_the_table() {
    let in_table: Vec<&str> = CASES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names(&folder()), in_table);
    assert_eq!(in_table.len(), 40);
}

#[test]
fn every_file_of_the_suite_is_checked() {
    let folder = folder();
    let vectors = load();
    for (name, ..) in CASES {
        let checked: BTreeSet<String> =
            vectors.iter().filter(|vector| vector.name == name).flat_map(|vector| vector.files.clone()).collect();
        let inputs = ["context.json", "request.txt"];
        let files: BTreeSet<String> =
            names(&folder.join(name)).into_iter().filter(|file| !inputs.contains(&file.as_str())).collect();
        assert_eq!(checked, files, "{name}");
    }
}

#[test]
fn header_signatures() {
    assert_eq!(run(Mode::Header, check_header), 40);
}

#[test]
fn query_signatures() {
    assert_eq!(run(Mode::Query, check_query), 38);
}

/// Runs the vectors of one mode, says and returns how many cases they were of.
fn run(mode: Mode, check: impl Fn(&Vector)) -> usize {
    let mut cases = BTreeSet::new();
    for vector in load().iter().filter(|vector| vector.mode == mode) {
        check(vector);
        cases.insert(vector.name.clone());
    }
    println!("{} cases in mode {mode:?}", cases.len());
    cases.len()
}

fn scope(vector: &Vector) -> Scope {
    Scope::new(&*vector.region, &*vector.service).unwrap()
}

fn signer(vector: &Vector) -> Signer {
    Signer::with_settings(credentials(vector), scope(vector), vector.settings.settings())
}

fn credentials(vector: &Vector) -> Credentials {
    let from = &vector.credentials;
    Credentials::new(&from.access_key_id, &from.secret_access_key, from.session_token.clone(), None).unwrap()
}

fn check_header(vector: &Vector) {
    let signer = signer(vector);
    let now = parse_rfc3339(&vector.timestamp).unwrap();
    let headers: Vec<(&str, &[u8])> =
        vector.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let payload = Payload::Bytes(vector.body.as_bytes());
    let request = Request { method: &vector.method, url: Url::parse(&vector.url).unwrap(), headers: &headers, payload };
    let (signed, trace) = signer.trace(&request, now).unwrap();
    compare(vector, "canonical request", vector.expected.canonical_request.as_ref(), &trace.canonical_request);
    compare(vector, "string to sign", vector.expected.string_to_sign.as_ref(), &trace.string_to_sign);
    compare(vector, "signature", vector.expected.signature.as_ref(), &trace.signature);

    let without_trace = signer.sign_parts(&request, now).unwrap();
    assert!(signed.headers().eq(without_trace.headers()), "{}: trace and sign_parts agree", vector.name);

    let kept = vector.headers.iter().filter(|(name, _)| !SIGNING_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    let mut sent: Vec<(String, String)> = kept.cloned().collect();
    sent.extend(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
    let sent_request = SignedRequest::new(&vector.method, &vector.url, &sent, &vector.body);
    compare(
        vector,
        "signed request",
        vector.expected.signed_request.as_ref().map(trimmed).as_ref(),
        &trimmed(&sent_request),
    );
    verify(vector, &vector.url, &sent);
}

fn check_query(vector: &Vector) {
    let signer = signer(vector);
    let now = parse_rfc3339(&vector.timestamp).unwrap();
    let headers: Vec<(&str, &[u8])> =
        vector.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let payload = Payload::Bytes(vector.body.as_bytes());
    let request = Request { method: &vector.method, url: Url::parse(&vector.url).unwrap(), headers: &headers, payload };
    let expires_in = Duration::from_secs(vector.expires_in);
    let (url, trace) = signer.trace_presign(&request, expires_in, now).unwrap();
    compare(vector, "canonical request", vector.expected.canonical_request.as_ref(), &trace.canonical_request);
    compare(vector, "string to sign", vector.expected.string_to_sign.as_ref(), &trace.string_to_sign);
    compare(vector, "signature", vector.expected.signature.as_ref(), &trace.signature);
    assert_eq!(signer.presign(&request, expires_in, now).unwrap(), url, "{}: trace and presign agree", vector.name);

    let sent = SignedRequest::new(&vector.method, &url, &vector.headers, &vector.body);
    compare(vector, "signed request", vector.expected.signed_request.as_ref().map(trimmed).as_ref(), &trimmed(&sent));
    verify(vector, &url, &vector.headers);
}

/// Compares a stage that the vector has a file for.
fn compare<T: PartialEq + std::fmt::Debug>(vector: &Vector, stage: &str, expected: Option<&T>, actual: &T) {
    if let Some(expected) = expected {
        assert_eq!(actual, expected, "{} {:?}: {stage}", vector.name, vector.mode);
    }
}

/// Blanks around a header's value are not part of it (RFC 9110, section 5.5).
fn trimmed(request: &SignedRequest) -> SignedRequest {
    let mut request = request.clone();
    for (_, value) in &mut request.headers {
        *value = value.trim().to_owned();
    }
    request
}

fn verify(vector: &Vector, url: &str, sent: &[(String, String)]) {
    let (path, query) = path_and_query(url);
    let host = url.split('/').nth(2).unwrap().split('?').next().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_str(host).unwrap());
    for (name, value) in sent {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let now = parse_rfc3339(&vector.timestamp).unwrap();
    let rules = Rules::new(scope(vector), Duration::from_secs(300)).with_settings(vector.settings.settings());
    let presented = Presented::read(&vector.method, path, query, &headers).unwrap();
    assert_eq!(presented.is_presigned(), vector.mode == Mode::Query);
    let checked = presented.check(&credentials(vector), &rules, vector.body.as_bytes(), now);
    assert_eq!(checked, Ok(()), "{} {:?}", vector.name, vector.mode);
}

/// Where the table says that a URL must be escaped first, `canonical_url` escapes it so.
#[test]
fn canonical_url_makes_unsendable_urls_sendable() {
    let unsendable = [
        ("get-space-unnormalized", "https://example.amazonaws.com/example space/"),
        ("get-utf8", "https://example.amazonaws.com/ሴ"),
        ("get-vanilla-utf8-query", "https://example.amazonaws.com/?ሴ=bar"),
    ];
    let in_table: Vec<&str> =
        CASES.iter().filter(|(_, needs, _)| needs.contains(&Need::EscapedUrl)).map(|(name, ..)| *name).collect();
    assert_eq!(in_table, unsendable.map(|(name, _)| name));
    let vectors = load();
    for (name, url) in unsendable {
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap();
        assert_eq!(canonical_url(url).unwrap(), vector.url, "{name}");
    }
}

/// The form in which the other faces get the vectors loses nothing.
#[test]
fn vectors_survive_json() {
    let vectors = load();
    let json = serde_json::to_string(&vectors).unwrap();
    let back: Vec<Vector> = serde_json::from_str(&json).unwrap();
    assert_eq!(back.len(), vectors.len());
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    // One case has files of two dates.
    assert_eq!(vectors.iter().filter(|vector| vector.mode == Mode::Header).count(), 41);
    assert_eq!(vectors.iter().filter(|vector| vector.mode == Mode::Query).count(), 38);
}
