//! What keeps the server from starting.

use std::io;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A port is taken, or not ours to use.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Bind {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There are not enough ports above the first.
    #[error("there are not enough ports above {0} for every stage")]
    Ports(u16),
    /// The system's randomness is not to be had.
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
    /// The runtime or the signals could not be set up.
    #[error("the server could not be started")]
    Start(#[source] io::Error),
    /// The addresses could not be told.
    #[error("cannot write the addresses")]
    Announce(#[source] io::Error),
}
