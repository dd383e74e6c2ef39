//! What answers at the port of a stage: an HTTP API, a REST API or a function URL with IAM authorization. The way of a request
//! is one; what each kind has for its own stands in its file.

mod answer;
pub(crate) mod context;
mod decision;
pub(crate) mod echo;
pub(crate) mod event;
pub(crate) mod forward;
pub(crate) mod front;
mod function_url;
mod headers;
mod http_api;
pub(crate) mod mapped;
pub(crate) mod mapping;
pub(crate) mod paths;
mod rest_api;
mod secrets;
pub(crate) mod stage;

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, Uri};
use xacct_sign::aws::METHODS;
use xacct_sign::path_readings;

use crate::body::{BodyFailure, announced_length, head_bytes, header_value_bytes};
use crate::gateway::decision::{Denied, Owner, decide};
use crate::gateway::forward::{MAX_EVENT_BYTES, forwarded};
use crate::gateway::front::{Call, Front, HeadLimit, Refused, Told};
use crate::gateway::mapped::Mapped;
use crate::gateway::paths::{base_path, within_stage};
use crate::gateway::stage::Stage;
use crate::iam::Iam;
use crate::iam::authenticate::{Unauthenticated, authenticate, authenticate_head};
use crate::iam::sessions::Session;
use crate::log::LogEntry;
use crate::options::{Format, Options};
use crate::reason::{Kind, Reason};

pub use forward::{Forward, Outcome, Reply};
pub use front::UpstreamFailure;

/// What answers where a stage was that is gone, as an HTTP API does where there is no route.
const NOWHERE: &dyn Front = &http_api::HttpApiFront;

/// The gateways of every stage.
pub(crate) struct Gateway<'e> {
    pub(crate) iam: &'e mut Iam,
    pub(crate) stages: &'e BTreeMap<String, Stage>,
    pub(crate) options: &'e Options,
}

