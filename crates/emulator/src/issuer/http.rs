//! What issuers answer: what they publish, and the commands that only an emulator has.

use std::time::SystemTime;

use ::http::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use ::http::request::Parts;
use ::http::{Method, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{FOLDER, Issuers};
use crate::log::LogEntry;

/// The answer of an issuer; `None` for a request that is STS's.
pub(crate) fn answer(
    issuers: &mut Issuers,
    parts: &Parts,
    now: SystemTime,
    log: &mut LogEntry,
) -> Option<Response<Bytes>> {
    let (account, what) = parts.uri.path().strip_prefix(FOLDER)?.split_once('/').unwrap_or_default();
    // No page of a browser is to change keys or accounts: whoever types a command sends no origin.
    if parts.method == Method::POST && parts.headers.contains_key(ORIGIN) {
        return Some(respond(StatusCode::FORBIDDEN, &json!({ "message": "Forbidden" })));
    }
    let done = match (&parts.method, what) {
        (&Method::GET | &Method::HEAD, ".well-known/openid-configuration") => issuers.configuration(account),
        (&Method::GET | &Method::HEAD, ".well-known/jwks.json") => issuers.key_set(account, now),
        (&Method::POST, "rotate") => issuers.rotate(account, now).and_then(|()| issuers.key_set(account, now)),
        (&Method::POST, "enable") => issuers.switch(account, true).map(|()| json!({ "enabled": true })),
        (&Method::POST, "disable") => issuers.switch(account, false).map(|()| json!({ "enabled": false })),
        _ => None,
    };
    if done.is_some() {
        log.done = Some(format!("{what} of issuer {account}"));
    }
    Some(match done {
        Some(value) => respond(StatusCode::OK, &value),
        None => respond(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
    })
}

fn respond(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
