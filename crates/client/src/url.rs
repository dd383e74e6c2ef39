//! URLs as a user of a session gives them.

use xacct_sign::{Error, ErrorKind, Origin, canonical_url, origin};

/// A base URL: absolute URLs must lie in its origin, others are appended to it.
#[derive(Debug, Clone)]
pub(crate) struct BaseUrl {
    /// Without a `/` at its end.
    prefix: String,
    origin: Origin,
}

impl BaseUrl {
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let unusable = |what: &str| {
            Error::new(ErrorKind::InvalidEndpoint, format!("the base URL {what}"))
                .with_hint("give a URL such as `https://api.example.com/v1`")
        };
        if text.contains(['?', '#']) {
            return Err(unusable("has a query or a fragment"));
        }
        let url = canonical_url(text).map_err(|error| unusable("is not a usable URL").with_source(error))?;
        let origin = origin(&url)?;
        Ok(Self { prefix: url.trim_end_matches('/').to_owned(), origin })
    }

    fn join(&self, url: &str) -> Result<String, Error> {
        if !is_absolute(url) {
            if url.starts_with("//") {
                return Err(outside(url));
            }
            let separator = if url.is_empty() || url.starts_with(['/', '?']) { "" } else { "/" };
            return canonical_url(&format!("{}{separator}{url}", self.prefix));
        }
        let url = canonical_url(url)?;
        if origin(&url)? != self.origin {
            return Err(outside(&url));
        }
        Ok(url)
    }
}

fn outside(url: &str) -> Error {
    let host = origin(url)
        .map(|origin| format!("`{}://{}`", origin.scheme(), origin.host()))
        .unwrap_or_else(|_| "the URL".to_owned());
    Error::new(ErrorKind::OriginMismatch, format!("{host} lies outside the base URL's origin"))
        .with_hint("give a path, or make a session of its own for the other API: a signature must not go elsewhere")
}

fn is_absolute(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?', '#']))
}

/// The URL that is signed and sent: canonical, and with `query` behind its own.
///
/// # Errors
///
/// As [`canonical_url`]; [`ErrorKind::OriginMismatch`]; [`ErrorKind::InsecureUrl`] for plain http to a host that is not
/// loopback.
pub(crate) fn resolve(base: Option<&BaseUrl>, url: &str, query: &[(String, String)]) -> Result<String, Error> {
    let mut url = url.split_once('#').map_or(url, |(url, _)| url).to_owned();
    for (index, (key, value)) in query.iter().enumerate() {
        url.push(if index == 0 && !url.contains('?') { '?' } else { '&' });
        url.push_str(&encode(key));
        url.push('=');
        url.push_str(&encode(value));
    }
    let url = match base {
        Some(base) => base.join(&url)?,
        None => canonical_url(&url)?,
    };
    check_private(&url)?;
    Ok(url)
}

/// Refuses a URL to which a signed request must not go: plain http to a host that is not loopback, or no http at all.
///
/// # Errors
///
/// [`ErrorKind::InsecureUrl`]; [`ErrorKind::InvalidUrl`] for another scheme, or a URL that is none.
pub fn check_private(url: &str) -> Result<(), Error> {
    let origin = origin(url)?;
    if !matches!(origin.scheme(), "http" | "https") {
        return Err(Error::new(
            ErrorKind::InvalidUrl,
            format!("the scheme `{}` is neither https nor http", origin.scheme()),
        )
        .with_hint("a WebSocket URL can be presigned, and is opened by a WebSocket client"));
    }
    if origin.is_private() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InsecureUrl, format!("`{}` would get a signed request over plain http", origin.host()))
        .with_hint("use https; plain http is for loopback only"))
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
