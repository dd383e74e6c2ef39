//! The ports, and what goes in and out of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::serve::ListenerExt as _;
use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use xacct_sign_provider::target::HttpApi;

use crate::emulator::{Answer, Emulator, Target};
use crate::gateway::{Forward, Outcome, UpstreamFailure};
use crate::log::LogEntry;
use crate::ready::{Addresses, Ready};
use crate::server::error::ServerError;

/// How long requests under way may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How much of a body that is too long is still read, so that its sender gets to read the answer.
const MAX_DISCARDED_BYTES: usize = 4 * HttpApi::MAX_BODY_BYTES;

type Log = Box<dyn Fn(&LogEntry) + Send + Sync>;

/// An emulator on its ports, not yet answering.
pub struct Server {
    listeners: Vec<(Target, TcpListener)>,
    shared: Shared,
    ready: Ready,
}

struct Shared {
    emulator: Mutex<Emulator>,
    client: Client<HttpConnector, Full<Bytes>>,
    upstream_timeout: Duration,
    log: Log,
}

impl Server {
    /// Opens the ports, as [`run`](crate::server::run) describes them.
    ///
    /// # Errors
    ///
    /// [`ServerError::Bind`], [`ServerError::Ports`].
    pub async fn bind(
        emulator: Emulator,
        port: u16,
        log: impl Fn(&LogEntry) + Send + Sync + 'static,
    ) -> Result<Self, ServerError> {
        let stages: Vec<String> = emulator.stages().map(|(name, _)| name.to_owned()).collect();
        let targets = std::iter::once(Target::Sts).chain(stages.into_iter().map(Target::Stage));
        let mut listeners = Vec::new();
        let mut addresses = Addresses { sts: String::new(), stages: BTreeMap::new() };
        for (offset, target) in (0_u16..).zip(targets) {
            let wanted = match port {
                0 => 0,
                first => first.checked_add(offset).ok_or(ServerError::Ports(first))?,
            };
            let failed = |source| ServerError::Bind { port: wanted, source };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await.map_err(failed)?;
            let url = format!("http://{}", listener.local_addr().map_err(failed)?);
            match &target {
                Target::Sts => addresses.sts = url,
                Target::Stage(name) => drop(addresses.stages.insert(name.clone(), url)),
            }
            listeners.push((target, listener));
        }
        let ready = Ready::new(&emulator, addresses);
        // A connection that idles in a pool may be closed just as the next request is sent on it.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let shared =
            Shared { emulator: Mutex::new(emulator), client, upstream_timeout: HttpApi::TIMEOUT, log: Box::new(log) };
        Ok(Self { listeners, shared, ready })
    }

    /// Waits for the upstream no longer than this, in place of [`HttpApi::TIMEOUT`].
    #[must_use]
    pub fn with_upstream_timeout(mut self, timeout: Duration) -> Self {
        self.shared.upstream_timeout = timeout;
        self
    }

    /// Where it listens, and the credentials to call it with.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Answers requests until `stop` resolves, then gives those under way a second.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let shared = Arc::new(self.shared);
        let (stopping, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (target, listener) in self.listeners {
            let state = Endpoint { target: Arc::new(target), shared: Arc::clone(&shared) };
            let app = Router::new().fallback(endpoint).with_state(state);
            let listener = listener.tap_io(|stream| {
                // Only a matter of latency: an answer goes out at once.
                let _ = stream.set_nodelay(true);
            });
            let mut stopped = stopping.subscribe();
            let shutdown = async move {
                let _ = stopped.wait_for(|is_stopping| *is_stopping).await;
            };
            let server = axum::serve(listener, app).with_graceful_shutdown(shutdown);
            tasks.spawn(async move { server.await });
        }
        stop.await;
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

async fn endpoint(State(endpoint): State<Endpoint>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Endpoint { target, shared } = endpoint;
    let answer = match read(body).await {
        Incoming::Whole(body) => {
            let request = http::Request::from_parts(parts, body);
            shared.emulator().handle(&target, request, now())
        }
        Incoming::TooLarge => shared.emulator().body_too_large(&target, &parts, now()),
        Incoming::Broken => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        }
    };
    shared.finish(answer).await.map(Body::from)
}

impl Shared {
    /// The emulator; never held across an await.
    fn emulator(&self) -> MutexGuard<'_, Emulator> {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn finish(&self, answer: Answer) -> Response<Bytes> {
        let Answer { outcome, mut log } = answer;
        let response = match outcome {
            Outcome::Respond(response) => response,
            Outcome::Forward(forward) => {
                let Forward { request, reply } = *forward;
                match self.send(request).await {
                    Ok(response) => reply.answered(response, &mut log),
                    Err(failure) => reply.failed(failure, &mut log),
                }
            }
        };
        (self.log)(&log);
        response
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<Response<Bytes>, UpstreamFailure> {
        let exchange = async {
            let response =
                self.client.request(request.map(Full::new)).await.map_err(|_| UpstreamFailure::Connection)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, HttpApi::MAX_BODY_BYTES).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() { UpstreamFailure::TooLarge } else { UpstreamFailure::Connection }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        tokio::time::timeout(self.upstream_timeout, exchange).await.unwrap_or(Err(UpstreamFailure::Timeout))
    }
}

enum Incoming {
    Whole(Bytes),
    TooLarge,
    Broken,
}

/// Reads a body, and keeps no more of it than the gateway takes.
async fn read(mut body: Body) -> Incoming {
    let mut kept = BytesMut::new();
    let mut length: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Incoming::Broken };
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= HttpApi::MAX_BODY_BYTES {
            kept.extend_from_slice(&data);
        } else {
            kept = BytesMut::new();
            if length > MAX_DISCARDED_BYTES {
                break;
            }
        }
    }
    if length > HttpApi::MAX_BODY_BYTES { Incoming::TooLarge } else { Incoming::Whole(kept.freeze()) }
}

#[expect(clippy::disallowed_methods, reason = "the shell is where the clock is read")]
fn now() -> SystemTime {
    SystemTime::now()
}
