//! What a head says of its size and its body's, and how a body fails to come.

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::request::Parts;

/// How a body failed to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFailure {
    /// It is longer than [`Emulator::max_body_bytes`](crate::Emulator::max_body_bytes).
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// So many bodies are held that there was no room for it in time.
    NoRoom,
}

/// The length of the body that a head announces, in bytes; `None` where it does not say.
pub(crate) fn announced_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
}

/// The request line and the header values, in bytes.
pub(crate) fn head_bytes(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + "  HTTP/1.1".len();
    line + header_value_bytes(parts)
}

/// The header values alone, in bytes.
pub(crate) fn header_value_bytes(parts: &Parts) -> usize {
    parts.headers.values().map(HeaderValue::len).sum()
}
