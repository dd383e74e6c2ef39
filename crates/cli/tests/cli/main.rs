//! The command as a user runs it. One program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test panics to fail"
)]

mod answers;
mod call;
mod check;
mod command;
mod curl;
mod diff;
mod emulator;
mod exit;
#[cfg(unix)]
mod files;
mod foreign;
mod init;
#[cfg(unix)]
mod note;
mod policy;
mod render;
mod schema;
mod secrets;
mod server;
mod shells;
mod snapshots;
mod world;
