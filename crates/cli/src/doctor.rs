//! Walks the chain of a call from the caller's side, and gathers what `xacct_sign_diagnosis::diagnose` judges.

mod recorded;
mod server;
mod tried;

use std::sync::Arc;

use xacct_sign::call::header_text;
use xacct_sign::sts::Mfa;
use xacct_sign::{Credentials, Error, ErrorKind, PartialScope, Scope};
use xacct_sign_client::host::{Host, Machine};
use xacct_sign_client::{
    CredentialSource, DefaultChain, Link, Patience, Request, Response, RoleOptions, RoleProvider, Session, Signing,
    broken_link, caller_identity, http_hosts_of,
};
use xacct_sign_diagnosis::{
    AssumeRoleEvidence, BaseEvidence, CallEvidence, ClockEvidence, Evidence, Exchange, Failure as Failed,
    IdentityEvidence, PlaceEvidence, explain, has_judged, is_login_page, may_be_unasked, needs_another_form,
};

use crate::arguments::{DoctorArguments, RoleArguments};
use crate::caller::{Caller, ask_for_code, role_options};
use crate::failure::Failure;
use crate::hints;
use crate::identity::Wanted;
use crate::request::{Content, Prepared};
use recorded::Recorded;

/// A link that was tried: its name, whether it holds, what was seen.
pub(crate) struct Tried {
    pub(crate) link: &'static str,
    pub(crate) state: State,
    pub(crate) seen: String,
}

/// Whether a link holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Whole,
    Broken,
    /// It could not be told.
    Unknown,
}

impl State {
    fn of(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Broken }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "ok",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }
}

/// What was seen, and the links in the order in which they were tried.
#[derive(Default)]
pub(crate) struct Walk {
    pub(crate) evidence: Evidence,
    pub(crate) tried: Vec<Tried>,
}

/// Tries each link until one is broken.
///
/// # Errors
///
/// For what was typed and makes no sense; what fails on the way is evidence.
pub(crate) fn walk(arguments: &DoctorArguments) -> Result<Walk, Failure> {
    // A role that is none is wrong usage, as everywhere. The cache is passed by: STS is to be heard.
    Caller::new(&arguments.role, None)?;
    let prepared = match Prepared::new(&arguments.request) {
        Ok(prepared) => prepared,
        // What is no URL is found as such, too.
        Err(Failure::Client(error)) => return Ok(nowhere(&error)),
        Err(failure) => return Err(failure),
    };
    let recorded = Arc::new(Recorded::new(Arc::new(Machine::default())));
    let identity = &arguments.identity;
    let wanted = identity.identity.as_ref().map(|audience| Wanted::new(audience, &identity.kind)).transpose()?;
    let scope = PartialScope::new(arguments.role.base.region.clone(), arguments.request.service.clone())?;
    let mut doctor =
        Doctor { recorded, role: &arguments.role, prepared, scope, walk: Walk::default(), count_before_call: 0 };
    match &wanted {
        None => doctor.walk(),
        Some(wanted) => doctor.walk_to_server(wanted),
    }
    doctor.clock();
    Ok(doctor.walk)
}

fn nowhere(error: &Error) -> Walk {
    let mut walk = Walk::default();
    walk.tried.push(Tried { link: "URL", state: State::Broken, seen: error.to_string() });
    walk.evidence.place = Some(PlaceEvidence { error: Some(failed(error)) });
    walk
}

struct Doctor<'a> {
    recorded: Arc<Recorded>,
    role: &'a RoleArguments,
    prepared: Prepared,
    scope: PartialScope,
    walk: Walk,
    /// How many answers there were before the call.
    count_before_call: usize,
}

