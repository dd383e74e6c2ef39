//! A signed call of STS as it crosses into JavaScript.

use std::time::SystemTime;

use wasm_bindgen::JsValue;
use xacct_sign::Credentials;
use xacct_sign::sts::{Action, Endpoint};

use crate::error::to_js;

/// The signed `POST`, line by line: URL, body, then each header's name and value.
pub(crate) fn lines<A: Action>(
    call: &A,
    base: &Credentials,
    endpoint: &Endpoint,
    now: SystemTime,
) -> Result<String, JsValue> {
    let parts = call.request_parts(base, endpoint, now).map_err(|error| to_js(&error))?;
    let mut lines = vec![endpoint.url().as_bytes(), &parts.body];
    lines.extend(parts.headers.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    // URL, form and headers are ASCII.
    Ok(String::from_utf8(lines.join(&b'\n')).unwrap_or_default())
}
