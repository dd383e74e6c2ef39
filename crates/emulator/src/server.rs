//! The shell around [`Emulator`](crate::Emulator): loopback ports, the clock, the system's randomness and the upstream. It decides nothing.
//!
//! [`Server`] is for a program that has a runtime, as the command has. [`Running`] is for tests: an emulator in the test's own
//! process.

mod body;
mod control;
mod error;
mod noted;
mod relay;
mod running;
mod serve;
mod upstream;

use std::io;

pub use control::Control;
pub use error::ServerError;
pub use running::Running;
pub use serve::Server;

/// A seed for [`Emulator::new`](crate::Emulator::new) from the system's randomness.
///
/// # Errors
///
/// [`ServerError::Random`].
pub fn seed() -> Result<[u8; 32], ServerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| ServerError::Random(io::Error::other(error)))?;
    Ok(seed)
}
