//! The clock that signatures are made by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use xacct_sign::Skew;

use crate::host::Host;

/// The host's clock, set right by what AWS was seen to have.
#[derive(Debug)]
pub(crate) struct Clock {
    host: Arc<dyn Host>,
    seconds: AtomicI64,
}

impl Clock {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self { host, seconds: AtomicI64::new(0) }
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// What was learned; zero where nothing was.
    pub(crate) fn skew(&self) -> Skew {
        Skew::from_seconds(self.seconds.load(Ordering::Relaxed))
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.skew().apply(self.host.now())
    }

    /// Takes note of what lies between AWS's clock and one that had `known` taken into account already. Whether that is news: of
    /// many who learn it at once, one is told so.
    pub(crate) fn learn(&self, known: Skew, more: Skew) -> bool {
        let (from, to) = (known.as_seconds(), known.as_seconds().saturating_add(more.as_seconds()));
        let seen = self.seconds.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        // Somebody else's source had it, and this clock nothing yet.
        seen.or_else(|now| {
            if now == 0 { self.seconds.compare_exchange(0, to, Ordering::Relaxed, Ordering::Relaxed) } else { Err(now) }
        })
        .is_ok()
    }
}
