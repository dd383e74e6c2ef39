//! The command as a user runs it. One program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test panics to fail"
)]

#[cfg(unix)]
mod answers;
mod asked;
#[cfg(unix)]
mod beside;
// Beside `exit`, whose servers it uses.
#[cfg(target_os = "linux")]
mod broken;
#[cfg(unix)]
mod cache;
#[cfg(unix)]
mod call;
mod check;
mod command;
#[cfg(unix)]
mod curl;
#[cfg(unix)]
mod day;
mod diff;
#[cfg(unix)]
mod driven;
mod emulator;
// Only Linux has a device that is always full.
#[cfg(target_os = "linux")]
mod exit;
#[cfg(unix)]
mod files;
mod foreign;
#[cfg(unix)]
mod identity;
mod init;
#[cfg(unix)]
mod note;
mod policy;
#[cfg(unix)]
mod reload;
mod render;
// Only Linux lets a test have no room.
#[cfg(target_os = "linux")]
mod room;
mod schema;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod servers;
#[cfg(unix)]
mod shells;
// Beside `exit`, whose servers it uses.
#[cfg(target_os = "linux")]
mod snapshots;
#[cfg(unix)]
mod typed;
#[cfg(unix)]
mod usage;
#[cfg(unix)]
mod waiting;
#[cfg(unix)]
mod world;
