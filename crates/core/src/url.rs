//! URLs: taken apart as they will be sent, and brought into the form in which they should be.

use std::borrow::Cow;

use tinyvec::TinyVec;

use crate::encode::{decoded, is_unreserved, push_encoded, push_escape};
use crate::error::{Error, ErrorKind, quote};
use crate::small::sort::sort_by;
use crate::small::text;

/// A URL taken apart, without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) scheme: Scheme,
    /// What a client sends as `Host`: no user info, no default port.
    pub(crate) host: &'a str,
    /// Everything before the path.
    pub(crate) base: &'a str,
    /// Begins with `/`.
    pub(crate) path: &'a str,
    /// Without its `?`.
    pub(crate) query: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
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
    /// Takes apart a URI that the `http` crate has parsed. One without a host needs a `Host` header.
    pub(crate) fn from_http(uri: &'a http::Uri, has_host_header: bool) -> Result<Self, Error> {
        let (scheme, default_port) = Scheme::ALL
            .iter()
            .find(|(_, name, _)| uri.scheme_str() == Some(name))
            .map_or((Scheme::Https, 443), |(scheme, _, port)| (*scheme, *port));
        let host = match uri.authority() {
            Some(authority) => host_header(authority.as_str(), default_port),
            None => has_host_header.then_some(""),
        };
        let host = host.ok_or_else(|| {
            invalid("the request has no host")
                .with_hint("give an absolute URI, or a `Host` header beside a relative one")
        })?;
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Ok(Self { scheme, host, base: "", path, query: uri.query() })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidUrl, message)
}

/// Takes apart a URL that is about to be sent.
///
/// # Errors
///
/// [`ErrorKind::InvalidUrl`] if it is relative, malformed, or holds a character that cannot be sent.
pub(crate) fn split(url: &str) -> Result<Url<'_>, Error> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(format!(
            "the URL {} holds a space, a control character or a non-ASCII character",
            quote(&without_secrets(url))
        ))
        .with_hint("percent-encode it first: canonical_url does"));
    }
    split_any(url)
}

/// Takes apart a URL whose path and query may still hold characters that cannot be sent.
fn split_any(url: &str) -> Result<Url<'_>, Error> {
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
    let host = host_header(authority, default_port)
        .ok_or_else(|| invalid(format!("the URL {} has no valid host", quote(&without_secrets(url)))).with_hint("a host is letters, digits, dots and hyphens (an international name in its `xn--` form), with an optional port"))?;
    let base = url.get(..scheme_text.len() + 3 + authority.len()).unwrap_or_default();
    let (path, query) = split_at_first(tail, |byte| byte == b'?');
    let query = query.strip_prefix('?');
    Ok(Url { scheme, host, base, path: if path.is_empty() { "/" } else { path }, query })
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

/// What a client sends as `Host` for an authority: no user info, no default port.
fn host_header(authority: &str, default_port: u32) -> Option<&str> {
    let user_info = authority.bytes().rposition(|byte| byte == b'@').map_or(0, |at| at + 1);
    let host_and_port = authority.get(user_info..)?;
    let (host, port) = if host_and_port.starts_with('[') {
        let end = host_and_port.find(']')? + 1;
        let (host, port) = host_and_port.split_at_checked(end)?;
        let inner = host.get(1..host.len().checked_sub(1)?)?;
        if !inner.contains(':') || !inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')) {
            return None;
        }
        (host, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
    } else {
        let (host, port) = split_at_first(host_and_port, |byte| byte == b':');
        let port = port.strip_prefix(':').unwrap_or(port);
        // The unreserved characters but the tilde.
        if host.is_empty() || !host.bytes().all(|byte| is_unreserved(byte) && byte != b'~') {
            return None;
        }
        (host, port)
    };
    if port.is_empty() {
        return Some(host);
    }
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = port.parse::<u16>().ok()?.into();
    Some(if number == default_port { host } else { host_and_port })
}

