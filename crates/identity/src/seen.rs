//! The paths that a request asks for: what the client sent, and what the application sees.

/// The path as the application sees it, in the form in which its server has it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// As in a request line, escapes and all, whatever stands behind a `?`: of a router, below what the application is mounted at.
    Target {
        /// What the router took away of it and still knows, such as `baseUrl` in Express; else nothing.
        mounted_at: &'a str,
        /// What is left: a path, or a URL.
        target: &'a str,
    },
    /// Decoded and whole, as ASGI and WSGI have it.
    Decoded(&'a [u8]),
}

/// The paths that [`Verifier::check`](crate::Verifier::check) is to be asked of: that of the target as the client sent it, if the server
/// says so, and the one that the application sees, where these are two. So nothing that rewrites paths, and no server that reads one
/// otherwise than the application, opens another route than the caller's.
///
/// Of a URL the path behind its authority counts (RFC 9112, section 3.2.2). What is no path stays as it is, and is refused as one. So
/// does a fragment: no client sends one, servers differ in what they make of it, and the check reads it every way.
///
/// ```
/// use xacct_sign_identity::{Seen, paths};
///
/// let below = Seen::Target { mounted_at: "/api", target: "/items?page=2" };
/// assert_eq!(paths(Some("/api/items?page=2"), below), ["/api/items"]);
/// let decoded = Seen::Decoded(b"/items/a b");
/// assert_eq!(paths(Some("/items/%61%20b"), decoded), ["/items/%61%20b", "/items/a%20b"]);
/// ```
#[must_use]
pub fn paths(sent: Option<&str>, seen: Seen<'_>) -> Vec<String> {
    let sent = sent.map(path_of);
    let seen = match seen {
        Seen::Decoded(b"") => "/".to_owned(),
        Seen::Decoded(path) => encoded(path),
        // Routers put a slash where nothing is left of what was asked for.
        Seen::Target { mounted_at, target } if sent == Some(mounted_at) && path_of(target) == "/" => {
            mounted_at.to_owned()
        }
        Seen::Target { mounted_at, target } => [mounted_at, path_of(target)].concat(),
    };
    let sent = sent.filter(|sent| *sent != seen).map(str::to_owned);
    sent.into_iter().chain([seen]).collect()
}

/// What a target has before its query, and behind its authority where it is a URL.
fn path_of(target: &str) -> &str {
    let target = target.split('?').next().unwrap_or_default();
    match behind_authority(target) {
        Some("") => "/",
        Some(path) => path,
        None => target,
    }
}

/// `None` for what is no URL with an authority. Some parsers find one in `http:///a/b`, which is `a`, and read no tabs.
fn behind_authority(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority = rest.split(['/', '\\', '#']).next()?;
    let is_one = !authority.is_empty() && authority.bytes().all(|byte| byte.is_ascii_graphic());
    if is_scheme && is_one { rest.get(authority.len()..) } else { None }
}

/// A path with escapes for what may not stand in one (RFC 3986, section 3.3).
fn encoded(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
