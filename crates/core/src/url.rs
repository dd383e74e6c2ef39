//! URLs: taken apart as they will be sent, and brought into the form in which they should be.

mod canonical;
mod host;
mod path;
mod query;
mod readings;

use std::borrow::Cow;
use std::fmt;

pub use canonical::{CanonicalUrl, canonical_url};
pub use path::without_dot_segments;
pub use readings::path_readings;

pub(crate) use path::push_without_dot_segments;
pub(crate) use query::{QueryPairs, form_bytes};

use crate::error::{Error, ErrorKind, quote};
use crate::small::text;

/// A URL taken apart exactly as it will be sent, without a copy.
///
/// ```
/// let url = xacct_sign::Url::parse("https://user@api.example.com:443/a?b#c")?;
/// assert_eq!((url.host(), url.path(), url.query()), ("api.example.com", "/a", Some("b")));
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    scheme: Scheme,
    host: &'a str,
    /// Everything before the path.
    base: &'a str,
    /// Begins with `/`.
    path: &'a str,
    /// Without its `?`.
    query: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
}

impl Scheme {
    const ALL: [(Scheme, &'static str, u32); 4] =
        [(Scheme::Https, "https", 443), (Scheme::Http, "http", 80), (Scheme::Wss, "wss", 443), (Scheme::Ws, "ws", 80)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(scheme, ..)| *scheme == self).map_or("https", |(_, name, _)| name)
    }
}

impl<'a> Url<'a> {
    /// Takes apart a URL that is about to be sent: absolute and percent-encoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`] if it is relative, malformed, or holds a character that cannot be sent.
    pub fn parse(url: &'a str) -> Result<Self, Error> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid(format!(
                "the URL {} holds a space, a control character or a non-ASCII character",
                quote(&without_secrets(url))
            ))
            .with_hint("percent-encode it first; `canonical_url` does so, in JavaScript `canonicalUrl`"));
        }
        Self::split(url)
    }

    /// Takes apart a URI that the `http` crate has parsed. One without a host needs a `Host` header.
    pub(crate) fn from_http(uri: &'a http::Uri, has_host_header: bool) -> Result<Self, Error> {
        let (scheme, default_port) = Scheme::ALL
            .iter()
            .find(|(_, name, _)| uri.scheme_str() == Some(name))
            .map_or((Scheme::Https, 443), |(scheme, _, port)| (*scheme, *port));
        let host = match uri.authority() {
            Some(authority) => host::host_header(authority.as_str(), default_port),
            None => has_host_header.then_some(""),
        };
        let host = host.ok_or_else(|| {
            invalid("the request has no host")
                .with_hint("give an absolute URI, or a `Host` header beside a relative one")
        })?;
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Ok(Self { scheme, host, base: "", path, query: uri.query() })
    }

    /// Takes apart a URL whose path and query may still hold characters that cannot be sent.
    fn split(url: &'a str) -> Result<Self, Error> {
        let relative = || {
            invalid(format!("the URL {} is not absolute", quote(&without_secrets(url))))
                .with_hint("give the whole URL, such as `https://api.example.com/path`")
        };
        let (scheme_text, rest) = split_at_first(url, |byte| matches!(byte, b':' | b'/' | b'?' | b'#'));
        let rest = rest.strip_prefix("://").filter(|_| !scheme_text.is_empty()).ok_or_else(relative)?;
        let (scheme, default_port) = Scheme::ALL
            .iter()
            .find(|(_, name, _)| name.eq_ignore_ascii_case(scheme_text))
            .map(|(scheme, _, port)| (*scheme, *port))
            .ok_or_else(|| {
                invalid(format!("the URL's scheme {} is none of https, http, wss and ws", quote(scheme_text)))
            })?;
        let (rest, _fragment) = split_at_first(rest, |byte| byte == b'#');
        let (authority, tail) = split_at_first(rest, |byte| matches!(byte, b'/' | b'?'));
        if authority.contains('\\') {
            // A browser takes it for a slash, so that what stands before it is the host there, and user info here.
            return Err(invalid(format!("the URL {} has a backslash in its host", quote(&without_secrets(url))))
                .with_hint("write slashes"));
        }
        let host = host::host_header(authority, default_port).ok_or_else(|| {
            invalid(format!("the URL {} has no valid host", quote(&without_secrets(url)))).with_hint(
                "a host is letters, digits, dots and hyphens (an international name in its `xn--` form), with an optional port",
            )
        })?;
        let base = url.get(..scheme_text.len() + 3 + authority.len()).unwrap_or_default();
        let (path, query) = split_at_first(tail, |byte| byte == b'?');
        let query = query.strip_prefix('?');
        Ok(Self { scheme, host, base, path: if path.is_empty() { "/" } else { path }, query })
    }

    /// What a client sends as `Host`: no user info, no default port.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Whether there is a signature in the query.
    pub(crate) fn is_signed(&self) -> bool {
        self.query.is_some() && QueryPairs::parse(self.query, &[], &[]).are_signed()
    }

    /// The path, which begins with `/`.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query without its `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> Origin<'a> {
        Origin { scheme: self.scheme, host: self.host }
    }

    /// Scheme and authority as they were given: what stands before the path.
    pub(crate) fn base(&self) -> &'a str {
        self.base
    }
}

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // User info and query may hold secrets.
        f.debug_struct("Url").field("origin", &self.origin()).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Scheme, host and port of a URL (RFC 6454): two URLs have one origin if these are equal. `Display` gives `https://host`, in
/// lower case.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    scheme: Scheme,
    host: &'a str,
}

impl<'a> Origin<'a> {
    /// Whether the traffic is encrypted, or stays on this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.scheme, Scheme::Https | Scheme::Wss) || self.is_loopback()
    }

    /// Whether the host is this machine: `localhost` and what is in it (RFC 6761, section 6.3), `127.0.0.0/8`, `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        host::is_loopback(self.host)
    }

    /// The scheme in lower case.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme.name()
    }

    /// Host and port, the default port left out.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.host
    }
}

impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host.eq_ignore_ascii_case(other.host)
    }
}

impl Eq for Origin<'_> {}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.scheme(), "://", &self.host.to_ascii_lowercase()] {
            f.write_str(part)?;
        }
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidUrl, message)
}

/// What stands before the first byte that is wanted, and the rest from there; the byte is ASCII.
#[inline]
fn split_at_first(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let at = text.bytes().position(wanted).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// A URL for a message: without user info and query, either of which may hold a secret.
///
/// A secret may itself hold a `/`, and a URL that needs a message may lack its scheme: whatever stands before the last `@`
/// is left out.
pub(crate) fn without_secrets(url: &str) -> Cow<'_, str> {
    let shown = url.find(['?', '#']).and_then(|end| url.get(..end)).unwrap_or(url);
    let (scheme, rest) = text::cut(shown, "://").unwrap_or(("", shown));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => Cow::Owned(format!("…@{host}")),
        Some((_, host)) => Cow::Owned(format!("{scheme}://…@{host}")),
        None => Cow::Borrowed(shown),
    }
}
