//! Signs requests and sends them.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderName, RANGE};
use http::request::Parts;
use xacct_sign::call::{BaseUrl, Call, HttpHosts, Step, TIMEOUT};
use xacct_sign::{CanonicalUrl, Error, ErrorKind, PartialScope};

use crate::credentials::CredentialSource;
use crate::events::{Event, Listener};
use crate::host::{Host, Machine};
use crate::http_hosts::http_hosts_of;
use crate::identity::{Identity, identity_header};
use crate::patience::Patience;
use crate::per_process::PerProcess;
use crate::sent::{Sent, Shown};
use crate::signing::Signing;
use crate::transport::{ACCEPTED, CONNECT, Content, Incoming, Response, Sending};

/// The body of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// What is sent while it is read, in constant memory: [`Body::file`].
    File(Content),
}

impl Body {
    /// A file, from where it stands to its end, or anything else that can be read twice. It is read once here, for its hash, and
    /// once more while it is sent.
    ///
    /// # Errors
    ///
    /// `InvalidBody` if it cannot be read or rewound.
    pub fn file(file: impl Read + Seek + Send + 'static) -> Result<Self, Error> {
        Content::new(file).map(Self::File)
    }
}

impl<T: Into<Vec<u8>>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// A request as a user gives it.
///
/// # Defaults
///
/// [`Request::new`]: no headers, no body, 5 s to connect, [`TIMEOUT`] for everything, redirects are followed.
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
    pub body: Body,
    /// Whether a redirect within the origin is followed; any other is the answer in any case.
    pub follows_redirects: bool,
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
            body: Body::Bytes(Vec::new()),
            follows_redirects: true,
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

/// How a session says who calls.
#[derive(Debug)]
enum Caller {
    /// By a signature.
    Signs(Signing),
    /// By a token or a proof, in a header.
    Says(Box<dyn Identity>, HeaderName),
}

/// Signs each request with credentials that are valid when it is sent, and sends it, as [`Call`] has it.
///
/// A session is shared between threads by reference. It outlives its credentials: those of a role are refreshed.
#[derive(Debug)]
pub struct Session {
    caller: Caller,
    base_url: Option<BaseUrl>,
    headers: Vec<(String, Vec<u8>)>,
    http_hosts: HttpHosts,
    /// Those over plain http that the listener was told of.
    told: PerProcess<Mutex<Vec<String>>>,
    is_closed: AtomicBool,
    listener: Option<Listener>,
    host: Arc<dyn Host>,
}

/// An answer whose body is read as it comes, in constant memory, its codings undone. Its connection serves others once the body
/// was read to its end, and is closed if this is dropped before.
#[derive(Debug)]
pub struct Streamed {
    /// The HTTP status.
    pub status: u16,
    /// The headers as they were sent.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: String,
    body: Incoming,
    timeout: Option<Duration>,
    sent: Option<Sent>,
}

impl Streamed {
    /// A text of this answer, such as a header, as it may be shown: without the secrets of the call, if its status is 400 or more.
    #[must_use]
    pub fn without_secrets(&self, text: &[u8]) -> Option<String> {
        self.sent.as_ref().map(|sent| sent.without_secrets(text))
    }

    /// What was sent, if the status is 400 or more.
    #[must_use]
    pub fn sent(&self) -> Option<&Sent> {
        self.sent.as_ref()
    }

    /// The next bytes, as soon as there are any; none at the end. It waits as long as the patience allows.
    ///
    /// # Errors
    ///
    /// `Transport`, `Timeout`, those of the watch; `InvalidResponse` for what cannot be decoded. After one there is only the end.
    pub fn read_within(&mut self, buffer: &mut [u8], patience: &Patience) -> Result<usize, Error> {
        self.body.read(buffer, patience)
    }
}

/// Each read waits as long as the request's `timeout`.
impl Read for Streamed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer, &Patience::of(self.timeout)).map_err(io::Error::other)
    }
}

impl Session {
    /// A session that signs with credentials of a source, for a [`Scope`](xacct_sign::Scope), or for what is known of one: the
    /// URL's host says the rest, see [`Signing::scope_of`]. `PartialScope::default()` leaves all of it to the host.
    #[must_use]
    pub fn new(source: impl CredentialSource + 'static, scope: impl Into<PartialScope>) -> Self {
        Self::on(Arc::new(Machine::default()), source, scope)
    }

    /// As [`Session::new`], on a [`Host`].
    #[must_use]
    pub fn on(host: Arc<dyn Host>, source: impl CredentialSource + 'static, scope: impl Into<PartialScope>) -> Self {
        let signing = Signing::on(Arc::clone(&host), source, scope);
        Self::of(host, Caller::Signs(signing))
    }

