//! The caller's identity: tokens are asked for as STS wants it and refreshed as credentials are, and go where they may.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

mod action;
mod proof;
mod sending;
mod token;
mod world;