impl Doctor<'_> {
    fn walk(&mut self) {
        let _ = self.links();
    }

    /// Ends where a link is broken.
    fn links(&mut self) -> Option<()> {
        let chain = DefaultChain::on(self.host(), self.role.base.profile.clone());
        let scope = self.place(&chain)?;
        self.base(&chain)?;
        let who = self.identity(&chain, scope.region(), true)?;
        let source: Arc<dyn CredentialSource> = match &self.role.role {
            Some(role) => self.assume(role, chain, scope.region())?,
            None => Arc::new(chain),
        };
        self.call(source, &scope, who.as_deref())
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.recorded) as _
    }

    fn note(&mut self, link: &'static str, is_whole: bool, seen: impl Into<String>) {
        self.note_state(link, State::of(is_whole), seen);
    }

    fn note_state(&mut self, link: &'static str, state: State, seen: impl Into<String>) {
        self.walk.tried.push(Tried { link, state, seen: seen.into() });
    }

    fn broken<T>(&mut self, link: &'static str, error: &Error) -> Option<T> {
        self.note(link, false, error.to_string());
        None
    }

    /// Where the call goes, and what it is signed for.
    fn place(&mut self, chain: &DefaultChain) -> Option<Scope> {
        let url = self.prepared.url.clone();
        let reachable = http_hosts_of(&*self.recorded).and_then(|hosts| hosts.check_reachable(url.as_url()));
        let signing = Signing::on(self.host(), chain.clone(), self.scope.clone());
        match reachable.and_then(|()| signing.scope_of(url.as_url())) {
            Ok(scope) => {
                let seen = format!("{}, {} in {}", self.shown_request(), scope.service(), scope.region());
                self.note("URL", true, seen);
                self.walk.evidence.place = Some(PlaceEvidence { error: None });
                Some(scope)
            }
            Err(error) => {
                self.walk.evidence.place = Some(PlaceEvidence { error: Some(failed(&error)) });
                self.broken("URL", &error)
            }
        }
    }

    /// The query may hold what is nobody's business.
    fn shown_request(&self) -> String {
        format!("{} {}", self.prepared.method, self.prepared.url.as_str().split('?').next().unwrap_or_default())
    }

    fn base(&mut self, chain: &DefaultChain) -> Option<()> {
        let found = chain.credentials(&Patience::default());
        let at = recorded::seconds(self.recorded.now());
        let evidence = self.walk.evidence.base.insert(BaseEvidence { at, ..BaseEvidence::default() });
        match found {
            Ok(credentials) => {
                evidence.expires_at = credentials.expires_at().and_then(recorded::seconds);
                let from = self.from(chain);
                self.note("credentials", true, format!("{}, from {from}", shown_key(&credentials)));
                Some(())
            }
            Err(error) => {
                evidence.error = Some(failed(&error));
                self.broken("credentials", &error)
            }
        }
    }

    /// Where the chain found them, by what it asked.
    fn from(&self, chain: &DefaultChain) -> String {
        let is_set = |name| self.recorded.variable(name).is_some();
        if chain.profile().is_none() && is_set("AWS_ACCESS_KEY_ID") {
            return "the environment".to_owned();
        }
        let asked = self.recorded.hosts();
        if asked.iter().any(|host| host == "169.254.169.254" || host == "[fd00:ec2::254]") {
            return "the metadata of this instance".to_owned();
        }
        let is_container =
            is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        match (chain.profile(), asked.is_empty()) {
            (None, false) if is_set("AWS_WEB_IDENTITY_TOKEN_FILE") => "a web identity".to_owned(),
            (None, false) if is_container => "the container".to_owned(),
            (Some(name), _) => format!("the profile `{name}`"),
            (None, _) => {
                let variable = |name| self.recorded.variable(name);
                let name = variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE"));
                format!("the profile `{}`", name.unwrap_or_else(|| "default".to_owned()))
            }
        }
    }

    /// The caller's ARN, where STS tells it. What comes then may need no STS on this side.
    fn identity(&mut self, chain: &DefaultChain, region: &str, needs_sts: bool) -> Option<Option<String>> {
        let before = self.recorded.count();
        let found = caller_identity(&self.host(), chain, Some(region), &Patience::default());
        let answer = self.recorded.refusal_since(before);
        match found {
            Ok(identity) => {
                self.note("who you are", true, identity.arn.clone());
                let arn = Some(identity.arn);
                self.walk.evidence.identity =
                    Some(IdentityEvidence { arn: arn.clone(), ..IdentityEvidence::default() });
                Some(arn)
            }
            // The policy of a VPC endpoint may let nothing but AssumeRole through: that breaks no call.
            Err(error) if error.kind() == ErrorKind::StsDenied && self.role.role.is_some() => {
                self.note("who you are", true, "STS does not say");
                Some(None)
            }
            Err(error) if !needs_sts && is_silence(&error, answer.as_ref()) => {
                self.note_state("who you are", State::Unknown, error.to_string());
                Some(None)
            }
            Err(error) => {
                let evidence = IdentityEvidence { arn: None, error: Some(failed(&error)), answer };
                self.walk.evidence.identity = Some(evidence);
                self.broken("who you are", &error)
            }
        }
    }

    fn assume(&mut self, role: &str, chain: DefaultChain, region: &str) -> Option<Arc<dyn CredentialSource>> {
        let host = self.host();
        let mut options = role_options(&*host, role, Some(region), &self.role.assume, None);
        let before = self.recorded.count();
        let mut evidence = AssumeRoleEvidence {
            role_arn: Some(role.to_owned()),
            has_external_id: options.call.external_id.is_some(),
            ..AssumeRoleEvidence::default()
        };
        let serial = self.role.assume.mfa_serial.as_ref();
        let code = serial.map(|serial| Ok((serial, ask_for_code(serial)?))).transpose();
        let assumed = code.and_then(|mfa| {
            options.call.mfa = mfa.map(|(serial, token_code)| Mfa { serial_number: serial.clone(), token_code });
            let role = RoleProvider::on(Arc::clone(&host), options.clone(), chain.clone())?;
            let credentials = role.credentials()?;
            Ok((Arc::new(role), credentials))
        });
        match assumed {
            Ok((source, credentials)) => {
                let until = credentials.expires_at().and_then(xacct_sign::aws::format_rfc3339);
                self.note("role", true, format!("{role}, until {}", until.unwrap_or_else(|| "?".to_owned())));
                if evidence.has_external_id {
                    evidence.works_without_external_id = self.without_external_id(options, chain);
                }
                self.walk.evidence.assume_role = Some(evidence);
                Some(source)
            }
            Err(error) => {
                evidence.answer = self.recorded.refusal_since(before);
                evidence.error = Some(failed(&error));
                self.walk.evidence.assume_role = Some(evidence);
                self.broken("role", &error)
            }
        }
    }

    /// Whether STS gives the role to whoever does not know the external id, as it must not.
    fn without_external_id(&mut self, mut options: RoleOptions, chain: DefaultChain) -> Option<bool> {
        if self.role.assume.mfa_serial.is_some() {
            // Its code serves once.
            return None;
        }
        options.call.external_id = None;
        let found = RoleProvider::on(self.host(), options, chain).and_then(|role| role.credentials());
        let works = match found {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::StsDenied => false,
            Err(_) => return None,
        };
        self.note("external id", !works, if works { "STS gives the role without it, too" } else { "needed" });
        Some(works)
    }

    fn call(&mut self, source: Arc<dyn CredentialSource>, scope: &Scope, who: Option<&str>) -> Option<()> {
        let session = Session::on(self.host(), Arc::clone(&source), scope.clone());
        let (answer, bytes) = self.send(&session)?;
        let exchange = match answer.sent() {
            Some(sent) => sent.exchange(answer.status, &answer.headers, Some(&answer.body)),
            None => Exchange {
                method: Some(self.prepared.method.clone()),
                url: Some(answer.url.clone()),
                status: Some(answer.status),
                headers: recorded::texts(&answer.headers),
                ..Exchange::default()
            },
        };
        let findings = explain(&exchange);
        let needs_another = needs_another_form(&exchange, &findings);
        let mut evidence = CallEvidence { exchange: Some(exchange), ..CallEvidence::default() };
        if let Some(body) = bytes.as_ref().filter(|_| needs_another) {
            (evidence.presigned_status, evidence.bodiless_status) = self.try_otherwise(&session, &source, scope, body);
        }
        let says_more = (self.is_read(&answer) || self.is_unasked(&answer)) && findings.is_empty();
        if let Some(body) = bytes.filter(|_| says_more) {
            (evidence.unsigned_status, evidence.unsigned_is_login) = self.unsigned(&answer, &body);
        }
        self.walk.evidence.call = Some(evidence);
        let as_whom = who.filter(|_| self.role.role.is_none()).map(|arn| format!(", as {arn}")).unwrap_or_default();
        self.note_answer("API", &answer, findings.is_empty(), &as_whom);
        self.note_by_nobody("unsigned", "signature");
        Some(())
    }

    /// What the API or the server answered, and whether it has let the caller in.
    fn note_answer(&mut self, whose: &str, answer: &Response, is_whole: bool, as_whom: &str) {
        let (status, led) = (answer.status, self.led(answer));
        let call = self.walk.evidence.call.as_ref();
        let nobodys = call.and_then(|call| call.unsigned_status);
        let is_refused = matches!(nobodys, Some(401 | 403)) || call.is_some_and(|call| call.unsigned_is_login);
        let is_unasked = is_whole && may_be_unasked(status) && !is_refused;
        let state = if is_unasked { State::Unknown } else { State::of(is_whole) };
        let seen = match nobodys {
            Some(nobodys) if is_unasked && nobodys == status => {
                format!("the {whose} answered {status}{led} to nobody, too{as_whom}")
            }
            _ if is_whole && !is_unasked && status >= 400 => {
                format!("the {whose} let it in, and answered {status}{led}{as_whom}")
            }
            _ => format!("the answer is {status}{led}{as_whom}"),
        };
        self.note_state("call", state, seen);
    }

    /// The answer to the same call by nobody, where that was tried.
    fn note_by_nobody(&mut self, link: &'static str, without: &str) {
        let Some(call) = &self.walk.evidence.call else { return };
        let Some(status) = call.unsigned_status else { return };
        let state = match status {
            // It says something of who calls where the caller gets another.
            ..300 if call.unsigned_is_login && call.exchange.as_ref().is_some_and(is_login_page) => State::Unknown,
            ..300 if call.unsigned_is_login => State::Whole,
            ..300 => State::Broken,
            // Nobody was refused by whoever answers so, or the caller was, too.
            _ if !has_judged(status) || may_be_unasked(status) => State::Unknown,
            300..400 if call.exchange.as_ref().is_some_and(|exchange| exchange.status == Some(status)) => {
                State::Unknown
            }
            _ => State::Whole,
        };
        let page = if call.unsigned_is_login { ", a page on which to log in" } else { "" };
        self.note_state(link, state, format!("without a {without} the answer is {status}{page}"));
    }

    /// Sends the call; the body as it went out, where it is in memory.
    fn send(&mut self, session: &Session) -> Option<(Response, Option<Vec<u8>>)> {
        let content = std::mem::replace(&mut self.prepared.body, Content::Bytes(Vec::new()));
        let bytes = match &content {
            Content::Bytes(bytes) => Some(bytes.clone()),
            Content::Stream(..) => None,
        };
        let body = match content.into_body() {
            Ok(body) => body,
            Err(error) => return self.broken("call", &error),
        };
        let mut request = self.request();
        request.body = body;
        match session.send(request) {
            Ok(answer) => Some((answer, bytes)),
            Err(error) => {
                self.walk.evidence.call = Some(CallEvidence { error: Some(failed(&error)), ..CallEvidence::default() });
                self.broken("call", &error)
            }
        }
    }

    /// The call without its body.
    fn request(&self) -> Request {
        let mut request = Request::new(self.prepared.method.as_str(), self.prepared.url.as_str());
        request.headers.clone_from(&self.prepared.headers);
        request
    }

    /// What may do something is not done twice.
    fn is_read(&self, answer: &Response) -> bool {
        (200..300).contains(&answer.status) && self.is_safe()
    }

    /// Whether nobody is asked where a server may answer before it asks who calls. With 400 and 422 part of the work may be done.
    fn is_unasked(&self, answer: &Response) -> bool {
        may_be_unasked(answer.status) && (matches!(answer.status, 405 | 415) || self.is_safe())
    }

    /// The same of an answer that leads elsewhere.
    fn is_led(&self, answer: &Response) -> bool {
        (300..400).contains(&answer.status) && self.is_safe()
    }

    /// RFC 9110, section 9.2.1.
    fn is_safe(&self) -> bool {
        matches!(self.prepared.method.as_str(), "GET" | "HEAD")
    }

    /// Where redirects have led: within the API they are followed, and to elsewhere not.
    fn led(&self, answer: &Response) -> String {
        let shown = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let followed = if answer.url == self.prepared.url.as_str() {
            String::new()
        } else {
            format!(", by a redirect to {}", shown(&answer.url))
        };
        match answer.headers.get("location") {
            Some(place) if (300..400).contains(&answer.status) => {
                format!("{followed}, a redirect to {} that is not followed", shown(&header_text(place)))
            }
            _ => followed,
        }
    }

    /// This machine's clock against those that answered.
    fn clock(&mut self) {
        // A server's clock is its own: AWS's is STS's.
        let until = self.walk.evidence.bearer.as_ref().map(|_| self.count_before_call);
        let Some(seconds) = self.recorded.ahead_seconds(until) else { return };
        self.walk.evidence.clock = Some(ClockEvidence { ahead_seconds: seconds });
        let is_right = seconds.unsigned_abs() <= 300;
        let seen = match seconds {
            0 => "right".to_owned(),
            behind @ 1.. => format!("{behind} s behind"),
            ahead => format!("{} s ahead", ahead.unsigned_abs()),
        };
        let at = self.walk.tried.len().min(3);
        self.walk.tried.insert(at, Tried { link: "clock", state: State::of(is_right), seen });
    }
}

