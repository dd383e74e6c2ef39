//! Sign, send, verify: what was signed is let in, and whatever is changed on the way is refused with the right code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

mod by_hand;
mod changes;
mod mismatch;
mod random;
mod sent;
