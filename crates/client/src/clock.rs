//! The clock that signatures are made by.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use xacct_sign::{Error, Origin, Skew};

use crate::credentials::lasting::Lasting;
use crate::host::Host;
use crate::per_process::PerProcess;

/// Of how many origins it is kept what they say of the time. Only those are, whose clock is another than what was known.
const KEPT: usize = 64;

/// A host's clock, set right by what STS says of the time. Clones are one clock: who signs and who fetches credentials agree on when
/// these expire.
///
/// What an API says of the time is its own word. It counts for signatures to that origin alone: not for what other origins get, for
/// tokens and proofs, or for when anything expires.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    seconds: AtomicI64,
    /// Whether an origin ever said something: mostly no clock is off, and nothing is looked up.
    is_contradicted: AtomicBool,
    /// What origins say. The one that spoke last stands at the end.
    origins: PerProcess<Mutex<Vec<(String, Skew)>>>,
}

impl Clock {
    /// The host's clock, of which nothing is known yet.
    #[must_use]
    pub fn new(host: Arc<dyn Host>) -> Self {
        let (is_contradicted, origins) = (AtomicBool::new(false), PerProcess::new(Mutex::default()));
        Self(Arc::new(Inner { host, seconds: AtomicI64::new(0), is_contradicted, origins }))
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.0.host
    }

    /// What was learned from STS; zero where nothing was.
    #[must_use]
    pub fn skew(&self) -> Skew {
        Skew::from_seconds(self.0.seconds.load(Ordering::Relaxed))
    }

    /// What signatures to an origin take: what the origin itself said, else what STS did.
    #[must_use]
    #[inline(never)]
    pub fn skew_at(&self, origin: Origin<'_>) -> Skew {
        if !self.0.is_contradicted.load(Ordering::Relaxed) {
            return self.skew();
        }
        let origins = self.origins().lock().unwrap_or_else(PoisonError::into_inner);
        said(&origins, &origin.to_string()).map_or_else(|| self.skew(), |(_, skew)| skew)
    }

    /// A child learns anew.
    fn origins(&self) -> &Mutex<Vec<(String, Skew)>> {
        self.0.origins.get(|_| Mutex::default())
    }

    /// What it says, set right.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.now_by(self.skew())
    }

    /// What a clock says that is ahead by so much.
    #[must_use]
    pub fn now_by(&self, known: Skew) -> SystemTime {
        known.apply(self.0.host.now())
    }

    /// Whether credentials that were just given, or a token, still serve. Where only what was learned has them as expired, and the
    /// machine's own clock does not, it is forgotten: that clock may have been set right since, and good credentials must not wait for
    /// the next answer of STS. If it was true, that one says so again.
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

    /// Takes note of what lies between STS's clock and one that had `known` taken into account already. Whether that is news: of
    /// many who learn it at once, one is told so.
    pub fn learn(&self, known: Skew, more: Skew) -> bool {
        let (from, to) = (known.as_seconds(), known.as_seconds().saturating_add(more.as_seconds()));
        self.0.seconds.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// As [`Clock::learn`], of an origin's clock, for signatures to that origin ([`Clock::skew_at`]).
    #[inline(never)]
    pub fn learn_at(&self, origin: Origin<'_>, known: Skew, more: Skew) -> bool {
        let origin = origin.to_string();
        let mut origins = self.origins().lock().unwrap_or_else(PoisonError::into_inner);
        let before = said(&origins, &origin);
        if before.map_or_else(|| self.skew(), |(_, skew)| skew) != known {
            return false;
        }
        if let Some((index, _)) = before.or_else(|| (origins.len() == KEPT).then_some((0, known))) {
            origins.remove(index);
        }
        self.0.is_contradicted.store(true, Ordering::Relaxed);
        origins.push((origin, Skew::from_seconds(known.as_seconds().saturating_add(more.as_seconds()))));
        true
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What an origin said, and where that stands.
fn said(origins: &[(String, Skew)], origin: &str) -> Option<(usize, Skew)> {
    let index = origins.iter().position(|(known, _)| known == origin)?;
    origins.get(index).map(|(_, skew)| (index, *skew))
}
