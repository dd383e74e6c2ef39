//! The WebAssembly module of `xacct-sign/identity`: converts types and errors, and decides nothing.
//!
//! It is a module of its own, since the one that signs has no room. What both have stands in that one's folder, and is taken in as it
//! is: with an `rlib` between them nothing would be optimized across crates.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

#[path = "../../wasm/src/constants.rs"]
#[allow(dead_code, reason = "the tables are those of both modules")]
mod constants;
#[path = "../../wasm/src/error.rs"]
mod error;
#[path = "../../wasm/src/instant.rs"]
mod instant;
#[path = "../../wasm/src/refresh.rs"]
mod refresh;
#[path = "../../wasm/src/retry.rs"]
mod retry;
#[path = "../../wasm/src/signed_call.rs"]
mod signed_call;
mod token;

use wasm_bindgen::prelude::*;
use xacct_sign::{Credentials, Url};
use xacct_sign_identity::make_proof;

use crate::error::to_js;
use crate::instant::instant;

/// Scheme, host and port, to be compared.
#[wasm_bindgen(js_name = origin)]
pub fn origin(url: &str) -> Result<String, JsValue> {
    Url::parse(url).map(|url| url.origin().to_string()).map_err(|error| to_js(&error))
}

/// See `xacct_sign_identity::make_proof`.
#[wasm_bindgen(js_name = makeProof)]
pub fn proof(
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: &str,
    audience: &str,
    now: f64,
) -> Result<String, JsValue> {
    let now = instant(now)?;
    Credentials::new(access_key_id, secret_access_key, session_token, None)
        .and_then(|credentials| make_proof(&credentials, region, audience, now))
        .map_err(|error| to_js(&error))
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
