//! A request as one string.

use wasm_bindgen::JsValue;
use xacct_sign::{Error, ErrorKind, Payload, Request, UNSIGNED_PAYLOAD, Url};

use crate::error::to_js;

/// Method, URL, and each header's name and value, every one followed by a line feed.
///
/// JavaScript puts a carriage return where one of them holds a line feed itself, so that the core refuses it as it would have
/// refused the line feed.
pub(crate) struct Lines<'a> {
    method: &'a str,
    url: Url<'a>,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Lines<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, JsValue> {
        let mut lines = text.split_terminator('\n');
        let mut next = || lines.next();
        let (method, url) = (next().unwrap_or_default(), next().unwrap_or_default());
        let mut headers = Vec::with_capacity(8);
        while let Some(name) = next() {
            let value = next().ok_or_else(|| to_js(&Error::new(ErrorKind::InvalidHeader, "a header has no value")))?;
            headers.push((name, value.as_bytes()));
        }
        let url = Url::parse(url).map_err(|error| to_js(&error))?;
        Ok(Self { method, url, headers })
    }

    pub(crate) fn request<'r>(&'r self, payload: Payload<'r>) -> Request<'r> {
        Request { method: self.method, url: self.url, headers: &self.headers, payload }
    }
}

/// A body by its SHA-256 in hexadecimal, or `UNSIGNED-PAYLOAD`.
pub(crate) fn hashed(hash: &str) -> Payload<'_> {
    if hash == UNSIGNED_PAYLOAD { Payload::Unsigned } else { Payload::Sha256(hash) }
}
