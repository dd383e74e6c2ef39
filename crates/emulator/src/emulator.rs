//! The emulator: whom it knows, and the entry for every request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use xacct_sign::Credentials;
use xacct_sign::verify::{Presented, Refusal, Rules};
use xacct_sign_provider::iam::PolicyError;
use xacct_sign_provider::{DeployedStage, Deployment, Lock, Manifest};

use crate::callers;
use crate::cors::{Cors, is_origin};
use crate::entropy::Entropy;
use crate::forward::Forward;
use crate::log::LogEntry;
use crate::reason::Reason;
use crate::roles::{self, ProviderRole};
use crate::sessions::{Session, Sessions};

/// How the emulator behaves.
///
/// # Defaults
///
/// No upstream (the built-in echo answers), no explanations, lifetimes as asked for, no CORS but at STS, callers' policies
/// as rendered, no account in an organization but those of callers that are one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where allowed requests go, a plain `http://` URL; its path, if any, is put before the request's. Without one
    /// the built-in echo answers.
    pub upstream: Option<http::Uri>,
    /// Whether refusals carry the header `x-xacct-reason`.
    pub explain: bool,
    /// Credentials from AssumeRole live at most this long, so that expiry can be tried; at least a second.
    pub credential_lifetime: Option<Duration>,
    /// What callers have attached to their roles instead of the policy that is rendered for them: a policy in JSON, by the
    /// caller's name.
    pub caller_policies: BTreeMap<String, String>,
    /// The organizations that accounts are in, by account: what `aws:PrincipalOrgID` is.
    pub organizations: BTreeMap<String, String>,
    /// Origins whose pages may call the APIs, such as `https://app.example.com`; `*` is any. Where there is one, the
    /// gateway answers preflights itself, and what the upstream says of CORS is dropped.
    pub allow_origins: Vec<String>,
}

/// Which endpoint a request came to. The port decides, not the `Host` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// STS.
    Sts,
    /// The API of a stage, by the stage's name in the manifest.
    Stage(String),
}

impl Target {
    fn name(&self) -> &str {
        match self {
            Target::Sts => "sts",
            Target::Stage(name) => name,
        }
    }
}

/// What is to be done with a request.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// Answer with this.
    Respond(http::Response<Bytes>),
    /// Send the request to the upstream, and answer with what [`Reply`](crate::Reply) makes of its answer.
    Forward(Box<Forward>),
}

/// The outcome of a request, and what the log says about it.
#[derive(Debug)]
#[must_use]
pub struct Answer {
    /// What is to be done.
    pub outcome: Outcome,
    /// The request's log entry; for a forwarded request [`Reply`](crate::Reply) completes it.
    pub log: LogEntry,
}

/// An identity that the emulator issued credentials to at start-up, as Lambda does to a function.
#[derive(Debug, Clone)]
pub struct CallerAccess {
    /// The caller's name in the manifest.
    pub caller: String,
    /// The caller's account, 12 digits.
    pub account: String,
    /// The ARN of the caller's role.
    pub role: String,
    /// The ARN of the role that it may assume, by stage.
    pub may_assume: BTreeMap<String, String>,
    /// Temporary credentials of a session of the caller's role. They do not expire while the emulator runs.
    pub credentials: Credentials,
}

