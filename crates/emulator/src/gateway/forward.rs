//! Requests on their way to the API behind the gateway, and its answers on their way back.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, Uri};
use serde_json::Value;
use xacct_sign_provider::targets::FunctionUrl;

use crate::cors::Cors;
use crate::gateway::answer;
use crate::gateway::context::ascii_json;
use crate::gateway::front::{AnswerForm, Answers, Ids, Refused, UpstreamFailure};
use crate::gateway::headers::{HOP_BY_HOP, is_of_the_gateway};
use crate::gateway::mapped::Mapped;
use crate::gateway::secrets::{SECRET_HEADERS, without_signature};
use crate::log::LogEntry;
use crate::reason::{Kind, Reason};

/// The header that carries `requestContext` as JSON.
const REQUEST_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-request-context");

/// What is to be done with a request. Whoever drives the emulator does each of these, so the list is closed.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// Answer with this.
    Respond(Response<Bytes>),
    /// Send the request to the upstream, and answer with what [`Reply`] makes of its answer.
    Forward(Box<Forward>),
}

/// A request that passed, for the upstream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward {
    /// What to send: absolute URL, no hop-by-hop headers, no signature, no token, nothing that could be taken for the
    /// gateway's own; the identity in `x-amzn-request-context`. For a function its event, by POST. For a server what was sent, and
    /// the caller in `x-xacct-caller`.
    pub request: Request<Bytes>,
    /// Makes the gateway's answer of the upstream's.
    pub reply: Reply,
}

impl UpstreamFailure {
    fn reason(self, front: &dyn Answers, is_whole: bool) -> Reason {
        let limits = front.limits();
        let (kind, detail) = match self {
            Self::Connection => (Kind::UpstreamFailed, "the upstream could not be reached or broke off".to_owned()),
            Self::Certificate => (
                Kind::UpstreamFailed,
                "the upstream's certificate is not trusted: name the file of its CA in SSL_CERT_FILE".to_owned(),
            ),
            Self::Timeout => {
                let seconds = limits.timeout.as_secs();
                (Kind::UpstreamTimeout, format!("the upstream took longer than the gateway waits, {seconds} s"))
            }
            Self::TooLarge => {
                let most = if is_whole { MAX_EVENT_BYTES } else { limits.answer_bytes } / (1024 * 1024);
                (Kind::UpstreamTooLarge, format!("the upstream's answer is longer than {most} MB"))
            }
            Self::NoRuntime => (
                Kind::UpstreamFailed,
                "the upstream takes no event: what answers at `/2015-03-31/functions/function/invocations` there?"
                    .to_owned(),
            ),
            Self::Function => (Kind::UpstreamFailed, "the function failed".to_owned()),
            Self::Malformed => (
                Kind::UpstreamFailed,
                "the function's answer is none that the front takes: an object with `statusCode`, `headers` and a `body` of text"
                    .to_owned(),
            ),
        };
        Reason::new(kind, detail)
    }
}

/// Makes the gateway's answer of the upstream's.
///
/// Where [`Reply::takes_whole`], the answer has to be there whole, and goes through [`Reply::function_answered`]; else it is
/// relayed as it comes, its head through [`Reply::answered`].
pub struct Reply {
    pub(crate) front: &'static dyn Answers,
    pub(crate) ids: Ids,
    pub(crate) explain: bool,
    /// How a function's answer is read; `None` where the answer is one of HTTP.
    pub(crate) reads: Option<AnswerForm>,
    /// What the request's origin is told.
    pub(crate) cors: Option<Cors>,
}

impl Reply {
    /// How long the upstream may take for its whole answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.front.limits().timeout
    }

    /// How long its answer may be, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        if self.takes_whole() { MAX_EVENT_BYTES } else { self.front.limits().answer_bytes }
    }

    /// Whether the answer is a function's.
    #[must_use]
    pub fn takes_whole(&self) -> bool {
        self.reads.is_some()
    }

    /// The upstream's answer as the gateway passes it on: its head is changed, its body is not. Completes the log entry.
    #[must_use]
    pub fn answered<B>(&self, mut response: Response<B>, log: &mut LogEntry) -> Response<B> {
        remove_hop_by_hop(response.headers_mut());
        self.sign_off(&mut response);
        log.status = Some(response.status().as_u16());
        response
    }

    /// The answer of a function, whole, as HTTP. Completes the log entry.
    #[must_use]
    pub fn function_answered(&self, response: &Response<Bytes>, log: &mut LogEntry) -> Response<Bytes> {
        match answer::read(self.reads.unwrap_or(AnswerForm::Two), response) {
            Ok(response) => self.answered(response, log),
            Err(failure) => self.failed(failure, log),
        }
    }

    /// The gateway's answer where there is none of the upstream. Completes the log entry.
    ///
    /// Of an HTTP API a timeout is `503 {"message":"Service Unavailable"}`, everything else
    /// `500 {"message":"Internal Server Error"}`; a REST API says 504 and 502, a function URL 502.
    #[must_use]
    pub fn failed(&self, failure: UpstreamFailure, log: &mut LogEntry) -> Response<Bytes> {
        let reason = self.reason(failure);
        let mut response = self.front.told(&Refused::Upstream(failure)).respond();
        if self.explain {
            reason.explain(&mut response);
        }
        self.sign_off(&mut response);
        log.status = Some(response.status().as_u16());
        log.reason = Some(reason);
        response
    }

    /// Why an answer ended before its end, for the log: its head is on its way.
    #[must_use]
    pub fn reason(&self, failure: UpstreamFailure) -> Reason {
        failure.reason(self.front, self.takes_whole())
    }

    fn sign_off<B>(&self, response: &mut Response<B>) {
        if let Some(cors) = &self.cors {
            cors.mark(response);
        }
        self.ids.mark(response);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("ids", &self.ids).field("explain", &self.explain).finish_non_exhaustive()
    }
}

