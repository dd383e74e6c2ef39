//! Signs requests and sends them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, RANGE};
use xacct_sign::call::{BaseUrl, Call, Step, TIMEOUT};
use xacct_sign::{CanonicalUrl, Error, Scope};

use crate::credentials::CredentialSource;
use crate::events::{Event, Listener};
use crate::host::{Host, Machine};
use crate::patience::Patience;
use crate::signing::Signing;
use crate::transport::{ACCEPTED, CONNECT, Response, Sending};

/// A request as a user gives it.
///
/// # Defaults
///
/// [`Request::new`]: no headers, no body, 5 s to connect, [`TIMEOUT`] for everything.
#[derive(Clone)]
#[non_exhaustive]
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
    /// How long a connection may take; `None` leaves that to the system.
    pub connect_timeout: Option<Duration>,
    /// How long everything may take, from the first question for credentials to the last byte of the answer; `None` waits as long
    /// as it takes.
    pub timeout: Option<Duration>,
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
            connect_timeout: Some(CONNECT),
            timeout: Some(TIMEOUT),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All the others may hold secrets.
        f.debug_struct("Request").field("method", &self.method).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Signs each request with credentials that are valid when it is sent, and sends it, as [`Call`] has it.
///
/// A session is shared between threads by reference. It outlives its credentials: those of a role are refreshed.
#[derive(Debug)]
pub struct Session {
    signing: Signing,
    base_url: Option<BaseUrl>,
    listener: Option<Listener>,
    host: Arc<dyn Host>,
}

impl Session {
    /// A session that signs with credentials of a source.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static, scope: Scope) -> Self {
        Self::on(Arc::new(Machine::default()), source, scope)
    }

    /// As [`Session::new`], on a [`Host`].
    #[must_use]
    pub fn on(host: Arc<dyn Host>, source: impl CredentialSource + 'static, scope: Scope) -> Self {
        let signing = Signing::on(Arc::clone(&host), source, scope);
        Self { signing, base_url: None, listener: None, host }
    }

    /// The same session with a base URL, to which paths are appended and in whose origin URLs must lie.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = Some(base_url);
        self
    }

    /// The same session, of whose requests a listener is told: [`Event::Request`], [`Event::ClockSkew`].
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Signs the request and sends it. An answer of any status is an answer. It may come as `gzip` or `deflate`, and is decoded,
    /// up to 256 MiB.
    ///
    /// # Errors
    ///
    /// Bad input before anything is sent; the errors of [`CredentialSource::credentials`]; `Transport`, `Timeout`,
    /// `TooManyRedirects`; `InvalidResponse`, `ResponseTooLarge` for what cannot be decoded.
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        let patience = Patience::of(request.timeout);
        self.send_within(request, &patience)
    }

    /// As [`Session::send`], with a patience in place of the request's `timeout`: somebody may watch it, and end the call.
    ///
    /// # Errors
    ///
    /// As [`Session::send`], and those of the watch.
    pub fn send_within(&self, request: Request, patience: &Patience) -> Result<Response, Error> {
        let url = CanonicalUrl::resolve(self.base_url.as_ref(), &request.url, &request.query)?;
        let mut call = Call::new(&request.method, url, &request.headers, request.body)?;
        let sending = Sending { connect: request.connect_timeout, ..Sending::default() };
        let began = self.host.now();
        let result = self.drive(&mut call, sending, patience);
        if let Some(listener) = &self.listener {
            let url = call.url().as_str();
            listener.tell(&Event::Request {
                method: &request.method,
                url: url.split_once('?').map_or(url, |(url, _)| url),
                outcome: result.as_ref().map(|answer| answer.status),
                duration: self.host.now().duration_since(began).unwrap_or_default(),
            });
        }
        result
    }

    /// Sends a call's requests until one of them has the call's answer.
    fn drive(&self, call: &mut Call, sending: Sending, patience: &Patience) -> Result<Response, Error> {
        loop {
            let signer = self.signing.signer(patience)?;
            let known = self.signing.skew();
            let mut signed = call.sign(&signer, known.apply(self.host.now()))?;
            // It is not signed: what passes a request on may change it. A part of a coded body cannot be decoded.
            if !signed.headers().contains_key(RANGE) {
                signed.headers_mut().entry(ACCEPT_ENCODING).or_insert(ACCEPTED);
            }
            let answer = self.host.send(&signed, sending, patience)?;
            let now = known.apply(self.host.now());
            match call.answered(answer.status(), answer.headers(), signer.credentials(), now)? {
                Step::Done => {
                    let (parts, body) = answer.into_parts();
                    let url = call.url().as_str().to_owned();
                    return Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body, url });
                }
                Step::Again => {}
                Step::Skewed(more) => {
                    let is_news = self.signing.learn(known, more);
                    if let Some(listener) = self.listener.as_ref().filter(|_| is_news) {
                        listener.tell(&Event::ClockSkew { seconds: self.signing.skew().as_seconds() });
                    }
                }
            }
        }
    }
}
