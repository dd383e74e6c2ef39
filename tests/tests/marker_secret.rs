//! A secret that is marked goes through everything, and is shown nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::error::Error as _;
use std::fmt::{Debug, Display};
use std::time::Duration;

use http::HeaderMap;
use xacct_sign::call::{self, BaseUrl};
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint, Mfa};
use xacct_sign::verify::{Presented, Rules};
use xacct_sign::{CanonicalUrl, Credentials, Error, Payload, Request, Scope, Signer, Url};
use xacct_sign_client::{self as client, Patience, RoleOptions, RoleProvider, Signing};
use xacct_sign_tests::example_instant;

const SECRET: &str = "MARKERSECRET0123456789";
const TOKEN: &str = "MARKERTOKEN0123456789";
const CODE: &str = "424242";
const MARKERS: [&str; 3] = ["MARKERSECRET", "MARKERTOKEN", CODE];
const URL: &str = "https://api.example.com/a?b=1";
const ROLE: &str = "arn:aws:iam::000000000000:role/R";

/// Collects what is shown, and looks for the markers at the end.
#[derive(Default)]
struct Shown(Vec<String>);

impl Shown {
    fn debug(&mut self, value: &impl Debug) {
        self.0.push(format!("{value:?}"));
        self.0.push(format!("{value:#?}"));
    }

    fn display(&mut self, value: &impl Display) {
        self.0.push(value.to_string());
    }

    fn error(&mut self, error: &Error) {
        self.debug(error);
        self.display(error);
        self.0.push(error.hint().unwrap_or_default().to_owned());
        self.debug(&error.aws());
        let mut source = error.source();
        while let Some(cause) = source {
            self.0.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
    }

    #[track_caller]
    fn has_no_marker(&self, at_least: usize) {
        assert!(self.0.len() >= at_least, "{} texts were shown", self.0.len());
        let found: Vec<&String> =
            self.0.iter().filter(|text| MARKERS.iter().any(|marker| text.contains(marker))).collect();
        assert!(found.is_empty(), "shown: {found:#?}");
    }
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", SECRET, Some(TOKEN.into()), Some(example_instant() + Duration::from_secs(3600)))
        .unwrap()
}

fn signer() -> Signer {
    Signer::new(credentials(), Scope::new("us-east-1", "execute-api").unwrap())
}

fn call() -> AssumeRole {
    let mut call = AssumeRole::new(ROLE, "session");
    call.external_id = Some("external-id".into());
    call.mfa = Some(Mfa { serial_number: "GAHT12345678".into(), token_code: CODE.into() });
    call
}

/// The search finds what it searches for.
#[test]
fn a_marker_that_is_shown_is_found() {
    let mut shown = Shown::default();
    shown.display(&format!("secret = {SECRET}"));
    assert!(std::panic::catch_unwind(|| shown.has_no_marker(1)).is_err());
}

#[test]
fn values_do_not_show_it() {
    let mut shown = Shown::default();
    let credentials = credentials();
    shown.debug(&credentials);
    shown.debug(&aws_credential_types::Credentials::from(&credentials));
    let signer = signer();
    let request = Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
    let (signed, trace) = signer.trace(&request, example_instant()).unwrap();
    assert!(trace.canonical_request.contains(TOKEN), "it was there to be shown");
    shown.debug(&signed);
    shown.debug(&trace);
    let (url, trace) = signer.trace_presign(&request, Duration::from_secs(60), example_instant()).unwrap();
    assert!(url.contains(TOKEN));
    shown.debug(&trace);
    shown.debug(&signer);

    let mut request = http::Request::get(URL).body(Vec::new()).unwrap();
    signer.sign(&mut request, example_instant()).unwrap();
    shown.debug(&request);

    let url = CanonicalUrl::parse(&format!("https://api.example.com/?token={TOKEN}")).unwrap();
    let headers = [("x-api-key", SECRET)];
    shown.debug(&url);
    shown.debug(&url.as_url());
    shown.debug(&call::Call::new("PUT", url, &headers, SECRET.into()).unwrap());
    let url = format!("https://user:{SECRET}@api.example.com/?token={TOKEN}");
    shown.debug(&Url::parse(&url).unwrap());
    shown.debug(&BaseUrl::parse(&format!("https://user:{SECRET}@api.example.com/")).unwrap());

    let mut request = client::Request::new("PUT", url);
    request.query.push(("token".into(), TOKEN.into()));
    request.headers.push(("x-api-key".into(), SECRET.into()));
    request.body = SECRET.into();
    shown.debug(&request);
    let mut options = RoleOptions::new(ROLE, "us-east-1");
    options.call = self::call();
    shown.debug(&options);
    let role = RoleProvider::new(options, credentials.clone()).unwrap();
    shown.debug(&role);
    let lasting = Credentials::new("AKIDEXAMPLE", SECRET, Some(TOKEN.into()), None).unwrap();
    let signing = Signing::new(lasting, Scope::new("us-east-1", "execute-api").unwrap());
    let url = xacct_sign::Url::parse("https://api.example.com/").unwrap();
    signing.signer(url, &Patience::default()).unwrap();
    shown.debug(&signing);
    shown.debug(&client::Session::new(role, signing.scope().clone()));

    let call = call();
    shown.debug(&call);
    let endpoint = Endpoint::new("us-east-1", None).unwrap();
    shown.debug(&endpoint);
    let request = call.request(&credentials, &endpoint, example_instant());
    let (parts, _) = request.unwrap().into_parts();
    shown.debug(&parts);

    let body = answer("AccessKeyId", "ASIA");
    let response = http::Response::builder().status(200).body(body).unwrap();
    let assumed = call.read_response(&credentials, &response, example_instant()).unwrap();
    assert_eq!(assumed.credentials.secret_access_key(), SECRET);
    shown.debug(&assumed);
    shown.has_no_marker(40);
}

/// A success of STS, with the marked secret and token; one element holds another text.
fn answer(element: &str, text: &str) -> String {
    let field = |name: &str, value: &str| format!("<{name}>{}</{name}>", if name == element { text } else { value });
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>{}{}{}{}</Credentials><AssumedRoleUser><Arn>a</Arn>\
         <AssumedRoleId>i</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>",
        field("AccessKeyId", "ASIA"),
        field("SecretAccessKey", SECRET),
        field("SessionToken", TOKEN),
        field("Expiration", "2030-01-01T00:00:00Z"),
    )
}

