//! A role whose credentials are in the cache, or get there.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use xacct_sign::refresh::{GRACE, Poll};
use xacct_sign::sts::AssumeRole;
use xacct_sign::{Credentials, Error};
use xacct_sign_client::host::Host;
use xacct_sign_client::{Clock, CredentialSource, DefaultChain, Patience, RoleProvider, caller_identity};

use super::entry::{Entry, Kept};
use super::failure::CacheFailure;
use super::folder::Folder;
use super::key::key;
use crate::output;

/// How long an STS on this machine has for saying whether it knows credentials.
const ALIVE: Duration = Duration::from_secs(1);

/// A role from the cache, else from what fetches it.
pub(super) struct Cached {
    host: Arc<dyn Host>,
    call: AssumeRole,
    role: RoleProvider,
    base: DefaultChain,
    source: Arc<dyn CredentialSource>,
    is_told: OnceLock<()>,
}

impl Cached {
    pub(super) fn new(
        host: Arc<dyn Host>,
        call: AssumeRole,
        role: RoleProvider,
        base: DefaultChain,
        source: Arc<dyn CredentialSource>,
        warns: bool,
    ) -> Self {
        // To be silent is to have said it already.
        let is_told = if warns { OnceLock::new() } else { OnceLock::from(()) };
        Self { host, call, role, base, source, is_told }
    }

    /// The role's file; `None` where there is no cache.
    fn entry(&self, patience: &Patience) -> Result<Option<Entry>, Error> {
        let Some(folder) = Folder::place(&*self.host) else { return Ok(None) };
        let endpoint = self.role.endpoint()?;
        let identity = match self.base.identity()? {
            Some(identity) => identity,
            // A machine's credentials are asked for on that machine: nobody else tells whose they are.
            None => vec!["key".to_owned(), self.base.credentials(patience)?.access_key_id().to_owned()],
        };
        let folder = self.safe(Folder::open(folder)).flatten();
        Ok(folder.map(|folder| Entry::new(folder, key(&self.call, endpoint, &identity))))
    }

    /// What is wrong is said once, and everything works without.
    fn safe<T>(&self, found: Result<T, CacheFailure>) -> Option<T> {
        found
            .map_err(|failure| {
                self.is_told.get_or_init(|| {
                    let lines =
                        [format!("warning[{}]: {failure}", failure.code()), format!("hint: {}", failure.hint())];
                    output::note(&lines);
                });
            })
            .ok()
    }

    /// From the file, or through it.
    fn through(&self, entry: &Entry, patience: &Patience) -> Result<Credentials, Error> {
        let Some(found) = self.safe(entry.read()) else { return self.source.credentials(patience) };
        if let Some(kept) = found.filter(|kept| self.serves(kept, patience)) {
            return self.early(entry, kept, patience);
        }
        // What gives the base may be this very command, as a profile's `credential_process`: it would wait for a lock that is held here.
        self.base.credentials(patience)?;
        let _lock = entry.lock(patience)?;
        // Whoever had the lock has left what it got.
        match self.safe(entry.read()).flatten().filter(|kept| self.serves(kept, patience)) {
            Some(kept) => Ok(kept.credentials),
            None => self.fetch(entry, patience),
        }
    }

    /// What is kept, or new ones where it is time for that and nobody else is at it. What is kept still serves: nobody waits long.
    fn early(&self, entry: &Entry, kept: Kept, patience: &Patience) -> Result<Credentials, Error> {
        // Nobody is asked for a code before one is needed.
        let is_due = kept.poll(self.now()) == Poll::UseAndRefresh && self.call.mfa.is_none();
        let fetched = match is_due.then(|| entry.try_lock()).flatten() {
            Some(_lock) => self.fetch(entry, &patience.at_most(GRACE)).ok(),
            None => None,
        };
        patience.check()?;
        Ok(fetched.unwrap_or(kept.credentials))
    }

    fn fetch(&self, entry: &Entry, patience: &Patience) -> Result<Credentials, Error> {
        let credentials = self.source.credentials(patience)?;
        let now = self.now();
        // A disk that is full, or cannot be written, keeps nobody from calling.
        let _ = entry.write(&credentials, now);
        entry.tidy(self.host.now());
        Ok(credentials)
    }

    fn serves(&self, kept: &Kept, patience: &Patience) -> bool {
        matches!(kept.poll(self.now()), Poll::Use | Poll::UseAndRefresh) && self.is_known(&kept.credentials, patience)
    }

    /// Whether STS still knows them. AWS's never forgets; an emulator does when it is started anew, and is asked, since it is near.
    fn is_known(&self, credentials: &Credentials, patience: &Patience) -> bool {
        match self.role.endpoint() {
            Ok(endpoint) if endpoint.url().starts_with("http:") => {
                let region = Some(endpoint.scope().region());
                caller_identity(&self.host, credentials, region, &patience.at_most(ALIVE)).is_ok()
            }
            _ => true,
        }
    }

    fn now(&self) -> SystemTime {
        self.clock().map_or_else(|| self.host.now(), |clock| clock.now())
    }
}

impl CredentialSource for Cached {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        match self.entry(patience)? {
            Some(entry) => self.through(&entry, patience),
            None => self.source.credentials(patience),
        }
    }

    fn region(&self) -> Option<&str> {
        self.source.region()
    }

    fn usual_region(&self) -> Option<String> {
        self.source.usual_region()
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        self.role.learn_region(region)?;
        self.source.learn_region(region)
    }

    fn clock(&self) -> Option<Clock> {
        CredentialSource::clock(&self.role)
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("role", &self.role).finish_non_exhaustive()
    }
}
