//! The built-in API: it shows what an API behind the gateway would see, or, as a function, its event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use serde_json::{Map, Value};

use crate::gateway::headers::is_of_the_gateway;
use crate::gateway::secrets::{SECRET_HEADERS, without_signature};

/// What a request was, and what is said of it under a name of its own: `requestContext`, or of a server `caller`.
///
/// `method`, `path`, `query` (as it stood, without a presigned URL's signature), `headers` (without the signature, the
/// token and what could be taken for the gateway's own; values of one name joined by commas), `body` with `isBase64Encoded`.
pub(crate) fn respond(parts: &Parts, body: &Bytes, (name, said): (&str, Value)) -> Response<Bytes> {
    let (text, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let mut shown = serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().map(without_signature).unwrap_or_default(),
        "headers": headers(&parts.headers),
        "body": text,
        "isBase64Encoded": is_base64,
    });
    if let Value::Object(shown) = &mut shown {
        shown.insert(name.to_owned(), said);
    }
    json(Bytes::from(shown.to_string()))
}

/// An answer of JSON.
pub(crate) fn json(text: Bytes) -> Response<Bytes> {
    let mut response = Response::new(text);
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

fn headers(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
    let is_passed_on = |name: &str| !SECRET_HEADERS.contains(&name) && !is_of_the_gateway(name);
    for name in headers.keys().filter(|name| is_passed_on(name.as_str())) {
        let values: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        shown.insert(name.as_str().to_owned(), Value::String(values.join(",")));
    }
    Value::Object(shown)
}
