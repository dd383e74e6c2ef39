//! Sign, send, verify: what was signed is let in, and whatever is changed on the way is refused with the right code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use xacct_sign::verify::{Presented, Refusal, Rules};
use xacct_sign::{
    Credentials, PathNormalization, Payload, PercentEncoding, Request, Scope, Signer, SigningSettings, UnsignedPayload,
    Url,
};
use xacct_sign_tests::random::{Body, Random, random};
use xacct_sign_tests::{example_credentials, example_instant, path_and_query};

const WINDOW: Duration = Duration::from_secs(300);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// A request on its way, and the verifier that waits for it.
#[derive(Clone)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
    credentials: Credentials,
    region: String,
    service: String,
    settings: SigningSettings,
    now: SystemTime,
}

impl Sent {
    fn new(
        method: &str,
        url: &str,
        headers: HeaderMap,
        body: &[u8],
        signer: &Signer,
        settings: SigningSettings,
    ) -> Self {
        let (path, query) = path_and_query(url);
        let mut headers = headers;
        headers.insert("host", Url::parse(url).unwrap().host().parse().unwrap());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers,
            body: body.to_owned(),
            credentials: signer.credentials().clone(),
            region: signer.scope().region().to_owned(),
            service: signer.scope().service().to_owned(),
            settings,
            now: example_instant(),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let presented = Presented::read(&self.method, &self.path, self.query.as_deref(), &self.headers)?;
        let rules = Rules::new(Scope::new(&*self.region, &*self.service).unwrap(), WINDOW).with_settings(self.settings);
        presented.check(&self.credentials, &rules, &self.body, self.now)
    }

    #[track_caller]
    fn is_let_in(&self) {
        assert_eq!(self.check(), Ok(()));
    }

    #[track_caller]
    fn is_refused(&self, code: &str) {
        let refusal = self.check().expect_err(code);
        assert_eq!(refusal.code(), code, "{refusal}");
    }

    /// This request with one change.
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn edit_header(&mut self, name: &'static str, edit: impl FnOnce(String) -> String) {
        let value = self.headers.get(name).unwrap().to_str().unwrap().to_owned();
        self.headers.insert(name, edit(value).parse().unwrap());
    }

    fn edit_query(&mut self, edit: impl FnOnce(String) -> String) {
        self.query = Some(edit(self.query.take().unwrap_or_default()));
    }
}

const URL: &str = "https://api.example.com/stage/items?b=2&a=1";
const BODY: &[u8] = b"{\"foo\":\"bar\"}";

fn signer() -> Signer {
    Signer::new(example_credentials(Some("token")), Scope::new("us-east-1", "execute-api").unwrap())
}

fn settings() -> SigningSettings {
    SigningSettings::for_service("execute-api")
}

fn signed() -> Sent {
    signed_with(&[("content-type", b"application/json"), ("x-amz-meta", b"m")])
}

fn signed_with(given: &[(&str, &[u8])]) -> Sent {
    let signer = signer();
    let request =
        Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: given, payload: Payload::Bytes(BODY) };
    let signed = signer.sign_parts(&request, example_instant()).unwrap();
    let mut headers = header_map(given.iter().copied());
    for (name, value) in signed.headers() {
        headers.insert(name, value.parse().unwrap());
    }
    Sent::new("PUT", URL, headers, BODY, &signer, settings())
}

fn presigned() -> Sent {
    let signer = signer();
    let given: [(&str, &[u8]); 1] = [("x-amz-meta", b"m")];
    let request =
        Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: &given, payload: Payload::Bytes(BODY) };
    let url = signer.presign(&request, Duration::from_secs(900), example_instant()).unwrap();
    Sent::new("PUT", &url, header_map(given), BODY, &signer, settings())
}

fn header_map<'a>(given: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

#[test]
fn a_signed_request_is_let_in() {
    signed().is_let_in();
    presigned().is_let_in();
}

