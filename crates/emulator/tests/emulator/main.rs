//! The emulator as its callers meet it. One program, so that it is linked once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

mod boundary;
mod cors;
mod decisions;
mod events;
mod forward;
mod fronts;
mod gateway;
mod mapped;
mod redeploy;
#[cfg(feature = "server")]
mod relay;
mod secrets;
#[cfg(feature = "server")]
mod server;
mod servers;
mod sts;
mod tokens;
mod trust;
mod who;
mod world;
