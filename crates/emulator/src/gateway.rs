//! API Gateway with IAM authorization, as an HTTP API has it.
//!
//! Every refusal is `403 {"message":"Forbidden"}`
//! ([Control access with IAM authorization](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html)).

mod context;
mod echo;
mod forward;
mod headers;
mod message;
pub(crate) mod paths;
mod secrets;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode, Uri};
use xacct_sign::Scope;
use xacct_sign::verify::Rules;
use xacct_sign_provider::DeployedStage;
use xacct_sign_provider::targets::HttpApi;

use crate::body::{BodyFailure, announced_length, head_bytes};
use crate::gateway::context::request_context;
use crate::gateway::message::{message, set_request_id};
use crate::gateway::paths::{base_path, readings, within_stage};
use crate::iam::Iam;
use crate::iam::authenticate::{Unauthenticated, authenticate, authenticate_head};
use crate::iam::sessions::Session;
use crate::log::LogEntry;
use crate::options::Options;
use crate::reason::{Kind, Reason};

pub use forward::{Forward, Outcome, Reply, UpstreamFailure};

/// How far a request's time may lie from the gateway's, either way.
const WINDOW: Duration = Duration::from_secs(300);

/// The methods that a route can have. The others reach no route, and so nothing behind the gateway.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The gateways of every stage.
pub(crate) struct Gateway<'e> {
    pub(crate) iam: &'e mut Iam,
    pub(crate) stages: &'e BTreeMap<String, DeployedStage>,
    pub(crate) options: &'e Options,
    pub(crate) rules: &'e Rules,
}

/// What a gateway insists on of a signature.
///
/// # Errors
///
/// For a region that is none.
pub(crate) fn rules(region: &str) -> Result<Rules, xacct_sign::Error> {
    Scope::new(region, HttpApi::SIGNING_NAME).map(|scope| Rules::new(scope, WINDOW))
}

