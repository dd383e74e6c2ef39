//! Python values → the core's arguments.

mod body;
mod headers;
mod time;

pub(crate) use body::{Body, PyPayloadHash, body_bytes};
pub(crate) use headers::HeaderObjects;
pub(crate) use time::{datetime, instant, instant_or_now, lifetime, timeout};
