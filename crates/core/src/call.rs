//! The flow of a call: what a session does between "call this" and "here is the answer".

mod place;

use std::time::{Duration, SystemTime};

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION,
};
use http::{HeaderMap, Method, StatusCode};

pub use place::{BaseUrl, HttpHosts, check_reachable};

use crate::canonical::check_header;
use crate::error::{Error, ErrorKind, quote_name};
use crate::payload::Payload;
use crate::signer::{Signer, check_has_path};
use crate::skew::Skew;
use crate::url::CanonicalUrl;

/// How many redirects are followed.
pub const MAX_REDIRECTS: u32 = 10;

/// How long a driver waits for an answer: API Gateway answers within 30 seconds, if only to say that it gives up.
pub const TIMEOUT: Duration = Duration::from_secs(35);

/// Headers that HTTP clients set themselves, or that end with the connection: nothing else is said in one of them.
pub const HTTP_HEADERS: [&str; 9] =
    ["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// What describes a body, and what servers had a client keep: no identity stands in one of them.
pub const CLIENT_HEADERS: [&str; 2] = ["content-type", "cookie"];

/// What speaks of a body, and leaves with it.
const BODY_HEADERS: [HeaderName; 5] =
    [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, CONTENT_LENGTH];

/// One call, from the request as it was given to its answer, over every redirect between.
///
/// The driver sends what [`Call::sign`] gives, signed with credentials of that moment, and says what was answered with
/// [`Call::answered`]; as long as that says [`Step::Again`], it does so again.
///
/// - Signed requests go over https, or to loopback.
/// - A redirect changes what fetch lets it change: the method and the body of a `POST` at 301 and 302, those of everything but
///   `GET` and `HEAD` at 303, and with the body the headers that speak of it
///   ([HTTP-redirect fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch)).
/// - A redirect within the origin is signed anew. To another origin neither signature nor token goes: such a redirect is the
///   answer, as is one that leads to no URL, or to one that is signed already.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign::call::{Call, Step};
/// use xacct_sign::{CanonicalUrl, Credentials, Scope, Signer};
///
/// let signer = Signer::new(Credentials::new("AKIDEXAMPLE", "secret", None, None)?, Scope::new("us-east-1", "execute-api")?);
/// let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
/// let url = CanonicalUrl::parse("https://api.example.com/a")?;
/// let mut call = Call::new("post", url, &[("content-type", b"text/plain")], b"hello".to_vec())?;
/// assert_eq!(call.sign(&signer, now)?.method(), "POST");
/// let answer = http::Response::builder().status(303).header("location", "/b").body(())?;
/// assert_eq!(call.answered(answer.status(), answer.headers(), false, now)?, Step::Again);
/// let request = call.sign(&signer, now)?;
/// assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/b"));
/// assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Call {
    method: Method,
    url: CanonicalUrl,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Of a body that the driver has.
    hash: Option<String>,
    redirects: u32,
    follows_redirects: bool,
    /// Whether it was sent once more after a refusal.
    was_refused: bool,
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a redirect is followed only if the call is sent again"]
pub enum Step {
    /// It is the call's answer.
    Done,
    /// It was a redirect, which the call now follows, or a refusal of credentials that expired on the way: sign and send it
    /// again.
    Again,
    /// It was a refusal, and the clock that signed is behind that of this origin by so much: take note of that for later signatures
    /// to this origin, and for nothing else. An answer's `Date` is its sender's word.
    Skewed {
        /// By how much more than what was known.
        more: Skew,
        /// Whether to sign and send it again; else the refusal is the call's answer.
        again: bool,
    },
}

impl Call {
    /// A call whose parts can be sent. The method goes out in upper case.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsecureUrl`], [`ErrorKind::AlreadySigned`] and [`ErrorKind::InvalidUrl`] as [`check_reachable`] has them;
    /// [`ErrorKind::InvalidMethod`], [`ErrorKind::InvalidHeader`].
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(
        method: &str,
        url: CanonicalUrl,
        headers: &[(N, V)],
        body: Vec<u8>,
    ) -> Result<Self, Error> {
        Self::new_with(method, url, headers, body, &HttpHosts::default())
    }

    /// As [`Call::new`], where plain http may go to these hosts, too.
    ///
    /// # Errors
    ///
    /// As [`Call::new`].
    pub fn new_with<N: AsRef<str>, V: AsRef<[u8]>>(
        method: &str,
        url: CanonicalUrl,
        headers: &[(N, V)],
        body: Vec<u8>,
        http_hosts: &HttpHosts,
    ) -> Result<Self, Error> {
        http_hosts.check_reachable(url.as_url())?;
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|error| Error::new(ErrorKind::InvalidMethod, "the method is no HTTP method").with_source(error))?;
        check_has_path(method.as_str())?;
        let headers = sendable(headers)?;
        Ok(Self { method, url, headers, body, hash: None, redirects: 0, follows_redirects: true, was_refused: false })
    }

    /// The same call, whose body the driver has: it is signed by its SHA-256 in lower-case hexadecimal, and sent as long as
    /// [`Call::has_payload_hash`] says so.
    #[must_use]
    pub fn with_payload_hash(mut self, sha256: impl Into<String>) -> Self {
        self.hash = Some(sha256.into());
        self
    }

    /// Whether the driver sends the body that [`Call::with_payload_hash`] stands for: a redirect may have taken it away.
    #[must_use]
    pub fn has_payload_hash(&self) -> bool {
        self.hash.is_some()
    }

    /// The body of the request as it was last, or the hash that the driver gave for it.
    #[must_use]
    pub fn into_payload(self) -> (Vec<u8>, Option<String>) {
        (self.body, self.hash)
    }

    /// The same call, to which every redirect is the answer.
    #[must_use]
    pub fn without_redirects(mut self) -> Self {
        self.follows_redirects = false;
        self
    }

    /// The request as it has to be sent now, signed.
    ///
    /// # Errors
    ///
    /// As [`Signer::sign_parts`].
    pub fn sign(&self, signer: &Signer, now: SystemTime) -> Result<http::Request<&[u8]>, Error> {
        let mut request = self.unsigned()?;
        let payload = self.hash.as_deref().map_or(Payload::Bytes(&self.body), Payload::Sha256);
        let signed = signer.sign_url(&self.method, &self.url.as_url(), &self.headers, payload, now)?;
        signed.apply(request.headers_mut())?;
        Ok(request)
    }

    /// The request as it has to be sent now, not signed: a header says who calls. What the call has under that name makes room.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`] for a URL that cannot be sent.
    pub fn bear(&self, name: HeaderName, value: HeaderValue) -> Result<http::Request<&[u8]>, Error> {
        let mut request = self.unsigned()?;
        request.headers_mut().insert(name, value);
        Ok(request)
    }

    fn unsigned(&self) -> Result<http::Request<&[u8]>, Error> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .body(self.body.as_slice())
            .map_err(|error| Error::new(ErrorKind::InvalidUrl, "the URL cannot be sent").with_source(error))?;
        request.headers_mut().clone_from(&self.headers);
        Ok(request)
    }

    /// Takes note of an answer's status and headers, which came at `now`, by the clock that signed, and of whether the credentials
    /// that signed have expired meanwhile.
    ///
    /// A refusal is the answer. Only as [`after_refusal`] has it the call is made once more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooManyRedirects`] for one more within the origin than [`MAX_REDIRECTS`].
    pub fn answered(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        has_expired: bool,
        now: SystemTime,
    ) -> Result<Step, Error> {
        if !self.was_refused {
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let step = after_refusal(&self.method, status, &header, has_expired, now);
            if step != Step::Done {
                self.was_refused = true;
                return Ok(step);
            }
        }
        self.redirected(status, headers)
    }

    /// As [`Call::answered`], for an answer to what nobody signed: a refusal is the answer.
    ///
    /// # Errors
    ///
    /// As [`Call::answered`].
    pub fn redirected(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Step, Error> {
        let Some(target) = self.redirect(status, headers) else { return Ok(Step::Done) };
        if self.redirects == MAX_REDIRECTS {
            return Err(Error::new(ErrorKind::TooManyRedirects, format!("more than {MAX_REDIRECTS} redirects")));
        }
        self.redirects += 1;
        self.url = target;
        let becomes_get = match status.as_u16() {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Vec::new();
            self.hash = None;
            for name in &BODY_HEADERS {
                self.headers.remove(name);
            }
        }
        Ok(Step::Again)
    }

    /// The URL that is called now: after redirects, the one that answered.
    #[must_use]
    pub fn url(&self) -> &CanonicalUrl {
        &self.url
    }

    /// Where an answer leads within the origin; `None` if it leads nowhere, elsewhere, or to what is signed already.
    fn redirect(&self, status: StatusCode, headers: &HeaderMap) -> Option<CanonicalUrl> {
        if !self.follows_redirects || !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = header_text(headers.get(LOCATION)?);
        let location = location.trim_matches(|c| c <= ' ');
        // An empty reference is the same document (RFC 3986, section 4.4): nothing to go to.
        let target = self.url.join(location).ok().filter(|_| !location.is_empty())?;
        let is_within = target.as_url().origin() == self.url.as_url().origin();
        (is_within && !target.as_url().is_signed()).then_some(target)
    }
}

