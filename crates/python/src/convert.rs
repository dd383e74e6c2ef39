//! Python values → the core's arguments.

mod body;
mod headers;
mod text;
mod time;

pub(crate) use body::{Body, PyPayloadHash, body_bytes};
pub(crate) use headers::HeaderObjects;
pub(crate) use text::{Given, integer, optional_text, text, text_for, texts, type_name, wrong_type};
pub(crate) use time::{datetime, instant, lifetime, timeout};
