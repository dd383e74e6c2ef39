//! An emulator without sockets, and whoever calls it: by signed requests, and with tokens.

use std::time::SystemTime;

use bytes::Bytes;
use xacct_sign::sts::{Action, AssumeRole, Endpoint, GetWebIdentityToken};
use xacct_sign::{Credentials, ErrorKind, Scope, Signer};
use xacct_sign_emulator::{Emulator, LogEntry, Outcome, Target};

use crate::at;

/// The region of everything here.
pub const REGION: &str = "ap-northeast-1";

/// Where the emulator's STS is reached.
const STS: &str = "http://127.0.0.1:4566";

/// An emulator, and the time that it is told.
pub struct World {
    /// Whom everything is sent to.
    pub emulator: Emulator,
    /// What the log says of the last request.
    pub log: Option<LogEntry>,
    now: SystemTime,
}

impl World {
    /// An emulator of [`REGION`] without an upstream.
    #[must_use]
    pub fn new(mut emulator: Emulator) -> Self {
        emulator.reached_at(STS).unwrap();
        Self { emulator, log: None, now: at(1_700_000_000) }
    }

    /// The role's credentials, if STS gives them.
    pub fn assume(&mut self, base: &Credentials, call: &AssumeRole) -> Option<Credentials> {
        self.asked(base, call).map(|assumed| assumed.credentials)
    }

    /// A web identity token for the audience, if STS gives one.
    pub fn token(&mut self, base: &Credentials, audience: &str) -> Option<String> {
        self.asked(base, &GetWebIdentityToken::new(audience)).map(|token| token.token().to_owned())
    }

    /// A proof for the audience.
    #[must_use]
    pub fn proof(&self, base: &Credentials, audience: &str) -> String {
        xacct_sign_identity::make_proof(base, REGION, audience, self.now).unwrap()
    }

    /// The status of a call that is signed for the service; `None` where it cannot be signed.
    pub fn signed(&mut self, stage: &str, credentials: &Credentials, service: &str, call: (&str, &str)) -> Option<u16> {
        let mut request = request(call, None);
        let scope = Scope::new(REGION, service).unwrap();
        Signer::new(credentials.clone(), scope).sign(&mut request, self.now).ok()?;
        Some(self.send(&Target::Stage(stage.to_owned()), request).status().as_u16())
    }

    /// The status of a call with a token or a proof.
    pub fn shown(&mut self, stage: &str, bearer: &str, call: (&str, &str)) -> u16 {
        let request = request(call, Some(bearer));
        self.send(&Target::Stage(stage.to_owned()), request).status().as_u16()
    }

    fn asked<A: Action>(&mut self, base: &Credentials, call: &A) -> Option<A::Output> {
        let endpoint = Endpoint::new(REGION, Some(STS)).unwrap();
        let request = call.request(base, &endpoint, self.now).unwrap().map(Bytes::from);
        let response = self.send(&Target::Sts, request);
        match call.read_response(base, &response, self.now) {
            Ok(output) => Some(output),
            // What fails is no refusal.
            Err(error) if error.kind() == ErrorKind::StsDenied => None,
            Err(error) => panic!("{error}: {response:?}"),
        }
    }

    fn send(&mut self, target: &Target, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let answer = self.emulator.handle(target, request, self.now);
        self.log = Some(answer.log);
        match answer.outcome {
            Outcome::Respond(response) => response,
            Outcome::Forward(_) => panic!("there is no upstream"),
        }
    }
}

fn request((method, uri): (&str, &str), bearer: Option<&str>) -> http::Request<Bytes> {
    let mut request = http::Request::builder().method(method).uri(uri).header("host", "api.example.com");
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    request.body(Bytes::new()).unwrap()
}
