//! A request and its answer, as much as is known of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fields::{Fields, InvalidInput};

/// A request and its answer. Everything may be left out: what is not known is not judged.
///
/// As JSON it has these names; the faces pass it so.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The method that was sent.
    pub method: Option<String>,
    /// The URL that was sent.
    pub url: Option<String>,
    /// The canonical request that was signed.
    pub canonical_request: Option<String>,
    /// The string that was signed.
    pub string_to_sign: Option<String>,
    /// Whether a token or a proof went with it, in place of a signature.
    pub has_bearer: bool,
    /// When the credentials that signed expire, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// What the clock of the signer said when the answer came, in seconds since 1970; without what it knew of its being off.
    pub answered_at: Option<i64>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The headers of the answer, by their names in any case.
    pub headers: BTreeMap<String, String>,
    /// The body of the answer; empty where it was read and has nothing.
    pub body: Option<String>,
}

impl Exchange {
    /// From JSON.
    ///
    /// # Errors
    ///
    /// For what is no object of these fields.
    pub fn from_json(text: &str) -> Result<Self, InvalidInput> {
        Fields::parse(text, Self::read)
    }

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            method: fields.text("method")?,
            url: fields.text("url")?,
            canonical_request: fields.text("canonical_request")?,
            string_to_sign: fields.text("string_to_sign")?,
            has_bearer: fields.boolean("has_bearer")?.unwrap_or_default(),
            expires_at: fields.integer("expires_at")?,
            answered_at: fields.integer("answered_at")?,
            status: fields.status("status")?,
            headers: fields.texts("headers")?,
            body: fields.text("body")?,
        })
    }

    /// What is known of the body, without the space around it.
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default().trim()
    }

    /// Whether the body is known to say nothing: it was read, or has no length.
    pub(crate) fn has_no_text(&self) -> bool {
        let is_known = self.body.is_some() || self.header("content-length") == Some("0");
        is_known && self.text().is_empty()
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The host of the URL, without its port.
    pub(crate) fn host(&self) -> Option<&str> {
        host_of(self.url.as_deref()?)
    }

    /// Whether its URL is known, and has no query.
    pub(crate) fn has_no_query(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.split('#').next().is_some_and(|url| !url.contains('?')))
    }

    pub(crate) fn answered_at(&self) -> Option<SystemTime> {
        instant(self.answered_at?)
    }
}

/// The host of a URL with a scheme, or of one that takes the scheme of another (`//host/`), without its port.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    let (before, rest) = url.split_once("//")?;
    if !before.is_empty() && !before.ends_with(':') {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    if host.starts_with('[') {
        return host.split_inclusive(']').next();
    }
    host.split(':').next().filter(|host| !host.is_empty())
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
