//! The ports, and what goes in and out of them.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::emulator::{Answer, Emulator, Target};
use crate::gateway::{Forward, Outcome, Reply, UpstreamFailure};
use crate::log::LogEntry;
use crate::ready::Ready;
use crate::server::body::{self, Room, Unread};
use crate::server::control::{Control, Listening, Ports};
use crate::server::error::ServerError;
use crate::server::noted::{Log, Noted};
use crate::server::relay::{AnswerBody, Relayed};
use crate::server::upstream::{Upstream, whole};

/// How long requests under way may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How long the head of a request may take, how long there may be none, and how long a body may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections are open at once, on all ports together; further ones wait.
const MAX_CONNECTIONS: usize = 256;

/// How much of a connection is read ahead: what is longer than this and no head yet is refused by hyper, without a word in the
/// log. The emulator's own limits are lower.
const MAX_BUFFERED_BYTES: usize = 64 * 1024;

/// How long to wait before a connection is taken again where the system gives none.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// An emulator on its ports, not yet answering: for a program that has a runtime. [`Running`](crate::server::Running) brings its
/// own.
///
/// ```
/// use std::io::Write as _;
/// use std::net::{SocketAddr, TcpStream};
/// use std::sync::mpsc;
///
/// use tokio::sync::oneshot;
/// use xacct_sign_emulator::server::{Server, seed};
/// use xacct_sign_emulator::{Emulator, Options};
/// use xacct_sign_provider::Manifest;
///
/// # let text = r#"
/// # [api]
/// # account = "111111111111"
/// # region = "ap-northeast-1"
/// # [stages.stag]
/// # api_id = "f6g7h8i9j0"
/// # [callers.shop]
/// # account = "000000000000"
/// # roles = { stag = "LambdaRoleDeve" }
/// # "#;
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let emulator = Emulator::new(&Manifest::parse(text, "xacct.toml")?, Options::default(), seed()?)?;
/// // The entry of each request is told before its answer.
/// let (entries, log) = mpsc::channel();
/// let server = Server::bind(emulator, SocketAddr::from(([127, 0, 0, 1], 0)), move |entry| {
///     let _ = entries.send((entry.target.clone(), entry.status));
/// })
/// .await?;
/// let url = server.ready().addresses().stages["stag"].clone();
/// let (stop, stopped) = oneshot::channel::<()>();
/// let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
///
/// let call = move || {
///     let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
///     stream.write_all(b"GET /hoge HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
///     std::io::read_to_string(stream)
/// };
/// assert!(tokio::task::spawn_blocking(call).await??.ends_with(r#"{"message":"Forbidden"}"#));
/// assert_eq!(log.recv()?, ("stag".to_owned(), Some(403)));
///
/// drop(stop);
/// served.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # ?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    listeners: Vec<Listening>,
    ports: Ports,
    more: (UnboundedSender<Listening>, UnboundedReceiver<Listening>),
    shared: Shared,
    ready: Ready,
}

struct Shared {
    emulator: Arc<Mutex<Emulator>>,
    upstream: Upstream,
    /// In place of what the fronts wait for the upstream.
    upstream_timeout: Option<Duration>,
    read_timeout: Duration,
    room: Room,
    log: Log,
    /// How many requests have come.
    came: AtomicU64,
}

