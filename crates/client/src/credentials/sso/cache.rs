//! The file that a login is kept in, which AWS's tools and SDKs share.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Map, Value};
use xacct_sign::aws::{format_rfc3339, parse_rfc3339};
use xacct_sign::{Error, ErrorKind, escaped};
use zeroize::Zeroizing;

use super::Login;
use crate::host::{Host, home};

/// A new token.
pub(super) struct Renewed {
    pub(super) access_token: Zeroizing<String>,
    /// In seconds.
    pub(super) expires_in: u64,
    pub(super) refresh_token: Option<Zeroizing<String>>,
}

/// Where the login is.
pub(super) struct Cache(PathBuf);

/// What is in it.
pub(super) struct Token {
    fields: Map<String, Value>,
    access_token: Zeroizing<String>,
    expires_at: SystemTime,
}

/// What a token is renewed with.
pub(super) struct Grant<'t> {
    pub(super) client_id: &'t str,
    pub(super) client_secret: &'t str,
    pub(super) refresh_token: &'t str,
}

impl Cache {
    pub(super) fn of(host: &dyn Host, login: &Login) -> Result<Self, Error> {
        let home = home(host).ok_or_else(|| {
            let message = format!("{} is below the home directory, and HOME is not set", login.what());
            Error::new(ErrorKind::CredentialsNotFound, message)
        })?;
        let mut name = String::new();
        let of = login.session.as_ref().unwrap_or(&login.start_url);
        for byte in digest(&SHA1_FOR_LEGACY_USE_ONLY, of.as_bytes()).as_ref() {
            // A String takes everything.
            let _ = write!(name, "{byte:02x}");
        }
        Ok(Self(home.join(".aws").join("sso").join("cache").join(name + ".json")))
    }

    pub(super) fn read(&self, host: &dyn Host, login: &Login) -> Result<Token, Error> {
        let content = host.read(&self.0).map(Zeroizing::new).map_err(|error| {
            let message = match error.kind() {
                io::ErrorKind::NotFound => format!("{} is not there: no {}", login.what(), self.shown()),
                _ => format!("{} cannot be read from {}: {error}", login.what(), self.shown()),
            };
            Error::new(ErrorKind::CredentialsNotFound, message).with_hint(login.hint()).with_source(error)
        })?;
        // The parser's own error could show what it met.
        serde_json::from_slice(&content).ok().and_then(Token::new).ok_or_else(|| {
            let message = format!("{} in {} has no `accessToken` and `expiresAt`", login.what(), self.shown());
            Error::new(ErrorKind::InvalidConfig, message).with_hint(login.hint())
        })
    }

    pub(super) fn write(&self, host: &dyn Host, token: &Token) -> io::Result<()> {
        let content = Zeroizing::new(serde_json::to_vec(&token.fields)?);
        host.replace(&self.0, &content)
    }

    fn shown(&self) -> String {
        format!("`{}`", escaped(&self.0.to_string_lossy()))
    }
}

impl Token {
    fn new(fields: Map<String, Value>) -> Option<Self> {
        let access_token = Zeroizing::new(fields.get("accessToken")?.as_str()?.to_owned());
        let expires_at = instant(fields.get("expiresAt")?.as_str()?)?;
        Some(Self { fields, access_token, expires_at })
    }

    pub(super) fn access_token(&self) -> &str {
        &self.access_token
    }

    pub(super) fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// What it can be renewed with at `now`, if it can.
    pub(super) fn grant(&self, now: SystemTime) -> Option<Grant<'_>> {
        let text = |key: &str| self.fields.get(key)?.as_str();
        let registered_until = instant(text("registrationExpiresAt")?)?;
        let grant = Grant {
            client_id: text("clientId")?,
            client_secret: text("clientSecret")?,
            refresh_token: text("refreshToken")?,
        };
        (registered_until > now).then_some(grant)
    }

    /// The token that took its place at `now`.
    pub(super) fn renewed(&self, renewed: Renewed, login: &Login, now: SystemTime) -> Self {
        let expires_at = now.checked_add(Duration::from_secs(renewed.expires_in)).unwrap_or(now);
        let mut fields = self.fields.clone();
        let mut set = |key: &str, value: &str| fields.insert(key.to_owned(), Value::String(value.to_owned()));
        set("accessToken", &renewed.access_token);
        set("expiresAt", &format_rfc3339(expires_at).unwrap_or_default());
        set("startUrl", &login.start_url);
        set("region", &login.region);
        match &renewed.refresh_token {
            Some(token) => set("refreshToken", token),
            // The old one has been used.
            None => fields.remove("refreshToken"),
        };
        Self { fields, access_token: renewed.access_token, expires_at }
    }
}

/// An instant, as tools of all ages wrote it.
fn instant(text: &str) -> Option<SystemTime> {
    match text.strip_suffix("UTC") {
        Some(instant) => parse_rfc3339(&format!("{instant}Z")),
        None => parse_rfc3339(text),
    }
}
