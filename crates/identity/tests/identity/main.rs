//! Who is calling: attacks, keys and proofs through days of virtual time, and what must not be said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attacks;
mod callers;
mod garbage;
mod keys;
mod mutations;
mod proofs;
mod secrets;
mod world;
