//! A profile of the files that AWS's SDKs and tools share.

mod files;
mod identity;
mod ini;
mod plan;
mod roles;
mod split;

use xacct_sign::{Credentials, Error, ErrorKind, escaped};

use super::found::Found;
use super::{container, environment, export, instance, process, shown, sso, web_identity};
use crate::clock::Clock;
use crate::host::Host;
use crate::patience::Patience;
use files::Files;
use plan::{Base, Plan, Source};

/// Where a profile's name comes from.
struct Choice {
    name: String,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Caller,
    Variable(&'static str),
    Nobody,
}

impl Choice {
    fn of(host: &dyn Host, given: Option<&str>) -> Self {
        if let Some(name) = given {
            return Self { name: name.to_owned(), by: By::Caller };
        }
        let named = |variable| host.variable(variable).map(|name| Self { name, by: By::Variable(variable) });
        named("AWS_PROFILE")
            .or_else(|| named("AWS_DEFAULT_PROFILE"))
            .unwrap_or_else(|| Self { name: "default".to_owned(), by: By::Nobody })
    }
}

/// A profile that was looked up.
enum Looked {
    Plan(Box<Plan>),
    Nothing(String),
}

fn look(host: &dyn Host, given: Option<&str>) -> Result<Looked, Error> {
    let choice = Choice::of(host, given);
    let files = Files::read(host)?;
    let name = shown::name(&choice.name);
    if !files.profiles.contains_key(&choice.name) {
        let asked = match choice.by {
            By::Nobody => return Ok(Looked::Nothing(format!("{} a profile {name}", files.lacks()))),
            By::Caller => format!("the profile {name} is asked for"),
            By::Variable(variable) => format!("{variable} names the profile {name}"),
        };
        // What somebody asks for and is not there is a mistake: who else this program would sign as, nobody knows.
        let message = format!("{asked}, which {}", files.lacks());
        let hint = if files.has_bare(&choice.name) {
            format!("in the config file its header has to be `[profile {}]`", escaped(&choice.name))
        } else {
            "write it into one of the files, or correct its name".to_owned()
        };
        return Err(Error::new(ErrorKind::CredentialsNotFound, message).with_hint(hint));
    }
    Ok(match plan::plan(&files, &choice.name)? {
        Some(plan) => Looked::Plan(Box::new(plan)),
        None => Looked::Nothing(format!("the profile {name} has nothing that gives credentials")),
    })
}

/// The region that the profile says. What is wrong with the files is told where credentials are asked for.
pub(super) fn region(host: &dyn Host, given: Option<&str>) -> Option<String> {
    let choice = Choice::of(host, given);
    let files = Files::read(host).ok()?;
    files.profiles.get(&choice.name)?.get("region").map(|region| region.to_string()).filter(|region| !region.is_empty())
}

/// The profile's keys, where it has some that need only be read.
pub(super) fn read(host: &dyn Host, profile: Option<&str>) -> Result<Found, Error> {
    match look(host, profile)? {
        Looked::Plan(plan) => Ok(match plan.base {
            Base::Keys(keys) if plan.roles.is_empty() => Found::Credentials(keys),
            _ => Found::Nothing("its credentials have to be fetched".to_owned()),
        }),
        Looked::Nothing(why) => Ok(Found::Nothing(why)),
    }
}

/// Whose credentials the profile gives.
pub(super) enum Whose {
    /// Its name, the source and what that is set up with.
    Known(Vec<String>),
    /// The machine's, which has to be asked.
    Asked,
    /// Nobody's: it gives none.
    Nobodys,
}

/// What the files alone tell of whose credentials the profile gives.
pub(super) fn whose(host: &dyn Host, profile: Option<&str>) -> Result<Whose, Error> {
    let Looked::Plan(plan) = look(host, profile)? else { return Ok(Whose::Nobodys) };
    let Some(identity) = identity::identity(&plan, host) else { return Ok(Whose::Asked) };
    let files = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].map(|name| host.variable(name).unwrap_or_default());
    Ok(Whose::Known([files.as_slice(), &[Choice::of(host, profile).name], &identity].concat()))
}

/// The profile's credentials, whatever it takes to get them. The clock learns what STS says of the time.
pub(super) fn load(clock: &Clock, patience: &Patience, profile: Option<&str>) -> Result<Found, Error> {
    match look(&**clock.host(), profile)? {
        Looked::Plan(plan) => fetch(&plan, clock, patience).map(Found::Credentials),
        Looked::Nothing(why) => Ok(Found::Nothing(why)),
    }
}

fn fetch(plan: &Plan, clock: &Clock, patience: &Patience) -> Result<Credentials, Error> {
    let mut credentials = base(plan, clock, patience)?;
    for role in &plan.roles {
        credentials = roles::assume(role, &plan.settings, credentials, clock, patience)?;
    }
    Ok(credentials)
}

fn base(plan: &Plan, clock: &Clock, patience: &Patience) -> Result<Credentials, Error> {
    let host = clock.host();
    match &plan.base {
        Base::Keys(keys) => Ok(keys.clone()),
        Base::Source { source, profile } => {
            let found = match source {
                Source::Environment => environment::load(&**host),
                Source::Container => container::load(clock, patience),
                Source::Instance => instance::load(clock, patience),
            };
            match found? {
                Found::Credentials(credentials) => Ok(credentials),
                Found::Nothing(why) => {
                    let (name, source) = (shown::name(profile), source.name());
                    let message = format!("`credential_source = {source}` of the profile {name} has nothing: {why}");
                    Err(Error::new(ErrorKind::CredentialsNotFound, message))
                }
            }
        }
        Base::WebIdentity { profile, role_arn, token_file, session_name } => {
            let region = roles::region(&**host, role_arn, &[profile], &plan.settings);
            let (session_name, region) = (session_name.as_deref(), region.as_deref());
            web_identity::load(clock, patience, role_arn, token_file, session_name, region, &plan.settings)
                .map_err(|error| shown::about(&format!("the profile {}", shown::name(profile)), error))
        }
        Base::Process { profile, program, arguments } => process::load(&**host, patience, profile, program, arguments),
        Base::Sso(login) => sso::load(clock, patience, login, &plan.settings),
        Base::Export { profile } => export::load(&**host, patience, profile),
    }
}
