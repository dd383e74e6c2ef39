//! What a signature that does not match is told.

use http::HeaderMap;
use xacct_sign::verify::Refusal;
use xacct_sign::{PathNormalization, Payload, PercentEncoding, Request, Scope, Signer, SigningSettings, Url};
use xacct_sign_tests::{example_credentials, example_instant, path_and_query};

use crate::by_hand::{DATE, TOKEN, by_hand_in_header, by_hand_with_lines};
use crate::sent::{BODY, Sent, presigned, rekeyed, settings, signed, signed_with};

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
        Sent::new("PUT", url, headers, BODY, &signer, crate::sent::settings())
    };
    let by_hand = |path: &str, query: &str, url: &str| {
        by_hand_with_lines(path, query).with(|sent| {
            let (path, query) = path_and_query(url);
            (sent.path, sent.query) = (path.to_owned(), query.map(str::to_owned));
        })
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
        // As other people's clients do it.
        (by_hand("/a b", "", "https://h/a%20b"), "the path, was signed decoded"),
        (by_hand("/a/b%20c", "", "https://h/a%2Fb%20c"), "the path, was signed decoded and encoded once"),
        (
            by_hand("/a%20b", "", "https://h/a%20b;v=1"),
            "the path, was signed as it stands, without what follows its `;`",
        ),
        (by_hand("/a%2520b", "", "https://h/a%20b;v=1"), "the path, was signed without what follows its `;`"),
        (by_hand("/a", "a-b=1&a=2", "https://h/a?a-b=1&a=2"), "the query, was signed sorted by whole pairs"),
        (by_hand("/a", "q=x%2520y", "https://h/a?q=x%20y"), "the query, was signed encoded once more"),
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
