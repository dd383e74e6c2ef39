//! A request and its answer, as much as is known of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A request and its answer. Everything may be left out: what is not known is not judged.
///
/// As JSON it has these names; the faces pass it so.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exchange {
    /// The method that was sent.
    pub method: Option<String>,
    /// The URL that was sent.
    pub url: Option<String>,
    /// The canonical request that was signed.
    pub canonical_request: Option<String>,
    /// The string that was signed.
    pub string_to_sign: Option<String>,
    /// When the credentials that signed expire, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// What the clock of the signer said when the answer came, in seconds since 1970; without what it knew of its being off.
    pub answered_at: Option<i64>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The headers of the answer, by their names in any case.
    pub headers: BTreeMap<String, String>,
    /// The body of the answer.
    pub body: String,
}

impl Exchange {
    /// From JSON.
    ///
    /// # Errors
    ///
    /// For what is no object of these fields.
    pub fn from_json(text: &str) -> Result<Self, InvalidInput> {
        from_json(text)
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The host of the URL, without its port.
    pub(crate) fn host(&self) -> Option<&str> {
        let (_, rest) = self.url.as_deref()?.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        if host.starts_with('[') {
            return host.split_inclusive(']').next();
        }
        host.split(':').next().filter(|host| !host.is_empty())
    }

    pub(crate) fn answered_at(&self) -> Option<SystemTime> {
        instant(self.answered_at?)
    }
}

/// An instant of seconds since 1970.
pub(crate) fn instant(seconds: i64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The others may hold secrets.
        f.debug_struct("Exchange").field("method", &self.method).field("status", &self.status).finish_non_exhaustive()
    }
}

/// What was given is not what can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidInput(String);

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidInput {}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, InvalidInput> {
    // What serde says of a wrong value may show it.
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let field = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
        InvalidInput(match field {
            Some((name, _)) => format!("there is no field `{}`", xacct_sign::escaped(name)),
            None => format!("line {}, column {} is not what stands there", error.line(), error.column()),
        })
    })
}
