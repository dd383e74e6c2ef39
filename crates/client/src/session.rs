//! Signs requests and sends them.

use std::sync::{Arc, PoisonError, RwLock};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use xacct_sign::{Credentials, Error, ErrorKind, Signer, origin};

use crate::base::Base;
use crate::now;
use crate::role::RoleProvider;
use crate::transport::{Response, Timeouts, Transport};
use crate::url::{self, BaseUrl};

const MAX_REDIRECTS: usize = 10;

/// A request as a user gives it.
///
/// # Defaults
///
/// [`Request::new`]: no headers, no body, [`Timeouts::DEFAULT`].
#[derive(Debug, Clone)]
pub struct Request {
    /// The method; sent in upper case.
    pub method: String,
    /// An absolute URL, or with a base URL a path.
    pub url: String,
    /// Pairs that are encoded and put behind the URL's query.
    pub query: Vec<(String, String)>,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Signs each request with credentials that are valid when it is sent, and sends it.
///
/// - The URL goes out in the canonical form that was signed ([`xacct_sign::canonical_url`]).
/// - Signed requests go over https, or to loopback.
/// - A redirect within the origin is followed, up to ten times, signed anew; any other comes back as the answer.
///
/// A session is shared between threads by reference. It outlives its credentials: those of a role are refreshed.
#[derive(Debug)]
pub struct Session {
    source: Source,
    region: String,
    service: String,
    base_url: Option<BaseUrl>,
    /// The signer for the credentials of the last request: it holds the derived key.
    signer: RwLock<Option<Arc<Signer>>>,
    transport: SharedTransport,
}

#[derive(Default)]
struct SharedTransport(Transport);

impl std::fmt::Debug for SharedTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

/// What signs a session's requests.
#[derive(Debug, Clone)]
pub enum Source {
    /// Credentials that stay: given ones, or the environment's at each request.
    Base(Base),
    /// A role's, refreshed.
    Role(Arc<RoleProvider>),
}

impl Source {
    /// The credentials that are valid now.
    ///
    /// # Errors
    ///
    /// As [`Base::credentials`] or [`RoleProvider::credentials`].
    pub fn credentials(&self) -> Result<Credentials, Error> {
        match self {
            Source::Base(base) => base.credentials(),
            Source::Role(role) => role.credentials(),
        }
    }
}

impl Session {
    /// A session that signs for `service` in `region`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`], [`ErrorKind::InvalidService`].
    pub fn new(source: Source, region: &str, service: &str) -> Result<Self, Error> {
        // A signer of any credentials checks region and service here rather than at the first request.
        Signer::new(Credentials::new("check", "check", None, None)?, region, service)?;
        Ok(Self {
            source,
            region: region.to_owned(),
            service: service.to_owned(),
            base_url: None,
            signer: RwLock::new(None),
            transport: SharedTransport::default(),
        })
    }

    /// The same session with a base URL, to which paths are appended and in whose origin URLs must lie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidEndpoint`] for a URL that is none, or has a query or fragment; [`ErrorKind::InsecureUrl`].
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, Error> {
        url::check_private(base_url).map_err(|error| match error.kind() {
            ErrorKind::InsecureUrl => error,
            _ => Error::new(ErrorKind::InvalidEndpoint, "the base URL is not a usable URL")
                .with_hint("give a URL such as `https://api.example.com/v1`")
                .with_source(error),
        })?;
        self.base_url = Some(BaseUrl::new(base_url)?);
        Ok(self)
    }

    /// Signs the request and sends it. An answer of any status is an answer.
    ///
    /// # Errors
    ///
    /// Bad input before anything is sent; the errors of [`RoleProvider::credentials`]; `Transport`, `Timeout`,
    /// [`ErrorKind::TooManyRedirects`].
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        let mut url = url::resolve(self.base_url.as_ref(), &request.url, &request.query)?;
        let mut method = method(&request.method)?;
        let mut headers = headers(&request.headers)?;
        let mut body = request.body;
        for _ in 0..=MAX_REDIRECTS {
            let mut outgoing = http::Request::builder()
                .method(method.clone())
                .uri(&url)
                .body(body)
                .map_err(|error| Error::new(ErrorKind::InvalidUrl, "the URL cannot be sent").with_source(error))?;
            outgoing.headers_mut().clone_from(&headers);
            self.signer()?.sign(&mut outgoing, now())?;
            let answer = self.transport.0.send(&outgoing, request.timeouts, u64::MAX)?;
            let Some(next) = redirect(&url, &answer)? else {
                let (parts, body) = answer.into_parts();
                return Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body, url });
            };
            body = outgoing.into_body();
            let becomes_get = match answer.status().as_u16() {
                303 => method != Method::HEAD,
                301 | 302 => method == Method::POST,
                _ => false,
            };
            if becomes_get {
                method = Method::GET;
                body = Vec::new();
                headers.remove(http::header::CONTENT_TYPE);
            }
            url = next;
        }
        Err(Error::new(ErrorKind::TooManyRedirects, format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// A signer for the credentials that are valid now.
    fn signer(&self) -> Result<Arc<Signer>, Error> {
        let credentials = self.source.credentials()?;
        let cached = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(signer) = cached.filter(|signer| *signer.credentials() == credentials) {
            return Ok(signer);
        }
        let signer = Arc::new(Signer::new(credentials, &*self.region, &*self.service)?);
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&signer));
        Ok(signer)
    }
}

fn method(text: &str) -> Result<Method, Error> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|error| {
        Error::new(ErrorKind::InvalidMethod, "the method is no HTTP method")
            .with_hint("use a name such as `GET` or `PUT`")
            .with_source(error)
    })
}

fn headers(given: &[(String, Vec<u8>)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    for (name, value) in given {
        let invalid = || {
            Error::new(ErrorKind::InvalidHeader, format!("the header `{}` cannot be sent", name.escape_debug()))
                .with_hint("a name is letters, digits and hyphens; a value holds no line break or control character")
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid().with_source(error))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| invalid().with_source(error))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Where a redirect within the origin leads; `None` if the answer is none, or leads elsewhere.
fn redirect(from: &str, answer: &http::Response<Vec<u8>>) -> Result<Option<String>, Error> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location else { return Ok(None) };
    // An empty reference is the same document (RFC 3986, section 5.2.2): nothing to go to.
    if location.is_empty() {
        return Ok(None);
    }
    let from_origin = origin(from)?;
    let target = if has_scheme(location) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{}:{location}", from_origin.scheme())
    } else if location.starts_with('/') {
        format!("{}://{}{location}", from_origin.scheme(), from_origin.host())
    } else {
        let without_query = from.split_once('?').map_or(from, |(url, _)| url);
        if location.starts_with('?') {
            format!("{without_query}{location}")
        } else {
            let directory = without_query.rsplit_once('/').map_or(without_query, |(directory, _)| directory);
            format!("{directory}/{location}")
        }
    };
    let Ok(target) = xacct_sign::canonical_url(&target) else { return Ok(None) };
    Ok((origin(&target)? == from_origin).then_some(target))
}

/// Whether a reference begins with a scheme, and so is no path (RFC 3986, section 4.2).
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
    })
}