    /// A session that signs nothing: each request says by a token or a proof who calls, in the header `authorization`, for servers
    /// that have no API Gateway in front. It goes where signed requests go: over https or to loopback, and to no other origin.
    #[must_use]
    pub fn of_identity(identity: impl Identity + 'static) -> Self {
        Self::of_identity_on(Arc::new(Machine::default()), identity)
    }

    /// As [`Session::of_identity`], on a [`Host`].
    #[must_use]
    pub fn of_identity_on(host: Arc<dyn Host>, identity: impl Identity + 'static) -> Self {
        Self::of(host, Caller::Says(Box::new(identity), AUTHORIZATION))
    }

    /// The same session, whose identity stands in another header than `authorization`; one that signs has none.
    ///
    /// # Errors
    ///
    /// As [`identity_header`].
    pub fn with_identity_header(mut self, name: &str) -> Result<Self, Error> {
        let name = identity_header(name)?;
        if let Caller::Says(_, header) = &mut self.caller {
            *header = name;
        }
        Ok(self)
    }

    fn of(host: Arc<dyn Host>, caller: Caller) -> Self {
        Self {
            caller,
            base_url: None,
            headers: Vec::new(),
            http_hosts: HttpHosts::default(),
            told: PerProcess::new(Mutex::default()),
            is_closed: AtomicBool::new(false),
            listener: None,
            host,
        }
    }

