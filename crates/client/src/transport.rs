//! HTTP over ureq: no redirects of its own, statuses are answers, bodies are read up to a limit.

use std::env;
use std::fmt;
use std::io;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody};
use xacct_sign::call::TIMEOUT;
use xacct_sign::{Error, ErrorKind};

const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection; `None` waits as long as the system does.
    pub connect: Option<Duration>,
    /// For each read; `None` waits forever.
    pub read: Option<Duration>,
}

impl Timeouts {
    /// 5 s to connect, [`TIMEOUT`] to read.
    pub const DEFAULT: Timeouts = Timeouts { connect: Some(Duration::from_secs(5)), read: Some(TIMEOUT) };
}

impl Default for Timeouts {
    /// [`Timeouts::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An answer, read to its end.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub url: String,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query, headers and body may hold secrets.
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The connections. Made on first use, so that a provider that is never asked costs nothing.
#[derive(Default)]
pub(crate) struct Transport(Mutex<Agents>);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

#[derive(Default)]
struct Agents {
    /// The process that made them: a child that was forked must not share its parent's connections.
    process: u32,
    /// Plain http goes to loopback only, and so never through a proxy.
    plain: Option<Agent>,
    tls: Option<Agent>,
}

impl Transport {
    /// Sends a request to its URI as it stands and reads the answer up to `limit` bytes.
    pub(crate) fn send<B: AsRef<[u8]>>(
        &self,
        request: &http::Request<B>,
        timeouts: Timeouts,
        limit: u64,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let agent = self.agent(request.uri().scheme() == Some(&http::uri::Scheme::HTTP))?;
        let host = request.uri().authority().map(|authority| authority.host().to_owned()).unwrap_or_default();
        let failed = |error| failed(error, &host, limit);
        let body = request.body().as_ref();
        let answer = if body.is_empty() && !expects_body(request.method()) {
            run(&agent, request, (), timeouts)
        } else {
            run(&agent, request, body, timeouts)
        };
        let (parts, body) = answer.map_err(failed)?.into_parts();
        let body = body.into_with_config().limit(limit).read_to_vec().map_err(failed)?;
        Ok(http::Response::from_parts(parts, body))
    }

    fn agent(&self, is_plain: bool) -> Result<Agent, Error> {
        // INVARIANT: the agents are whole at every point where the lock's holder could panic.
        let mut agents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.process != process::id() {
            *agents = Agents { process: process::id(), ..Agents::default() };
        }
        let known = if is_plain { &mut agents.plain } else { &mut agents.tls };
        if let Some(agent) = known {
            return Ok(agent.clone());
        }
        let made = if is_plain { agent(None, None) } else { agent(Some(tls()?), ureq::Proxy::try_from_env()) };
        *known = Some(made.clone());
        Ok(made)
    }
}

/// Whether a request of this method without a body says `content-length: 0` (RFC 9110, section 8.6).
fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn run<B>(
    agent: &Agent,
    request: &http::Request<B>,
    body: impl AsSendBody,
    timeouts: Timeouts,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = request.method().clone();
    *outgoing.uri_mut() = request.uri().clone();
    outgoing.headers_mut().clone_from(request.headers());
    // The length is that of the body: ureq trusts a given one, and would wait for bytes that never come.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        outgoing.headers_mut().remove(name);
    }
    // Far below what an `Instant` can hold. None is as long, since without a limit a signal would end the wait.
    let capped = |timeout: Option<Duration>| Some(timeout.unwrap_or(LONGEST_TIMEOUT).min(LONGEST_TIMEOUT));
    let outgoing = agent
        .configure_request(outgoing)
        .timeout_connect(capped(timeouts.connect))
        .timeout_per_read(capped(timeouts.read))
        .timeout_per_write(capped(timeouts.read))
        .build();
    agent.run(outgoing)
}

fn agent(tls: Option<TlsConfig>, proxy: Option<ureq::Proxy>) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(concat!("xacct-sign/", env!("CARGO_PKG_VERSION")));
    match tls {
        Some(tls) => config.tls_config(tls),
        None => config,
    }
    .build()
    .into()
}

/// The platform's certificates (`SSL_CERT_FILE` among them), or those of `AWS_CA_BUNDLE`.
fn tls() -> Result<TlsConfig, Error> {
    let roots = match env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty()) {
        Some(path) => bundle(&path)?,
        None => match env::var("SSL_CERT_FILE").ok().filter(|path| !path.is_empty()) {
            Some(path) => bundle(&path)?,
            None => RootCerts::PlatformVerifier,
        },
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

fn bundle(path: &str) -> Result<RootCerts, Error> {
    let unusable = |what: &str| {
        Error::new(ErrorKind::Transport, format!("the CA bundle `{path}` {what}"))
            .with_hint("AWS_CA_BUNDLE and SSL_CERT_FILE name a file of certificates in PEM form")
    };
    let pem = std::fs::read(path).map_err(|error| unusable("cannot be read").with_source(error))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

fn failed(error: ureq::Error, host: &str, limit: u64) -> Error {
    use ureq::Error as U;
    let transport = |message: String| Error::new(ErrorKind::Transport, message);
    let mapped = match &error {
        U::Timeout(stage) => Error::new(ErrorKind::Timeout, format!("`{host}` did not answer in time: {stage}"))
            .with_hint(
                "API Gateway itself gives up after 30 s; a connection that cannot be made points to the network",
            ),
        U::BodyExceedsLimit(_) => {
            Error::new(ErrorKind::ResponseTooLarge, format!("`{host}` answered with more than {limit} bytes"))
        }
        U::HostNotFound => transport(format!("the host `{host}` is not known"))
            .with_hint("check the URL and the region; a name that resolves only in a VPC needs a route to it"),
        U::ConnectionFailed => transport(format!("no connection to `{host}`")),
        U::Io(io) if io.kind() == io::ErrorKind::TimedOut => {
            Error::new(ErrorKind::Timeout, format!("`{host}` did not answer in time"))
        }
        U::Io(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
            transport(format!("`{host}` refused the connection")).with_hint("is it running, and is the port right?")
        }
        U::Rustls(_) | U::Tls(_) | U::Pem(_) => transport(format!("no secure connection to `{host}`: {error}"))
            .with_hint("if a proxy signs certificates here, name its CA file in AWS_CA_BUNDLE"),
        U::ConnectProxyFailed(_) | U::InvalidProxyUrl => {
            transport(format!("the proxy did not connect to `{host}`")).with_hint("check HTTPS_PROXY and NO_PROXY")
        }
        other => transport(format!("the request to `{host}` failed: {other}")),
    };
    match error {
        // What the system said stands for itself.
        U::Io(io) => mapped.with_source(io),
        other => mapped.with_source(other),
    }
}
