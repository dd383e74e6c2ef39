//! The WebAssembly module of `xacct-sign/explain`: converts types and errors, and decides nothing.
//!
//! It is a module of its own, since pages and functions that call an API carry the other one, and this is for those that want to know
//! why they were refused. What crosses is text, as in the other.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

use std::time::{Duration, UNIX_EPOCH};

use wasm_bindgen::prelude::*;
use xacct_sign::{Credentials, Error, Payload, Request, Scope, Signer, UNSIGNED_PAYLOAD, Url};
use xacct_sign_diagnosis::{Exchange, to_json};

/// See `xacct_sign_diagnosis::explain`: an exchange as JSON, findings as JSON. Throws a sentence for what is no exchange.
#[wasm_bindgen]
pub fn explain(exchange: &str) -> Result<String, JsValue> {
    let exchange = Exchange::from_json(exchange).map_err(|error| JsValue::from_str(&error.to_string()))?;
    Ok(to_json(&xacct_sign_diagnosis::explain(&exchange)))
}

/// The SHA-256 of a body, in hexadecimal.
#[wasm_bindgen(js_name = sha256Hex)]
pub fn sha256_hex(bytes: &[u8]) -> String {
    xacct_sign::sha256_hex(bytes)
}

/// What was signed: the canonical request and the string to sign, with a NUL between them. The headers are lines, `name:value`, those
/// of the signature among them; none of them depends on the secret. Nothing for what was not signed by this library.
#[wasm_bindgen(js_name = signedOf)]
pub fn signed_of(
    method: &str,
    url: &str,
    headers: &str,
    hash: &str,
    scope: &str,
    token: Option<String>,
    milliseconds: f64,
) -> Option<String> {
    trace(method, url, headers, hash, scope, token, milliseconds).ok().flatten()
}

fn trace(
    method: &str,
    url: &str,
    headers: &str,
    hash: &str,
    scope: &str,
    token: Option<String>,
    milliseconds: f64,
) -> Result<Option<String>, Error> {
    // `key/date/region/service/aws4_request`
    let mut parts = scope.split('/').skip(2);
    let (Some(region), Some(service)) = (parts.next(), parts.next()) else { return Ok(None) };
    let headers: Vec<(&str, &[u8])> =
        headers.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.as_bytes())).collect();
    let payload = if hash == UNSIGNED_PAYLOAD { Payload::Unsigned } else { Payload::Sha256(hash) };
    let signer = Signer::new(Credentials::new("-", "-", token, None)?, Scope::new(region, service)?);
    let Some(now) = UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds as u64)) else { return Ok(None) };
    let (_, trace) = signer.trace(&Request { method, url: Url::parse(url)?, headers: &headers, payload }, now)?;
    Ok(Some(format!("{}\0{}", trace.canonical_request, trace.string_to_sign)))
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
