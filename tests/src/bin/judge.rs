//! A second opinion on signed requests: verifies with a crate that has nothing of ours, scratchstack-aws-signature.
//!
//! Each line of the input is JSON: the `request` as it stood on the wire, a character for each byte, `credentials`, `region`,
//! `service`, and `now` in seconds since 1970. Each line of the output is `null` where the request is accepted, else the refusal as
//! a text.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a helper of tests may panic: that fails the test")]

use std::fmt::Write as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, TimeDelta};
use http::Request;
use scratchstack_aws_signature::canonical::{CanonicalRequest, unescape_uri_encoding};
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, NO_ADDITIONAL_SIGNED_HEADERS, SignatureOptions,
    service_for_signing_key_fn,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    request: String,
    credentials: Keys,
    region: String,
    service: String,
    now: i64,
}

#[derive(Clone, Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() {
    for line in io::stdin().lines() {
        let case: Case = serde_json::from_str(&line.expect("a line")).expect("a case");
        let refusal = judge(&case).err().map(|error| error.to_string());
        println!("{}", serde_json::to_string(&refusal).expect("a text"));
    }
}

fn judge(case: &Case) -> Result<(), Failure> {
    let keys = case.credentials.clone();
    // A closure of its own: as an argument it would be one that can be called once.
    let key_of = move |asked: GetSigningKeyRequest| std::future::ready(signing_key(&keys, &asked));
    let mut keyring = service_for_signing_key_fn(key_of);
    let now = DateTime::from_timestamp(case.now, 0).ok_or("no time")?;
    let (parts, body) = read(&case.request)?.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let (canonical, ..) = CanonicalRequest::from_request_parts(parts, body.into(), SignatureOptions::default())?;
    let mut presented = canonical.get_auth_parameters(&NO_ADDITIONAL_SIGNED_HEADERS)?;
    // What stands in a query comes out of the crate as it stands there, and its slashes are escaped.
    if let Some(credential) = parameter(&query, "X-Amz-Credential") {
        presented.builder.credential(credential);
    }
    if let Some(token) = parameter(&query, "X-Amz-Security-Token") {
        presented.builder.session_token(token);
    }
    let presented = canonical.get_authenticator_from_auth_parameters(presented)?;
    let verdict =
        pin!(presented.validate_signature(&case.region, &case.service, now, TimeDelta::minutes(15), &mut keyring));
    // Nothing in it waits for anything.
    match verdict.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(verdict) => Ok(verdict.map(|_| ())?),
        Poll::Pending => Err("no verdict".into()),
    }
}

/// A parameter of the query, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(unescape_uri_encoding(value))
}

fn signing_key(keys: &Keys, asked: &GetSigningKeyRequest) -> Result<GetSigningKeyResponse, Failure> {
    if asked.access_key() != keys.access_key_id {
        return Err("the access key id is unknown".into());
    }
    if asked.session_token() != keys.session_token.as_deref() {
        return Err("the session token is another".into());
    }
    let secret: KSecretKey = keys.secret_access_key.parse()?;
    let signing_key = secret.to_ksigning(asked.request_date(), asked.region(), asked.service());
    Ok(GetSigningKeyResponse::builder().signing_key(signing_key).build()?)
}

/// The request that stands in the bytes.
fn read(wire: &str) -> Result<Request<Vec<u8>>, Failure> {
    let (head, body) = wire.split_once("\r\n\r\n").ok_or("the head does not end")?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = words.next().zip(words.next()).ok_or("there is no request line")?;
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    // The crate encodes a path once, as Amazon S3 does. The other services encode it as it stands on the wire once more (IAM User
    // Guide, "Create a signed AWS API request"; botocore): so it comes to the crate with that done.
    let path = path.split('/').map(encoded).collect::<Vec<_>>().join("/");
    let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));
    let mut request = Request::builder().method(method).uri(bytes(&target));
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
        request = request.header(name, bytes(value.trim()));
    }
    Ok(request.body(bytes(body))?)
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|byte| u8::try_from(byte).expect("a byte")).collect()
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in bytes(text) {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a text grows");
        }
    }
    out
}