/// How long an event may be that a function gets, and an answer that it gives as one: Lambda's limit, whichever front is before
/// it.
pub(crate) const MAX_EVENT_BYTES: usize = FunctionUrl::MAX_BODY_BYTES;

/// Where a function's runtime takes events, as the runtime interface emulator does
/// ([testing images locally](https://docs.aws.amazon.com/lambda/latest/dg/images-test.html)).
const INVOCATIONS: &str = "/2015-03-31/functions/function/invocations";

/// The event of a function, for the upstream.
pub(crate) fn event(upstream: &Uri, event: Bytes) -> Option<Request<Bytes>> {
    let (scheme, authority) = (upstream.scheme_str()?, upstream.authority()?);
    let base = upstream.path().trim_end_matches('/');
    let uri = format!("{scheme}://{authority}{base}{INVOCATIONS}");
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let request = Request::post(uri).header(HOST, host).header(CONTENT_TYPE, "application/json");
    request.body(event).ok()
}

/// What is to be sent; none where the URL gets too long or malformed.
pub(crate) fn forwarded(request: Option<Request<Bytes>>, reply: Reply, log: &mut LogEntry) -> Outcome {
    match request {
        Some(request) => Outcome::Forward(Box::new(Forward { request, reply })),
        None => Outcome::Respond(reply.failed(UpstreamFailure::Connection, log)),
    }
}

/// The request for the upstream behind a gateway; `None` if the URL gets too long or malformed.
pub(crate) fn request(
    upstream: &Uri,
    mut parts: Parts,
    body: Bytes,
    context: &Value,
    mapped: Mapped,
) -> Option<Request<Bytes>> {
    for name in SECRET_HEADERS {
        parts.headers.remove(name);
    }
    let query = parts.uri.query().map(without_signature);
    let mut request = to_server(upstream, parts, query, body, (REQUEST_CONTEXT, context))?;
    // The last of all: `connection` may name what is to be removed before.
    mapped.put(request.headers_mut());
    Some(request)
}

/// The request for a server, with this query, with what was shown to it, and who calls in this header; `None` if the URL gets too long
/// or malformed.
pub(crate) fn to_server(
    upstream: &Uri,
    mut parts: Parts,
    query: Option<String>,
    body: Bytes,
    (name, said): (HeaderName, &Value),
) -> Option<Request<Bytes>> {
    let base = upstream.path().trim_end_matches('/');
    let query = query.filter(|query| !query.is_empty()).map(|query| format!("?{query}")).unwrap_or_default();
    let authority = upstream.authority()?;
    let scheme = upstream.scheme_str()?;
    let uri = format!("{scheme}://{authority}{base}{}{query}", parts.uri.path());

    let forwarded = forwarded_for(&parts.headers);
    remove_hop_by_hop(&mut parts.headers);
    let posing: Vec<HeaderName> =
        parts.headers.keys().filter(|name| is_of_the_gateway(name.as_str())).cloned().collect();
    for name in posing {
        parts.headers.remove(name);
    }
    // The gateway has the whole body: there is nothing left to wait for.
    parts.headers.remove(http::header::EXPECT);
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    parts.headers.insert(HOST, HeaderValue::from_str(host).ok()?);
    parts.headers.insert("forwarded", forwarded);
    parts.headers.insert(name, HeaderValue::from_str(&ascii_json(said)).ok()?);

    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri.parse().ok()?;
    *request.headers_mut() = parts.headers;
    Some(request)
}

/// `Forwarded` (RFC 7239), which HTTP APIs add for HTTP integrations.
fn forwarded_for(headers: &HeaderMap) -> HeaderValue {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| !host.contains(['"', '\\']));
    host.and_then(|host| HeaderValue::from_str(&format!("for=127.0.0.1;host=\"{host}\";proto=http")).ok())
        .unwrap_or_else(|| HeaderValue::from_static("for=127.0.0.1;proto=http"))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named.iter().map(String::as_str).chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}
