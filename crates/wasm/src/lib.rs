//! The WebAssembly module of the npm package: converts types and errors, and decides nothing.
//!
//! Time comes in as milliseconds since 1970. The hot path, [`signer::WasmSigner::sign`], takes and gives plain strings,
//! because each value that crosses the boundary costs as much as some hashing; the rest takes and gives plain objects.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

mod error;
mod refresh;
mod signer;
mod sts;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasm_bindgen::prelude::*;
use xacct_sign::{Error, ErrorKind};

/// Milliseconds since 1970 → an instant.
fn instant(milliseconds: f64) -> Result<SystemTime, JsValue> {
    Duration::try_from_secs_f64(milliseconds / 1000.0)
        .ok()
        .and_then(|since| UNIX_EPOCH.checked_add(since))
        .ok_or_else(|| error::to_js(&Error::new(ErrorKind::InvalidTime, "the time is before 1970 or no time at all")))
}

fn milliseconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}

/// See `xacct_sign::canonical_url`.
#[wasm_bindgen(js_name = canonicalUrl)]
pub fn canonical_url(url: &str) -> Result<String, JsValue> {
    xacct_sign::canonical_url(url).map_err(|error| error::to_js(&error))
}

/// Scheme, host and port, to be compared; whether a signed request may go there over plain http is the second value.
#[wasm_bindgen(js_name = origin)]
pub fn origin(url: &str) -> Result<Box<[JsValue]>, JsValue> {
    let origin = xacct_sign::origin(url).map_err(|error| error::to_js(&error))?;
    let text = format!("{}://{}", origin.scheme(), origin.host());
    Ok(Box::new([JsValue::from(text), JsValue::from(origin.is_private())]))
}
