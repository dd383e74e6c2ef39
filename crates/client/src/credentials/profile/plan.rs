//! What a profile asks for, told by the files alone.

use std::collections::BTreeMap;

use xacct_sign::{Credentials, Error, ErrorKind};

use super::files::Files;
use super::ini::{self, Keys};
use super::split::split;
use crate::credentials::endpoint::Said;
use crate::credentials::sso::Login;
use crate::credentials::{shown, temporary};

/// Keys of sources that are newer than this crate, and that the AWS CLI knows.
const NEWER: [&str; 1] = ["login_session"];

/// Where credentials come from, and the roles that they assume after that, one after the other.
pub(super) struct Plan {
    pub(super) base: Base,
    pub(super) roles: Vec<Role>,
    pub(super) settings: Settings,
}

/// The first credentials of a plan.
pub(super) enum Base {
    Keys(Credentials),
    Source { source: Source, profile: String },
    WebIdentity { profile: String, role_arn: String, token_file: String, session_name: Option<String> },
    Process { profile: String, program: String, arguments: Vec<String> },
    Sso(Login),
    Export { profile: String },
}

/// A `credential_source`.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Environment,
    Container,
    Instance,
}

/// A role that a profile names.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) profile: String,
    pub(super) arn: String,
    pub(super) session_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) duration_seconds: Option<u32>,
}

/// What the profile that was asked for says of endpoints, and what all of them say of regions.
pub(super) struct Settings {
    keys: Keys,
    services: Keys,
    /// The profile that was asked for.
    asked: String,
    regions: BTreeMap<String, String>,
}

impl Source {
    const ALL: [Self; 3] = [Self::Environment, Self::Container, Self::Instance];

    /// As the files write it, in whatever case.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Container => "EcsContainer",
            Self::Instance => "Ec2InstanceMetadata",
        }
    }
}

impl Settings {
    fn of(files: &Files, asked: &str) -> Self {
        let keys = files.profiles.get(asked).cloned().unwrap_or_default();
        let services = value(&keys, "services").and_then(|name| files.services.get(name)).cloned().unwrap_or_default();
        let region = |(name, keys): (&String, &Keys)| Some((name.clone(), value(keys, "region")?.to_owned()));
        Self { keys, services, asked: asked.to_owned(), regions: files.profiles.iter().filter_map(region).collect() }
    }

    /// The region of a profile, else of the one that was asked for.
    pub(super) fn regions<'s>(&'s self, profile: &str) -> impl Iterator<Item = &'s str> {
        [self.regions.get(profile), self.regions.get(&self.asked)].into_iter().flatten().map(String::as_str)
    }
}

impl Said for Settings {
    fn key(&self, key: &str) -> Option<&str> {
        value(&self.keys, key)
    }

    fn url(&self, block: &str) -> Option<&str> {
        ini::nested(self.services.get(block)?, "endpoint_url")
    }
}

/// The value of a key. One that is set to nothing is not set.
fn value<'k>(keys: &'k Keys, key: &str) -> Option<&'k str> {
    keys.get(key).map(|value| value.as_str()).filter(|value| !value.is_empty())
}

/// The plan of a profile that is there; `None` if nothing in it gives credentials.
pub(super) fn plan(files: &Files, asked: &str) -> Result<Option<Plan>, Error> {
    let mut roles = Vec::new();
    let mut seen = vec![asked];
    let mut current = asked;
    let base = loop {
        let keys = files.profiles.get(current).ok_or_else(|| missing(files, &seen, current))?;
        let is_source = !roles.is_empty();
        let has_role = value(keys, "role_arn").is_some() && value(keys, "web_identity_token_file").is_none();
        // A profile that is another's source is asked for its own keys first.
        if !has_role || (is_source && has_keys(keys)) {
            match own(files, current, keys)? {
                Some(base) => break base,
                None if !is_source => return Ok(None),
                None => return Err(wrong(current, "is the `source_profile` of another, and has no credentials")),
            }
        }
        roles.push(role(current, keys)?);
        match (value(keys, "source_profile"), value(keys, "credential_source")) {
            (Some(_), Some(_)) => return Err(wrong(current, "has both `source_profile` and `credential_source`")),
            (None, None) => {
                return Err(wrong(current, "has a `role_arn`, and neither `source_profile` nor `credential_source`"));
            }
            (None, Some(name)) => {
                let known = Source::ALL.into_iter().find(|source| source.name().eq_ignore_ascii_case(name));
                let source = known.ok_or_else(|| {
                    wrong(
                        current,
                        "has a `credential_source` that is none of Environment, EcsContainer and Ec2InstanceMetadata",
                    )
                })?;
                break Base::Source { source, profile: current.to_owned() };
            }
            // Its own keys assume its role.
            (Some(source), None) if source == current && has_keys(keys) => break keys_of(current, keys)?,
            (Some(source), None) => {
                if seen.contains(&source) {
                    let way =
                        seen.iter().chain([&source]).map(|name| shown::name(name)).collect::<Vec<_>>().join(" → ");
                    let message = format!("the profiles lead in a circle by their `source_profile`: {way}");
                    return Err(Error::new(ErrorKind::InvalidConfig, message));
                }
                seen.push(source);
                current = source;
            }
        }
    };
    // The last one found is the first one assumed.
    roles.reverse();
    Ok(Some(Plan { base, roles, settings: Settings::of(files, asked) }))
}

