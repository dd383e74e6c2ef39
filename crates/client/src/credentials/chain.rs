//! The default chain: where AWS's SDKs look for credentials, in their order.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use once_cell::race::OnceBox;
use xacct_sign::{Credentials, Error, ErrorKind};

use super::found::Found;
use super::profile::Whose;
use super::shared::{Fetch, Shared};
use super::{CredentialSource, container, environment, instance, profile, shown, web_identity};
use crate::clock::Clock;
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// Credentials from wherever the program runs: the environment, the profile, a web identity, the container, the instance.
///
/// The first source that is set up gives them; one that is set up and fails is an error. Keys that stand in the environment are
/// read each time, those in a file once a second at most; what has to be fetched is kept until it expires, and fetched from
/// scratch then. Cloning is cheap, and clones share what they fetch.
///
/// # Defaults
///
/// The profile is that of `AWS_PROFILE`, else `AWS_DEFAULT_PROFILE`, else `default`.
#[derive(Clone)]
pub struct DefaultChain(Shared<Chain>);

/// How long what was read counts as what stands there: who signs often does not read files of thousands of profiles each time.
const COUNTS: Duration = Duration::from_secs(1);

struct Chain {
    clock: Clock,
    profile: Option<String>,
    /// When the files were read, and the profile's keys in them, if they had some.
    seen: Mutex<Option<(SystemTime, Option<Credentials>)>>,
    /// The profile's, once it was found.
    region: OnceBox<String>,
}

impl DefaultChain {
    /// The chain on this machine. Nothing is read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Arc::new(Machine::default()), None)
    }

    /// The chain with a profile by name. Keys and a web identity in the environment do not count then.
    #[must_use]
    pub fn with_profile(name: impl Into<String>) -> Self {
        Self::on(Arc::new(Machine::default()), Some(name.into()))
    }

    /// The chain on a [`Host`], with a profile by name or without.
    #[must_use]
    pub fn on(host: Arc<dyn Host>, profile: Option<String>) -> Self {
        // The hasher's keys are drawn at random for each process: enough to spread refreshes.
        let seed = RandomState::new().hash_one(&profile);
        Self(Shared::new(
            Chain { clock: Clock::new(host), profile, seen: Mutex::new(None), region: OnceBox::new() },
            seed,
        ))
    }

    /// Whose credentials these are, as far as the environment and the files tell it: the source that would be asked, and what it is
    /// set up with, such as a key id, a profile, a role. Nothing is asked for it. It is the same as long as they are the same one's,
    /// and holds no secret. `None` for those of a container or an instance, which nothing but themselves tells.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::credentials`] for what is malformed or missing in there.
    pub fn identity(&self) -> Result<Option<Vec<String>>, Error> {
        let chain = self.0.source();
        let named = |source: &str, said: Vec<String>| Some([vec![source.to_owned()], said].concat());
        if let Found::Credentials(keys) = chain.environment()? {
            return Ok(named("environment", vec![keys.access_key_id().to_owned()]));
        }
        match profile::whose(&**chain.host(), chain.profile.as_deref())? {
            Whose::Known(said) => return Ok(named("profile", said)),
            Whose::Asked => return Ok(None),
            Whose::Nobodys => {}
        }
        let given = chain.profile.is_none().then(|| web_identity::given(&**chain.host())).flatten();
        Ok(given.and_then(|said| named("web identity", said.into())))
    }

    /// The profile that was given by name.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.0.source().profile.as_deref()
    }
}

impl Default for DefaultChain {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialSource for DefaultChain {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        match self.0.source().read()? {
            Some(keys) => Ok(keys),
            None => self.0.current(patience),
        }
    }

    fn at_hand(&self) -> Option<Credentials> {
        // Files that are kept in memory, or read from the disk of this machine.
        match self.0.source().read().ok()? {
            Some(keys) => Some(keys),
            None => self.0.at_hand(),
        }
    }

    fn usual_region(&self) -> Option<String> {
        let chain = self.0.source();
        if chain.region.get().is_none() {
            let found = profile::region(&**chain.host(), chain.profile.as_deref())?;
            // Another thread may have been faster.
            let _ = chain.region.set(Box::new(found));
        }
        chain.region.get().cloned()
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.0.source().clock.clone())
    }
}

impl Chain {
    fn host(&self) -> &Arc<dyn Host> {
        self.clock.host()
    }

    /// Keys that need only be read: nobody says when these are changed.
    fn read(&self) -> Result<Option<Credentials>, Error> {
        match self.environment()? {
            Found::Credentials(keys) => usable("environment", keys, &self.clock).map(Some),
            Found::Nothing(_) => self.read_files(),
        }
    }

    fn read_files(&self) -> Result<Option<Credentials>, Error> {
        let now = self.host().now();
        // Nobody waits for another: to read twice does no harm, and a forked child's lock may be held forever.
        if let Ok(seen) = self.seen.try_lock()
            && let Some((at, keys)) = &*seen
            && now.duration_since(*at).is_ok_and(|age| age < COUNTS)
        {
            return Ok(keys.clone());
        }
        let keys = match profile::read(&**self.host(), self.profile.as_deref())? {
            Found::Credentials(keys) => Some(keys),
            Found::Nothing(_) => None,
        };
        if let Ok(mut seen) = self.seen.try_lock() {
            *seen = Some((now, keys.clone()));
        }
        Ok(keys)
    }

    fn environment(&self) -> Result<Found, Error> {
        if self.profile.is_some() {
            return Ok(Found::Nothing("not asked, since a profile is given by name".to_owned()));
        }
        environment::load(&**self.host())
    }

    fn web_identity(&self, patience: &Patience) -> Result<Found, Error> {
        if self.profile.is_some() {
            return Ok(Found::Nothing("not asked, since a profile is given by name".to_owned()));
        }
        web_identity::from_environment(&self.clock, patience)
    }
}

impl Fetch for Chain {
    type Item = Credentials;

    fn fetch(&self, patience: &Patience) -> Result<Credentials, Error> {
        type Source<'s> = &'s dyn Fn() -> Result<Found, Error>;
        let sources: [(&str, Source<'_>); 5] = [
            ("environment", &|| self.environment()),
            ("profile", &|| profile::load(&self.clock, patience, self.profile.as_deref())),
            ("web identity", &|| self.web_identity(patience)),
            ("container", &|| container::load(&self.clock, patience)),
            ("instance metadata", &|| instance::load(&self.clock, patience)),
        ];
        let mut message = "no credentials were found".to_owned();
        for (name, load) in sources {
            match load()? {
                Found::Credentials(credentials) => return usable(name, credentials, &self.clock),
                Found::Nothing(why) => message.push_str(&format!("; {name}: {why}")),
            }
        }
        Err(Error::new(ErrorKind::CredentialsNotFound, message).with_hint(
            "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where a role is attached, or pass credentials",
        ))
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::CredentialsNotFound, "the thread that looked for credentials broke off")
    }
}

/// What has expired already is said with where it is from.
fn usable(from: &str, credentials: Credentials, clock: &Clock) -> Result<Credentials, Error> {
    clock.check_usable(&credentials).map_err(|error| shown::about(from, error)).map(|()| credentials)
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl fmt::Debug for DefaultChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