/// Each single change with the code it is refused with, in the header and in the query.
#[test]
fn a_change_on_the_way_is_refused() {
    type Change = fn(&mut Sent);
    let changes: &[(&str, &str, Change)] = &[
        ("method", "signature_mismatch", |sent| sent.method = "POST".into()),
        ("path", "signature_mismatch", |sent| sent.path.push('x')),
        ("case of the path", "signature_mismatch", |sent| sent.path = "/stage/Items".into()),
        ("query added", "signature_mismatch", |sent| sent.edit_query(|query| query + "&c=3")),
        ("query value", "signature_mismatch", |sent| sent.edit_query(|query| query.replace("a=1", "a=2"))),
        ("query removed", "signature_mismatch", |sent| sent.edit_query(|query| query.replace("b=2&", ""))),
        ("signed header", "signature_mismatch", |sent| sent.edit_header("x-amz-meta", |value| value + "2")),
        ("host", "signature_mismatch", |sent| sent.edit_header("host", |_| "api.example.org".into())),
        ("body", "signature_mismatch", |sent| sent.body.push(b' ')),
        ("no body", "signature_mismatch", |sent| sent.body.clear()),
        ("region", "scope_mismatch", |sent| sent.region = "us-east-2".into()),
        ("service", "scope_mismatch", |sent| sent.service = "sts".into()),
        ("token of the credentials", "token_invalid", |sent| sent.credentials = example_credentials(Some("other"))),
        ("long-term credentials", "token_invalid", |sent| sent.credentials = example_credentials(None)),
        ("secret", "signature_mismatch", |sent| {
            sent.credentials = Credentials::new("AKIDEXAMPLE", "other", Some("token".into()), None).unwrap();
        }),
        ("value twice", "signature_mismatch", |sent| {
            sent.headers.append("x-amz-meta", "m".parse().unwrap());
        }),
        ("signed header removed", "header_missing", |sent| {
            sent.headers.remove("x-amz-meta");
        }),
        ("host removed", "header_missing", |sent| {
            sent.headers.remove("host");
        }),
    ];
    for (what, code, change) in changes {
        for (place, sent) in [("header", signed()), ("query", presigned())] {
            let refusal = sent.with(change).check().expect_err(what);
            assert_eq!(refusal.code(), *code, "{what}, signed in the {place}: {refusal}");
        }
    }
}

#[test]
fn a_change_of_the_signature_in_the_header_is_refused() {
    let sent = signed();
    let edit = |name: &'static str, from: &'static str, to: &'static str| {
        sent.with(|sent| {
            sent.edit_header(name, |value| {
                assert!(value.contains(from), "{value}");
                value.replacen(from, to, 1)
            });
        })
    };
    let authorization = "authorization";
    edit("x-amz-date", "123600Z", "123601Z").is_refused("signature_mismatch");
    edit("x-amz-date", "20150830", "20150829").is_refused("scope_mismatch");
    edit("x-amz-date", "T", " ").is_refused("signature_malformed");
    edit("x-amz-security-token", "token", "tokem").is_refused("token_invalid");
    edit(authorization, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1").is_refused("algorithm_unknown");
    edit(authorization, "AWS4-HMAC-SHA256", "Bearer").is_refused("algorithm_unknown");
    edit(authorization, "20150830", "20150829").is_refused("scope_mismatch");
    edit(authorization, "us-east-1", "us-east-2").is_refused("scope_mismatch");
    edit(authorization, "execute-api", "lambda").is_refused("scope_mismatch");
    edit(authorization, "aws4_request", "aws5_request").is_refused("scope_mismatch");
    edit(authorization, "/aws4_request", "").is_refused("signature_malformed");
    edit(authorization, "Credential=", "Credentials=").is_refused("signature_malformed");
    edit(authorization, "Credential=AKIDEXAMPLE", "Credential=").is_refused("signature_malformed");
    edit(authorization, "SignedHeaders=", "Headers=").is_refused("signature_malformed");
    edit(authorization, "SignedHeaders=", "SignedHeaders=a, SignedHeaders=").is_refused("signature_malformed");
    edit(authorization, "Signature=", "Signature=0").is_refused("signature_malformed");
    edit(authorization, "host;", "").is_refused("header_unsigned");
    edit(authorization, "host;", "host;host;").is_refused("signature_malformed");
    edit(authorization, "host;", "host;ice;").is_refused("header_missing");
    // A header that need not be signed, left out of the list: the canonical request is another one.
    edit(authorization, "content-type;", "").is_refused("signature_mismatch");
    edit(authorization, "x-amz-date;", "").is_refused("signature_mismatch");
    edit(authorization, ";x-amz-security-token", "").is_refused("signature_mismatch");
}

