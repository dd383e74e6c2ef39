//! Where a signed request may go.

use crate::encode::push_encoded;
use crate::error::{Error, ErrorKind};
use crate::signer::check_unsigned;
use crate::url::{CanonicalUrl, Origin, Url};

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
        Self::parse_with(text, &HttpHosts::default())
    }

    /// As [`BaseUrl::parse`], where plain http may go to these hosts, too.
    ///
    /// # Errors
    ///
    /// As [`BaseUrl::parse`].
    pub fn parse_with(text: &str, http_hosts: &HttpHosts) -> Result<Self, Error> {
        let unusable = |what: &str| {
            Error::new(ErrorKind::InvalidEndpoint, format!("the base URL {what}"))
                .with_hint("give a URL such as `https://api.example.com/v1`")
        };
        let usable = CanonicalUrl::parse(text).and_then(|url| http_hosts.check_reachable(url.as_url()).map(|()| url));
        match usable {
            Ok(_) if text.contains(['?', '#']) => Err(unusable("has a query or a fragment")),
            Ok(url) => Ok(Self { url }),
            Err(error) if error.kind() == ErrorKind::InsecureUrl => Err(error),
            Err(error) => Err(unusable(&format!("is not a usable URL: {error}")).with_source(error)),
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
    check(url, |_| false)
}

/// Hosts other than loopback to which signed requests may go over plain http, such as those of a compose file. None, unless
/// somebody names them: whoever sees the traffic can read it, and send the same request again for some minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpHosts(Vec<(String, Option<u16>)>);

impl HttpHosts {
    /// Hosts by name or address, as they stand in a URL; one without a port stands for all of its ports.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for what is no host.
    pub fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        hosts.into_iter().map(|host| named(host.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// These hosts and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// As the function [`check_reachable`], where plain http may go to these hosts, too.
    ///
    /// # Errors
    ///
    /// As [`check_reachable`].
    pub fn check_reachable(&self, url: Url<'_>) -> Result<(), Error> {
        check(url, |origin| self.contains(origin))
    }

    pub(crate) fn contains(&self, origin: Origin<'_>) -> bool {
        let (name, port) = split_port(origin.host());
        let port = port.unwrap_or(80);
        self.0.iter().any(|(host, its)| host.eq_ignore_ascii_case(name) && its.is_none_or(|its| its == port))
    }
}

fn named(host: &str) -> Result<(String, Option<u16>), Error> {
    let (name, port) = split_port(host);
    let url = format!("http://{name}/");
    let is_host = Url::parse(&url).is_ok_and(|url| url.host() == name && url.path() == "/" && url.query().is_none());
    if !is_host || name.contains(':') && !name.starts_with('[') {
        let message = "an item of the hosts that plain http may go to is no host";
        return Err(Error::new(ErrorKind::InvalidOption, message)
            .with_hint("give the host alone, such as `localstack` or `localstack:4566`: no URL, and no `*`"));
    }
    Ok((name.to_owned(), port))
}

/// A host and its port, if it has one.
fn split_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (host, None),
        },
        _ => (host, None),
    }
}

fn check(url: Url<'_>, is_named: impl FnOnce(Origin<'_>) -> bool) -> Result<(), Error> {
    check_unsigned(url.is_signed())?;
    let origin = url.origin();
    if !matches!(origin.scheme(), "http" | "https") {
        return Err(Error::new(
            ErrorKind::InvalidUrl,
            format!("the scheme `{}` is neither https nor http", origin.scheme()),
        )
        .with_hint("a WebSocket URL can be presigned, and is opened by a WebSocket client"));
    }
    if origin.is_private() || is_named(origin) {
        return Ok(());
    }
    let message = format!("`{}` would get the request over plain http", origin.host());
    Err(Error::new(ErrorKind::InsecureUrl, message))
}

#[cfg(test)]
mod tests {
    use super::HttpHosts;
    use crate::url::Url;

    #[test]
    fn c12_plain_http_goes_to_named_hosts_alone() -> Result<(), crate::Error> {
        let hosts = HttpHosts::new(["LocalStack", "api.test:8080", "[fd00::1]", "172.17.0.2:80"])?;
        let is_open = |url: &str| Url::parse(url).and_then(|url| hosts.check_reachable(url)).is_ok();
        for url in [
            "http://localstack/",
            "http://localstack:4566/a?b",
            "http://API.test:8080/",
            "http://[fd00::1]:8080/",
            "http://172.17.0.2/",
            "http://localhost:1/",
            "https://example.com/",
        ] {
            assert!(is_open(url), "{url}");
        }
        for url in [
            "http://localstack.example.com/",
            "http://my.localstack/",
            "http://api.test/",
            "http://api.test:8081/",
            "http://[fd00::2]/",
            "http://172.17.0.2:8080/",
            "http://localstack@example.com/",
            "ws://localstack/",
            "http://localstack/?X-Amz-Signature=0",
        ] {
            assert!(!is_open(url), "{url}");
        }
        Ok(())
    }

    #[test]
    fn c12_what_is_no_host_is_refused() {
        for host in [
            "",
            "*",
            "*.test",
            "http://localstack",
            "localstack/",
            "a b",
            "user@host",
            "a:b",
            "a:99999",
            "::1",
            "a?b",
            "a#b",
        ] {
            assert!(HttpHosts::new([host]).is_err_and(|error| error.code() == "invalid_option"), "{host}");
        }
    }
}
