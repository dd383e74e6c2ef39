//! HTTP over ureq: no redirects of its own, statuses are answers, bodies are read up to a limit.

mod coding;
mod connect;
mod exchange;
mod failure;
mod link;
mod proxy;
mod socket;
mod stream;
mod told;
mod trust;
mod waiting;

use std::fmt;
use std::io::{self, Read as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::uri::Scheme;
use http::{HeaderMap, Method, Uri, header};
use ureq::tls::TlsConfig;
use ureq::{Agent, AsSendBody, SendBody};
use xacct_sign::{Error, ErrorKind, Url};
use xacct_sign_diagnosis::Finding;

use crate::host::variables::{OfProcess, Variables, held};
use crate::patience::Patience;
use crate::per_process::PerProcess;
use crate::sent::Sent;
use failure::{failed, failed_in_body};

pub(crate) use coding::ACCEPTED;
pub use link::{Link, broken_link};
pub use stream::{Content, Incoming};
pub use told::{HeadListener, heads_told};

/// How a request is sent.
///
/// # Defaults
///
/// [`Route::Environment`], 5 s to connect, an answer of any length, from any address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sending {
    /// The way there.
    pub route: Route,
    /// How long a connection may take; `None` leaves that to the system.
    pub connect: Option<Duration>,
    /// How many bytes the answer's body may have, coded and decoded.
    pub limit: u64,
    /// Which addresses the host may have. A proxy, if there is one, looks up the name itself.
    pub addresses: Addresses,
}

impl Default for Sending {
    fn default() -> Self {
        Self { route: Route::Environment, connect: Some(CONNECT), limit: u64::MAX, addresses: Addresses::Any }
    }
}

/// How long a connection may take, where nothing else is said.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// The way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Through the environment's proxy, if it has one for that host.
    Environment,
    /// Past every proxy.
    Direct,
}

/// The addresses that a host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// Every one.
    Any,
    /// Those that are reached from everywhere: none of this machine, of a private network or of the link.
    Public,
}

/// An answer, read to its end.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers as they were sent: `content-encoding` and `content-length` speak of the body before it was decoded.
    pub headers: HeaderMap,
    /// The body, its codings undone.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub url: String,
    pub(crate) sent: Option<Sent>,
}

impl Response {
    /// A text of this answer, such as a part of its body, as it may be shown: without the secrets of the call, if its status is 400
    /// or more.
    #[must_use]
    pub fn without_secrets(&self, text: &[u8]) -> Option<String> {
        self.sent.as_ref().map(|sent| sent.without_secrets(text))
    }

    /// What was sent, if the status is 400 or more.
    #[must_use]
    pub fn sent(&self) -> Option<&Sent> {
        self.sent.as_ref()
    }