/// The URL in the form in which every verifier reads it alike, ready to be signed and sent.
///
/// - Scheme and host in lower case, no default port, no fragment; user info is dropped, since it is no part of what AWS
///   authenticates.
/// - Path: dot segments resolved (RFC 3986, section 5.2.4), `//` left alone; characters that cannot be sent are
///   percent-encoded as UTF-8, escapes of unreserved characters decoded, other escapes in upper case. Characters that may
///   stand in a path (`@ : = ;` and the like) stay as they are, since `/a:b` and `/a%3Ab` are two paths to a router.
/// - Query: each key and value decoded (`+` is a space) and encoded strictly; a key without `=` gets one; empty pairs go;
///   sorted by key. Values of a repeated key keep their order, which means something to an API.
///
/// The result is a fixed point: `canonical_url(canonical_url(u)) == canonical_url(u)`.
///
/// ```
/// let url = xacct_sign::canonical_url("https://API.example.com:443/a b/../c%7ed?q=x y&f=id+eq+1#top")?;
/// assert_eq!(url, "https://api.example.com/c~d?f=id%20eq%201&q=x%20y");
/// # Ok::<(), xacct_sign::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidUrl`] if the URL is relative or malformed, or holds a control character.
pub fn canonical_url(url: &str) -> Result<String, Error> {
    if url.chars().any(char::is_control) {
        return Err(invalid(format!("the URL {} holds a control character", quote(&without_secrets(url))))
            .with_hint("a line break or tab in a URL is an accident: remove it"));
    }
    let parts = split_any(url)?;
    let mut out = Vec::with_capacity(url.len() + 16);
    out.extend_from_slice(parts.scheme.name().as_bytes());
    out.extend_from_slice(b"://");
    let (name, port) = match parts.host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port.trim_start_matches('0'))),
        _ => (parts.host, None),
    };
    out.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
    if let Some(port) = port {
        out.push(b':');
        out.extend_from_slice(if port.is_empty() { "0" } else { port }.as_bytes());
    }
    push_sendable_path(&mut out, parts.path);
    let mut query = QueryPairs::parse(parts.query, &[], &[]);
    query.sort_by_key();
    if !query.is_empty() {
        out.push(b'?');
        query.write(&mut out);
    }
    String::from_utf8(out).map_err(|_| invalid("the URL is not text"))
}

fn push_sendable_path(out: &mut Vec<u8>, path: &str) {
    let mut clean = Vec::with_capacity(path.len() + 16);
    for (byte, escaped) in decoded(path.as_bytes()) {
        match (byte, escaped) {
            (byte, _) if is_unreserved(byte) => clean.push(byte),
            (
                b'/' | b'@' | b':' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=',
                false,
            ) => {
                clean.push(byte);
            }
            (byte, _) => push_escape(&mut clean, byte),
        }
    }
    push_without_dot_segments(out, &clean, false);
}

/// Appends a path without `.` and `..` segments, and without empty ones if `collapse` is set.
pub(crate) fn push_without_dot_segments(out: &mut Vec<u8>, path: &[u8], collapse: bool) {
    let body = path.strip_prefix(b"/").unwrap_or(path);
    let mut kept: Vec<&[u8]> = Vec::with_capacity(16);
    let mut ends_with_slash = false;
    for segment in body.split(|byte| *byte == b'/') {
        ends_with_slash = true;
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            b"" if collapse => {}
            segment => {
                kept.push(segment);
                ends_with_slash = false;
            }
        }
    }
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if kept.is_empty() || ends_with_slash {
        out.push(b'/');
    }
}

/// The pairs of a query, encoded strictly, in one buffer.
pub(crate) struct QueryPairs {
    buffer: Vec<u8>,
    pairs: TinyVec<[Pair; 12]>,
}

#[derive(Clone, Copy, Default)]
struct Pair {
    start: usize,
    equals: usize,
    end: usize,
}