#[test]
fn a_change_of_the_signature_in_the_query_is_refused() {
    let sent = presigned();
    let edit = |from: &'static str, to: &'static str| {
        sent.with(|sent| {
            sent.edit_query(|query| {
                assert!(query.contains(from), "{query}");
                query.replacen(from, to, 1)
            });
        })
    };
    edit("T123600Z", "T123601Z").is_refused("signature_mismatch");
    edit("X-Amz-Expires=900", "X-Amz-Expires=901").is_refused("signature_mismatch");
    edit("X-Amz-Expires=900", "X-Amz-Expires=0").is_refused("signature_malformed");
    edit("X-Amz-Expires=900", "X-Amz-Expires=604801").is_refused("signature_malformed");
    edit("X-Amz-Expires=900", "X-Amz-Expires=-1").is_refused("signature_malformed");
    edit("X-Amz-Expires=900&", "").is_refused("signature_mismatch");
    edit("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1").is_refused("algorithm_unknown");
    edit("X-Amz-Algorithm=AWS4-HMAC-SHA256&", "").is_refused("signature_malformed");
    edit("us-east-1", "us-east-2").is_refused("scope_mismatch");
    edit("X-Amz-Security-Token=token", "X-Amz-Security-Token=tokem").is_refused("token_invalid");
    edit("X-Amz-Security-Token=token&", "").is_refused("token_invalid");
    edit("SignedHeaders=host%3B", "SignedHeaders=").is_refused("header_unsigned");
    edit("%3Bx-amz-meta", "").is_refused("signature_mismatch");
    edit("X-Amz-Signature=", "X-Amz-Signature=A").is_refused("signature_malformed");
}

