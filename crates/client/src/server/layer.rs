//! A layer for tower: axum, hyper, tonic.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};
use tower_layer::Layer;
use tower_service::Service;
use xacct_sign::Error;
use xacct_sign_identity::{Caller, METHOD_OVERRIDES, Refusal, Seen};

use super::lines::{Asked, Lines};
use super::verifier::{CheckError, Verifier};

type OnRefusal = dyn Fn(&Refusal, &Method, &Uri) + Send + Sync;

/// Lets callers in, and nobody else: the caller is among the request's extensions, as an `Arc<Caller>`.
///
/// Who is refused is told 401 (with `www-authenticate: Bearer`), 403 or 503, with an empty body. Put it behind whatever changes method
/// or path, and outside of nested routers. It runs on tokio: checks that have to wait for keys or for STS do so in its threads for what
/// blocks, up to forty of them.
///
/// ```no_run
/// use std::sync::Arc;
/// use xacct_sign_client::server::{CallerLayer, Callers, Development, Verifier};
///
/// let callers = Callers::parse(&std::fs::read("callers.json")?, Development::No)?;
/// let layer = CallerLayer::new(Arc::new(Verifier::new(callers)?))?
///     .on_refusal(|refusal, method, uri| eprintln!("{} {method} {}: {refusal}", refusal.code(), uri.path()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CallerLayer {
    lines: Arc<Lines>,
    on_refusal: Arc<OnRefusal>,
}

impl CallerLayer {
    /// A layer whose checks are this verifier's.
    ///
    /// # Errors
    ///
    /// As [`Callers::check_takes_headers`](super::Callers::check_takes_headers).
    pub fn new(verifier: Arc<Verifier>) -> Result<Self, Error> {
        verifier.callers().check_takes_headers()?;
        Ok(Self { lines: Arc::new(Lines::new(verifier)), on_refusal: Arc::new(|_, _, _| ()) })
    }

    /// The same, and each refusal is told, with the request's method and URL: for the log. The client is not told why.
    #[must_use]
    pub fn on_refusal(self, told: impl Fn(&Refusal, &Method, &Uri) + Send + Sync + 'static) -> Self {
        Self { on_refusal: Arc::new(told), ..self }
    }
}

impl fmt::Debug for CallerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerLayer").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CallerLayer {
    type Service = CallerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallerService { inner, layer: self.clone() }
    }
}

/// What [`CallerLayer`] makes of a service.
#[derive(Clone)]
pub struct CallerService<S> {
    inner: S,
    layer: CallerLayer,
}

impl<S: fmt::Debug> fmt::Debug for CallerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for CallerService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that said that it is ready is the one to call.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let CallerLayer { lines, on_refusal } = self.layer.clone();
        Box::pin(async move {
            let asked = asked(request.method(), request.uri(), request.headers(), request.extensions());
            match lines.check(asked).await {
                Ok(caller) => {
                    request.extensions_mut().insert::<Arc<Caller>>(caller);
                    inner.call(request).await
                }
                Err(CheckError::Refused(refusal)) => {
                    on_refusal(&refusal, request.method(), request.uri());
                    Ok(refused(refusal.status()))
                }
                // Nobody gives up a check here, and its patience has no end.
                Err(CheckError::GivenUp(_)) => Ok(refused(503)),
            }
        })
    }
}

fn asked(method: &Method, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Asked {
    let overrides = METHOD_OVERRIDES.iter().flat_map(|name| headers.get_all(*name));
    // What is no text is no method either.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Asked {
        authorization: headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes().to_vec()).collect(),
        methods: std::iter::once(method.as_str().to_owned()).chain(overrides.map(text)).collect(),
        paths: paths(uri, extensions),
    }
}

/// The path as it was sent, too, where axum says it: routers that are nested take away what leads to them.
fn paths(uri: &Uri, extensions: &Extensions) -> Vec<String> {
    #[cfg(feature = "axum")]
    let original = extensions.get().map(|axum::extract::OriginalUri(original)| original.path());
    #[cfg(not(feature = "axum"))]
    let original = {
        let _ = extensions;
        None
    };
    xacct_sign_identity::paths(original, Seen::Target { mounted_at: "", target: uri.path() })
}

fn refused<R: Default>(status: u16) -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    if status == 401 {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
