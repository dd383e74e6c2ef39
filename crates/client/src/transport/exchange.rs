//! What one exchange with a server has come to, and who watches it. ureq's connectors have no place for either, so both lie with
//! the thread while the exchange lasts.

use std::cell::RefCell;
use std::sync::Arc;

use super::Addresses;
use crate::patience::{Patience, Watch};

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    has_connected: bool,
    has_broken_tls: bool,
    has_used_socket: bool,
    has_written: bool,
    has_read: bool,
}

impl Progress {
    /// Whether it went over a connection that had been idle, which the server may have closed meanwhile: had it, nothing of an answer
    /// would have come.
    pub(super) fn was_idle(self) -> bool {
        self.has_used_socket && !self.has_connected && !self.has_read
    }

    /// Whether TLS could not be agreed upon, for another reason than the certificate.
    pub(super) fn has_broken_tls(self) -> bool {
        self.has_broken_tls
    }

    /// Whether a byte was given to the system to be sent.
    pub(super) fn has_written(self) -> bool {
        self.has_written
    }
}

#[derive(Default)]
struct Exchange {
    watch: Option<Arc<Watch>>,
    /// Which addresses it may go to, where a name is looked up; any, if nothing is said.
    addresses: Option<Addresses>,
    progress: Progress,
}

thread_local! {
    static EXCHANGE: RefCell<Exchange> = RefCell::default();
}

/// Does the work as an exchange of its own, with hosts of these addresses. A watch may make another exchange meanwhile.
pub(super) fn during<T>(patience: &Patience, addresses: Addresses, work: impl FnOnce() -> T) -> (T, Progress) {
    let addresses = Some(addresses);
    let new = Exchange { watch: patience.watch().cloned(), addresses, progress: Progress::default() };
    let before = EXCHANGE.replace(new);
    let before = Restored(Some(before));
    let done = work();
    let progress = EXCHANGE.with_borrow(|exchange| exchange.progress);
    drop(before);
    (done, progress)
}

/// What is put back at the end, even if the work panics.
struct Restored(Option<Exchange>);

impl Drop for Restored {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            EXCHANGE.set(before);
        }
    }
}

pub(super) fn watch() -> Option<Arc<Watch>> {
    EXCHANGE.with_borrow(|exchange| exchange.watch.clone())
}

pub(super) fn addresses() -> Addresses {
    EXCHANGE.with_borrow(|exchange| exchange.addresses).unwrap_or(Addresses::Any)
}

pub(super) fn connected() {
    EXCHANGE.with_borrow_mut(|exchange| exchange.progress.has_connected = true);
}

pub(super) fn broke_tls() {
    EXCHANGE.with_borrow_mut(|exchange| exchange.progress.has_broken_tls = true);
}

pub(super) fn used_socket() {
    EXCHANGE.with_borrow_mut(|exchange| exchange.progress.has_used_socket = true);
}

pub(super) fn wrote() {
    EXCHANGE.with_borrow_mut(|exchange| exchange.progress.has_written = true);
}

pub(super) fn read() {
    EXCHANGE.with_borrow_mut(|exchange| exchange.progress.has_read = true);
}