/// A request signed by AWS's own code over a canonical request that is written here by hand, as other libraries' are: only the
/// headers of `signed`, values as they are there.
fn by_hand(headers: &[(&str, &str)], signed: &[&str], query: &str) -> (Sent, String) {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    let mut sent = Sent::new("PUT", URL, header_map([]), BODY, &signer(), settings());
    for (name, value) in headers {
        sent.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let lines: String =
        signed.iter().map(|name| format!("{name}:{}\n", sent.headers.get(*name).unwrap().to_str().unwrap())).collect();
    sent.query = Some(query.to_owned());
    let canonical = format!("PUT\n/stage/items\n{query}\n{lines}\n{}\n{}", signed.join(";"), sha256(BODY));
    let scope = "20150830/us-east-1/execute-api/aws4_request";
    let string_to_sign = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{}", sha256(canonical.as_bytes()));
    let secret = sent.credentials.secret_access_key();
    let key = generate_signing_key(secret, example_instant(), "us-east-1", "execute-api");
    let signature = calculate_signature(key, string_to_sign.as_bytes());
    (sent, signature)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_hand_in_header(headers: &[(&str, &str)], signed: &[&str]) -> Sent {
    let (mut sent, signature) = by_hand(headers, signed, "a=1&b=2");
    let value = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders={}, Signature={signature}",
        signed.join(";")
    );
    sent.headers.insert("authorization", value.parse().unwrap());
    sent
}

const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
const TOKEN: (&str, &str) = ("x-amz-security-token", "token");

/// As AWS's own examples for API Gateway do it. That every `x-amz-*` is signed is Amazon S3's rule.
#[test]
fn e1_host_alone_may_be_signed() {
    let lists: [&[&str]; 3] = [&["host"], &["host", "x-amz-date"], &["host", "x-amz-security-token"]];
    for signed in lists {
        let sent = by_hand_in_header(&[DATE, TOKEN, ("x-amz-meta", "m")], signed);
        sent.is_let_in();
        // The date is signed all the same, and the token is that of the credentials or none.
        sent.with(|sent| sent.edit_header("x-amz-date", |date| date.replace("3600Z", "3601Z")))
            .is_refused("signature_mismatch");
        sent.with(|sent| sent.edit_header("x-amz-security-token", |_| "other".into())).is_refused("token_invalid");
        let strict = SigningSettings::for_service("s3").strictness;
        sent.with(|sent| sent.settings.strictness = strict).is_refused("header_unsigned");
    }
    let unsigned_host = by_hand_in_header(&[DATE, TOKEN], &["x-amz-date"]);
    unsigned_host.is_refused("header_unsigned");
}

#[test]
fn e2_a_signature_in_the_query_without_a_lifetime_lives_for_the_window() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Security-Token=token&X-Amz-SignedHeaders=host&a=1";
    let (sent, signature) = by_hand(&[], &["host"], query);
    let sent = sent.with(|sent| sent.edit_query(|query| format!("{query}&X-Amz-Signature={signature}")));
    sent.is_let_in();
    sent.with(|sent| sent.now += WINDOW).is_let_in();
    sent.with(|sent| sent.now += WINDOW + NANOSECOND).is_refused("skewed");
    sent.with(|sent| sent.now -= WINDOW + NANOSECOND).is_refused("skewed");
    sent.with(|sent| sent.edit_query(|query| query.replace("a=1", "a=2"))).is_refused("signature_mismatch");
    let strict = SigningSettings::for_service("s3").strictness;
    sent.with(|sent| sent.settings.strictness = strict).is_refused("signature_malformed");
}

#[test]
fn e3_a_date_header_stands_in_for_x_amz_date() {
    const DATES: [&str; 2] = ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"];
    for date in DATES {
        let lists: [&[&str]; 2] = [&["date", "host"], &["host"]];
        for signed in lists {
            let sent = by_hand_in_header(&[("date", date), TOKEN], signed);
            sent.is_let_in();
            sent.with(|sent| sent.now += WINDOW + NANOSECOND).is_refused("skewed");
            let changed = sent.with(|sent| sent.edit_header("date", |date| date.replace("36", "37")));
            changed.is_refused("signature_mismatch");
            sent.with(|sent| sent.edit_header("date", |_| "yesterday".into())).is_refused("signature_malformed");
        }
    }
    // Where both are there, `x-amz-date` counts.
    by_hand_in_header(&[("date", "Mon, 01 Jan 2001 00:00:00 GMT"), DATE, TOKEN], &["host", "x-amz-date"]).is_let_in();
}

/// Where AWS documents one form and nobody knows whether it takes another, the documented one is taken.
#[test]
fn decided_authorization_has_commas_between_its_parts() {
    let sent = signed();
    let edit = |from: &'static str, to: &'static str| {
        sent.with(|sent| sent.edit_header("authorization", |value| value.replace(from, to)))
    };
    edit(", ", ",").is_let_in();
    edit(", ", " , ").is_let_in();
    for (changed, said) in [
        (edit(", ", " "), "not separated by commas"),
        (edit(", Signature", " Signature"), "not separated by commas"),
        (edit("SHA256 ", "SHA256, "), "a comma stands behind the algorithm"),
    ] {
        let refusal = changed.check().unwrap_err();
        assert_eq!(refusal.code(), "signature_malformed");
        assert!(refusal.to_string().contains(said), "{refusal}");
    }
}

/// Not even if the signer wrote it into the canonical request as an empty one.
#[test]
fn decided_a_signed_header_is_sent() {
    let sent = by_hand_in_header(&[DATE, TOKEN, ("x-gone", "")], &["host", "x-amz-date", "x-gone"]);
    sent.is_let_in();
    let gone = sent.with(|sent| {
        sent.headers.remove("x-gone");
    });
    gone.is_refused("header_missing");
}

