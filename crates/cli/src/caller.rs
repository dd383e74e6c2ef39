//! Where a command's credentials come from, as its arguments have it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use xacct_sign::sts::Mfa;
use xacct_sign::{Credentials, Error, ErrorKind};
use xacct_sign_client::host::{Host, Machine};
use xacct_sign_client::{Clock, CredentialSource, DefaultChain, Listener, Patience, RoleOptions, RoleProvider};

use crate::arguments::{AssumeArguments, BaseArguments, NeededRoleArguments, RoleArguments};
use crate::cache;

/// Who signs, and on which machine.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) source: Arc<dyn CredentialSource>,
    /// What was typed.
    pub(crate) region: Option<String>,
}

impl Caller {
    /// The role, or without one whoever the base credentials are. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// `RoleNotGiven` for a role and `InvalidOption` for a profile that is empty, as an unset variable makes it; as
    /// [`RoleProvider::new`].
    pub(crate) fn new(arguments: &RoleArguments, listener: Option<Listener>) -> Result<Self, Error> {
        Self::of(arguments.role.as_deref(), &arguments.base, &arguments.assume, listener, true)
    }

    /// The same of a command that may be told to be silent: then it is not said of the cache that it cannot be used.
    ///
    /// # Errors
    ///
    /// As [`Caller::new`].
    pub(crate) fn of_call(arguments: &RoleArguments, listener: Option<Listener>, warns: bool) -> Result<Self, Error> {
        Self::of(arguments.role.as_deref(), &arguments.base, &arguments.assume, listener, warns)
    }

    /// The role.
    ///
    /// # Errors
    ///
    /// As [`Caller::new`].
    pub(crate) fn of_role(arguments: &NeededRoleArguments, listener: Option<Listener>) -> Result<Self, Error> {
        Self::of(Some(&arguments.role), &arguments.base, &arguments.assume, listener, true)
    }

    fn of(
        role: Option<&str>,
        base: &BaseArguments,
        assume: &AssumeArguments,
        listener: Option<Listener>,
        warns: bool,
    ) -> Result<Self, Error> {
        refuse_empty(base, assume)?;
        let host: Arc<dyn Host> = Arc::new(Machine::default());
        let chain = DefaultChain::on(Arc::clone(&host), base.profile.clone());
        let region = base.region.clone();
        let source: Arc<dyn CredentialSource> = match role {
            None => Arc::new(chain),
            Some(role) if role.trim().is_empty() => {
                return Err(Error::new(ErrorKind::RoleNotGiven, "`--role` is empty").with_hint(
                    "give the role's ARN (is the variable it comes from unset?); to sign without a role, leave `--role` out",
                ));
            }
            Some(role) => {
                assumed(&host, role_options(&*host, role, region.as_deref(), assume, listener), assume, chain, warns)?
            }
        };
        Ok(Self { host, source, region })
    }
}

/// What is empty as an unset variable makes it is not taken for what was not typed.
fn refuse_empty(base: &BaseArguments, assume: &AssumeArguments) -> Result<(), Error> {
    let options = [
        (
            &base.profile,
            ErrorKind::InvalidOption,
            "`--profile` is empty",
            "give the profile's name (is the variable it comes from unset?); for the usual credentials, leave `--profile` out",
        ),
        (
            &assume.external_id,
            ErrorKind::InvalidExternalId,
            "`--external-id` is empty",
            "give what the role's owner gave you (is the variable it comes from unset?); for a role without one, leave `--external-id` out",
        ),
        (
            &assume.session_name,
            ErrorKind::InvalidSessionName,
            "`--session-name` is empty",
            "give 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -` (is the variable it comes from unset?); for the usual name, leave `--session-name` out",
        ),
    ];
    let empty = options.into_iter().find(|(value, ..)| value.as_ref().is_some_and(|value| value.trim().is_empty()));
    empty.map_or(Ok(()), |(_, kind, text, hint)| Err(Error::new(kind, text).with_hint(hint)))
}

