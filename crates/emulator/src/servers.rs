//! Stages that are servers: the verifier stands in front of the upstream, as the middleware of a server does, and asks the emulator's
//! own issuers and STS.

mod driver;
mod front;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use xacct_sign_identity::{Caller, Callers, Development, METHOD_OVERRIDES, Refusal, Verifier};
use xacct_sign_provider::{CallersFile, DeployedServer, Deployment};

use crate::body::{BodyFailure, announced_length};
use crate::gateway::front::{Answers, Ids, Refused};
use crate::gateway::mapped::Mapped;
use crate::gateway::{Outcome, Reply, context, echo, event, forward};
use crate::iam::Iam;
use crate::iam::entropy::Entropy;
use crate::issuer;
use crate::log::LogEntry;
use crate::options::{Format, Options, SetupError};
use crate::reason::{Kind, Reason};
use crate::servers::front::ServerFront;

/// The header that says to the upstream who calls, as JSON.
const CALLER: HeaderName = HeaderName::from_static("x-xacct-caller");

/// A stage that is a server.
pub(crate) struct Server {
    pub(crate) deployed: DeployedServer,
    verifier: Verifier,
}

/// The servers of a deployment by name, with issuers that are reached where the emulator's STS is.
///
/// # Errors
///
/// [`SetupError::Callers`] where STS is not on this machine: of other issuers for development no verifier is made.
pub(crate) fn servers(deployment: &Deployment, iam: &Iam) -> Result<BTreeMap<String, Server>, SetupError> {
    let server = |(name, deployed): (&String, &DeployedServer)| {
        let verifier = verifier(name, &deployed.callers, iam)?;
        Ok((name.clone(), Server { deployed: deployed.clone(), verifier }))
    };
    deployment.servers.iter().map(server).collect()
}

fn verifier(stage: &str, callers: &CallersFile, iam: &Iam) -> Result<Verifier, SetupError> {
    let text = for_development(callers, iam.issuers.sts_url()).to_json();
    let seed = Entropy::of(iam.seed, &["verifier", stage]).bytes(16).try_into().unwrap_or_default();
    let failed = |source| SetupError::Callers { stage: stage.to_owned(), source };
    let callers = Callers::parse(text.as_bytes(), Development::Yes).map_err(failed)?;
    Ok(Verifier::new(callers, seed))
}

/// The list of a server whose callers are of an emulator that is reached there.
pub(crate) fn for_development(callers: &CallersFile, sts_url: &str) -> CallersFile {
    callers.clone().with_dev_issuers(|account| issuer::url(sts_url, account))
}

impl Server {
    /// The same with issuers elsewhere.
    ///
    /// # Errors
    ///
    /// As [`servers`].
    pub(crate) fn reached_at(&mut self, stage: &str, iam: &Iam) -> Result<(), SetupError> {
        self.verifier = verifier(stage, &self.deployed.callers, iam)?;
        Ok(())
    }
}

/// How long a body may be that a server takes.
pub(crate) fn max_body_bytes() -> usize {
    ServerFront.limits().body_bytes
}

/// The servers, for one request.
pub(crate) struct Checkpoint<'e> {
    pub(crate) iam: &'e mut Iam,
    pub(crate) options: &'e Options,
}