    /// The same session with headers for each request that does not have one of that name itself.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(String, Vec<u8>)>) -> Self {
        self.headers = headers;
        self
    }

    /// The same session, whose requests may go to these hosts over plain http, as to those that `XACCT_ALLOW_HTTP_HOSTS` names.
    /// The listener is told, once for each: [`Event::PlainHttp`].
    #[must_use]
    pub fn with_http_hosts(mut self, http_hosts: HttpHosts) -> Self {
        self.http_hosts = http_hosts;
        self
    }

    /// Closes the session's connections: those in use once they are not. Nothing is sent any more.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.host.close();
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
        let (url, answer) = match request.body {
            Body::Bytes(_) => {
                self.call(request, patience, |request, _, sending| self.host.send(request, sending, patience))?
            }
            // What sends a file piece by piece reads the answer so, too.
            Body::File(_) => self.call(request, patience, |request, content, sending| {
                let (parts, mut body) = self.host.open(request, content, sending, patience)?.into_parts();
                Ok(http::Response::from_parts(parts, body.read_to_end(patience)?))
            })?,
        };
        let (mut parts, body) = answer.into_parts();
        let sent = parts.extensions.remove();
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body, url, sent })
    }

    /// As [`Session::send`], but the body of the answer is still to be read: of any length, in constant memory. The request's
    /// `timeout` is for everything up to the answer's head, and then for each read.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn send_streamed(&self, request: Request) -> Result<Streamed, Error> {
        let patience = Patience::of(request.timeout);
        self.send_streamed_within(request, &patience)
    }

    /// As [`Session::send_streamed`], with a patience for everything up to the answer's head.
    ///
    /// # Errors
    ///
    /// As [`Session::send_streamed`], and those of the watch.
    pub fn send_streamed_within(&self, request: Request, patience: &Patience) -> Result<Streamed, Error> {
        let timeout = request.timeout;
        let (url, answer) = self
            .call(request, patience, |request, content, sending| self.host.open(request, content, sending, patience))?;
        let (mut parts, body) = answer.into_parts();
        let sent = parts.extensions.remove();
        Ok(Streamed { status: parts.status.as_u16(), headers: parts.headers, url, body, timeout, sent })
    }

    /// Makes a call, each of its requests by `exchange`: the URL that answered, and the answer.
    fn call<B>(
        &self,
        mut request: Request,
        patience: &Patience,
        exchange: impl FnMut(&http::Request<&[u8]>, Option<&mut Content>, Sending) -> Result<http::Response<B>, Error>,
    ) -> Result<(String, http::Response<B>), Error> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Closed, "the session is closed"));
        }
        let url = CanonicalUrl::resolve(self.base_url.as_ref(), &request.url, &request.query)?;
        let http_hosts = self.http_hosts_for(&url)?;
        let is_given = |name: &str| request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let defaults: Vec<_> = self.headers.iter().filter(|(name, _)| !is_given(name)).cloned().collect();
        request.headers.extend(defaults);
        let (body, mut content) = match request.body {
            Body::Bytes(body) => (body, None),
            Body::File(content) => (Vec::new(), Some(content)),
        };
        let mut call = Call::new_with(&request.method, url, &request.headers, body, &http_hosts)?;
        if let Some(content) = &content {
            call = call.with_payload_hash(content.sha256());
        }
        if !request.follows_redirects {
            call = call.without_redirects();
        }
        let sending = Sending { connect: request.connect_timeout, ..Sending::default() };
        let began = self.host.now();
        let result = self.drive(&mut call, content.as_mut(), sending, patience, exchange);
        if let Some(listener) = &self.listener {
            let url = call.url().as_str();
            listener.tell(&Event::Request {
                method: &request.method,
                url: url.split_once('?').map_or(url, |(url, _)| url),
                outcome: result.as_ref().map(|answer| answer.status().as_u16()),
                duration: self.host.now().duration_since(began).unwrap_or_default(),
            });
        }
        let (url, mut answer) = (call.url().as_str().to_owned(), result?);
        if let Some(sent) = answer.extensions_mut().remove::<Sent>() {
            answer.extensions_mut().insert(sent.with_payload(call.into_payload()));
        }
        Ok((url, answer))
    }

    /// Where plain http may go: asked of the environment where it matters, and told where it goes there.
    fn http_hosts_for(&self, url: &CanonicalUrl) -> Result<HttpHosts, Error> {
        let origin = url.as_url().origin();
        if origin.is_private() {
            return Ok(HttpHosts::default());
        }
        let http_hosts = self.http_hosts.clone().and(http_hosts_of(&*self.host)?);
        if let Some(listener) = self.listener.as_ref().filter(|_| http_hosts.check_reachable(url.as_url()).is_ok()) {
            let host = origin.host().to_owned();
            let child =
                |parents: &Mutex<Vec<_>>| Mutex::new(parents.try_lock().map_or_else(|_| Vec::new(), |all| all.clone()));
            let mut told = self.told.get(child).lock().unwrap_or_else(PoisonError::into_inner);
            if !told.contains(&host) {
                told.push(host.clone());
                drop(told);
                listener.tell(&Event::PlainHttp { host: &host });
            }
        }
        Ok(http_hosts)
    }

    /// Sends a call's requests until one of them has the call's answer.
    fn drive<B>(
        &self,
        call: &mut Call,
        mut content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
        mut exchange: impl FnMut(&http::Request<&[u8]>, Option<&mut Content>, Sending) -> Result<http::Response<B>, Error>,
    ) -> Result<http::Response<B>, Error> {
        loop {
            let (mut request, signed) = match &self.caller {
                Caller::Signs(signing) => {
                    let signer = signing.signer(call.url().as_url(), patience)?;
                    let known = signing.clock().skew_at(call.url().as_url().origin());
                    let signed_at = known.apply(self.host.now());
                    (call.sign(&signer, signed_at)?, Ok((signing, signer, known, signed_at)))
                }
                Caller::Says(identity, header) => {
                    let bearer = identity.bearer(patience)?;
                    (call.bear(header.clone(), bearer.header()?)?, Err(bearer))
                }
            };
            // It is not signed: what passes a request on may change it. A part of a coded body cannot be decoded.
            if !request.headers().contains_key(RANGE) {
                request.headers_mut().entry(ACCEPT_ENCODING).or_insert(ACCEPTED);
            }
            let content = content.as_deref_mut().filter(|_| call.has_payload_hash());
            let mut answer = exchange(&request, content, sending)?;
            let (head, _) = request.into_parts();
            let (signing, signer, known, signed_at) = match signed {
                Ok(signed) => signed,
                Err(bearer) => match call.redirected(answer.status(), answer.headers())? {
                    Step::Done => {
                        keep_sent(&mut answer, Shown::Bearer(bearer), head, self.host.now());
                        return Ok(answer);
                    }
                    Step::Again | Step::Skewed { .. } => continue,
                },
            };
            let answered_at = self.host.now();
            let (signed, head_of_answer) = ((&*signer, known, answered_at), (answer.status(), answer.headers()));
            if signing.is_done(call, signed, head_of_answer, self.listener.as_ref())? {
                keep_sent(&mut answer, Shown::Signature(signer, signed_at), head, answered_at);
                return Ok(answer);
            }
        }
    }
}

/// With a refusal stays what it is explained by.
fn keep_sent<B>(answer: &mut http::Response<B>, shown: Shown, head: Parts, answered_at: SystemTime) {
    if answer.status().is_client_error() || answer.status().is_server_error() {
        answer.extensions_mut().insert(Sent::new(shown, head, answered_at));
    }
}
