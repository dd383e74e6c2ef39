//! The entry for every request: to STS, or to the gateway of a stage.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use xacct_sign::verify::Rules;
use xacct_sign_provider::{DeployedServer, DeployedStage, Deployment, Lock, Manifest};

use crate::body::BodyFailure;
use crate::cors::Cors;
use crate::gateway::paths::base_path;
use crate::gateway::stage::{Stage, stages};
use crate::gateway::{self, Gateway, Outcome};
use crate::iam::Iam;
use crate::iam::callers::CallerAccess;
use crate::log::LogEntry;
use crate::options::{Options, SetupError};
use crate::servers::{self, Checkpoint, Server, servers};
use crate::sts::{self, Sts};

/// Which endpoint a request came to. The port decides, not the `Host` header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// STS.
    Sts,
    /// The API of a stage, by the stage's name in the manifest.
    Stage(String),
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Sts => "sts",
            Target::Stage(name) => name,
        }
    }
}

/// The outcome of a request, and what the log says about it.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Answer {
    /// What is to be done.
    pub outcome: Outcome,
    /// The request's log entry; for a forwarded request [`Reply`](crate::Reply) completes it.
    pub log: LogEntry,
}

/// STS and the gateways of a manifest's stages, without any I/O.
///
/// Drive it so: [`Emulator::handle`] for each request with the current time; send what is to be forwarded, and let
/// [`Reply`](crate::Reply) turn the upstream's answer into the gateway's; write the log entry. Who reads bodies from strangers
/// asks [`Emulator::before_body`] first.
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
/// assert_eq!(answer.log.reason.map(|reason| reason.code()), Some("signature_missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Emulator {
    options: Options,
    iam: Iam,
    stages: BTreeMap<String, Stage>,
    servers: BTreeMap<String, Server>,
    sts_rules: Rules,
}

