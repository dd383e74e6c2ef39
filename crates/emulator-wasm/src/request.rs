//! A request's head on its way into the module.

use http::request::Parts;
use http::{Method, Request, Uri};
use wasm_bindgen::prelude::*;

use crate::pairs;

/// The head of a request.
#[wasm_bindgen]
pub struct WasmRequest(pub(crate) Parts);

#[wasm_bindgen]
impl WasmRequest {
    /// Of what stood on the wire, each character a byte; headers are names and values in turns. `undefined` for what is none.
    pub fn read(method: &str, target: &str, headers: Vec<String>) -> Option<WasmRequest> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::from_bytes(method.as_bytes()).ok()?;
        parts.uri = Uri::try_from(pairs::bytes(target)?).ok()?;
        parts.headers = pairs::headers(headers)?;
        Some(Self(parts))
    }
}
