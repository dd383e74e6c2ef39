//! The judge of other people's clients is held to AWS's signing test suite, as it is sent.
#![allow(clippy::unwrap_used, reason = "a test panics to fail")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign_tests::vectors::{Vector, load};

/// What the crate behind it does otherwise than AWS, and why nothing is lost by that.
const NOT_AS_AWS: [(&str, &str); 2] = [
    (
        "double-encode-path",
        "it takes secrets of 40 characters alone; STS gives no others, and neither does the emulator",
    ),
    ("get-vanilla-query-order-encoded", "it sorts a query by whole pairs; listed in `clients.toml`"),
];

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The signed request, a character for each byte of the wire.
fn wire(vector: &Vector) -> Option<String> {
    let signed = vector.expected.signed_request.as_ref()?;
    let query: Vec<String> =
        signed.query.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    let target = if query.is_empty() { signed.path.clone() } else { format!("{}?{}", signed.path, query.join("&")) };
    // Those that were given stand in the order of the request; those of the signature are sorted.
    let is_given = |name: &str| vector.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let added = signed.headers.iter().filter(|(name, _)| !is_given(name));
    let headers: String =
        vector.headers.iter().chain(added).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!("{} {target} HTTP/1.1\r\n{headers}\r\n{}", signed.method, signed.body);
    Some(text.bytes().map(char::from).collect())
}

#[test]
fn the_judge_takes_awss_cases_and_nothing_that_is_changed() {
    let mut judge =
        Command::new(env!("CARGO_BIN_EXE_judge")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = judge.stdin.take().unwrap();
    let mut output = BufReader::new(judge.stdout.take().unwrap());
    let mut refusal = |vector: &Vector, request: &str| -> Option<String> {
        let now = parse_rfc3339(&vector.timestamp).unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let case = json!({ "request": request, "credentials": vector.credentials, "region": vector.region,
            "service": vector.service, "now": now });
        writeln!(input, "{case}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        answer.as_str().map(str::to_owned)
    };
    let (mut taken, mut refused) = (0, BTreeSet::new());
    for vector in load() {
        let settings = &vector.settings;
        // Signed as API Gateway reads it.
        if settings.percent_encoding != "double" || !settings.normalize_path || !settings.sign_session_token {
            continue;
        }
        let Some(request) = wire(&vector) else { continue };
        if refusal(&vector, &request).is_some() {
            refused.insert(vector.name.clone());
            continue;
        }
        taken += 1;
        let signature = vector.expected.signature.clone().unwrap();
        for (from, to) in [
            (signature.as_str(), signature.chars().rev().collect::<String>()),
            (" HTTP/1.1\r\n", "x HTTP/1.1\r\n".to_owned()),
            ("\r\n\r\n", "\r\n\r\nx".to_owned()),
            (".amazonaws.com", ".example.com".to_owned()),
        ] {
            let changed = request.replacen(from, &to, 1);
            assert_ne!(changed, request, "{} {from}", vector.name);
            assert!(refusal(&vector, &changed).is_some(), "{} {from}", vector.name);
        }
    }
    assert_eq!(refused, NOT_AS_AWS.iter().map(|(name, _)| (*name).to_owned()).collect());
    assert!(taken > 50, "{taken}");
    // It ends with its input.
    drop(input);
    assert!(judge.wait().unwrap().success());
}
