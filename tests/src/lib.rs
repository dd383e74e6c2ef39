//! What the tests share: AWS's vectors as data, and the instants and credentials they all use.
//!
//! The crate has no users but the tests of this repository; `cargo run -p xacct-sign-tests --bin vectors` prints the
//! vectors as JSON for the faces in other languages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests may panic: that fails the test"
)]

pub mod behaviours;
pub mod emulator;
pub mod faults;
pub mod flows;
pub mod folder;
pub mod matrix;
pub mod random;
pub mod vectors;
pub mod virtual_host;
pub mod world;

use std::error::Error as _;
use std::iter;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use xacct_sign::{Credentials, Error};

/// AWS's documented example secret.
pub const EXAMPLE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 2015-08-30T12:36:00Z, the instant of AWS's examples.
#[must_use]
pub fn example_instant() -> SystemTime {
    at(1_440_938_160)
}

/// So many seconds after 1970.
#[must_use]
pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// AWS's example key, with a session token or without.
#[must_use]
pub fn example_credentials(session_token: Option<&str>) -> Credentials {
    Credentials::new("AKIDEXAMPLE", EXAMPLE_SECRET, session_token.map(str::to_owned), None).unwrap()
}

/// An error as JSON, for programs that print one.
#[must_use]
pub fn told(error: &Error) -> Value {
    let sources: Vec<String> =
        iter::successors(error.source(), |error| (*error).source()).map(|error| error.to_string()).collect();
    json!({
        "code": error.code(),
        "message": error.to_string(),
        "hint": error.hint(),
        "retryable": error.is_retryable(),
        "sources": sources,
    })
}

/// A file of this crate's folder.
#[must_use]
pub fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Path and query of an absolute URL, as a server reads them from the request line.
#[must_use]
pub fn path_and_query(url: &str) -> (&str, Option<&str>) {
    let (_, rest) = url.split_once("://").expect("an absolute URL");
    let tail = rest.find(['/', '?']).and_then(|start| rest.get(start..)).unwrap_or("/");
    match tail.split_once('?') {
        Some(("", query)) => ("/", Some(query)),
        Some((path, query)) => (path, Some(query)),
        None => (tail, None),
    }
}

/// Decodes percent escapes, and `+` as a space; independent of the crate under test.
#[must_use]
pub fn form_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let escape = text.get(index + 1..index + 3).filter(|_| byte == b'%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                index += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                index += 1;
            }
        }
    }
    String::from_utf8(out).expect("escapes of UTF-8")
}

/// The decoded pairs of a query, sorted: a query as a set.
#[must_use]
pub fn query_pairs(query: Option<&str>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = query
        .unwrap_or_default()
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(key, value)| (form_decoded(key), form_decoded(value)))
        .collect();
    pairs.sort();
    pairs
}
