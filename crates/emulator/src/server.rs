//! The shell around [`Emulator`]: loopback ports, the clock, the system's randomness and the upstream. It decides nothing.
//!
//! [`run`] is the command's. [`Running`] is for tests: an emulator in the test's own process.

mod body;
mod error;
mod running;
mod serve;

use std::future::Future;
use std::io;

use crate::emulator::Emulator;
use crate::log::LogEntry;
use crate::ready::Ready;

pub use error::ServerError;
pub use running::Running;
pub use serve::Server;

/// A seed for [`Emulator::new`] from the system's randomness.
///
/// # Errors
///
/// [`ServerError::Random`].
pub fn seed() -> Result<[u8; 32], ServerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| ServerError::Random(io::Error::other(error)))?;
    Ok(seed)
}

/// Serves until Ctrl-C or SIGTERM, then gives requests under way a second.
///
/// `port` is STS's, the stages get the ports after it in the order of their names; 0 takes any free ones. `announce` is
/// called once, when every port is open; `log` for each request, from several threads.
///
/// # Errors
///
/// [`ServerError`]; nothing once it runs.
pub fn run(
    emulator: Emulator,
    port: u16,
    announce: impl FnOnce(&Ready) -> io::Result<()>,
    log: impl Fn(&LogEntry) + Send + Sync + 'static,
) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServerError::Start)?;
    let served = runtime.block_on(async {
        let stop = signals().map_err(ServerError::Start)?;
        let server = Server::bind(emulator, port, log).await?;
        announce(server.ready()).map_err(ServerError::Announce)?;
        server.serve(stop).await;
        Ok(())
    });
    runtime.shutdown_background();
    served
}

/// Resolves at Ctrl-C or SIGTERM. The handlers are set up before this returns.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
