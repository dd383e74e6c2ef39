//! The heads of requests, told as they were sent to whoever asks. ureq's connectors have no place for a listener, so it lies with the
//! thread while a request is made.

use std::cell::RefCell;
use std::sync::Arc;

use ureq::Error as U;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Is told the head of a request, from its method to the empty line, secrets included.
pub type HeadListener = dyn Fn(&[u8]) + Send + Sync;

struct Telling {
    to: Arc<HeadListener>,
    /// What is there of a head that is not sent to its end yet; none once it is.
    head: Option<Vec<u8>>,
}

thread_local! {
    static TELLING: RefCell<Option<Telling>> = const { RefCell::new(None) };
}

/// Does the work; the listener is told each head that it has the machine itself send on this thread, as soon as it was written: a
/// head that is not told never left, as where there is no connection. What asks a proxy for one is told, too.
pub fn heads_told<T>(to: Arc<HeadListener>, work: impl FnOnce() -> T) -> T {
    let before = Restored(TELLING.replace(Some(Telling { to, head: None })));
    let done = work();
    drop(before);
    done
}

/// What is put back at the end, even if the work panics.
struct Restored(Option<Telling>);

impl Drop for Restored {
    fn drop(&mut self) {
        TELLING.set(self.0.take());
    }
}

/// A request begins.
pub(super) fn begin() {
    TELLING.with_borrow_mut(|telling| {
        if let Some(telling) = telling {
            telling.head = Some(Vec::new());
        }
    });
}

fn is_waited_for() -> bool {
    TELLING.with_borrow(|telling| telling.as_ref().is_some_and(|telling| telling.head.is_some()))
}

/// Takes note of what was sent; gives the head that it ends.
fn sent(bytes: &[u8]) -> Option<(Vec<u8>, Arc<HeadListener>)> {
    const END: &[u8] = b"\r\n\r\n";
    TELLING.with_borrow_mut(|telling| {
        let telling = telling.as_mut()?;
        let head = telling.head.as_mut()?;
        head.extend_from_slice(bytes);
        let length = head.windows(END.len()).position(|part| part == END)?.saturating_add(END.len());
        head.truncate(length);
        Some((telling.head.take()?, Arc::clone(&telling.to)))
    })
}

/// Stands at the end of a chain of connectors, where requests go in.
#[derive(Debug, Default)]
pub(super) struct Heads;

impl<In: Transport> Connector<In> for Heads {
    type Out = Told<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, U> {
        Ok(chained.map(|way| Told { way, is_tunnel: false }))
    }
}

#[derive(Debug)]
pub(super) struct Told<T> {
    way: T,
    /// Whether a proxy was asked to connect by it: then what goes through is for the host behind, which has a way of its own.
    is_tunnel: bool,
}

impl<T: Transport> Transport for Told<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.way.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), U> {
        if self.is_tunnel || !is_waited_for() {
            return self.way.transmit_output(amount, timeout);
        }
        let bytes = self.way.buffers().output().get(..amount).unwrap_or_default().to_vec();
        self.way.transmit_output(amount, timeout)?;
        if let Some((head, to)) = sent(&bytes) {
            if head.starts_with(b"CONNECT ") {
                self.is_tunnel = true;
                begin();
            }
            to(&head);
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, U> {
        self.way.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.way.is_open()
    }

    fn is_tls(&self) -> bool {
        self.way.is_tls()
    }
}
