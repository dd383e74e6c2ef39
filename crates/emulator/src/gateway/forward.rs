//! Requests on their way to the API behind the gateway, and its answers on their way back.

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use serde_json::Value;

use crate::cors::Cors;
use crate::gateway::context::ascii_json;
use crate::gateway::headers::is_of_the_gateway;
use crate::gateway::message::{message, set_request_id};
use crate::gateway::secrets::{SECRET_HEADERS, without_signature};
use crate::log::LogEntry;
use crate::reason::{Kind, Reason};

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

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
    /// gateway's own; the identity in `x-amzn-request-context`.
    pub request: Request<Bytes>,
    /// Makes the gateway's answer of the upstream's.
    pub reply: Reply,
}

/// How the upstream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamFailure {
    /// It could not be reached, or broke off.
    Connection,
    /// Its certificate is not trusted, or not for its host.
    Certificate,
    /// It took longer than [`HttpApi::TIMEOUT`](xacct_sign_provider::targets::HttpApi::TIMEOUT).
    Timeout,
    /// Its answer was longer than [`HttpApi::MAX_BODY_BYTES`](xacct_sign_provider::targets::HttpApi::MAX_BODY_BYTES).
    TooLarge,
}

/// Makes the gateway's answer of the upstream's.
#[derive(Debug)]
pub struct Reply {
    pub(crate) request_id: String,
    pub(crate) explain: bool,
    /// What the request's origin is told.
    pub(crate) cors: Option<Cors>,
}

impl Reply {
    /// The upstream's answer as the gateway passes it on. Completes the log entry.
    #[must_use]
    pub fn answered(&self, mut response: Response<Bytes>, log: &mut LogEntry) -> Response<Bytes> {
        remove_hop_by_hop(response.headers_mut());
        self.sign_off(&mut response);
        log.status = Some(response.status().as_u16());
        response
    }

    /// The gateway's answer where there is none of the upstream. Completes the log entry.
    ///
    /// A timeout is `503 {"message":"Service Unavailable"}`, everything else `500 {"message":"Internal Server Error"}`.
    #[must_use]
    pub fn failed(&self, failure: UpstreamFailure, log: &mut LogEntry) -> Response<Bytes> {
        let (status, text, reason) = match failure {
            UpstreamFailure::Connection => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                Reason::new(Kind::UpstreamFailed, "the upstream could not be reached or broke off"),
            ),
            UpstreamFailure::Certificate => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                Reason::new(
                    Kind::UpstreamFailed,
                    "the upstream's certificate is not trusted: name the file of its CA in SSL_CERT_FILE",
                ),
            ),
            UpstreamFailure::Timeout => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Service Unavailable",
                Reason::new(Kind::UpstreamTimeout, "the upstream took longer than the gateway waits, 30 s"),
            ),
            UpstreamFailure::TooLarge => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                Reason::new(Kind::UpstreamTooLarge, "the upstream's answer is longer than 10 MB"),
            ),
        };
        let mut response = message(status, text);
        if self.explain {
            reason.explain(&mut response);
        }
        self.sign_off(&mut response);
        log.status = Some(status.as_u16());
        log.reason = Some(reason);
        response
    }

    fn sign_off(&self, response: &mut Response<Bytes>) {
        if let Some(cors) = &self.cors {
            cors.mark(response);
        }
        set_request_id(response, &self.request_id);
    }
}

/// The request for the upstream; `None` if the URL gets too long or malformed.
pub(crate) fn request(upstream: &Uri, mut parts: Parts, body: Bytes, context: &Value) -> Option<Request<Bytes>> {
    let base = upstream.path().trim_end_matches('/');
    let query = parts.uri.query().map(without_signature).filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let authority = upstream.authority()?;
    let scheme = upstream.scheme_str()?;
    let uri = format!("{scheme}://{authority}{base}{}{query}", parts.uri.path());

    let forwarded = forwarded(&parts.headers);
    remove_hop_by_hop(&mut parts.headers);
    let posing: Vec<HeaderName> =
        parts.headers.keys().filter(|name| is_of_the_gateway(name.as_str())).cloned().collect();
    for name in posing {
        parts.headers.remove(name);
    }
    for name in SECRET_HEADERS {
        parts.headers.remove(name);
    }
    // The gateway has the whole body: there is nothing left to wait for.
    parts.headers.remove(http::header::EXPECT);
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    parts.headers.insert(HOST, HeaderValue::from_str(host).ok()?);
    parts.headers.insert("forwarded", forwarded);
    parts.headers.insert(REQUEST_CONTEXT, HeaderValue::from_str(&ascii_json(context)).ok()?);

    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri.parse().ok()?;
    *request.headers_mut() = parts.headers;
    Some(request)
}

/// `Forwarded` (RFC 7239), which HTTP APIs add for HTTP integrations.
fn forwarded(headers: &HeaderMap) -> HeaderValue {
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
