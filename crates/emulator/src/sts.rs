//! STS: which call it is, who makes it, and what is answered. The calls have a file each.

mod assume_role;
mod fault;
mod get_caller_identity;
mod get_web_identity_token;
mod parameters;
mod xml;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use xacct_sign::Scope;
use xacct_sign::verify::Rules;

use crate::body::{BodyFailure, announced_length, head_bytes};
use crate::iam::Iam;
use crate::iam::authenticate::authenticate;
use crate::issuer;
use crate::log::LogEntry;
use crate::options::Options;
use crate::sts::assume_role::assume_role;
use crate::sts::fault::Fault;
use crate::sts::get_caller_identity::get_caller_identity;
use crate::sts::get_web_identity_token::get_web_identity_token;
use crate::sts::parameters::Parameters;
use crate::sts::xml::Xml;

/// How far a request's time may lie from STS's, either way.
const WINDOW: Duration = Duration::from_secs(900);

/// How long a body may be: a form with a session policy and fifty tags, every character of them escaped, is shorter.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;

/// How long request line and header values may be. AWS does not say; tokens and policies in a query are shorter.
const MAX_HEAD_BYTES: usize = 32 * 1024;

const VERSION: &str = "2011-06-15";

/// STS, for everybody whom it knows.
pub(crate) struct Sts<'e> {
    pub(crate) iam: &'e mut Iam,
    pub(crate) options: &'e Options,
    pub(crate) rules: &'e Rules,
}

/// What STS insists on of a signature.
///
/// # Errors
///
/// For a region that is none.
pub(crate) fn rules(region: &str) -> Result<Rules, xacct_sign::Error> {
    Scope::new(region, "sts").map(|scope| Rules::new(scope, WINDOW))
}

impl Sts<'_> {
    /// Answers one call.
    pub(crate) fn answer(
        &mut self,
        parts: &Parts,
        body: &Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Response<Bytes> {
        if let Some(response) = self.beyond_limits(parts, u64::try_from(body.len()).unwrap_or(u64::MAX), log) {
            return response;
        }
        if let Some(response) = issuer::answer(&mut self.iam.issuers, parts, now, log) {
            return response;
        }
        let request_id = self.iam.entropy.request_id();
        match self.call(parts, body, now, log) {
            Ok((root, result)) => {
                let children = [result, xml::metadata(&request_id)];
                xml::respond(StatusCode::OK, root, &children, &request_id)
            }
            Err(fault) => self.refuse(fault, &request_id, log),
        }
    }

    /// What the head alone is refused for: its limits. Which call it is, and so what an unsigned one is told, is in the body,
    /// which is short.
    pub(crate) fn before_body(&mut self, parts: &Parts, log: &mut LogEntry) -> Option<Response<Bytes>> {
        self.beyond_limits(parts, announced_length(parts).unwrap_or_default(), log)
    }

    fn beyond_limits(&mut self, parts: &Parts, body_bytes: u64, log: &mut LogEntry) -> Option<Response<Bytes>> {
        let head = head_bytes(parts);
        if head > MAX_HEAD_BYTES {
            let request_id = self.iam.entropy.request_id();
            return Some(self.refuse(Fault::head_too_large(head, MAX_HEAD_BYTES), &request_id, log));
        }
        let is_too_large = usize::try_from(body_bytes).map_or(true, |bytes| bytes > MAX_BODY_BYTES);
        is_too_large.then(|| self.body_failed(BodyFailure::TooLarge, log))
    }

    pub(crate) fn body_failed(&mut self, failure: BodyFailure, log: &mut LogEntry) -> Response<Bytes> {
        let request_id = self.iam.entropy.request_id();
        self.refuse(Fault::body_failed(failure, MAX_BODY_BYTES), &request_id, log)
    }

    fn refuse(&self, fault: Fault, request_id: &str, log: &mut LogEntry) -> Response<Bytes> {
        let mut response = fault.respond(request_id);
        if self.options.explain {
            fault.reason.explain(&mut response);
        }
        log.reason = Some(fault.reason);
        response
    }

    fn call(
        &mut self,
        parts: &Parts,
        body: &Bytes,
        now: SystemTime,
        log: &mut LogEntry,
    ) -> Result<(&'static str, Xml), Fault> {
        let parameters = Parameters::read(parts, body)?;
        let action = parameters.find("Action").ok_or_else(Fault::missing_action)?;
        let version = parameters.find("Version").unwrap_or("NO_VERSION_SPECIFIED");
        if !matches!(action, "AssumeRole" | "GetCallerIdentity" | "GetWebIdentityToken") || version != VERSION {
            return Err(Fault::unknown_action(action, version));
        }
        let caller = authenticate(&self.iam.sessions, self.rules, parts, body, now)
            .map_err(|unauthenticated| Fault::unauthenticated(unauthenticated, now, log))?;
        caller.noted_in(log);
        if action == "GetCallerIdentity" {
            log.done = Some(action.to_owned());
            return Ok(("GetCallerIdentityResponse", get_caller_identity(&caller)));
        }
        if action == "GetWebIdentityToken" {
            let call = parameters.get_web_identity_token()?;
            let result = get_web_identity_token(self.iam, &caller, &call, now)?;
            log.done = Some(format!("{action} for {}", call.audiences.join(", ")));
            return Ok(("GetWebIdentityTokenResponse", result));
        }
        let call = parameters.assume_role()?;
        let result = assume_role(self.iam, self.options, &caller, &call, now)?;
        log.done = Some(format!("AssumeRole {} as {}", call.role_arn, call.session_name));
        Ok(("AssumeRoleResponse", result))
    }
}
