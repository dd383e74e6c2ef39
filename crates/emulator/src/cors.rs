//! What browsers ask before a page of another origin may call, and are told with each answer
//! ([CORS protocol](https://fetch.spec.whatwg.org/#http-cors-protocol)).
//!
//! An HTTP API that has it configured answers preflights itself, unsigned, and overrides what the API behind it says
//! ([Configure CORS for HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html)). STS
//! lets every origin in
//! ([services that support CORS](https://github.com/aws/aws-sdk-js/blob/master/SERVICES.md)).

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::log::LogEntry;
use crate::reason::{Kind, Reason};

/// What an API answers, as if it were configured with every method and with the headers that the page wants to send.
const API: Rules = Rules {
    status: StatusCode::NO_CONTENT,
    methods: "GET,HEAD,PUT,POST,PATCH,DELETE,OPTIONS",
    exposed: "*",
    max_age: "300",
};

/// What STS answers.
const STS: Rules = Rules {
    status: StatusCode::OK,
    methods: "GET,POST,OPTIONS",
    exposed: "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
    max_age: "172800",
};

const ANY: HeaderValue = HeaderValue::from_static("*");

#[derive(Debug)]
struct Rules {
    status: StatusCode,
    methods: &'static str,
    exposed: &'static str,
    max_age: &'static str,
}

/// What one request's origin is told by an endpoint that has CORS configured.
#[derive(Debug)]
pub(crate) struct Cors {
    rules: &'static Rules,
    /// `*`, or the request's origin; `None` without an origin, or for one that is not let in.
    allowed: Option<HeaderValue>,
}

impl Cors {
    /// STS's.
    pub(crate) fn of_sts(headers: &HeaderMap) -> Self {
        Self { rules: &STS, allowed: headers.get(ORIGIN).map(|_| ANY) }
    }

    /// An API's; `None` for one without any allowed origin: CORS is then the business of what is behind it.
    pub(crate) fn of_api(allow_origins: &[String], headers: &HeaderMap) -> Option<Self> {
        if allow_origins.is_empty() {
            return None;
        }
        let allowed = headers.get(ORIGIN).and_then(|origin| {
            let is = |text: &String| text.as_bytes() == origin.as_bytes();
            if allow_origins.iter().any(|text| text == "*") {
                Some(ANY)
            } else {
                allow_origins.iter().any(is).then(|| origin.clone())
            }
        });
        Some(Self { rules: &API, allowed })
    }

    /// The whole answer to a preflight; `None` if the request is none.
    pub(crate) fn preflight(&self, parts: &Parts, log: &mut LogEntry) -> Option<Response<Bytes>> {
        let origin = parts.headers.get(ORIGIN)?;
        if parts.method != Method::OPTIONS || !parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.rules.status;
        let origin = String::from_utf8_lossy(origin.as_bytes());
        if self.allowed.is_none() {
            log.reason =
                Some(Reason::new(Kind::OriginNotAllowed, format!("pages of `{origin}` may not call this API")));
            return Some(response);
        }
        log.done = Some(format!("preflight from {origin}"));
        self.mark(&mut response);
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(self.rules.methods));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(self.rules.max_age));
        if let Some(asked) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        Some(response)
    }

    /// Puts on any answer what the origin may do with it. What the API behind the gateway said of that is dropped.
    pub(crate) fn mark<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        let said: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
        for name in said {
            headers.remove(name);
        }
        let Some(allowed) = &self.allowed else { return };
        if allowed != "*" {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(self.rules.exposed));
    }
}

/// Whether this is `*`, or an origin as browsers write it: scheme, host and port, in lower case, and nothing behind.
pub(crate) fn is_origin(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@,*\"".contains(c);
    text == "*"
        || text
            .split_once("://")
            .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && host.chars().all(is_plain))
}