impl Server {
    /// Opens the ports: that of the address is STS's, the stages get those after it in the order of their names; 0 takes any free
    /// ones. `log` is called for each request before its answer, from several threads; before, too, where the request is
    /// [under way](LogEntry::is_under_way): while its body comes, and while the upstream has not answered.
    ///
    /// # Errors
    ///
    /// [`ServerError::Bind`], [`ServerError::Ports`], [`ServerError::Certificates`]; [`ServerError::Setup`] for a stage that is a
    /// server, where the address is not on this machine.
    pub async fn bind(
        mut emulator: Emulator,
        address: SocketAddr,
        log: impl Fn(&LogEntry) + Send + Sync + 'static,
    ) -> Result<Self, ServerError> {
        let stages: Vec<String> = emulator.stage_names().into_iter().map(str::to_owned).collect();
        let targets = std::iter::once(Target::Sts).chain(stages.into_iter().map(Target::Stage));
        let mut listeners = Vec::new();
        let mut ports = Ports::new(address);
        for target in targets {
            listeners.push(ports.open(target).await?);
        }
        let ready = ports.ready(&emulator);
        emulator.reached_at(&ready.addresses().sts)?;
        let shared = Shared {
            upstream: Upstream::new(emulator.has_https_upstream())?,
            emulator: Arc::new(Mutex::new(emulator)),
            upstream_timeout: None,
            read_timeout: READ_TIMEOUT,
            room: Room::new(),
            log: Arc::new(log),
            came: AtomicU64::new(0),
        };
        Ok(Self { listeners, ports, more: unbounded_channel(), shared, ready })
    }

    /// Waits for the upstream no longer than this, in place of what each kind of API does.
    #[must_use]
    pub fn with_upstream_timeout(mut self, timeout: Duration) -> Self {
        self.shared.upstream_timeout = Some(timeout);
        self
    }

    /// Where it listens, and the credentials to call it with.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// What gives it another deployment while it runs.
    #[must_use]
    pub fn control(&self) -> Control {
        let emulator = Arc::clone(&self.shared.emulator);
        Control { emulator, ports: self.ports.clone(), more: self.more.0.clone() }
    }

    /// Waits for the head of a request no longer than this, in place of 30 seconds, and as long again for its body.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.shared.read_timeout = timeout;
        self
    }

    /// Answers requests until `stop` resolves, then gives those under way a second.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let shared = Arc::new(self.shared);
        let (stopping, _) = watch::channel(false);
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut tasks = JoinSet::new();
        let mut begin = |(target, listener): Listening| {
            let endpoint = Endpoint { target: Arc::new(target), shared: Arc::clone(&shared) };
            tasks.spawn(accept(listener, endpoint, Arc::clone(&free), stopping.subscribe()));
        };
        self.listeners.into_iter().for_each(&mut begin);
        let (_, mut more) = self.more;
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = stop.as_mut() => break,
                Some(listening) = more.recv() => begin(listening),
            }
        }
        stopping.send_replace(true);
        let finished = async { while tasks.join_next().await.is_some() {} };
        // What still runs after that is dropped with the runtime.
        let _ = tokio::time::timeout(GRACE, finished).await;
    }
}

#[derive(Clone)]
struct Endpoint {
    target: Arc<Target>,
    shared: Arc<Shared>,
}

