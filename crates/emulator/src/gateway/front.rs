//! What each kind of API has for its own. The way of a request through all of them is one: [`Gateway`](super::Gateway).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use xacct_sign_provider::DeployedStage;

use crate::body::BodyFailure;
use crate::gateway::decision::Denied;
use crate::iam::authenticate::Unauthenticated;
use crate::iam::entropy::Entropy;
use crate::iam::sessions::Session;

/// What answers itself where the program behind it does not.
pub(crate) trait Answers: Sync {
    /// Its numbers.
    fn limits(&self) -> &'static Limits;

    /// What it says where it answers itself.
    fn told(&self, refused: &Refused<'_>) -> Told;
}

/// A kind of API.
pub(crate) trait Front: Answers {
    /// What its requests are signed for.
    fn signing_name(&self) -> &'static str;

    /// What is to be said to somebody of another account where no resource policy lets anybody in.
    fn without_policy(&self) -> &'static str;

    /// New ids for a request, with the headers that carry them: the request's own first.
    fn ids(&self, entropy: &mut Entropy) -> Ids;

    /// `requestContext`, as the program behind it gets it.
    fn request_context(&self, call: &Call<'_>) -> Value;

    /// The whole event of a Lambda function behind it.
    fn event(&self, call: &Call<'_>) -> Value;

    /// Which form of a function's answer it reads.
    fn answer_form(&self) -> AnswerForm;
}

/// How long things may be and take.
pub(crate) struct Limits {
    /// What a request's head may measure.
    pub(crate) head: HeadLimit,
    /// A request's body, in bytes.
    pub(crate) body_bytes: usize,
    /// An answer that is relayed as it comes, in bytes.
    pub(crate) answer_bytes: usize,
    /// How long the program behind it may take.
    pub(crate) timeout: Duration,
}

/// What counts of a request's head, and how many bytes of it there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadLimit {
    /// The first line and the values of the headers.
    LineAndValues(usize),
    /// The values of the headers alone.
    Values(usize),
    /// AWS names no limit.
    None,
}

/// The forms in which a Lambda function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerForm {
    /// `statusCode` has to be there, headers may be `multiValueHeaders`.
    One,
    /// Whatever has no `statusCode` is the body; cookies stand for themselves.
    Two,
}

/// The ids of one request, each with the header that carries it.
#[derive(Debug, Clone)]
pub(crate) struct Ids(pub(crate) Vec<(HeaderName, String)>);

impl Ids {
    /// The request's own.
    pub(crate) fn request(&self) -> &str {
        self.0.first().map(|(_, id)| id.as_str()).unwrap_or_default()
    }

    /// The last one: the extended one where there is such.
    pub(crate) fn extended(&self) -> &str {
        self.0.last().map(|(_, id)| id.as_str()).unwrap_or_default()
    }

    /// Puts them on an answer.
    pub(crate) fn mark<B>(&self, response: &mut Response<B>) {
        for (name, id) in &self.0 {
            if let Ok(id) = HeaderValue::from_str(id) {
                response.headers_mut().insert(name.clone(), id);
            }
        }
    }
}

/// How the upstream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamFailure {
    /// It could not be reached, or broke off.
    Connection,
    /// Its certificate is not trusted, or not for its host.
    Certificate,
    /// It took longer than [`Reply::timeout`](crate::Reply::timeout).
    Timeout,
    /// Its answer was longer than [`Reply::max_bytes`](crate::Reply::max_bytes).
    TooLarge,
    /// A function was to be called, and what is there does not take its event.
    NoRuntime,
    /// The function failed.
    Function,
    /// The function answered what is no answer of HTTP.
    Malformed,
}

/// Why it answers itself.
pub(crate) enum Refused<'r> {
    /// A method that no route can have.
    Method,
    /// A path that is not of its stage.
    OutsideStage,
    /// Request line and headers are too long.
    Head,
    /// The body did not come.
    Body(BodyFailure),
    /// Who signed is not known, at this time.
    Unauthenticated(&'r Unauthenticated, SystemTime),
    /// Who signed may not.
    Denied(&'r Denied),
    /// The program behind it gave no answer.
    Upstream(UpstreamFailure),
}

/// One call that passed.
pub(crate) struct Call<'c> {
    pub(crate) session: &'c Session,
    pub(crate) api: &'c DeployedStage,
    /// The VPC endpoint that it came by.
    pub(crate) vpc_endpoint: Option<&'c str>,
    /// The API's account.
    pub(crate) account: &'c str,
    /// The head as it stood on the wire.
    pub(crate) parts: &'c Parts,
    /// What of the path is the route's.
    pub(crate) path: &'c str,
    pub(crate) body: &'c Bytes,
    pub(crate) ids: &'c Ids,
    pub(crate) now: SystemTime,
}

/// What is answered: a status, the name of the error where the front gives one, and a text under a key.
pub(crate) struct Told {
    status: StatusCode,
    error_type: Option<&'static str>,
    key: &'static str,
    text: String,
}

impl Told {
    /// `{"message":"..."}`.
    pub(crate) fn message(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, error_type: None, key: "message", text: text.into() }
    }

    /// The same with the name of the error, in the header `x-amzn-errortype`.
    pub(crate) fn error(status: StatusCode, error_type: &'static str, text: impl Into<String>) -> Self {
        Self { error_type: Some(error_type), ..Self::message(status, text) }
    }

    /// The text under `Message`, as some parts of AWS write it.
    pub(crate) fn capital(self) -> Self {
        Self { key: "Message", ..self }
    }

    pub(crate) fn respond(self) -> Response<Bytes> {
        let Self { status, error_type, key, text } = self;
        let body = Value::Object(Map::from_iter([(key.to_owned(), Value::String(text))]));
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(name) = error_type {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
        }
        response
    }
}
