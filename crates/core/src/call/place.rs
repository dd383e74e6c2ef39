//! Where a signed request may go.

use crate::encode::push_encoded;
use crate::error::{Error, ErrorKind};
use crate::signer::check_unsigned;
use crate::url::{CanonicalUrl, Url};

/// A base URL: absolute URLs must lie in its origin, others are appended to it.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    url: CanonicalUrl,
}

impl BaseUrl {
    /// A base to which signed requests may go.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidEndpoint`] for a URL that is none, or has a query or a fragment; [`ErrorKind::InsecureUrl`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unusable = |what: &str| {
            Error::new(ErrorKind::InvalidEndpoint, format!("the base URL {what}"))
                .with_hint("give a URL such as `https://api.example.com/v1`")
        };
        let usable = CanonicalUrl::parse(text).and_then(|url| check_reachable(url.as_url()).map(|()| url));
        match usable {
            Ok(_) if text.contains(['?', '#']) => Err(unusable("has a query or a fragment")),
            Ok(url) => Ok(Self { url }),
            Err(error) if error.kind() == ErrorKind::InsecureUrl => Err(error),
            Err(error) => Err(unusable("is not a usable URL").with_source(error)),
        }
    }

    fn resolve(&self, url: &str) -> Result<CanonicalUrl, Error> {
        if !is_absolute(url) {
            if url.starts_with("//") {
                return Err(self.outside(url));
            }
            let base = self.url.as_str().trim_end_matches('/');
            let separator = if url.is_empty() || url.starts_with(['/', '?']) { "" } else { "/" };
            return CanonicalUrl::parse(&format!("{base}{separator}{url}"));
        }
        let url = CanonicalUrl::parse(url)?;
        if url.as_url().origin() != self.url.as_url().origin() {
            return Err(self.outside(url.as_str()));
        }
        Ok(url)
    }

    fn outside(&self, url: &str) -> Error {
        let place = CanonicalUrl::parse(url)
            .map_or_else(|_| "the URL".to_owned(), |url| format!("`{}`", url.as_url().origin()));
        Error::new(ErrorKind::OriginMismatch, format!("{place} lies outside the base URL's origin"))
    }
}

impl CanonicalUrl {
    /// The URL that is called: the one that was given, behind its base if there is one, and with pairs of `query` behind its
    /// own.
    ///
    /// # Errors
    ///
    /// As [`CanonicalUrl::parse`]; [`ErrorKind::OriginMismatch`] for a URL outside the base's origin.
    pub fn resolve(base: Option<&BaseUrl>, url: &str, query: &[(String, String)]) -> Result<Self, Error> {
        let mut url = url.split_once('#').map_or(url, |(url, _)| url).to_owned().into_bytes();
        for (key, value) in query {
            url.push(if url.contains(&b'?') { b'&' } else { b'?' });
            push_encoded(&mut url, key.as_bytes(), |_| false);
            url.push(b'=');
            push_encoded(&mut url, value.as_bytes(), |_| false);
        }
        // A text, and ASCII behind it.
        let url = String::from_utf8(url).unwrap_or_default();
        match base {
            Some(base) => base.resolve(&url),
            None => Self::parse(&url),
        }
    }
}

fn is_absolute(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?', '#']))
}

/// Refuses a URL to which a signed request must not go: plain http to a host that is not loopback, no http at all, or one that
/// has a signature already.
///
/// # Errors
///
/// [`ErrorKind::InsecureUrl`]; [`ErrorKind::InvalidUrl`] for another scheme; [`ErrorKind::AlreadySigned`].
pub fn check_reachable(url: Url<'_>) -> Result<(), Error> {
    check_unsigned(url.is_signed())?;
    let origin = url.origin();
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
    let message = format!("`{}` would get a signed request over plain http", origin.host());
    Err(Error::new(ErrorKind::InsecureUrl, message))
}