/// Takes connections until the server stops, as long as some are free; then waits for those that are open.
async fn accept(listener: TcpListener, endpoint: Endpoint, free: Arc<Semaphore>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let for_connections = stopping.clone();
    let take = async {
        while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Only a matter of latency: an answer goes out at once.
                    let _ = stream.set_nodelay(true);
                    let connection = serve_connection(stream, endpoint.clone(), for_connections.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                // The process has no file left, say: some connection will end.
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            }
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = take => {}
        () = stopped(&mut stopping) => {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Resolves once the server is to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

async fn serve_connection(stream: TcpStream, endpoint: Endpoint, mut stopping: watch::Receiver<bool>) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(&endpoint, request).await) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(endpoint.shared.read_timeout)
        .max_buf_size(MAX_BUFFERED_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // An error is the other side's: it went away, or speaks no HTTP.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(Endpoint { target, shared }: &Endpoint, request: Request<Incoming>) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    let noted = shared.came(target, &parts);
    let refused = shared.emulator().before_body(target, &parts, now());
    if !body.is_end_stream() {
        noted.under_way();
    }
    if let Some(answer) = refused {
        let is_there = body::refuse(&parts, body, shared.read_timeout).await;
        return if is_there { shared.finish(answer, noted).await } else { nobody() };
    }
    // The room is taken until the answer is there: so long a copy of the body may be on its way to the upstream.
    let max_bytes = shared.emulator().max_body_bytes(target);
    let (answer, _held) = match shared.room.read(body, max_bytes, shared.read_timeout).await {
        Ok(held) => {
            let request = Request::from_parts(parts, held.bytes.clone());
            (shared.emulator().handle(target, request, now()), Some(held))
        }
        Err(Unread::Failed(failure)) => (shared.emulator().body_failed(target, &parts, failure, now()), None),
        Err(Unread::Broken) => return nobody(),
    };
    shared.finish(answer, noted).await
}

/// What is answered where nobody is there to read it, or what came is no HTTP.
fn nobody() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::whole(Bytes::new()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

impl Shared {
    /// The emulator; never held across an await.
    fn emulator(&self) -> MutexGuard<'_, Emulator> {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request, of which the head is there.
    fn came(&self, target: &Target, parts: &Parts) -> Noted {
        let mut entry = LogEntry::new(now(), target.name(), &parts.method, parts.uri.path());
        entry.number = self.came.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        Noted::new(entry, Arc::clone(&self.log))
    }

    async fn finish(&self, answer: Answer, mut noted: Noted) -> Response<AnswerBody> {
        let Answer { outcome, mut log } = answer;
        match outcome {
            Outcome::Respond(response) => {
                noted.over(log);
                response.map(AnswerBody::whole)
            }
            Outcome::Forward(forward) => {
                let Forward { request, reply } = *forward;
                noted.goes_on(&log);
                let end = Instant::now() + self.upstream_timeout.unwrap_or(reply.timeout());
                let answered = match tokio::time::timeout_at(end, self.exchange(request, &reply)).await {
                    Ok(Ok(answered)) => answered,
                    Ok(Err(failure)) => Answered::Whole(reply.failed(failure, &mut log)),
                    Err(_) => Answered::Whole(reply.failed(UpstreamFailure::Timeout, &mut log)),
                };
                self.relay(answered, reply, end, log, noted)
            }
        }
    }

    /// The upstream's answer: of a function whole, else its head.
    async fn exchange(&self, request: Request<Bytes>, reply: &Reply) -> Result<Answered, UpstreamFailure> {
        let response = self.upstream.send(request).await?;
        if reply.takes_whole() {
            return Ok(Answered::Function(whole(response, reply.max_bytes()).await?));
        }
        // What says that it is too long is not begun.
        let length = response.body().size_hint().exact();
        if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > reply.max_bytes())) {
            return Err(UpstreamFailure::TooLarge);
        }
        Ok(Answered::Coming(response))
    }

    fn relay(
        &self,
        answered: Answered,
        reply: Reply,
        end: Instant,
        mut log: LogEntry,
        noted: Noted,
    ) -> Response<AnswerBody> {
        let response = match answered {
            Answered::Whole(response) => response,
            Answered::Function(response) => reply.function_answered(&response, &mut log),
            Answered::Coming(response) => {
                let (parts, body) = reply.answered(response, &mut log).into_parts();
                let log = noted.over(log);
                let write = Arc::clone(&self.log);
                let patience = end.saturating_duration_since(Instant::now());
                let relayed = Relayed::new(body, reply, patience, log, move |entry| write(entry));
                return Response::from_parts(parts, AnswerBody::Relayed(relayed));
            }
        };
        noted.over(log);
        response.map(AnswerBody::whole)
    }
}

/// What there is of the upstream's answer.
enum Answered {
    /// The gateway's own answer.
    Whole(Response<Bytes>),
    /// That of a function.
    Function(Response<Bytes>),
    /// The head of one that is relayed.
    Coming(Response<Incoming>),
}

#[expect(clippy::disallowed_methods, reason = "the shell is where the clock is read")]
fn now() -> SystemTime {
    SystemTime::now()
}
