//! The demo's manifest, an emulator with a moved clock, and callers that sign.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Scope, Signer};
use xacct_sign_emulator::{Answer, Emulator, LogEntry, Options, Outcome, Target};
use xacct_sign_provider::Manifest;

pub(crate) const REGION: &str = "ap-northeast-1";
pub(crate) const STAG: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
pub(crate) const PROD: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleProd";
pub(crate) const PARTNER: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagPartner";
pub(crate) const EXTERNAL_ID: &str = "b3c7-x+y=z";

/// What the demo deploys: the stages deve, stag and prod, for the caller shop.
pub(crate) const DEMO: &str = include_str!("../../../../demo/xacct.toml");

/// A caller that the demo does not have: with a path in its role, an external id and routes.
const PARTNERS_TABLE: &str = r#"
[callers.partner]
account = "222222222222"
roles = { stag = "service-role/Batch" }
external_id = "b3c7-x+y=z"
routes = ["PUT /hoge", "GET /items/*"]
"#;

/// An emulator, and the time that it is told.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) now: SystemTime,
    /// Every log entry so far.
    pub(crate) log: Vec<LogEntry>,
}

pub(crate) fn world() -> World {
    world_with(Options::default())
}

pub(crate) fn explaining() -> World {
    world_with(Options { explain: true, ..Options::default() })
}

pub(crate) fn world_with(options: Options) -> World {
    world_of(DEMO, options)
}

pub(crate) fn world_with_partner() -> World {
    world_of(&format!("{DEMO}{PARTNERS_TABLE}"), Options { explain: true, ..Options::default() })
}

pub(crate) fn world_of(manifest: &str, options: Options) -> World {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let emulator = Emulator::new(&manifest, options, [7; 32]).unwrap();
    // 2023-11-14T22:13:20Z
    World { emulator, now: UNIX_EPOCH + Duration::from_secs(1_700_000_000), log: Vec::new() }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn stag() -> Target {
    Target::Stage("stag".to_owned())
}

pub(crate) fn sign(request: &mut Request<Bytes>, credentials: &Credentials, service: &str, now: SystemTime) {
    Signer::new(credentials.clone(), Scope::new(REGION, service).unwrap()).sign(request, now).unwrap();
}

/// An unsigned request as it would come over the wire.
pub(crate) fn request(method: &str, target: &str, body: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", "server.stag.foo.example.com")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

impl World {
    /// The base credentials of a caller's role.
    pub(crate) fn base(&self, role: &str) -> Credentials {
        let found = self.emulator.callers().iter().find(|access| access.role.ends_with(role));
        found.map(|access| access.credentials.clone()).unwrap()
    }

    pub(crate) fn shop(&self) -> Credentials {
        self.base("/LambdaRoleDeve")
    }

    pub(crate) fn partner(&self) -> Credentials {
        self.base("/Batch")
    }

    pub(crate) fn outcome(&mut self, target: &Target, request: Request<Bytes>) -> Outcome {
        let Answer { outcome, log, .. } = self.emulator.handle(target, request, self.now);
        self.log.push(log);
        outcome
    }

    pub(crate) fn send(&mut self, target: &Target, request: Request<Bytes>) -> Response<Bytes> {
        match self.outcome(target, request) {
            Outcome::Respond(response) => response,
            Outcome::Forward(forward) => panic!("forwarded: {forward:?}"),
        }
    }

    /// The code of the last refusal.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.log.last().and_then(|entry| entry.reason.as_ref()).map(|reason| reason.code())
    }

    pub(crate) fn detail(&self) -> String {
        let reason = self.log.last().and_then(|entry| entry.reason.as_ref());
        reason.map(ToString::to_string).unwrap_or_default()
    }

    /// The signed request of a call, its body ready to be changed. It is made whether the credentials have expired or not.
    pub(crate) fn assume_request(&self, base: &Credentials, call: &AssumeRole) -> Request<Bytes> {
        let endpoint = Endpoint::new(REGION, Some("http://127.0.0.1:4566")).unwrap();
        let token = base.session_token().map(str::to_owned);
        let base = Credentials::new(base.access_key_id(), base.secret_access_key(), token, None).unwrap();
        call.request(&base, &endpoint, self.now).unwrap().map(Bytes::from)
    }

    pub(crate) fn call(&mut self, base: &Credentials, call: &AssumeRole) -> Response<Bytes> {
        let request = self.assume_request(base, call);
        self.send(&Target::Sts, request)
    }

    /// Assumes the role, or says what STS said.
    pub(crate) fn try_assume(
        &mut self,
        base: &Credentials,
        call: &AssumeRole,
    ) -> Result<Credentials, xacct_sign::Error> {
        let response = self.call(base, call);
        call.read_response(base, &response, self.now).map(|assumed| assumed.credentials)
    }

    pub(crate) fn assume(&mut self, base: &Credentials, role: &str) -> Credentials {
        self.try_assume(base, &AssumeRole::new(role, "session-1")).unwrap()
    }

    /// Sends a signed request to a stage.
    pub(crate) fn api(
        &mut self,
        target: &Target,
        credentials: &Credentials,
        method: &str,
        path: &str,
        body: &str,
    ) -> Response<Bytes> {
        self.api_as(target, credentials, "execute-api", (method, path, body))
    }

    /// The same, signed for this service.
    pub(crate) fn api_as(
        &mut self,
        target: &Target,
        credentials: &Credentials,
        service: &str,
        (method, path, body): (&str, &str, &str),
    ) -> Response<Bytes> {
        let mut request = request(method, path, body);
        sign(&mut request, credentials, service, self.now);
        self.send(target, request)
    }
}

pub(crate) fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

/// The text of the first element of this name.
pub(crate) fn element(response: &Response<Bytes>, name: &str) -> String {
    let text = text(response);
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_default();
    rest.split_once('<').unwrap_or_default().0.to_owned()
}

/// A stage of each kind, by role and direct, for the caller shop of another account.
pub(crate) const FRONTS: &str = include_str!("../../../../tests/manifests/fronts.toml");

/// A stage by its name.
pub(crate) fn at(stage: &str) -> Target {
    Target::Stage(stage.to_owned())
}

pub(crate) fn fronts() -> World {
    fronts_with(Options { explain: true, ..Options::default() })
}

pub(crate) fn fronts_with(options: Options) -> World {
    world_of(FRONTS, options)
}