#[test]
fn errors_of_bad_input_do_not_show_it() {
    let mut shown = Shown::default();
    let with_break = |text: &str| format!("{text}\n");
    for result in [
        Credentials::new("AKID", with_break(SECRET), None, None),
        Credentials::new("AKID", SECRET, Some(with_break(TOKEN)), None),
        // The key id and the secret swapped.
        Credentials::new(format!("{SECRET}/x"), "AKID", None, None),
    ] {
        shown.error(&result.unwrap_err());
    }
    // A presigned URL, or one with user info, that cannot be taken.
    for url in [
        format!("/a?X-Amz-Security-Token={TOKEN}"),
        format!("https://user:{SECRET}@host name/?token={TOKEN}"),
        format!("https://user:{SECRET}@/?token={TOKEN}#{TOKEN}"),
        format!("https://api.example.com/ü?X-Amz-Security-Token={TOKEN}"),
        format!("https://user:{SECRET}@api.example.com:99999/?X-Amz-Security-Token={TOKEN}"),
        format!("https://api.example.com/\n?X-Amz-Security-Token={TOKEN}"),
        format!("ftp://user:{SECRET}@api.example.com/?X-Amz-Security-Token={TOKEN}"),
        format!("user:{SECRET}@api.example.com/?X-Amz-Security-Token={TOKEN}"),
        format!("//user:{SECRET}@api.example.com/"),
        // AWS's secrets may hold a slash.
        format!("https://user:{SECRET}/x@api.example.com/"),
    ] {
        shown.error(&Url::parse(&url).unwrap_err());
        let reached = CanonicalUrl::parse(&url).and_then(|url| call::check_reachable(url.as_url()));
        for error in [reached.err(), BaseUrl::parse(&url).err()].into_iter().flatten() {
            shown.error(&error);
        }
    }
    // A secret with a line break in a header.
    let value = format!("{TOKEN}\n");
    let headers: [(&str, &[u8]); 1] = [("authorization", value.as_bytes())];
    let request =
        Request { method: "GET", url: Url::parse(URL).unwrap(), headers: &headers, payload: Payload::Bytes(b"") };
    shown.error(&signer().sign_parts(&request, example_instant()).unwrap_err());
    // An endpoint with user info.
    shown.error(&Endpoint::new("us-east-1", Some(&format!("https://u:{SECRET}@sts.example.com/"))).unwrap_err());
    shown.error(&Endpoint::new("us-east-1", Some(&format!("https://sts.example.com/?t={TOKEN}"))).unwrap_err());
    // A token code that is too long.
    let mut call = call();
    call.mfa = Some(Mfa { serial_number: "GAHT12345678".into(), token_code: format!("{CODE}1") });
    shown.error(&call.validate().unwrap_err());
    shown.has_no_marker(100);
}