#[test]
fn decided_signed_headers_are_sorted() {
    let (mut sent, signature) = by_hand(&[DATE, TOKEN], &["x-amz-date", "host"], "a=1&b=2");
    let list = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=x-amz-date;host";
    sent.headers.insert("authorization", format!("{list}, Signature={signature}").parse().unwrap());
    sent.is_refused("signature_malformed");
}

/// As AWS's signers in Go and Rust have it. Those in Python and JavaScript fold it; the refusal says so.
#[test]
fn decided_a_tab_inside_a_value_stays() {
    let signed = ["host", "x-amz-date", "x-tab"];
    by_hand_in_header(&[DATE, TOKEN, ("x-tab", "a\tb")], &signed).is_let_in();
    let folded = by_hand_in_header(&[DATE, TOKEN, ("x-tab", "a b")], &signed);
    let refusal = folded.with(|sent| sent.edit_header("x-tab", |_| "a\tb".into())).check().unwrap_err();
    let said = "the header `x-tab`, was signed with tabs folded as spaces are";
    assert!(refusal.to_string().contains(said), "{refusal}");
}

/// A name that stands twice would make the verifier copy its header twice: a small request could take gigabytes.
#[test]
fn e6_signed_headers_name_each_header_once() {
    let sent = signed_with(&[("content-type", b"application/json"), ("foo", b"1")]);
    let list = |list: &'static str| {
        sent.with(|sent| sent.edit_header("authorization", |value| value.replacen("foo;", list, 1)))
    };
    list("foo;").is_let_in();
    for (names, said) in [
        ("foo;foo;", "names `foo` twice"),
        ("Foo;foo;fOo;", "lower case"),
        ("Foo;", "lower case"),
        ("foo;;", "lower case"),
        ("foo;fo;", "not sorted"),
    ] {
        let refusal = list(names).check().unwrap_err();
        assert_eq!(refusal.code(), "signature_malformed", "{names}");
        assert!(refusal.to_string().contains(said), "{refusal}");
    }
    let in_query = presigned().with(|sent| sent.edit_query(|query| query.replacen("=host%3B", "=host%3BHost%3B", 1)));
    in_query.is_refused("signature_malformed");
}

/// Every digit of a signature counts, and only lower-case digits are a signature.
#[test]
fn a_change_of_any_digit_of_the_signature_is_refused() {
    let sent = signed();
    let value = sent.headers.get("authorization").unwrap().to_str().unwrap().to_owned();
    let (before, signature) = value.split_once("Signature=").unwrap();
    assert_eq!(signature.len(), 64);
    for index in 0..64 {
        let mut digits: Vec<char> = signature.chars().collect();
        let digit = digits.get_mut(index).unwrap();
        *digit = if *digit == '0' { '1' } else { '0' };
        let changed: String = digits.into_iter().collect();
        sent.with(|sent| sent.edit_header("authorization", |_| format!("{before}Signature={changed}")))
            .is_refused("signature_mismatch");
    }
    let upper = signature.to_ascii_uppercase();
    assert_ne!(upper, signature);
    sent.with(|sent| sent.edit_header("authorization", |_| format!("{before}Signature={upper}")))
        .is_refused("signature_malformed");
}

#[test]
fn what_stands_twice_is_refused() {
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        let sent = signed().with(|sent| {
            let value = sent.headers.get(name).unwrap().clone();
            sent.headers.append(name, value);
        });
        sent.is_refused("signature_malformed");
    }
    let sent = presigned();
    let query = sent.query.clone().unwrap();
    let parameters: Vec<&str> = query.split('&').filter(|pair| pair.starts_with("X-Amz-")).collect();
    assert_eq!(parameters.len(), 7);
    for pair in parameters {
        sent.with(|sent| sent.edit_query(|query| format!("{query}&{pair}"))).is_refused("signature_malformed");
        // The name escaped is the same name.
        let escaped = pair.replacen("X-", "%58-", 1);
        sent.with(|sent| sent.edit_query(|query| format!("{query}&{escaped}"))).is_refused("signature_malformed");
    }
}

