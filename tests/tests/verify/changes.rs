//! Whatever is changed on the way is refused with the right code.

use std::time::Duration;

use xacct_sign::Credentials;
use xacct_sign::verify::{Presented, Refusal};
use xacct_sign_tests::example_credentials;

use crate::sent::{NANOSECOND, Sent, WINDOW, presigned, signed, signed_with};

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
    // Two changes that take each other back, less and more.
    for token in ["tokem", "otken", "toke", "tokens"] {
        edit("x-amz-security-token", "token", token).is_refused("token_invalid");
    }
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

#[test]
fn a_bare_key_as_authorization_is_not_shown() {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "0123456789abcdef0123456789abcdef".parse().unwrap());
    let refusal = Presented::read("GET", "/", None, &headers).unwrap_err();
    assert_eq!(refusal.code(), "algorithm_unknown");
    assert!(!refusal.to_string().contains("0123"), "{refusal}");
}
