//! The default chain: where AWS's SDKs look for credentials, in their order.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use xacct_sign::{Credentials, Error, ErrorKind, Skew};

use super::found::Found;
use super::shared::{Fetch, Shared};
use super::{CredentialSource, container, environment, instance, profile, web_identity};
use crate::clock::Clock;
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// Credentials from wherever the program runs: the environment, the profile's files, a web identity, the container, the instance.
///
/// The first source that is set up gives them; one that is set up and fails is an error. Keys that stand in the environment or in
/// a file are read again each time; what has to be fetched is kept until it expires. Cloning is cheap, and clones share what they
/// fetch.
///
/// # Defaults
///
/// The profile is that of `AWS_PROFILE`, else `AWS_DEFAULT_PROFILE`, else `default`.
#[derive(Clone)]
pub struct DefaultChain(Shared<Chain>);

struct Chain {
    clock: Clock,
    profile: Option<String>,
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
        Self(Shared::new(Chain { clock: Clock::new(host), profile }, seed))
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
            Found::Credentials(keys) => Ok(keys),
            Found::Nothing(_) => self.0.credentials(patience),
        }
    }

    fn skew(&self) -> Skew {
        self.0.source().clock.skew()
    }
}

impl Chain {
    fn host(&self) -> &Arc<dyn Host> {
        self.clock.host()
    }

    /// Keys that need only be read: nobody says when these are changed.
    fn read(&self) -> Result<Found, Error> {
        match self.environment()? {
            Found::Nothing(_) => profile::read(&**self.host(), self.profile.as_deref()),
            found @ Found::Credentials(_) => Ok(found),
        }
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
        web_identity::from_environment(self.host(), patience)
    }
}

impl Fetch for Chain {
    fn fetch(&self, patience: &Patience) -> Result<Credentials, Error> {
        type Source<'s> = &'s dyn Fn() -> Result<Found, Error>;
        let sources: [(&str, Source<'_>); 5] = [
            ("environment", &|| self.environment()),
            ("profile", &|| profile::load(&self.clock, patience, self.profile.as_deref())),
            ("web identity", &|| self.web_identity(patience)),
            ("container", &|| container::load(self.host(), patience)),
            ("instance metadata", &|| instance::load(self.host(), patience)),
        ];
        let mut message = "no credentials were found".to_owned();
        for (name, load) in sources {
            match load()? {
                Found::Credentials(credentials) => return Ok(credentials),
                Found::Nothing(why) => message.push_str(&format!("; {name}: {why}")),
            }
        }
        Err(Error::new(ErrorKind::CredentialsNotFound, message).with_hint(
            "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where a role is attached, or pass credentials",
        ))
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::CredentialsNotFound, "the thread that looked for credentials broke off")
    }
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