#[test]
fn a_signature_in_header_and_query_is_refused() {
    let query = presigned().query;
    signed().with(|sent| sent.query = query).is_refused("signature_malformed");
}

#[test]
fn an_unsigned_request_is_refused() {
    let sent = signed().with(|sent| {
        sent.headers.remove("authorization");
    });
    sent.is_refused("signature_missing");
    let sent = signed().with(|sent| {
        sent.headers.remove("x-amz-date");
    });
    sent.is_refused("signature_malformed");
}

#[test]
fn the_window_is_exact_on_both_sides() {
    let signed = signed();
    signed.with(|sent| sent.now += WINDOW).is_let_in();
    signed.with(|sent| sent.now -= WINDOW).is_let_in();
    signed.with(|sent| sent.now += WINDOW + NANOSECOND).is_refused("skewed");
    signed.with(|sent| sent.now -= WINDOW + NANOSECOND).is_refused("skewed");
    let behind = signed.with(|sent| sent.now += WINDOW + NANOSECOND).check();
    assert!(matches!(behind, Err(Refusal::Skewed { behind: true, .. })));
    let ahead = signed.with(|sent| sent.now -= WINDOW + NANOSECOND).check();
    assert!(matches!(ahead, Err(Refusal::Skewed { behind: false, .. })));
}

#[test]
fn a_presigned_url_ends_when_it_says() {
    let sent = presigned();
    sent.with(|sent| sent.now += Duration::from_secs(900)).is_let_in();
    sent.with(|sent| sent.now += Duration::from_secs(900) + NANOSECOND).is_refused("presigned_expired");
    sent.with(|sent| sent.now -= WINDOW).is_let_in();
    sent.with(|sent| sent.now -= WINDOW + NANOSECOND).is_refused("skewed");
}

#[test]
fn a_body_that_is_not_what_its_header_says_is_refused() {
    let given: [(&str, &[u8]); 1] = [("x-amz-content-sha256", b"replaced")];
    let sent = signed_with(&given);
    assert_ne!(sent.headers.get("x-amz-content-sha256").unwrap(), "replaced");
    sent.is_let_in();
    sent.with(|sent| sent.body.push(b' ')).is_refused("body_mismatch");
}

#[test]
fn an_unsigned_payload_is_refused_where_the_service_refuses_it() {
    let sent = signed_with(&[("x-amz-content-sha256", b"")]);
    sent.with(|sent| sent.edit_header("x-amz-content-sha256", |_| "UNSIGNED-PAYLOAD".into()))
        .is_refused("unsigned_payload");
}

/// What the verifier computed is shown, but not the token.
#[test]
fn a_mismatch_shows_what_was_computed() {
    for sent in [signed(), presigned()] {
        let refusal = sent.with(|sent| sent.path.push('x')).check().unwrap_err();
        let Refusal::Mismatch(computed) = refusal else { panic!("{refusal}") };
        assert!(computed.canonical_request.starts_with("PUT\n/stage/itemsx\n"), "{}", computed.canonical_request);
        assert!(computed.canonical_request.contains("[redacted, 5 bytes]"));
        assert!(!computed.canonical_request.contains("=token") && !computed.canonical_request.contains(":token"));
        assert!(computed.string_to_sign.starts_with("AWS4-HMAC-SHA256\n20150830T123600Z\n"));
    }
}

/// The value of no header is shown that could be a secret, whatever it is called.
#[test]
fn e8_a_mismatch_shows_no_secret_header() {
    let names = ["cookie", "x-api-key", "proxy-authentication", "x-access-token", "x-pin", "authentication"];
    let mut given: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, b"MARKER" as &[u8])).collect();
    given.push(("content-type", b"application/json"));
    let sent = signed_with(&given).with(|sent| sent.edit_query(|query| query + "&api_key=MARKER&X-Api-Token=MARKER"));
    let Err(Refusal::Mismatch(computed)) = sent.check() else { panic!("let in") };
    let shown = computed.canonical_request;
    assert!(!shown.contains("MARKER"), "{shown}");
    for line in ["x-api-key:[redacted, 6 bytes]", "content-type:application/json", "host:api.example.com"] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    assert!(shown.contains("&api_key=[redacted, 6 bytes]&b=2"), "{shown}");
}