/// What to do with an answer that came at `now`, by the clock that signed its request, for adapters that drive no [`Call`].
///
/// A request is signed and sent once more only where it was refused (403) and its signature was wrong: because the answer's `Date`
/// says that the clock is off by more than four minutes, or because the credentials have expired meanwhile. A refusal of the service's
/// front says that nothing was done. One of the application behind it says no such thing; so where the method is not idempotent
/// (RFC 9110, section 9.2.2), only the front's count. `header` gives what the answer has under a name in lower case.
pub fn after_refusal(
    method: &Method,
    status: StatusCode,
    header: &dyn Fn(&str) -> Option<String>,
    has_expired: bool,
    now: SystemTime,
) -> Step {
    if status != StatusCode::FORBIDDEN {
        return Step::Done;
    }
    let again = method.is_idempotent() || is_fronts(header);
    match header("date").and_then(|date| Skew::of_date(&date, now)) {
        Some(more) => Step::Skewed { more, again },
        None if has_expired && again => Step::Again,
        None => Step::Done,
    }
}

/// Whether a 403 is that of AWS's front, and not of an application, as far as its head shows. REST APIs, function URLs and most services
/// name the error. An HTTP API has its id in all answers, those of what lies behind it, too; its own is `{"message":"Forbidden"}`,
/// which is 23 bytes.
fn is_fronts(header: &dyn Fn(&str) -> Option<String>) -> bool {
    let is_bare = || header("content-length").is_some_and(|length| length == "23");
    header("x-amzn-errortype").is_some() || (header("apigw-requestid").is_some() && is_bare())
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers, query and body may hold secrets.
        f.debug_struct("Call").field("method", &self.method).field("redirects", &self.redirects).finish_non_exhaustive()
    }
}

/// A header's value as text: UTF-8, or else ISO 8859-1, as HTTP once had it (RFC 9110, section 5.5).
#[must_use]
pub fn header_text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

fn sendable<N: AsRef<str>, V: AsRef<[u8]>>(given: &[(N, V)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    for (name, value) in given {
        let (name, value) = (name.as_ref(), value.as_ref());
        check_header((name, value))?;
        let unsendable =
            || Error::new(ErrorKind::InvalidHeader, format!("the header {} cannot be sent", quote_name(name)));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unsendable().with_source(error))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| unsendable().with_source(error))?;
        headers.append(name, value);
    }
    Ok(headers)
}