/// Whether STS was not heard, or has said nothing of the credentials. A policy may let nobody ask who it is.
fn is_silence(error: &Error, answer: Option<&Exchange>) -> bool {
    match error.kind() {
        ErrorKind::Transport
        | ErrorKind::Timeout
        | ErrorKind::InvalidResponse
        | ErrorKind::StsThrottled
        | ErrorKind::StsDenied => true,
        ErrorKind::StsFailed => answer.and_then(|answer| answer.status).is_none_or(|status| status >= 500),
        _ => false,
    }
}

/// An access key id, which is no secret, but need not be copied either.
fn shown_key(credentials: &Credentials) -> String {
    let key = credentials.access_key_id();
    let start: String = key.chars().take(4).collect();
    let end: String = key.chars().skip(key.chars().count().saturating_sub(4).max(4)).collect();
    format!("{start}…{end}")
}

fn failed(error: &Error) -> Failed {
    let broken = broken_link(error).map(|link| match link {
        Link::Name => "name",
        Link::Certificate | Link::Tls => "certificate",
        Link::Proxy | Link::ProxyName | Link::ProxyConnection | Link::ProxyTls | Link::ProxyCertificate => "proxy",
        // The way there is whole.
        Link::AnswerHead | Link::AnswerBody => "answer",
        _ => "connection",
    });
    Failed {
        code: error.code().to_owned(),
        message: error.to_string(),
        hint: hints::of(error).map(str::to_owned),
        broken: broken.map(str::to_owned),
    }
}