/// The role as the arguments have it.
pub(crate) fn role_options(
    host: &dyn Host,
    role: &str,
    region: Option<&str>,
    assume: &AssumeArguments,
    listener: Option<Listener>,
) -> RoleOptions {
    let mut options = RoleOptions::without_region_on(host, role);
    options.region = region.map(str::to_owned);
    options.listener = listener;
    let call = &mut options.call;
    if let Some(name) = &assume.session_name {
        call.session_name.clone_from(name);
    }
    if let Some(seconds) = assume.duration {
        // What is too long for a number is too long for STS.
        call.duration_seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    }
    call.external_id.clone_from(&assume.external_id);
    call.tags.clone_from(&assume.tag);
    call.source_identity.clone_from(&assume.source_identity);
    options
}

/// The role's credentials: the one place where roles are assumed.
fn assumed(
    host: &Arc<dyn Host>,
    options: RoleOptions,
    arguments: &AssumeArguments,
    base: DefaultChain,
    warns: bool,
) -> Result<Arc<dyn CredentialSource>, Error> {
    // Bad input is told before anybody is asked for a code.
    let role = RoleProvider::on(Arc::clone(host), options.clone(), base.clone())?;
    let mut call = options.call.clone();
    let source: Arc<dyn CredentialSource> = match &arguments.mfa_serial {
        None => Arc::new(role.clone()),
        Some(serial) => {
            call.mfa = Some(Mfa { serial_number: serial.clone(), token_code: String::new() });
            // So is a serial number, with a code that is none of anybody's.
            let mut asked = options.clone();
            asked.call.mfa = Some(Mfa { serial_number: serial.clone(), token_code: "000000".to_owned() });
            RoleProvider::on(Arc::clone(host), asked, base.clone())?;
            Arc::new(Prompted::new(host, options, serial, base.clone()))
        }
    };
    Ok(if arguments.no_cache { source } else { cache::cached(host, call, role, base, source, warns) })
}

/// A role whose STS call needs a code, which is asked for when the credentials are.
struct Prompted {
    host: Arc<dyn Host>,
    options: RoleOptions,
    serial: String,
    base: DefaultChain,
    role: OnceLock<RoleProvider>,
    region: OnceLock<String>,
}

impl Prompted {
    fn new(host: &Arc<dyn Host>, options: RoleOptions, serial: &str, base: DefaultChain) -> Self {
        let (role, region) = (OnceLock::new(), OnceLock::new());
        Self { host: Arc::clone(host), options, serial: serial.to_owned(), base, role, region }
    }

    fn role(&self) -> Result<&RoleProvider, Error> {
        if let Some(role) = self.role.get() {
            return Ok(role);
        }
        let token_code = ask_for_code(&self.serial)?;
        let mut options = self.options.clone();
        options.call.mfa = Some(Mfa { serial_number: self.serial.clone(), token_code });
        let role = RoleProvider::on(Arc::clone(&self.host), options, self.base.clone())?;
        if let Some(region) = self.region.get() {
            role.learn_region(region)?;
        }
        Ok(self.role.get_or_init(|| role))
    }
}

impl CredentialSource for Prompted {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        CredentialSource::credentials(self.role()?, patience)
    }

    fn region(&self) -> Option<&str> {
        self.options.region.as_deref()
    }

    fn usual_region(&self) -> Option<String> {
        self.base.usual_region()
    }

    fn learn_region(&self, region: &str) -> Result<(), Error> {
        self.region.get_or_init(|| region.to_owned());
        Ok(())
    }

    fn clock(&self) -> Option<Clock> {
        self.base.clock()
    }
}

impl fmt::Debug for Prompted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompted").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// Asks on the terminal itself: standard input may be the request's body.
pub(crate) fn ask_for_code(serial: &str) -> Result<String, Error> {
    let prompt = format!("MFA code of {}: ", xacct_sign::escaped(serial));
    rpassword::prompt_password(prompt).map(|code| code.trim().to_owned()).map_err(|error| {
        Error::new(ErrorKind::InvalidMfa, "there is no terminal to ask for the MFA code on")
            .with_hint("run it where there is a terminal: the code is no argument, since those can be seen by others")
            .with_source(error)
    })
}
