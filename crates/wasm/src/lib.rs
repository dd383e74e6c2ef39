//! The WebAssembly module of the npm package: converts types and errors, and decides nothing.
//!
//! Each value that crosses the boundary costs as much as some hashing, and each way of converting it costs bytes of the
//! module: so what crosses is strings, bytes and numbers, and one string holds a whole request. Time comes in as milliseconds
//! since 1970.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

pub mod constants;
mod error;
mod instant;
mod refresh;
mod request;
mod retry;
mod signed_call;
mod signer;
mod sts;

use wasm_bindgen::prelude::*;
use xacct_sign::{Scope, Url, call};

/// See `xacct_sign::canonical_url`.
#[wasm_bindgen(js_name = canonicalUrl)]
pub fn canonical_url(url: &str) -> Result<String, JsValue> {
    xacct_sign::canonical_url(url).map_err(|error| error::to_js(&error))
}

/// See `xacct_sign::sha256_hex`.
#[wasm_bindgen(js_name = sha256Hex)]
pub fn sha256_hex(bytes: &[u8]) -> String {
    xacct_sign::sha256_hex(bytes)
}

/// See `xacct_sign::Scope::new`.
#[wasm_bindgen(js_name = checkScope)]
pub fn check_scope(region: String, service: String) -> Result<(), JsValue> {
    Scope::new(region, service).map(drop).map_err(|error| error::to_js(&error))
}

/// Scheme, host and port, to be compared.
#[wasm_bindgen(js_name = origin)]
pub fn origin(url: &str) -> Result<String, JsValue> {
    parsed(url).map(|url| url.origin().to_string())
}

/// See `xacct_sign::call::check_reachable`.
#[wasm_bindgen(js_name = checkReachable)]
pub fn check_reachable(url: &str) -> Result<(), JsValue> {
    call::check_reachable(parsed(url)?).map_err(|error| error::to_js(&error))
}

fn parsed(url: &str) -> Result<Url<'_>, JsValue> {
    Url::parse(url).map_err(|error| error::to_js(&error))
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