/// How long a body may be that a stage takes.
pub(crate) fn max_body_bytes(stage: Option<&Stage>) -> usize {
    stage.map_or(NOWHERE, |stage| stage.front).limits().body_bytes
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
        let stage = match self.within_limits(stage, &parts, length, log) {
            Ok(stage) => stage,
            Err(response) => return Outcome::Respond(*response),
        };
        let session = match authenticate(&self.iam.sessions, &stage.rules, &parts, &body, now) {
            Ok(session) => session,
            Err(unauthenticated) => return Outcome::Respond(self.unauthenticated(stage, unauthenticated, now, log)),
        };
        session.noted_in(log);
        if let Err(denied) = self.may_invoke(&session, stage, &parts, now) {
            let reason = Reason::new(Kind::NotAllowed, denied.detail.as_str());
            return Outcome::Respond(self.refuse(stage.front, &Refused::Denied(&denied), reason, log));
        }
        self.pass(stage, &session, parts, body, now, log)
    }

    /// Hands a request on.
    fn pass(
        &mut self,
        stage: &Stage,
        session: &Session,
        parts: Parts,
        body: Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Outcome {
        let (front, options) = (stage.front, self.options);
        let ids = front.ids(&mut self.iam.entropy);
        let path = within_stage(&stage.api.api_stage, parts.uri.path()).unwrap_or_default();
        let call = Call {
            session,
            api: &stage.api,
            vpc_endpoint: stage.vpc_endpoint.as_deref(),
            account: &self.iam.account,
            parts: &parts,
            path,
            body: &body,
            ids: &ids,
            now,
        };
        let reply = |reads| Reply { front, ids: ids.clone(), explain: options.explain, reads, cors: None };
        if options.format == Format::LambdaEvent {
            let event = front.event(&call).to_string();
            if event.len() > MAX_EVENT_BYTES {
                let detail =
                    format!("the event takes {} bytes, a function gets at most {MAX_EVENT_BYTES}", event.len());
                let reason = Reason::new(Kind::BodyTooLarge, detail);
                return Outcome::Respond(self.refuse(front, &Refused::Body(BodyFailure::TooLarge), reason, log));
            }
            let event = Bytes::from(event);
            return match &options.upstream {
                None => Outcome::Respond(reply(None).answered(echo::json(event), log)),
                Some(upstream) => forwarded(forward::event(upstream, event), reply(Some(front.answer_form())), log),
            };
        }
        let (context, mapped) = (front.request_context(&call), Mapped::of(&options.headers, &call));
        let Some(mut parts) = as_the_route_sees(parts, &stage.api.api_stage) else {
            return forwarded(None, reply(None), log);
        };
        match &options.upstream {
            None => {
                mapped.put(&mut parts.headers);
                let said = ("requestContext", context);
                Outcome::Respond(reply(None).answered(echo::respond(&parts, &body, said), log))
            }
            Some(upstream) => forwarded(forward::request(upstream, parts, body, &context, mapped), reply(None), log),
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
        let stage = match self.within_limits(stage, parts, length, log) {
            Ok(stage) => stage,
            Err(response) => return Some(*response),
        };
        let unauthenticated = authenticate_head(&self.iam.sessions, &stage.rules, parts, now).err()?;
        Some(self.unauthenticated(stage, unauthenticated, now, log))
    }

    /// The stage, if the request is one that it takes from anybody.
    fn within_limits(
        &mut self,
        name: &str,
        parts: &Parts,
        body_bytes: u64,
        log: &mut LogEntry,
    ) -> Result<&'e Stage, Box<Response<Bytes>>> {
        let stages = self.stages;
        let Some(stage) = stages.get(name) else {
            let reason = Reason::new(Kind::UnknownStage, format!("the manifest has no stage `{name}`"));
            return Err(Box::new(self.refuse(NOWHERE, &Refused::OutsideStage, reason, log)));
        };
        let (front, limits) = (stage.front, stage.front.limits());
        // No route has the others, and so nothing behind the gateway.
        if !METHODS.contains(&parts.method.as_str()) {
            let reason = Reason::new(Kind::MethodUnknown, "no route of an API has this method, not even `ANY`");
            return Err(Box::new(self.refuse(front, &Refused::Method, reason, log)));
        }
        if within_stage(&stage.api.api_stage, parts.uri.path()).is_none() {
            let base = base_path(&stage.api.api_stage);
            let detail = format!("the path is not below `{base}/`, where the API's stage is");
            let reason = Reason::new(Kind::OutsideStage, detail);
            return Err(Box::new(self.refuse(front, &Refused::OutsideStage, reason, log)));
        }
        let (what, head, most) = match limits.head {
            HeadLimit::LineAndValues(most) => ("request line and header values", head_bytes(parts), most),
            HeadLimit::Values(most) => ("header values", header_value_bytes(parts), most),
            HeadLimit::None => ("", 0, usize::MAX),
        };
        if head > most {
            let detail = format!("{what} take {head} bytes, {most} are allowed");
            let reason = Reason::new(Kind::HeadTooLarge, detail);
            return Err(Box::new(self.refuse(front, &Refused::Head, reason, log)));
        }
        if usize::try_from(body_bytes).map_or(true, |bytes| bytes > limits.body_bytes) {
            return Err(Box::new(self.body_failed(Some(stage), BodyFailure::TooLarge, log)));
        }
        Ok(stage)
    }

    fn unauthenticated(
        &mut self,
        stage: &Stage,
        unauthenticated: Unauthenticated,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Response<Bytes> {
        let told = stage.front.told(&Refused::Unauthenticated(&unauthenticated, now));
        let reason = unauthenticated.into_reason(log);
        self.tell(stage.front, told, reason, log)
    }

    /// Whether the session may call the route, by every reading of its path.
    fn may_invoke(&self, session: &Session, stage: &Stage, parts: &Parts, now: SystemTime) -> Result<(), Denied> {
        let Some(readings) = within_stage(&stage.api.api_stage, parts.uri.path()).and_then(path_readings) else {
            return Err(Denied::unreadable(session, &stage.api.arn));
        };
        let owner = Owner {
            account: &self.iam.account,
            policy: stage.resource_policy.as_ref(),
            is_private: !stage.api.vpc_endpoints.is_empty(),
            without_policy: stage.front.without_policy(),
        };
        let mut context = session.context(&self.iam.region, now);
        if let Some(endpoint) = &stage.vpc_endpoint {
            context.set("aws:SourceVpce", endpoint.as_str());
        }
        for path in readings {
            for asked in stage.api.target.asked(&stage.api.arn, parts.method.as_str(), &path) {
                decide(session, &owner, &asked, context.clone())?;
            }
        }
        Ok(())
    }

    pub(crate) fn body_failed(
        &mut self,
        stage: Option<&Stage>,
        failure: BodyFailure,
        log: &mut LogEntry,
    ) -> Response<Bytes> {
        let front = stage.map_or(NOWHERE, |stage| stage.front);
        let reason = Reason::of_body(failure, front.limits().body_bytes);
        self.refuse(front, &Refused::Body(failure), reason, log)
    }

    fn refuse(
        &mut self,
        front: &dyn Front,
        refused: &Refused<'_>,
        reason: Reason,
        log: &mut LogEntry,
    ) -> Response<Bytes> {
        self.tell(front, front.told(refused), reason, log)
    }

    fn tell(&mut self, front: &dyn Front, told: Told, reason: Reason, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = told.respond();
        front.ids(&mut self.iam.entropy).mark(&mut response);
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
