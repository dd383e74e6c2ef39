//! How the Rust client sends: proxies, certificates, what fails on the way. Each call is made in a process of its own, because
//! the environment is that of the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics to fail"
)]

mod codings;
mod endpoints;
mod failures;
#[cfg(target_os = "linux")]
mod memory;
mod patience;
mod proxies;
mod streams;
mod world;
