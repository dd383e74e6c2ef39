//! The form of a URL in which every verifier reads it alike.

use std::fmt;

use super::path::push_sendable_path;
use super::{QueryPairs, Url, invalid, split_at_first, without_secrets};
use crate::error::{Error, quote};

/// A URL in its canonical form, ready to be signed and sent: parsed once, and known to be what it is.
///
/// - Scheme and host in lower case, no default port, no fragment; user info is dropped, since it is no part of what AWS
///   authenticates.
/// - Path: dot segments resolved (RFC 3986, section 5.2.4), `//` left alone; characters that cannot be sent are
///   percent-encoded as UTF-8, escapes of unreserved characters decoded, other escapes in upper case. Characters that may
///   stand in a path (`@ : = ;` and the like) stay as they are, since `/a:b` and `/a%3Ab` are two paths to a router.
/// - Query: each key and value decoded (`+` is a space) and encoded strictly; a key without `=` gets one; empty pairs go;
///   sorted by key. Values of a repeated key keep their order, which means something to an API.
///
/// ```
/// use xacct_sign::CanonicalUrl;
/// let url = CanonicalUrl::parse("https://API.example.com:443/a b/../c%7ed?q=x y&f=id+eq+1#top")?;
/// assert_eq!(url.as_str(), "https://api.example.com/c~d?f=id%20eq%201&q=x%20y");
/// assert_eq!(url.as_url().host(), "api.example.com");
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalUrl {
    text: String,
    scheme: super::Scheme,
    /// Where the host begins, where the path does, and where the query's `?` stands or the text ends.
    host: usize,
    path: usize,
    query: usize,
}

impl CanonicalUrl {
    /// Brings a URL into its canonical form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`](crate::ErrorKind::InvalidUrl) if the URL is relative or malformed, or holds a control
    /// character.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if url.chars().any(char::is_control) {
            return Err(invalid(format!("the URL {} holds a control character", quote(&without_secrets(url))))
                .with_hint("a line break or tab in a URL is an accident: remove it"));
        }
        let parts = Url::split(url)?;
        let mut out = Vec::with_capacity(url.len() + 16);
        out.extend_from_slice(parts.scheme.name().as_bytes());
        out.extend_from_slice(b"://");
        let host = out.len();
        let (name, port) = match parts.host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.trim_start_matches('0'))),
            _ => (parts.host, None),
        };
        out.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
        if let Some(port) = port {
            out.push(b':');
            out.extend_from_slice(if port.is_empty() { "0" } else { port }.as_bytes());
        }
        let path = out.len();
        push_sendable_path(&mut out, parts.path);
        let query = out.len();
        let mut pairs = QueryPairs::parse(parts.query, &[], &[]);
        pairs.sort_by_key();
        if !pairs.is_empty() {
            out.push(b'?');
            pairs.write(&mut out);
        }
        let text = String::from_utf8(out).map_err(|_| invalid("the URL is not text"))?;
        Ok(Self { text, scheme: parts.scheme, host, path, query })
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL as text, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// The URL taken apart.
    #[must_use]
    pub fn as_url(&self) -> Url<'_> {
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        Url {
            scheme: self.scheme,
            host: part(self.host, self.path),
            base: part(0, self.path),
            path: part(self.path, self.query),
            query: self.text.get(self.query + 1..),
        }
    }

    /// Where a reference leads that stands in an answer from this URL: resolved as browsers do it, and in its canonical form.
    ///
    /// White space around it and line breaks and tabs within are none, and backslashes before the query are slashes
    /// ([URL Standard](https://url.spec.whatwg.org/#concept-basic-url-parser)).
    ///
    /// ```
    /// use xacct_sign::CanonicalUrl;
    /// let url = CanonicalUrl::parse("https://api.example.com/a/b?c=d")?;
    /// assert_eq!(url.join("../e?f")?.as_str(), "https://api.example.com/e?f=");
    /// assert_eq!(url.join("//other.example.com")?.as_str(), "https://other.example.com/");
    /// # Ok::<(), xacct_sign::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`](crate::ErrorKind::InvalidUrl) if it leads to nothing that is a URL of http or a WebSocket.
    pub fn join(&self, reference: &str) -> Result<Self, Error> {
        let clean: String =
            reference.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
        let (place, tail) = split_at_first(&clean, |byte| matches!(byte, b'?' | b'#'));
        let place = place.replace('\\', "/");
        let Url { base, path, query, .. } = self.as_url();
        let scheme = self.scheme.name();
        let (place, scheme) = match split_scheme(&place) {
            // Of the same scheme and without a host it is a path, as the URL Standard has it.
            Some((own, rest)) if own.eq_ignore_ascii_case(scheme) && !rest.starts_with("//") => (rest, scheme),
            Some((other, rest)) => (rest, other),
            None => (place.as_str(), scheme),
        };
        let target = if let Some(authority) = place.strip_prefix("//") {
            format!("{scheme}://{}{tail}", authority.trim_start_matches('/'))
        } else if !scheme.eq_ignore_ascii_case(self.scheme.name()) {
            format!("{scheme}:{place}")
        } else if place.starts_with('/') {
            format!("{base}{place}{tail}")
        } else if !place.is_empty() {
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            format!("{base}{directory}/{place}{tail}")
        } else if tail.starts_with('?') {
            format!("{base}{path}{tail}")
        } else {
            format!("{base}{path}{}{}", if query.is_some() { "?" } else { "" }, query.unwrap_or_default())
        };
        Self::parse(&target)
    }
}

impl fmt::Debug for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_url().fmt(f)
    }
}

/// The scheme with which a reference begins, and what stands behind its colon (RFC 3986, section 3.1).
fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'));
    is_scheme.then_some((scheme, rest))
}

/// The URL in its canonical form as text: see [`CanonicalUrl`]. It is a fixed point:
/// `canonical_url(canonical_url(u)) == canonical_url(u)`.
///
/// ```
/// let url = xacct_sign::canonical_url("https://API.example.com:443/a b/../c%7ed?q=x y&f=id+eq+1#top")?;
/// assert_eq!(url, "https://api.example.com/c~d?f=id%20eq%201&q=x%20y");
/// # Ok::<(), xacct_sign::Error>(())
/// ```
///
/// # Errors
///
/// As [`CanonicalUrl::parse`].
pub fn canonical_url(url: &str) -> Result<String, Error> {
    CanonicalUrl::parse(url).map(CanonicalUrl::into_string)
}