/// Why an emulator could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A document that the manifest renders to cannot be read back.
    #[error("a policy of `{role}` cannot be evaluated")]
    Policy {
        /// The role's ARN.
        role: String,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// A caller's policy is for a caller that is not there.
    #[error("there is no caller `{0}`")]
    UnknownCaller(String),
    /// Credentials could not be made.
    #[error("credentials could not be issued")]
    Credentials(#[from] xacct_sign::Error),
    /// The upstream is not a plain http URL.
    #[error("the upstream `{0}` is not a URL such as `http://127.0.0.1:3000`")]
    Upstream(String),
    /// An allowed origin is none.
    #[error("`{0}` is neither `*` nor an origin such as `https://app.example.com`")]
    Origin(String),
    /// The lifetime is shorter than a second.
    #[error("credentials cannot live less than a second")]
    Lifetime,
}

/// STS and the gateways of a manifest's stages, without any I/O.
///
/// Drive it so: [`Emulator::handle`] for each request with the current time; send what is to be forwarded, and let
/// [`Reply`](crate::Reply) turn the upstream's answer into the gateway's; write the log entry.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign_emulator::{Emulator, Options, Outcome, Target};
/// use xacct_sign_provider::Manifest;
///
/// let manifest = Manifest::parse(
///     r#"
///     [api]
///     account = "111111111111"
///     region = "ap-northeast-1"
///     [stages.stag]
///     api_id = "f6g7h8i9j0"
///     [callers.shop]
///     account = "000000000000"
///     roles = { stag = "LambdaRoleDeve" }
///     "#,
///     "xacct.toml",
/// )?;
/// let mut emulator = Emulator::new(&manifest, Options::default(), [7; 32])?;
/// let unsigned = http::Request::get("http://127.0.0.1/hoge").body(bytes::Bytes::new())?;
/// let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let answer = emulator.handle(&Target::Stage("stag".into()), unsigned, now);
/// let Outcome::Respond(response) = answer.outcome else { return Err("not answered".into()) };
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.body().as_ref(), br#"{"message":"Forbidden"}"#);
/// assert_eq!(answer.log.reason.map(|reason| reason.code), Some("signature_missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Emulator {
    pub(crate) options: Options,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) entropy: Entropy,
    pub(crate) sessions: Sessions,
    pub(crate) roles: BTreeMap<String, Arc<ProviderRole>>,
    pub(crate) stages: BTreeMap<String, Arc<DeployedStage>>,
    callers: Vec<CallerAccess>,
    outsider: CallerAccess,
}

/// Why a request's signer is not known.
pub(crate) enum Unauthenticated {
    Refused(Refusal),
    UnknownKey(Reason),
    /// The signature is right, but its time is over.
    Expired(Arc<Session>, Reason),
}

impl Emulator {
    /// An emulator of the manifest's API, with credentials for each caller's role.
    ///
    /// All ids, secrets and tokens come from `seed`: the same seed gives the same ones, so take it from the system's
    /// randomness wherever anybody but a test can reach the emulator.
    ///
    /// There is no lock file: where the callers of a stage do not fit into one role, see [`Emulator::of`].
    ///
    /// # Errors
    ///
    /// [`SetupError`] for options that make no sense; a manifest that was parsed gives none.
    pub fn new(manifest: &Manifest, options: Options, seed: [u8; 32]) -> Result<Self, SetupError> {
        Self::of(&manifest.plan(&Lock::default()).deployment(), options, seed)
    }

    /// An emulator of what is deployed, otherwise as [`Emulator::new`].
    ///
    /// # Errors
    ///
    /// [`SetupError`] for options that make no sense, and for policies that are none.
    pub fn of(deployment: &Deployment, options: Options, seed: [u8; 32]) -> Result<Self, SetupError> {
        check(&options)?;
        let mut entropy = Entropy::new(seed);
        let mut sessions = Sessions::default();
        let roles = roles::provider_roles(deployment, &mut entropy)?;
        let (callers, outsider) = callers::issue(deployment, &options, &mut entropy, &mut sessions)?;
        Ok(Self {
            region: deployment.region.clone(),
            account: deployment.account.clone(),
            stages: roles::stages(deployment),
            options,
            entropy,
            sessions,
            roles,
            callers,
            outsider,
        })
    }

