//! Credentials of any source, asked for once per lifetime.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use xacct_sign::{Credentials, Error, ErrorKind};

use super::CredentialSource;
use super::shared::{Fetch, Shared};
use crate::clock::Clock;
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// Keeps what a source gives until shortly before it expires, for all threads, as a [`RoleProvider`](super::RoleProvider) does:
/// for a source that takes long and keeps nothing itself.
///
/// Credentials without an expiry may be replaced at any time, and nobody would know: a source that gives such is asked anew each
/// time.
#[derive(Debug)]
pub struct Kept {
    shared: Shared<Asked>,
    gives_lasting: AtomicBool,
}

#[derive(Debug)]
struct Asked {
    source: Box<dyn CredentialSource>,
    clock: Clock,
}

impl Kept {
    /// The source is not asked yet.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static) -> Self {
        Self::on(Arc::new(Machine::default()), source)
    }

    /// As [`Kept::new`], on a [`Host`], whose clock says when they expire if the source has none.
    #[must_use]
    pub fn on(host: Arc<dyn Host>, source: impl CredentialSource + 'static) -> Self {
        let seed = RandomState::new().hash_one(0);
        let clock = source.clock().unwrap_or_else(|| Clock::new(host));
        let asked = Asked { source: Box::new(source), clock };
        Self { shared: Shared::new(asked, seed), gives_lasting: AtomicBool::new(false) }
    }
}

impl CredentialSource for Kept {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        if self.gives_lasting.load(Ordering::Relaxed) {
            return self.shared.source().fetch(patience);
        }
        let credentials = self.shared.current(patience)?;
        if credentials.expires_at().is_none() {
            self.gives_lasting.store(true, Ordering::Relaxed);
        }
        Ok(credentials)
    }

    fn at_hand(&self) -> Option<Credentials> {
        if self.gives_lasting.load(Ordering::Relaxed) {
            return self.shared.source().source.at_hand();
        }
        self.shared.at_hand()
    }

    fn region(&self) -> Option<&str> {
        self.shared.source().source.region()
    }

    fn usual_region(&self) -> Option<String> {
        self.shared.source().source.usual_region()
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        self.shared.source().source.learn_region(region)
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.shared.source().clock.clone())
    }
}

impl Fetch for Asked {
    type Item = Credentials;

    fn fetch(&self, patience: &Patience) -> Result<Credentials, Error> {
        self.source.credentials(patience)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::CredentialsNotFound, "the thread that asked for the credentials broke off")
    }
}
