//! What keeps the server from starting.

use std::io;
use std::net::SocketAddr;

use crate::options::SetupError;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A port is taken, or not ours to use.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
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
    /// The runtime could not be set up.
    #[error("the server could not be started")]
    Start(#[source] io::Error),
    /// For an upstream over TLS: the certificates that are trusted here cannot be read.
    #[error("the trusted certificates of this machine cannot be used")]
    Certificates(#[source] io::Error),
    /// What it should answer from now on makes no sense.
    #[error(transparent)]
    Setup(#[from] SetupError),
}
