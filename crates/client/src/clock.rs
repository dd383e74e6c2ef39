//! The clock that signatures are made by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use xacct_sign::{Error, Skew};

use crate::credentials::lasting::Lasting;
use crate::host::Host;

/// A host's clock, set right by what AWS was seen to have. Clones are one clock: who signs and who fetches credentials agree on when
/// these expire.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Arc<dyn Host>,
    seconds: AtomicI64,
}

impl Clock {
    /// The host's clock, of which nothing is known yet.
    #[must_use]
    pub fn new(host: Arc<dyn Host>) -> Self {
        Self(Arc::new(Inner { host, seconds: AtomicI64::new(0) }))
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.0.host
    }

    /// What was learned; zero where nothing was.
    #[must_use]
    pub fn skew(&self) -> Skew {
        Skew::from_seconds(self.0.seconds.load(Ordering::Relaxed))
    }

    /// What it says, set right.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.skew().apply(self.0.host.now())
    }

    /// Whether credentials that were just given, or a token, still serve. Where only what was learned has them as expired, and the machine's own
    /// clock does not, it is forgotten: one answer with a wrong `Date` must not end a program whose credentials are good. If it was
    /// true, the next refusal says so again.
    ///
    /// # Errors
    ///
    /// As [`Lasting::check_usable`].
    pub(crate) fn check_usable(&self, given: &impl Lasting) -> Result<(), Error> {
        let (known, now) = (self.skew(), self.0.host.now());
        let Err(error) = given.check_usable(known.apply(now)) else { return Ok(()) };
        if given.check_usable(now).is_err() {
            return Err(error);
        }
        let from = known.as_seconds();
        // Whoever has learned something else meanwhile knows more.
        let _ = self.0.seconds.compare_exchange(from, 0, Ordering::Relaxed, Ordering::Relaxed);
        Ok(())
    }

    /// Takes note of what lies between AWS's clock and one that had `known` taken into account already. Whether that is news: of
    /// many who learn it at once, one is told so.
    pub fn learn(&self, known: Skew, more: Skew) -> bool {
        let (from, to) = (known.as_seconds(), known.as_seconds().saturating_add(more.as_seconds()));
        self.0.seconds.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
