//! STS and the API on a bad day, in virtual time: what is tried again, and what is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test panics to fail, and prints its figures"
)]

mod clocks;
mod events;
mod herd;
mod skew;
mod soak;
mod sources;
mod tries;
mod world;