impl Checkpoint<'_> {
    /// Decides one request to a server.
    pub(crate) fn answer(
        &mut self,
        server: &Server,
        parts: Parts,
        body: Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Outcome {
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        match self.checked(server, &parts, length, now, log) {
            Ok(caller) => self.pass(&caller, parts, body, now, log),
            Err(response) => Outcome::Respond(*response),
        }
    }

    /// What the head alone is refused for: who calls stands in it.
    pub(crate) fn before_body(
        &mut self,
        server: &Server,
        parts: &Parts,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Option<Response<Bytes>> {
        let length = announced_length(parts).unwrap_or_default();
        self.checked(server, parts, length, now, log).err().map(|response| *response)
    }

    pub(crate) fn body_failed(&mut self, failure: BodyFailure, log: &mut LogEntry) -> Response<Bytes> {
        let reason = Reason::of_body(failure, max_body_bytes());
        self.explained(ServerFront.told(&Refused::Body(failure)).respond(), reason, log)
    }

    fn checked(
        &mut self,
        server: &Server,
        parts: &Parts,
        body_bytes: u64,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Result<Arc<Caller>, Box<Response<Bytes>>> {
        if usize::try_from(body_bytes).map_or(true, |bytes| bytes > max_body_bytes()) {
            return Err(Box::new(self.body_failed(BodyFailure::TooLarge, log)));
        }
        // `CONNECT host:port` and `OPTIONS *`: what is meant for a proxy, or for no resource.
        if !parts.uri.path().starts_with('/') || [Method::CONNECT, Method::TRACE].contains(&parts.method) {
            let reason = Reason::new(Kind::MethodUnknown, "a server's application does not get such a request");
            return Err(Box::new(self.explained(ServerFront.told(&Refused::Method).respond(), reason, log)));
        }
        let values: Vec<&[u8]> = parts.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
        let overrides = METHOD_OVERRIDES.iter().flat_map(|name| parts.headers.get_all(*name));
        // What is no text is no method either.
        let overrides = overrides.map(|value| value.to_str().unwrap_or("?"));
        let methods: Vec<&str> = std::iter::once(parts.method.as_str()).chain(overrides).collect();
        let check = server.verifier.check(&values, &methods, &[parts.uri.path()]);
        match driver::drive(check, self.iam, self.options, now) {
            Ok(caller) => {
                noted(&caller, log);
                Ok(caller)
            }
            Err(Some(refusal)) => {
                if let Some(caller) = refusal.caller() {
                    noted(caller, log);
                }
                Err(Box::new(self.refuse(&refusal, log)))
            }
            Err(None) => {
                let reason = Reason::new(Kind::Internal, "the check of who calls does not end");
                let told = ServerFront.told(&Refused::Body(BodyFailure::NoRoom));
                Err(Box::new(self.explained(told.respond(), reason, log)))
            }
        }
    }

    /// As the middleware answers: the status, and no more.
    fn refuse(&self, refusal: &Refusal, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if refusal.status() == 401 {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        self.explained(response, Reason::new(Kind::Identity(refusal.code()), refusal.to_string()), log)
    }

    fn explained(&self, mut response: Response<Bytes>, reason: Reason, log: &mut LogEntry) -> Response<Bytes> {
        if self.options.explain {
            reason.explain(&mut response);
        }
        log.reason = Some(reason);
        response
    }

    /// Hands a request on, with what it showed: a server gets that, too, and may check it itself.
    fn pass(&mut self, caller: &Caller, mut parts: Parts, body: Bytes, now: SystemTime, log: &mut LogEntry) -> Outcome {
        let options = self.options;
        let reply =
            |reads| Reply { front: &ServerFront, ids: Ids(Vec::new()), explain: options.explain, reads, cors: None };
        if options.format == Format::LambdaEvent {
            // A function's URL that authorizes nobody: the function has the verifier.
            let context = context::of_nobody(&parts, &self.iam.entropy.request_id(), now);
            let event = Bytes::from(event::two(&parts, &body, context, event::Secrets::Kept).to_string());
            if event.len() > forward::MAX_EVENT_BYTES {
                return Outcome::Respond(self.body_failed(BodyFailure::TooLarge, log));
            }
            return match &options.upstream {
                None => Outcome::Respond(reply(None).answered(echo::json(event), log)),
                Some(upstream) => {
                    forward::forwarded(forward::event(upstream, event), reply(Some(ServerFront::READS)), log)
                }
            };
        }
        let told = shown(caller);
        Mapped::of_no_value(&options.headers).put(&mut parts.headers);
        match &options.upstream {
            None => Outcome::Respond(reply(None).answered(echo::respond(&parts, &body, ("caller", told)), log)),
            Some(upstream) => {
                let query = parts.uri.query().map(str::to_owned);
                let request = forward::to_server(upstream, parts, query, body, (CALLER, &told));
                forward::forwarded(request, reply(None), log)
            }
        }
    }
}

/// Who calls, for the log.
fn noted(caller: &Caller, log: &mut LogEntry) {
    log.principal = Some(caller.arn.clone());
    log.caller = Some(caller.name.clone());
}

/// The caller, as the upstream is told.
fn shown(caller: &Caller) -> Value {
    json!({
        "name": caller.name,
        "account": caller.account,
        "arn": caller.arn,
        "role": caller.role,
        "session": caller.session,
        "organization": caller.organization,
        "via": caller.via.name(),
    })
}
