//! The two files of profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use xacct_sign::{Error, ErrorKind, escaped};
use zeroize::Zeroizing;

use super::ini::{self, Keys, Section};
use crate::host::{Host, home};

/// What stands in the files: the credentials file's keys before the config file's.
pub(super) struct Files {
    config: Place,
    credentials: Place,
    pub(super) profiles: BTreeMap<String, Keys>,
    pub(super) sso_sessions: BTreeMap<String, Keys>,
    pub(super) services: BTreeMap<String, Keys>,
    /// Headers of the config file that are of nothing it has.
    bare: BTreeSet<String>,
}

/// Where a file is looked for.
struct Place {
    path: Option<PathBuf>,
    /// A variable names it.
    is_given: bool,
    /// Why nothing was read.
    absent: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    Credentials,
}

impl Files {
    pub(super) fn read(host: &dyn Host) -> Result<Self, Error> {
        let mut files = Self {
            config: Place::of(host, "AWS_CONFIG_FILE", "config"),
            credentials: Place::of(host, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            profiles: BTreeMap::new(),
            sso_sessions: BTreeMap::new(),
            services: BTreeMap::new(),
            bare: BTreeSet::new(),
        };
        let config = files.config.read(host)?;
        files.take(config, Kind::Config);
        let credentials = files.credentials.read(host)?;
        files.take(credentials, Kind::Credentials);
        Ok(files)
    }

    fn take(&mut self, sections: Vec<Section>, kind: Kind) {
        // `[profile default]` takes the place of `[default]`.
        let prefers =
            |section: &Section| kind == Kind::Config && named(&section.header) == Some(("profile", "default"));
        let has_prefixed = sections.iter().any(prefers);
        for section in sections {
            let (to, name) = match (kind, named(&section.header)) {
                (Kind::Credentials, _) => (&mut self.profiles, section.header.as_str()),
                (Kind::Config, Some(("profile", name))) => (&mut self.profiles, name),
                (Kind::Config, Some(("sso-session", name))) => (&mut self.sso_sessions, name),
                (Kind::Config, Some(("services", name))) => (&mut self.services, name),
                (Kind::Config, None) if section.header == "default" && !has_prefixed => (&mut self.profiles, "default"),
                // It is somebody else's.
                (Kind::Config, _) => {
                    self.bare.insert(section.header);
                    continue;
                }
            };
            let keys = to.entry(name.to_owned()).or_default();
            if kind == Kind::Credentials && section.keys.contains_key("aws_access_key_id") {
                // A key of one file and the token of the other do not belong together.
                keys.retain(|key, _| !matches!(key.as_str(), "aws_secret_access_key" | "aws_session_token"));
            }
            keys.extend(section.keys);
        }
    }

    /// Whether the config file has this header without the word `profile`.
    pub(super) fn has_bare(&self, name: &str) -> bool {
        self.bare.contains(name)
    }

    /// That a profile is in neither, as a clause.
    pub(super) fn lacks(&self) -> String {
        match (&self.config.path, &self.credentials.path) {
            (Some(config), Some(credentials)) => {
                format!("neither {} nor {} has", self.config.shown(config), self.credentials.shown(credentials))
            }
            (Some(path), None) => format!("{} does not have", self.config.shown(path)),
            (None, Some(path)) => format!("{} does not have", self.credentials.shown(path)),
            (None, None) => "no file has, as HOME is not set,".to_owned(),
        }
    }
}

impl Place {
    fn of(host: &dyn Host, variable: &str, name: &str) -> Self {
        let given = host.variable(variable).map(|given| expanded(host, &given));
        let is_given = given.is_some();
        let path = given.or_else(|| Some(home(host)?.join(".aws").join(name)));
        Self { path, is_given, absent: None }
    }

    fn read(&mut self, host: &dyn Host) -> Result<Vec<Section>, Error> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        let content = match host.read(path) {
            Ok(content) => Zeroizing::new(content),
            Err(error) => {
                let is_missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
                // Another user's home is no mistake: containers often have root's.
                if self.is_given && !is_missing {
                    let message = format!("{} cannot be read: {error}", shown(path));
                    return Err(Error::new(ErrorKind::InvalidConfig, message).with_source(error));
                }
                self.absent =
                    Some(if is_missing { "is not there".to_owned() } else { format!("cannot be read: {error}") });
                return Ok(Vec::new());
            }
        };
        let wrong = |line, what| Error::new(ErrorKind::InvalidConfig, format!("{}, line {line}: {what}", shown(path)));
        let text = std::str::from_utf8(&content).map_err(|error| {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            wrong(before.iter().filter(|byte| **byte == b'\n').count() + 1, "the line is not UTF-8")
        })?;
        ini::parse(text).map_err(|mistake| wrong(mistake.line, mistake.what))
    }

    fn shown(&self, path: &Path) -> String {
        match &self.absent {
            Some(why) => format!("{} (which {why})", shown(path)),
            None => shown(path),
        }
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", escaped(&path.to_string_lossy()))
}

/// The two words of a header; the second one may be in quotes, as a name with a space in it has to be.
fn named(header: &str) -> Option<(&str, &str)> {
    let (kind, name) = header.split_once([' ', '\t'])?;
    let name = name.trim_matches([' ', '\t']);
    for quote in ['"', '\''] {
        if let Some(quoted) = name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Some((kind, quoted));
        }
    }
    (!name.contains([' ', '\t'])).then_some((kind, name))
}

/// A path that may begin with `~`.
fn expanded(host: &dyn Host, path: &str) -> PathBuf {
    let below = path.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with(['/', '\\']));
    match (below, home(host)) {
        (Some(below), Some(home)) => home.join(below.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(path),
    }
}
