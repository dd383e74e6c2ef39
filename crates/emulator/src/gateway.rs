//! API Gateway with IAM authorization, as an HTTP API has it.
//!
//! Every refusal is `403 {"message":"Forbidden"}`
//! ([Control access with IAM authorization](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html)).
//! Limits: [Quotas of HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html).

mod context;
mod echo;
pub(crate) mod forward;
mod paths;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use xacct_sign::verify::{Refusal, Rules};
use xacct_sign_provider::DeployedStage;

use crate::emulator::{Emulator, Outcome, Unauthenticated};
use crate::gateway::context::request_context;
use crate::gateway::forward::{Forward, Reply};
use crate::gateway::paths::readings;
use crate::iam::sessions::Session;
use crate::log;
use crate::log::LogEntry;
use crate::reason::Reason;

/// The longest body of a request, in bytes: 10 MB.
pub const MAX_BODY_BYTES: usize = 10_485_760;

/// The longest request line and header values together, in bytes.
///
/// AWS documents the limit, not the status; the gateway answers 431 (RFC 6585, section 5).
pub const MAX_HEAD_BYTES: usize = 10_240;

/// How long the gateway waits for the API behind it.
pub const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);

/// How far a request's time may lie from the gateway's, either way.
const WINDOW: Duration = Duration::from_secs(300);

impl Emulator {
    pub(crate) fn gateway(
        &mut self,
        stage: &str,
        parts: Parts,
        body: Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Outcome {
        let Some(api) = self.stages.get(stage).cloned() else {
            let reason = Reason::new("unknown_stage", format!("the manifest has no stage `{stage}`"));
            return Outcome::Respond(self.refuse(StatusCode::NOT_FOUND, "Not Found", reason, log));
        };
        let head = head_bytes(&parts);
        if head > MAX_HEAD_BYTES {
            let detail = format!("request line and header values take {head} bytes, {MAX_HEAD_BYTES} are allowed");
            let reason = Reason::new("head_too_large", detail);
            let (status, text) = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
            return Outcome::Respond(self.refuse(status, text, reason, log));
        }
        if body.len() > MAX_BODY_BYTES {
            return Outcome::Respond(self.gateway_body_too_large(log));
        }
        let rules = Rules::new(&self.region, "execute-api", WINDOW);
        let session = match self.authenticate(&rules, &parts, &body, now) {
            Ok(session) => session,
            Err(unauthenticated) => {
                let reason = unauthenticated.into_reason(log);
                return Outcome::Respond(self.refuse(StatusCode::FORBIDDEN, "Forbidden", reason, log));
            }
        };
        log.principal = Some(session.principal.arn().to_owned());
        if let Err(why) = self.may_invoke(&session, &api, &parts, now) {
            let reason = Reason::new("not_allowed", why);
            return Outcome::Respond(self.refuse(StatusCode::FORBIDDEN, "Forbidden", reason, log));
        }

        let request_id = self.entropy.gateway_request_id();
        let organization = self.options.organizations.get(&self.account).map(String::as_str);
        let context = request_context(&session, &api, &self.account, organization, &parts, &request_id, now);
        let reply = Reply { request_id, explain: self.options.explain, cors: None };
        let Some(upstream) = &self.options.upstream else {
            return Outcome::Respond(reply.answered(echo::respond(&parts, &body, context), log));
        };
        match forward::request(upstream, parts, body, &context) {
            Some(request) => Outcome::Forward(Box::new(Forward { request, reply })),
            None => Outcome::Respond(reply.failed(forward::UpstreamFailure::Connection, log)),
        }
    }

    /// Whether the session may call the route, by every reading of its path.
    fn may_invoke(&self, session: &Session, api: &DeployedStage, parts: &Parts, now: SystemTime) -> Result<(), String> {
        if session.principal.account() != self.account {
            return Err(format!(
                "`{}` is not in the API's account, {}: an HTTP API has no resource policy, so a role in its account has to be assumed first",
                session.principal.arn(),
                self.account
            ));
        }
        let Some(readings) = readings(parts.uri.path()) else {
            return Err("the path has a broken escape, a control character, or is not UTF-8".to_owned());
        };
        for path in readings {
            let resource = format!("{}/{}/{path}", api.arn, parts.method);
            session.may("execute-api:Invoke", &resource, session.context(&self.region, now))?;
        }
        Ok(())
    }

    pub(crate) fn gateway_body_too_large(&mut self, log: &mut LogEntry) -> Response<Bytes> {
        let reason = Reason::new("body_too_large", format!("the body is longer than {MAX_BODY_BYTES} bytes"));
        self.refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large", reason, log)
    }

    fn refuse(&mut self, status: StatusCode, text: &str, reason: Reason, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = message(status, text);
        if let Ok(id) = HeaderValue::from_str(&self.entropy.gateway_request_id()) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        if self.options.explain {
            response.headers_mut().insert("x-xacct-reason", reason.header_value());
        }
        log.reason = Some(reason);
        response
    }
}

impl Unauthenticated {
    /// The reason, with what else is known put into the log.
    pub(crate) fn into_reason(self, log: &mut log::LogEntry) -> Reason {
        match self {
            Self::UnknownKey(reason) => reason,
            Self::Expired(session, reason) => {
                log.principal = Some(session.principal.arn().to_owned());
                reason
            }
            Self::Refused(refusal) => {
                let reason = Reason::from(&refusal);
                if let Refusal::Mismatch(computed) = refusal {
                    log.computed = Some(computed);
                }
                reason
            }
        }
    }
}

/// `{"message":"..."}`, the body of everything that the gateway says itself.
pub(crate) fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{{\"message\":\"{text}\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The request line and the header values, in bytes.
fn head_bytes(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + "  HTTP/1.1".len();
    line + parts.headers.values().map(HeaderValue::len).sum::<usize>()
}