/// What gives a profile's credentials, its role aside.
fn own(files: &Files, name: &str, keys: &Keys) -> Result<Option<Base>, Error> {
    let profile = || name.to_owned();
    let text = |key| value(keys, key).map(str::to_owned);
    if let Some(token_file) = text("web_identity_token_file") {
        let role_arn =
            text("role_arn").ok_or_else(|| wrong(name, "has a `web_identity_token_file`, and no `role_arn`"))?;
        let session_name = text("role_session_name");
        return Ok(Some(Base::WebIdentity { profile: profile(), role_arn, token_file, session_name }));
    }
    if let Some(login) = login(files, name, keys)? {
        return Ok(Some(Base::Sso(login)));
    }
    if has_keys(keys) {
        return keys_of(name, keys).map(Some);
    }
    if NEWER.iter().any(|key| value(keys, key).is_some()) {
        return Ok(Some(Base::Export { profile: profile() }));
    }
    let Some(command) = value(keys, "credential_process") else { return Ok(None) };
    let (program, arguments) = split(command)
        .ok_or_else(|| wrong(name, "has a `credential_process` with a quote or an escape that does not end"))?;
    Ok(Some(Base::Process { profile: profile(), program, arguments }))
}

fn has_keys(keys: &Keys) -> bool {
    value(keys, "aws_access_key_id").is_some() || value(keys, "aws_secret_access_key").is_some()
}

fn keys_of(name: &str, keys: &Keys) -> Result<Base, Error> {
    let needed = |key, other| value(keys, key).ok_or_else(|| wrong(name, &format!("has `{other}`, and no `{key}`")));
    let key_id = needed("aws_access_key_id", "aws_secret_access_key")?;
    let secret = needed("aws_secret_access_key", "aws_access_key_id")?;
    let token = value(keys, "aws_session_token").map(str::to_owned);
    let hint = "add `aws_session_token` to the profile: the three belong together";
    Credentials::new(key_id, secret, token, None)
        .and_then(|credentials| temporary::with_token(credentials, hint))
        .map(Base::Keys)
        .map_err(|error| shown::about(&format!("the profile {}", shown::name(name)), error))
}

fn role(name: &str, keys: &Keys) -> Result<Role, Error> {
    let text = |key| value(keys, key).map(str::to_owned);
    if value(keys, "mfa_serial").is_some() {
        return Err(wrong(name, "has an `mfa_serial`, and nobody is there to type the code").with_hint(
            "get a session by hand (`aws sts get-session-token --serial-number ... --token-code ...`), put its keys into a \
             profile, and make that the `source_profile` of one without `mfa_serial`",
        ));
    }
    let duration_seconds = match value(keys, "duration_seconds") {
        Some(text) => {
            Some(text.parse().map_err(|_| wrong(name, "has a `duration_seconds` that is no number of seconds"))?)
        }
        None => None,
    };
    Ok(Role {
        profile: name.to_owned(),
        arn: text("role_arn").unwrap_or_default(),
        session_name: text("role_session_name"),
        external_id: text("external_id"),
        duration_seconds,
    })
}

/// The SSO login that a profile names, if it names a role there.
fn login(files: &Files, name: &str, keys: &Keys) -> Result<Option<Login>, Error> {
    if value(keys, "sso_account_id").is_none() && value(keys, "sso_role_name").is_none() {
        return Ok(None);
    }
    let session = value(keys, "sso_session");
    let section = match session {
        Some(session) => Some(files.sso_sessions.get(session).ok_or_else(|| {
            wrong(name, &format!("names the `sso_session` {}, and there is no such section", shown::name(session)))
        })?),
        None => None,
    };
    let needed = |key: &str| {
        let (own, shared) = (value(keys, key), section.and_then(|section| value(section, key)));
        if let (Some(own), Some(shared)) = (own, shared)
            && own != shared
        {
            return Err(wrong(name, &format!("and its `sso_session` have different values of `{key}`")));
        }
        let found = shared.or(own).ok_or_else(|| wrong(name, &format!("uses SSO, and has no `{key}`")))?;
        Ok(found.to_owned())
    };
    Ok(Some(Login {
        profile: name.to_owned(),
        session: session.map(str::to_owned),
        start_url: needed("sso_start_url")?,
        region: needed("sso_region")?,
        account_id: needed("sso_account_id")?,
        role_name: needed("sso_role_name")?,
    }))
}

fn missing(files: &Files, seen: &[&str], name: &str) -> Error {
    let (from, name) = (seen.iter().rev().nth(1).copied().unwrap_or_default(), shown::name(name));
    wrong(from, &format!("has the `source_profile` {name}, which {}", files.lacks()))
}

fn wrong(profile: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("the profile {} {what}", shown::name(profile)))
}