#[test]
fn e8_a_mismatch_says_which_line_differs() {
    let said = |sent: &Sent| match sent.check() {
        Err(refusal @ Refusal::Mismatch(_)) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    let of = |url: &str, settings: SigningSettings, body: &[u8]| {
        let signer =
            Signer::with_settings(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap(), settings);
        let request =
            Request { method: "PUT", url: Url::parse(url).unwrap(), headers: &[], payload: Payload::Bytes(body) };
        let signed = signer.sign_parts(&request, example_instant()).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in signed.headers() {
            headers.insert(name, value.parse().unwrap());
        }
        Sent::new("PUT", url, headers, BODY, &signer, self::settings())
    };
    let mut once = settings();
    once.percent_encoding = PercentEncoding::Single;
    let mut as_it_stands = settings();
    as_it_stands.path_normalization = PathNormalization::Disabled;
    let folded = by_hand_in_header(&[DATE, ("x-amz-tab", "a b"), TOKEN], &["host", "x-amz-date", "x-amz-tab"]);
    for (sent, expected) in [
        (
            signed().with(|sent| sent.method = "POST".into()),
            "line 1 of the canonical request, the method, was signed as `PUT`",
        ),
        (of("https://h/a%20b", once, BODY), "line 2 of the canonical request, the path, was signed as it stands"),
        (
            of("https://h/a/../b", as_it_stands, BODY),
            "line 2 of the canonical request, the path, was signed as it stands",
        ),
        (
            of("https://h/a", settings(), BODY).with(|sent| sent.path.push('/')),
            "the path, was signed without the slash",
        ),
        (
            of("https://h/a", settings(), BODY).with(|sent| sent.query = Some("a=1".into())),
            "line 3 of the canonical request, the query, was signed without",
        ),
        (
            of("https://h/a?x=a%2Bb", settings(), BODY).with(|sent| sent.query = Some("x=a+b".into())),
            "the query, was signed with `+` as itself",
        ),
        (
            of("https://h/a", settings(), BODY).with(|sent| sent.edit_header("host", |host| host + ":8443")),
            "line 4 of the canonical request, the header `host`, was signed without the port",
        ),
        (
            folded.with(|sent| sent.edit_header("x-amz-tab", |_| "a \tb".into())),
            "line 6 of the canonical request, the header `x-amz-tab`, was signed with tabs folded",
        ),
        (of("https://h/a", settings(), b""), "the hash of the body, was signed as that of an empty body"),
        // More than one line, or the key: no line alone explains these.
        (signed().with(|sent| sent.body.push(b'x')), "or the secret differs"),
        (signed().with(|sent| sent.credentials = rekeyed(sent, "other", None)), "or the secret differs"),
        (
            presigned().with(|sent| {
                sent.method = "GET".into();
                sent.path.push('x');
            }),
            "or the secret differs",
        ),
        (presigned().with(|sent| sent.method = "GET".into()), "the method, was signed as `PUT`"),
    ] {
        let said = said(&sent);
        assert!(said.contains(expected), "{said}\n{expected}");
    }
}

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

fn rekeyed(sent: &Sent, secret: &str, token: Option<&str>) -> Credentials {
    let token = token.or(sent.credentials.session_token()).map(str::to_owned);
    Credentials::new("AKIDEXAMPLE", secret, token, None).unwrap()
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

#[test]
fn a_bare_key_as_authorization_is_not_shown() {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "0123456789abcdef0123456789abcdef".parse().unwrap());
    let refusal = Presented::read("GET", "/", None, &headers).unwrap_err();
    assert_eq!(refusal.code(), "algorithm_unknown");
    assert!(!refusal.to_string().contains("0123"), "{refusal}");
}