impl<'e> Gateway<'e> {
    /// Decides one request to a stage.
    pub(crate) fn answer(
        &mut self,
        stage: &str,
        parts: Parts,
        body: Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Outcome {
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let api = match self.within_limits(stage, &parts, length, log) {
            Ok(api) => api,
            Err(response) => return Outcome::Respond(*response),
        };
        let session = match authenticate(&self.iam.sessions, self.rules, &parts, &body, now) {
            Ok(session) => session,
            Err(unauthenticated) => return Outcome::Respond(self.unauthenticated(unauthenticated, log)),
        };
        log.principal = Some(session.principal.arn().to_owned());
        if let Err(why) = self.may_invoke(&session, api, &parts, now) {
            let reason = Reason::new(Kind::NotAllowed, why);
            return Outcome::Respond(self.refuse(StatusCode::FORBIDDEN, "Forbidden", reason, log));
        }

        let request_id = self.iam.entropy.gateway_request_id();
        let organization = self.options.organizations.get(&self.iam.account).map(String::as_str);
        let context = request_context(&session, api, &self.iam.account, organization, &parts, &request_id, now);
        let reply = Reply { request_id, explain: self.options.explain, cors: None };
        let Some(parts) = as_the_route_sees(parts, &api.api_stage) else {
            return Outcome::Respond(reply.failed(forward::UpstreamFailure::Connection, log));
        };
        let Some(upstream) = &self.options.upstream else {
            return Outcome::Respond(reply.answered(echo::respond(&parts, &body, context), log));
        };
        match forward::request(upstream, parts, body, &context) {
            Some(request) => Outcome::Forward(Box::new(Forward { request, reply })),
            None => Outcome::Respond(reply.failed(forward::UpstreamFailure::Connection, log)),
        }
    }

    /// What the head alone is refused for.
    pub(crate) fn before_body(
        &mut self,
        stage: &str,
        parts: &Parts,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Option<Response<Bytes>> {
        let length = announced_length(parts).unwrap_or_default();
        if let Err(response) = self.within_limits(stage, parts, length, log) {
            return Some(*response);
        }
        let unauthenticated = authenticate_head(&self.iam.sessions, self.rules, parts, now).err()?;
        Some(self.unauthenticated(unauthenticated, log))
    }

    /// The API of the stage, if the request is one that it takes from anybody.
    fn within_limits(
        &mut self,
        stage: &str,
        parts: &Parts,
        body_bytes: u64,
        log: &mut LogEntry,
    ) -> Result<&'e DeployedStage, Box<Response<Bytes>>> {
        let stages = self.stages;
        let Some(api) = stages.get(stage) else {
            let reason = Reason::new(Kind::UnknownStage, format!("the manifest has no stage `{stage}`"));
            return Err(Box::new(self.refuse(StatusCode::NOT_FOUND, "Not Found", reason, log)));
        };
        if !METHODS.contains(&parts.method.as_str()) {
            let reason = Reason::new(Kind::MethodUnknown, "no route of an HTTP API has this method, not even `ANY`");
            return Err(Box::new(self.refuse(StatusCode::NOT_FOUND, "Not Found", reason, log)));
        }
        if within_stage(&api.api_stage, parts.uri.path()).is_none() {
            let detail = format!("the path is not below `{}/`, where the API's stage is", base_path(&api.api_stage));
            let reason = Reason::new(Kind::OutsideStage, detail);
            return Err(Box::new(self.refuse(StatusCode::NOT_FOUND, "Not Found", reason, log)));
        }
        let head = head_bytes(parts);
        if head > HttpApi::MAX_HEAD_BYTES {
            let detail =
                format!("request line and header values take {head} bytes, {} are allowed", HttpApi::MAX_HEAD_BYTES);
            let reason = Reason::new(Kind::HeadTooLarge, detail);
            let (status, text) = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
            return Err(Box::new(self.refuse(status, text, reason, log)));
        }
        if usize::try_from(body_bytes).map_or(true, |bytes| bytes > HttpApi::MAX_BODY_BYTES) {
            return Err(Box::new(self.body_failed(BodyFailure::TooLarge, log)));
        }
        Ok(api)
    }

    fn unauthenticated(&mut self, unauthenticated: Unauthenticated, log: &mut LogEntry) -> Response<Bytes> {
        let reason = unauthenticated.into_reason(log);
        self.refuse(StatusCode::FORBIDDEN, "Forbidden", reason, log)
    }

    /// Whether the session may call the route, by every reading of its path.
    fn may_invoke(&self, session: &Session, api: &DeployedStage, parts: &Parts, now: SystemTime) -> Result<(), String> {
        if session.principal.account() != self.iam.account {
            return Err(format!(
                "`{}` is not in the API's account, {}: an HTTP API has no resource policy, so a role in its account has to be assumed first",
                session.principal.arn(),
                self.iam.account
            ));
        }
        let Some(readings) = within_stage(&api.api_stage, parts.uri.path()).and_then(readings) else {
            return Err("the path is none, or has a broken escape, a control character, or is not UTF-8".to_owned());
        };
        for path in readings {
            let resource = format!("{}/{}/{path}", api.arn, parts.method);
            session.may(HttpApi::INVOKE, &resource, session.context(&self.iam.region, now))?;
        }
        Ok(())
    }

    pub(crate) fn body_failed(&mut self, failure: BodyFailure, log: &mut LogEntry) -> Response<Bytes> {
        let (status, text) = match failure {
            BodyFailure::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            BodyFailure::TooSlow => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            BodyFailure::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        self.refuse(status, text, Reason::of_body(failure, HttpApi::MAX_BODY_BYTES), log)
    }

    fn refuse(&mut self, status: StatusCode, text: &str, reason: Reason, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = message(status, text);
        set_request_id(&mut response, &self.iam.entropy.gateway_request_id());
        if self.options.explain {
            reason.explain(&mut response);
        }
        log.reason = Some(reason);
        response
    }
}

/// The request with the path of its route: without the stage.
fn as_the_route_sees(mut parts: Parts, api_stage: &str) -> Option<Parts> {
    let path = within_stage(api_stage, parts.uri.path())?;
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    parts.uri = Uri::builder().path_and_query(format!("{path}{query}")).build().ok()?;
    Some(parts)
}