impl QueryPairs {
    /// Decodes and encodes again the pairs of `raw`, leaves out those whose decoded key is in `skip`, and adds `extra`.
    pub(crate) fn parse(raw: Option<&str>, skip: &[&str], extra: &[(&str, &str)]) -> Self {
        let raw = raw.unwrap_or_default();
        let mut query = Self { buffer: Vec::with_capacity(raw.len() + 32), pairs: TinyVec::new() };
        for piece in raw.as_bytes().split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let equals = piece.iter().position(|byte| *byte == b'=');
            let (key, value) = match equals.and_then(|at| piece.split_at_checked(at)) {
                Some((key, value)) => (key, value.strip_prefix(b"=").unwrap_or(value)),
                None => (piece, b"".as_slice()),
            };
            if !skip.iter().any(|skipped| form_bytes(key).eq(skipped.bytes())) {
                query.push(form_bytes(key), form_bytes(value));
            }
        }
        for (key, value) in extra {
            query.push(key.bytes(), value.bytes());
        }
        query
    }

    fn push(&mut self, key: impl Iterator<Item = u8>, value: impl Iterator<Item = u8>) {
        let start = self.buffer.len();
        for byte in key {
            push_encoded(&mut self.buffer, &[byte], |_| false);
        }
        let equals = self.buffer.len();
        for byte in value {
            push_encoded(&mut self.buffer, &[byte], |_| false);
        }
        self.pairs.push(Pair { start, equals, end: self.buffer.len() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    fn key(&self, pair: &Pair) -> &[u8] {
        self.buffer.get(pair.start..pair.equals).unwrap_or_default()
    }

    fn value(&self, pair: &Pair) -> &[u8] {
        self.buffer.get(pair.equals..pair.end).unwrap_or_default()
    }

    /// Sorts by encoded key; equal keys keep their order.
    fn sort_by_key(&mut self) {
        let mut pairs = std::mem::take(&mut self.pairs);
        sort_by(&mut pairs, |a, b| self.key(a).cmp(self.key(b)));
        self.pairs = pairs;
    }

    /// Sorts by encoded key, then by encoded value: the canonical query string.
    pub(crate) fn sort(&mut self) {
        let mut pairs = std::mem::take(&mut self.pairs);
        sort_by(&mut pairs, |a, b| self.key(a).cmp(self.key(b)).then_with(|| self.value(a).cmp(self.value(b))));
        self.pairs = pairs;
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                out.push(b'&');
            }
            out.extend_from_slice(self.key(pair));
            out.push(b'=');
            out.extend_from_slice(self.value(pair));
        }
    }
}

/// The bytes of a key or value of a query: escapes decoded, `+` a space.
pub(crate) fn form_bytes(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    decoded(text).map(|(byte, escaped)| if byte == b'+' && !escaped { b' ' } else { byte })
}

/// Whether a host (as in a `Host` header) is this machine's loopback: `localhost`, `127.0.0.0/8`, `[::1]`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        // Zeros in any number, and a one: what is no address at all cannot be reached either.
        let (zeros, one) =
            rest.split_once(']').and_then(|(inner, _)| inner.rsplit_once(':')).unwrap_or(("no address", ""));
        return one.trim_start_matches('0') == "1" && zeros.bytes().all(|byte| matches!(byte, b'0' | b':'));
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let is_octet = |text: &str| text.parse::<u8>().is_ok_and(|_| text == "0" || !text.starts_with(['0', '+']));
    name.eq_ignore_ascii_case("localhost")
        || name
            .strip_prefix("127.")
            .is_some_and(|octets| octets.split('.').count() == 3 && octets.split('.').all(is_octet))
}

/// Scheme and host of a URL, to be compared: two URLs have one origin if these are equal.
///
/// # Errors
///
/// [`ErrorKind::InvalidUrl`] as for [`canonical_url`].
pub fn origin(url: &str) -> Result<Origin, Error> {
    let parts = split_any(url)?;
    Ok(Origin { scheme: parts.scheme.name(), host: parts.host.to_ascii_lowercase() })
}

/// Scheme, host and port of a URL (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: &'static str,
    host: String,
}

impl Origin {
    /// Whether the traffic is encrypted, or stays on this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.scheme, "https" | "wss") || is_loopback(&self.host)
    }

    /// The scheme in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.scheme
    }

    /// Host and port, the default port left out.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_what_the_library_takes_for_it() {
        for name in [
            "127.0.0.1",
            "127.255.0.9",
            "127.0.0.256",
            "127.0.0",
            "127.0.0.1.1",
            "127.0.0.01",
            "127.+1.0.1",
            "127.0..1",
            "128.0.0.1",
            "10.127.0.1",
            "127.example.com",
            "127.0.0.1.example.com",
            "",
        ] {
            let expected = name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
            assert_eq!(is_loopback(name), expected, "{name}");
            assert_eq!(is_loopback(&format!("{name}:8080")), expected, "{name}");
        }
        for name in [
            "::1",
            "0:0:0:0:0:0:0:1",
            "::0001",
            "0::1",
            "::",
            "::2",
            "::10",
            "1::1",
            "::ffff:127.0.0.1",
            "fd00:ec2::23",
            "1",
        ] {
            let expected = name.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
            assert_eq!(is_loopback(&format!("[{name}]")), expected, "{name}");
            assert_eq!(is_loopback(&format!("[{name}]:8080")), expected, "{name}");
        }
        assert!(is_loopback("LocalHost:1") && !is_loopback("localhost.example.com") && !is_loopback("["));
    }
}