#[test]
fn errors_of_sts_do_not_show_it() {
    let mut shown = Shown::default();
    let canonical = format!("mismatch\nThe Canonical String is 'x-amz-security-token:{TOKEN}' for {SECRET}");
    let error = |code: &str, message: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
    };
    let answers = [
        // Answers that echo what was sent.
        (403, error("SignatureDoesNotMatch", &canonical)),
        (403, error("SignatureDoesNotMatch", &canonical.replace('\n', "&#10;"))),
        (403, error("SignatureDoesNotMatch", &format!("token {TOKEN} is wrong, so is {SECRET}"))),
        (403, error(TOKEN, "no")),
        (500, format!("{{\"echo\":\"{TOKEN} {SECRET}\"}}")),
        (502, format!("<html>{TOKEN}</html>")),
        (200, format!("{{\"SecretAccessKey\":\"{SECRET}\"}}")),
        (200, format!("<html>{SECRET}</html>")),
        // Successes that cannot be used.
        (200, answer("Expiration", "soon")),
        (200, answer("Expiration", "")),
        (200, answer("AccessKeyId", "A S I A")),
        (200, answer("AccessKeyId", "")),
        (200, answer("SecretAccessKey", &format!("{SECRET} {SECRET}"))),
        (200, answer("SessionToken", &format!("{TOKEN} {TOKEN}"))),
        (200, answer("AccessKeyId", "A").replace("</AssumeRoleResponse>", "")),
    ];
    for (status, body) in answers {
        let response = http::Response::builder().status(status).body(body).unwrap();
        shown.error(&call().read_response(&credentials(), &response, example_instant()).unwrap_err());
    }
    shown.has_no_marker(60);
}

#[test]
fn refusals_do_not_show_it() {
    let mut shown = Shown::default();
    let signer = signer();
    let now = example_instant();
    let rules = Rules::new(Scope::new("us-east-1", "execute-api").unwrap(), Duration::from_secs(300));
    shown.debug(&rules);
    let others = [
        Credentials::new("AKIDEXAMPLE", SECRET, None, None).unwrap(),
        Credentials::new("AKIDEXAMPLE", SECRET, Some("other".into()), None).unwrap(),
        Credentials::new("AKIDEXAMPLE", "other", Some(TOKEN.into()), None).unwrap(),
    ];
    let request = Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
    let signed = signer.sign_parts(&request, now).unwrap();
    let mut in_header = HeaderMap::new();
    in_header.insert("host", "api.example.com".parse().unwrap());
    let in_query = in_header.clone();
    for (name, value) in signed.headers() {
        in_header.insert(name, value.parse().unwrap());
    }
    let url = signer.presign(&request, Duration::from_secs(60), now).unwrap();
    let (_, query) = url.split_once('?').unwrap();
    // The name of a parameter may come escaped, or in a query that is taken as it stands.
    let escaped = query.replacen("X-Amz-Security-Token", "X-Amz-Security%2DToken", 1);
    assert!(escaped.contains("%2D"));
    for (headers, query) in [(&in_header, "b=1"), (&in_query, query), (&in_query, escaped.as_str())] {
        let presented = Presented::read("PUT", "/a", Some(query), headers).unwrap();
        assert_eq!(presented.session_token(), Some(TOKEN));
        assert_eq!(presented.check(signer.credentials(), &rules, b"", now), Ok(()));
        for other in &others {
            let refusal = presented.check(other, &rules, b"", now).unwrap_err();
            shown.debug(&refusal);
            shown.display(&refusal);
        }
        let late = now + Duration::from_secs(1000);
        let other_region = Rules::new(Scope::new("us-east-2", "execute-api").unwrap(), Duration::from_secs(300));
        for refusal in [
            presented.check(signer.credentials(), &rules, b"x", now).unwrap_err(),
            presented.check(signer.credentials(), &rules, b"", late).unwrap_err(),
            presented.check(signer.credentials(), &other_region, b"", now).unwrap_err(),
        ] {
            shown.debug(&refusal);
            shown.display(&refusal);
        }
    }
    shown.has_no_marker(50);
}

/// A signature that was read can be logged.
#[test]
fn a_presented_signature_does_not_show_the_token() {
    let mut shown = Shown::default();
    let request = Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
    let url = signer().presign(&request, Duration::from_secs(60), example_instant()).unwrap();
    let (_, query) = url.split_once('?').unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", "api.example.com".parse().unwrap());
    shown.debug(&Presented::read("PUT", "/a", Some(query), &headers).unwrap());
    shown.has_no_marker(2);
}
