//! Requests as other libraries sign them, and those that no library should.

use http::HeaderName;
use xacct_sign::{SessionToken, SigningSettings};
use xacct_sign_tests::example_instant;

use crate::sent::{BODY, NANOSECOND, Sent, URL, WINDOW, header_map, presigned, settings, signed, signed_with, signer};

/// A request signed by AWS's own code over a canonical request that is written here by hand, as other libraries' are: only the
/// headers of `signed`, values as they are there.
fn by_hand(headers: &[(&str, &str)], signed: &[&str], path: &str, query: &str) -> (Sent, String) {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    let mut sent = Sent::new("PUT", URL, header_map([]), BODY, &signer(), settings());
    for (name, value) in headers {
        sent.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let lines: String =
        signed.iter().map(|name| format!("{name}:{}\n", sent.headers.get(*name).unwrap().to_str().unwrap())).collect();
    sent.query = Some(query.to_owned());
    let canonical = format!("PUT\n{path}\n{query}\n{lines}\n{}\n{}", signed.join(";"), sha256(BODY));
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

pub(crate) fn by_hand_in_header(headers: &[(&str, &str)], signed: &[&str]) -> Sent {
    in_header(by_hand(headers, signed, PATH, "a=1&b=2"), signed)
}

/// With these lines of the canonical request for the path and the query.
pub(crate) fn by_hand_with_lines(path: &str, query: &str) -> Sent {
    let signed = ["host", "x-amz-date"];
    in_header(by_hand(&[DATE, TOKEN], &signed, path, query), &signed)
}

fn in_header((mut sent, signature): (Sent, String), signed: &[&str]) -> Sent {
    let value = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders={}, Signature={signature}",
        signed.join(";")
    );
    sent.headers.insert("authorization", value.parse().unwrap());
    sent
}

const PATH: &str = "/stage/items";
pub(crate) const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
pub(crate) const TOKEN: (&str, &str) = ("x-amz-security-token", "token");

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

/// The token alone, where it is put on after signing; and what is no `x-amz-*` a proxy may have added.
#[test]
fn where_every_amz_header_is_signed_others_need_not_be() {
    let strict = |signed| {
        by_hand_in_header(&[DATE, TOKEN, ("user-agent", "proxy")], signed)
            .with(|sent| sent.settings.strictness = SigningSettings::for_service("s3").strictness)
    };
    strict(&["host", "x-amz-date", "x-amz-security-token"]).is_let_in();
    let without_token = strict(&["host", "x-amz-date"]);
    without_token.is_refused("header_unsigned");
    without_token.with(|sent| sent.settings.session_token = SessionToken::AddedAfterSigning).is_let_in();
}

#[test]
fn e2_a_signature_in_the_query_without_a_lifetime_lives_for_the_window() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Security-Token=token&X-Amz-SignedHeaders=host&a=1";
    let (sent, signature) = by_hand(&[], &["host"], PATH, query);
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
    let (mut sent, signature) = by_hand(&[DATE, TOKEN], &["x-amz-date", "host"], PATH, "a=1&b=2");
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