    /// Decides one request. Method, path, query and headers are as they stood on the wire, names in lower case.
    pub fn handle(&mut self, target: &Target, request: http::Request<Bytes>, now: SystemTime) -> Answer {
        let (parts, body) = request.into_parts();
        let mut log = LogEntry::new(now, target.name(), &parts.method, parts.uri.path());
        let cors = Cors::of(target, &self.options.allow_origins, &parts.headers);
        let preflight = cors.as_ref().and_then(|cors| cors.preflight(&parts, &mut log));
        if let Some(response) = preflight {
            log.status = Some(response.status().as_u16());
            return Answer { outcome: Outcome::Respond(response), log };
        }
        let mut outcome = match target {
            Target::Sts => Outcome::Respond(self.sts(&parts, &body, now, &mut log)),
            Target::Stage(stage) => self.gateway(stage, parts, body, now, &mut log),
        };
        match &mut outcome {
            Outcome::Respond(response) => {
                cors.iter().for_each(|cors| cors.mark(response));
                log.status = Some(response.status().as_u16());
            }
            Outcome::Forward(forward) => forward.reply.cors = cors,
        }
        Answer { outcome, log }
    }

    /// Answers a request whose body passed [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES), so that whoever reads it can stop there.
    pub fn body_too_large(&mut self, target: &Target, parts: &Parts, now: SystemTime) -> Answer {
        let mut log = LogEntry::new(now, target.name(), &parts.method, parts.uri.path());
        let mut response = match target {
            Target::Sts => self.sts_body_too_large(&mut log),
            Target::Stage(_) => self.gateway_body_too_large(&mut log),
        };
        let cors = Cors::of(target, &self.options.allow_origins, &parts.headers);
        cors.iter().for_each(|cors| cors.mark(&mut response));
        log.status = Some(response.status().as_u16());
        Answer { outcome: Outcome::Respond(response), log }
    }

    /// The callers' roles with their credentials, by caller and role.
    #[must_use]
    pub fn callers(&self) -> &[CallerAccess] {
        &self.callers
    }

    /// A valid identity that may assume any role as far as its own account goes, and that nobody trusts.
    #[must_use]
    pub fn outsider(&self) -> &CallerAccess {
        &self.outsider
    }

    /// The region of the manifest.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The stages in the order of their names, each with the id of its API.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stages.iter().map(|(name, api)| (name.as_str(), api.api_id.as_str()))
    }

    /// Who signed: the signature is checked first, then whether the credentials have expired.
    pub(crate) fn authenticate(
        &self,
        rules: &Rules,
        parts: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Arc<Session>, Unauthenticated> {
        let presented = Presented::read(parts.method.as_str(), parts.uri.path(), parts.uri.query(), &parts.headers)
            .map_err(Unauthenticated::Refused)?;
        let Some(session) = self.sessions.find(presented.access_key_id()) else {
            return Err(Unauthenticated::UnknownKey(unknown_key(presented.access_key_id())));
        };
        presented.check(&session.credentials, rules, body, now).map_err(Unauthenticated::Refused)?;
        if session.is_expired(now) {
            let at = session.credentials.expires_at().and_then(xacct_sign::format_rfc3339).unwrap_or_default();
            let reason = Reason::new("expired", format!("the credentials expired at {at}"));
            return Err(Unauthenticated::Expired(session, reason));
        }
        Ok(session)
    }
}

/// Shows the key id only if it looks like one: key and secret get swapped.
fn unknown_key(access_key_id: &str) -> Reason {
    let looks_like_one = access_key_id.len() <= 128
        && access_key_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let shown = if looks_like_one { format!("`{access_key_id}`") } else { "that was presented".to_owned() };
    Reason::new("unknown_key", format!("the access key id {shown} was not issued here, or expired long ago"))
}

fn check(options: &Options) -> Result<(), SetupError> {
    if let Some(upstream) = &options.upstream
        && (upstream.scheme_str() != Some("http")
            || upstream.host().is_none_or(str::is_empty)
            || upstream.query().is_some())
    {
        return Err(SetupError::Upstream(upstream.to_string()));
    }
    if let Some(text) = options.allow_origins.iter().find(|text| !is_origin(text)) {
        return Err(SetupError::Origin(text.clone()));
    }
    if options.credential_lifetime.is_some_and(|lifetime| lifetime < Duration::from_secs(1)) {
        return Err(SetupError::Lifetime);
    }
    Ok(())
}