impl Emulator {
    /// An emulator of the manifest's API, with credentials for each caller's role.
    ///
    /// All ids, secrets and tokens come from `seed`: the same seed gives the same ones, so take it from the system's
    /// randomness wherever anybody but a test can reach the emulator. [`Options::caller_credentials`] can have those of callers
    /// come from elsewhere.
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
        options.check()?;
        let iam = Iam::of(deployment, &options, seed)?;
        Ok(Self {
            sts_rules: sts::rules(&deployment.region).map_err(SetupError::Region)?,
            stages: stages(deployment, &options)?,
            servers: servers(deployment, &iam)?,
            iam,
            options,
        })
    }

    /// Puts another deployment and other options in the place of those that are there, as a deploy does. Callers that are in both
    /// keep their credentials, and so does whoever has assumed a role that is in both.
    ///
    /// # Errors
    ///
    /// As [`Emulator::of`]; then everything stays as it is.
    pub fn redeploy(&mut self, deployment: &Deployment, options: Options) -> Result<(), SetupError> {
        options.check()?;
        let sts_rules = sts::rules(&deployment.region).map_err(SetupError::Region)?;
        let stages = stages(deployment, &options)?;
        let servers = servers(deployment, &self.iam)?;
        self.iam.redeploy(deployment, &options)?;
        (self.sts_rules, self.stages, self.servers, self.options) = (sts_rules, stages, servers, options);
        Ok(())
    }

    /// Says where STS is reached, such as `http://127.0.0.1:4566`: the URLs of the accounts' issuers begin so, and tokens name them.
    ///
    /// # Errors
    ///
    /// [`SetupError::Callers`] where a stage is a server, and STS is not on this machine: whoever is on the way could be anybody.
    pub fn reached_at(&mut self, sts_url: &str) -> Result<(), SetupError> {
        self.iam.issuers.reached_at(sts_url);
        self.servers.iter_mut().try_for_each(|(name, server)| server.reached_at(name, &self.iam))
    }

    /// Decides one request. Method, path, query and headers are as they stood on the wire, names in lower case.
    pub fn handle(&mut self, target: &Target, request: http::Request<Bytes>, now: SystemTime) -> Answer {
        let (parts, body) = request.into_parts();
        let mut log = LogEntry::new(now, target.name(), &parts.method, parts.uri.path());
        let cors = self.cors(target, &parts.headers);
        let preflight = cors.as_ref().and_then(|cors| cors.preflight(&parts, &mut log));
        if let Some(response) = preflight {
            log.status = Some(response.status().as_u16());
            return Answer { outcome: Outcome::Respond(response), log };
        }
        let mut outcome = match target {
            Target::Sts => Outcome::Respond(self.sts().answer(&parts, &body, now, &mut log)),
            Target::Stage(stage) => match self.servers.get(stage) {
                Some(server) => {
                    let mut checkpoint = Checkpoint { iam: &mut self.iam, options: &self.options };
                    checkpoint.answer(server, parts, body, now, &mut log)
                }
                None => self.gateway().answer(stage, parts, body, now, &mut log),
            },
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

    /// Answers a request whose answer does not depend on its body: one that is not signed by anybody known, say. `None` if the
    /// body is needed: then read it and call [`Emulator::handle`], or [`Emulator::body_failed`] where it does not come.
    pub fn before_body(&mut self, target: &Target, parts: &Parts, now: SystemTime) -> Option<Answer> {
        let mut log = LogEntry::new(now, target.name(), &parts.method, parts.uri.path());
        let cors = self.cors(target, &parts.headers);
        let preflight = cors.as_ref().and_then(|cors| cors.preflight(parts, &mut log));
        if let Some(response) = preflight {
            log.status = Some(response.status().as_u16());
            return Some(Answer { outcome: Outcome::Respond(response), log });
        }
        let response = match target {
            Target::Sts => self.sts().before_body(parts, &mut log),
            Target::Stage(stage) => match self.servers.get(stage) {
                Some(server) => {
                    let mut checkpoint = Checkpoint { iam: &mut self.iam, options: &self.options };
                    checkpoint.before_body(server, parts, now, &mut log)
                }
                None => self.gateway().before_body(stage, parts, now, &mut log),
            },
        };
        response.map(|response| marked(response, cors.as_ref(), log))
    }

    /// Answers a request whose body did not come.
    pub fn body_failed(&mut self, target: &Target, parts: &Parts, failure: BodyFailure, now: SystemTime) -> Answer {
        let mut log = LogEntry::new(now, target.name(), &parts.method, parts.uri.path());
        let response = match target {
            Target::Sts => self.sts().body_failed(failure, &mut log),
            Target::Stage(stage) if self.servers.contains_key(stage) => {
                Checkpoint { iam: &mut self.iam, options: &self.options }.body_failed(failure, &mut log)
            }
            Target::Stage(stage) => {
                let stages = &self.stages;
                let mut gateway = Gateway { iam: &mut self.iam, stages, options: &self.options };
                gateway.body_failed(stages.get(stage), failure, &mut log)
            }
        };
        let cors = self.cors(target, &parts.headers);
        marked(response, cors.as_ref(), log)
    }

    /// The callers' roles with their credentials, by caller and role.
    #[must_use]
    pub fn callers(&self) -> &[CallerAccess] {
        &self.iam.callers
    }

    /// A valid identity that may assume any role as far as its own account goes, and that nobody trusts.
    #[must_use]
    pub fn outsider(&self) -> &CallerAccess {
        &self.iam.outsider
    }

    /// Whether allowed requests go on over TLS.
    #[cfg(feature = "server")]
    pub(crate) fn has_https_upstream(&self) -> bool {
        self.options.upstream.as_ref().is_some_and(|upstream| upstream.scheme_str() == Some("https"))
    }

    /// The region of the manifest.
    pub(crate) fn region(&self) -> &str {
        &self.iam.region
    }

    /// What stands before every path of a stage, such as `/v1`.
    pub(crate) fn base_path(&self, stage: &str) -> String {
        self.stages.get(stage).map(|stage| base_path(&stage.api.api_stage)).unwrap_or_default()
    }

    /// The names of all stages, each of which has a port of its own.
    #[must_use]
    pub fn stage_names(&self) -> BTreeSet<&str> {
        self.stages.keys().chain(self.servers.keys()).map(String::as_str).collect()
    }

    /// The stages that are servers, in the order of their names.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &DeployedServer)> {
        self.servers.iter().map(|(name, server)| (name.as_str(), &server.deployed))
    }

    /// The stages in the order of their names, but for servers.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &DeployedStage)> {
        self.stages.iter().map(|(name, stage)| (name.as_str(), &stage.api))
    }

    /// What requests to a stage are signed for.
    pub(crate) fn service(&self, stage: &str) -> Option<&'static str> {
        self.stages.get(stage).map(|stage| stage.front.signing_name())
    }

    /// How long the body of a request may be, in bytes.
    #[must_use]
    pub fn max_body_bytes(&self, target: &Target) -> usize {
        match target {
            Target::Sts => sts::MAX_BODY_BYTES,
            Target::Stage(stage) if self.servers.contains_key(stage) => servers::max_body_bytes(),
            Target::Stage(stage) => gateway::max_body_bytes(self.stages.get(stage)),
        }
    }

    fn sts(&mut self) -> Sts<'_> {
        Sts { iam: &mut self.iam, options: &self.options, rules: &self.sts_rules }
    }

    fn gateway(&mut self) -> Gateway<'_> {
        Gateway { iam: &mut self.iam, stages: &self.stages, options: &self.options }
    }

    fn cors(&self, target: &Target, headers: &HeaderMap) -> Option<Cors> {
        match target {
            Target::Sts => Some(Cors::of_sts(headers)),
            Target::Stage(_) => Cors::of_api(&self.options.allow_origins, headers),
        }
    }
}

/// The gateway's or STS's own answer, with what the request's origin may do with it.
fn marked(mut response: Response<Bytes>, cors: Option<&Cors>, mut log: LogEntry) -> Answer {
    cors.iter().for_each(|cors| cors.mark(&mut response));
    log.status = Some(response.status().as_u16());
    Answer { outcome: Outcome::Respond(response), log }
}