    /// Why the call was refused, and on whose side that is, if its status is 400 or more: see [`xacct_sign_diagnosis::explain`].
    #[must_use]
    pub fn explain(&self) -> Vec<Finding> {
        let explain = |sent: &Sent| sent.explain(self.status, &self.headers, Some(&self.body));
        self.sent.as_ref().map(explain).unwrap_or_default()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query, headers and body may hold secrets.
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The connections. Made on first use, so that a provider that is never asked costs nothing.
pub(crate) struct Transport {
    /// A child that was forked must not share its parent's connections.
    agents: PerProcess<Mutex<Agents>>,
    variables: Box<dyn Variables>,
}

impl Default for Transport {
    fn default() -> Self {
        Self::new(OfProcess)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

#[derive(Default)]
struct Agents {
    plain: Option<Aging>,
    direct: Option<Aging>,
    /// With the proxy, which the environment may change.
    proxied: Option<(ureq::Proxy, Aging)>,
    tls: Option<TlsConfig>,
}

/// How long an agent is kept. A TLS session that is taken up again proves no certificate: with the agent they end.
const AGE: Duration = Duration::from_secs(3600);

struct Aging {
    agent: Agent,
    made: Instant,
}

impl Aging {
    fn agent(&self) -> Option<Agent> {
        (self.made.elapsed() < AGE).then(|| self.agent.clone())
    }
}

impl Agents {
    fn of(&self, way: &Way) -> Option<Agent> {
        match way {
            Way::Plain => self.plain.as_ref()?.agent(),
            Way::Direct => self.direct.as_ref()?.agent(),
            Way::Through(proxy) => self.proxied.as_ref().filter(|(of, _)| of == proxy)?.1.agent(),
        }
    }

    /// Keeps one that was made, but where another was faster.
    fn keep(&mut self, way: Way, made: Agent) -> Agent {
        if let Some(agent) = self.of(&way) {
            return agent;
        }
        let aging = Aging { agent: made.clone(), made: Instant::now() };
        match way {
            Way::Plain => self.plain = Some(aging),
            Way::Direct => self.direct = Some(aging),
            Way::Through(proxy) => self.proxied = Some((proxy, aging)),
        }
        made
    }

    /// Has TLS begin anew, with what is trusted.
    fn forget(&mut self) {
        (self.direct, self.proxied) = (None, None);
    }
}

/// The way to a host.
enum Way {
    /// Plain http goes to loopback and to hosts that were named, and never through a proxy.
    Plain,
    Direct,
    Through(ureq::Proxy),
}

impl Transport {
    pub(crate) fn new(variables: impl Variables + 'static) -> Self {
        Self { agents: PerProcess::new(Mutex::default()), variables: Box::new(variables) }
    }

    pub(crate) fn variables(&self) -> &dyn Variables {
        &*self.variables
    }

    /// Sends a request to its URI as it stands and reads the answer.
    ///
    /// A connection that had been idle may be closed by the server at the moment it is used. Then the request goes out once more,
    /// over another: if no byte of it was written, or if its method may be repeated (RFC 9110, section 9.2.2).
    pub(crate) fn send<B: AsRef<[u8]>>(
        &self,
        request: &http::Request<B>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        patience.check()?;
        let agent = self.agent(request.uri(), sending.route)?;
        loop {
            let addresses = addresses(&agent, sending);
            let (answer, progress) = exchange::during(patience, addresses, || send(&agent, request, sending, patience));
            self.learn(progress);
            let may_repeat = !progress.has_written() || request.method().is_idempotent();
            match answer {
                // Each idle connection fails once, and is gone.
                Err(error) if error.kind() == ErrorKind::Transport && progress.was_idle() && may_repeat => {}
                answer => return answer,
            }
        }
    }

    /// As [`Transport::send`], up to the answer's head: its body is still to be read. The patience is for the head.
    ///
    /// A body of `content` goes out in the place of the request's own.
    pub(crate) fn open(
        &self,
        request: &http::Request<&[u8]>,
        mut content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Incoming>, Error> {
        patience.check()?;
        let agent = self.agent(request.uri(), sending.route)?;
        // The time that ureq counts would go on while the body is read.
        let patience = &patience.as_watch();
        let sending = Sending { connect: [sending.connect, patience.left()].into_iter().flatten().min(), ..sending };
        loop {
            if let Some(content) = content.as_deref_mut() {
                content.rewind()?;
            }
            let outgoing = content.as_deref_mut();
            let addresses = addresses(&agent, sending);
            let (answer, progress) = exchange::during(patience, addresses, || open(&agent, request, outgoing, sending));
            self.learn(progress);
            let may_repeat = !progress.has_written() || request.method().is_idempotent();
            match answer {
                Err(error) if error.kind() == ErrorKind::Transport && progress.was_idle() && may_repeat => {}
                answer => return answer,
            }
        }
    }

    /// A server may break off each TLS session that is taken up again: the next one is a new one.
    fn learn(&self, progress: exchange::Progress) {
        if progress.has_broken_tls() {
            self.agents().forget();
        }
    }

    /// Closes the connections that are idle; those in use are closed once they are not.
    pub(crate) fn close(&self) {
        *self.agents() = Agents::default();
    }

    fn agents(&self) -> MutexGuard<'_, Agents> {
        let child = |parents: &Mutex<Agents>| {
            // The child's ends of these connections are closed, where nobody was just at them.
            if let Ok(mut parents) = parents.try_lock() {
                *parents = Agents::default();
            }
            Mutex::default()
        };
        // INVARIANT: the agents are whole at every point where the lock's holder could panic.
        self.agents.get(child).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn agent(&self, uri: &Uri, route: Route) -> Result<Agent, Error> {
        // INVARIANT: the variables are read while no lock is held, since who gives them may wait for who waits for the lock.
        let way = self.way(uri, route)?;
        if let Some(agent) = self.agents().of(&way) {
            return Ok(agent);
        }
        let tls = if let Way::Plain = way { None } else { Some(self.tls()?) };
        let proxy = if let Way::Through(proxy) = &way { Some(proxy) } else { None };
        // Whatever ureq is told, it reads the proxies of the environment first.
        let made = held(self.variables(), || agent(tls.clone(), proxy.cloned()))?;
        Ok(self.agents().keep(way, made))
    }

    /// What is trusted, which whoever was first has said.
    fn tls(&self) -> Result<TlsConfig, Error> {
        let known = self.agents().tls.clone();
        let tls = known.map_or_else(|| trust::tls(self.variables()), Ok)?;
        Ok(self.agents().tls.get_or_insert(tls).clone())
    }

    /// There is no proxy on the way to this machine.
    fn way(&self, uri: &Uri, route: Route) -> Result<Way, Error> {
        if uri.scheme() == Some(&Scheme::HTTP) {
            return Ok(Way::Plain);
        }
        if route == Route::Direct || Url::parse(&uri.to_string())?.origin().is_loopback() {
            return Ok(Way::Direct);
        }
        let proxy = proxy::proxy(self.variables(), uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443))?;
        Ok(proxy.map_or(Way::Direct, Way::Through))
    }
}

/// The addresses that what is looked up here may have: where there is a proxy, that is the proxy's name.
fn addresses(agent: &Agent, sending: Sending) -> Addresses {
    if agent.config().proxy().is_some() { Addresses::Any } else { sending.addresses }
}

fn send<B: AsRef<[u8]>>(
    agent: &Agent,
    request: &http::Request<B>,
    sending: Sending,
    patience: &Patience,
) -> Result<http::Response<Vec<u8>>, Error> {
    let host = host_of(request.uri());
    let failed = |error| failed(error, &host, sending.limit);
    let body = request.body().as_ref();
    let answer = if body.is_empty() && !expects_body(request.method()) {
        run(agent, request, (), None, sending, patience.left())
    } else {
        run(agent, request, body, None, sending, patience.left())
    };
    let (parts, body) = answer.map_err(failed)?.into_parts();
    let body = read(body, sending.limit).map_err(|error| failed_in_body(error, &host, sending.limit))?;
    let body = coding::decoded(&parts, body, &host, sending.limit)?;
    Ok(http::Response::from_parts(parts, body))
}

fn open(
    agent: &Agent,
    request: &http::Request<&[u8]>,
    content: Option<&mut Content>,
    sending: Sending,
) -> Result<http::Response<Incoming>, Error> {
    let host = host_of(request.uri());
    let answer = match content {
        Some(content) => {
            let length = content.len();
            let mut reader = content.reader();
            run(agent, request, SendBody::from_reader(&mut reader), Some(length), sending, None)
        }
        None if request.body().is_empty() && !expects_body(request.method()) => {
            run(agent, request, (), None, sending, None)
        }
        None => run(agent, request, *request.body(), None, sending, None),
    };
    let (parts, body) = answer.map_err(|error| failed(error, &host, sending.limit))?.into_parts();
    let body = Incoming::new(&parts, body.into_with_config().limit(sending.limit).reader(), host, sending.limit)?;
    Ok(http::Response::from_parts(parts, body))
}

fn host_of(uri: &Uri) -> String {
    uri.authority().map(|authority| authority.host().to_owned()).unwrap_or_default()
}

/// Reads a body to its end. There is room for what STS usually answers from the start: growing would leave copies of it behind.
fn read(body: ureq::Body, limit: u64) -> io::Result<Vec<u8>> {
    const ROOM: usize = 1 << 16;
    let length = body.content_length().and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(length.map_or(ROOM, |length| length.min(ROOM)));
    body.into_with_config().limit(limit).reader().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a request of this method without a body says `content-length: 0` (RFC 9110, section 8.6).
fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn run<B>(
    agent: &Agent,
    request: &http::Request<B>,
    body: impl AsSendBody,
    length: Option<u64>,
    sending: Sending,
    total: Option<Duration>,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = request.method().clone();
    *outgoing.uri_mut() = request.uri().clone();
    outgoing.headers_mut().clone_from(request.headers());
    // The length is that of the body: ureq trusts a given one, and would wait for bytes that never come.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        outgoing.headers_mut().remove(name);
    }
    if let Some(length) = length {
        outgoing.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    told::begin();
    let outgoing = agent.configure_request(outgoing).timeout_connect(sending.connect).timeout_global(total);
    agent.run(outgoing.build())
}

fn agent(tls: Option<TlsConfig>, proxy: Option<ureq::Proxy>) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(concat!("xacct-sign/", env!("CARGO_PKG_VERSION")));
    let config = match tls {
        Some(tls) => config.tls_config(tls),
        None => config,
    };
    connect::agent(config.build())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{AGE, Agents, Aging, Way, agent};

    #[test]
    fn an_agent_ends_with_the_tls_sessions_that_it_keeps() {
        let made_at = |made| Agents { direct: Some(Aging { agent: agent(None, None), made }), ..Agents::default() };
        let now = Instant::now();
        assert!(made_at(now).of(&Way::Direct).is_some());
        // A machine that has just started has no earlier moment.
        if let Some(then) = now.checked_sub(AGE) {
            assert!(made_at(then).of(&Way::Direct).is_none());
        }
    }
}
