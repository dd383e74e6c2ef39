//! The WebAssembly module of `xacct-sign-emulator`: converts types and errors, and decides nothing.
//!
//! Ports, clock, randomness and the upstream are in JavaScript, as they are in the module `server` of the emulator's crate for Rust.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

mod answer;
mod pairs;
mod request;
mod thrown;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use wasm_bindgen::prelude::*;
use xacct_sign_emulator::{Addresses, BodyFailure, CallerAccess, Emulator, Options, Ready, Target, past_the_proxy};
use xacct_sign_provider::{Lock, Manifest};

use crate::answer::WasmAnswer;
use crate::request::WasmRequest;
use crate::thrown::{of_access, of_manifest, of_setup, thrown};

/// What the name of a stage stands in for where STS is meant: no stage is called so.
const STS: &str = "";

/// See `xacct_sign_emulator::Emulator`. Instants are in milliseconds since 1970; the empty name is that of STS.
#[wasm_bindgen]
pub struct WasmEmulator {
    emulator: Emulator,
    ready: Ready,
    unknown_boundaries: Vec<String>,
}

#[wasm_bindgen]
impl WasmEmulator {
    /// An emulator of a manifest and its lock file. `policies` are ARNs and documents of managed policies in turns. Throws lines,
    /// code and hint and message.
    #[wasm_bindgen(constructor)]
    pub fn new(
        manifest: &Text,
        lock: Option<Text>,
        upstream: Option<String>,
        policies: Vec<String>,
        explain: bool,
        seed: &[u8],
    ) -> Result<WasmEmulator, JsValue> {
        let upstream = match upstream.map(|url| url.parse().map_err(|_| url)).transpose() {
            Ok(upstream) => upstream,
            Err(url) => return Err(of_setup(&xacct_sign_emulator::SetupError::Upstream(url))),
        };
        let manifest = Manifest::parse(&manifest.text, &manifest.name).map_err(|error| of_manifest(&error))?;
        let lock =
            lock.map(|lock| Lock::parse(&lock.text, &lock.name)).transpose().map_err(|error| of_manifest(&error))?;
        let deployment = manifest.plan(&lock.unwrap_or_default()).deployment();
        let policies = pairs::of(policies).collect();
        let options = Options { upstream, policies, explain, ..Options::default() };
        let unknown_boundaries = options.unknown_boundaries(&deployment).into_iter().map(str::to_owned).collect();
        let seed = seed.try_into().map_err(|_| thrown("emulator_setup", "", "the seed has not 32 bytes"))?;
        let emulator = Emulator::of(&deployment, options, seed).map_err(|error| of_setup(&error))?;
        let ready = Ready::new(&emulator, Addresses::new("", BTreeMap::new()));
        Ok(Self { emulator, ready, unknown_boundaries })
    }

    /// The ARNs of permissions boundaries that limit nobody here.
    #[wasm_bindgen(getter, js_name = unknownBoundaries)]
    pub fn unknown_boundaries(&self) -> Vec<String> {
        self.unknown_boundaries.clone()
    }

    /// The names of the stages.
    #[wasm_bindgen(getter)]
    pub fn stages(&self) -> Vec<String> {
        self.emulator.stage_names().into_iter().map(str::to_owned).collect()
    }

    /// Where it listens: the origin of STS, and each stage and its origin in turns. Throws lines.
    pub fn listens(&mut self, sts: &str, stages: Vec<String>) -> Result<(), JsValue> {
        self.emulator.reached_at(sts).map_err(|error| of_setup(&error))?;
        self.ready = Ready::new(&self.emulator, Addresses::new(sts, pairs::of(stages).collect()));
        Ok(())
    }

    /// The URL of a stage. Throws lines.
    pub fn url(&self, stage: &str) -> Result<String, JsValue> {
        self.emulator.check_stage(stage).map_err(|error| of_access(&error))?;
        Ok(self.ready.addresses().stages.get(stage).cloned().unwrap_or_default())
    }

    /// The text of `callers.json` of a stage that is a server. Throws lines.
    pub fn callers(&self, stage: &str) -> Result<String, JsValue> {
        self.emulator.check_stage(stage).map_err(|error| of_access(&error))?;
        self.ready.callers_json(stage).ok_or_else(|| {
            let message = format!("the stage `{stage}` is no server, and has no list of callers");
            thrown("invalid_option", "give a stage with `target = \"server\"`", &message)
        })
    }

    /// A caller's own credentials: key id, secret and token. Throws lines.
    pub fn credentials(&self, caller: &str, stage: &str) -> Result<Vec<String>, JsValue> {
        let CallerAccess { credentials, .. } =
            self.emulator.access(caller, stage).map_err(|error| of_access(&error))?;
        let texts =
            [Some(credentials.access_key_id()), Some(credentials.secret_access_key()), credentials.session_token()];
        Ok(texts.into_iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    }

    /// How the environment, names and values in turns, has to change for a program to be this caller: names and values in
    /// turns, no value for what must not be there. Throws lines.
    pub fn changes(&self, caller: &str, stage: &str, environment: Vec<String>) -> Result<Vec<JsValue>, JsValue> {
        self.emulator.access(caller, stage).map_err(|error| of_access(&error))?;
        let environment: BTreeMap<String, String> = pairs::of(environment).collect();
        let ready = self.ready.clone().with_variables(past_the_proxy(|name| environment.get(name).cloned()));
        let changes = ready.environment(caller, stage).unwrap_or_default();
        Ok(changes.into_iter().flat_map(|(name, value)| [name.into(), value.into()]).collect())
    }

    /// How long a body may be, in bytes.
    #[wasm_bindgen(js_name = maxBodyBytes)]
    pub fn max_body_bytes(&self, stage: &str) -> usize {
        self.emulator.max_body_bytes(&target(stage))
    }

    /// See `Emulator::before_body`.
    #[wasm_bindgen(js_name = beforeBody)]
    pub fn before_body(&mut self, stage: &str, request: &WasmRequest, now: f64) -> Option<WasmAnswer> {
        self.emulator.before_body(&target(stage), &request.0, instant(now)).map(WasmAnswer::of)
    }

    /// See `Emulator::handle`.
    pub fn handle(&mut self, stage: &str, request: WasmRequest, body: Vec<u8>, now: f64) -> WasmAnswer {
        let request = http::Request::from_parts(request.0, Bytes::from(body));
        WasmAnswer::of(self.emulator.handle(&target(stage), request, instant(now)))
    }

    /// The answer to a request whose body is too long.
    #[wasm_bindgen(js_name = bodyTooLarge)]
    pub fn body_too_large(&mut self, stage: &str, request: &WasmRequest, now: f64) -> WasmAnswer {
        let answer = self.emulator.body_failed(&target(stage), &request.0, BodyFailure::TooLarge, instant(now));
        WasmAnswer::of(answer)
    }
}

/// A file: its name, for errors, and its text.
#[wasm_bindgen]
pub struct Text {
    name: String,
    text: String,
}

#[wasm_bindgen]
impl Text {
    /// Takes both.
    #[wasm_bindgen(constructor)]
    pub fn new(name: String, text: String) -> Text {
        Self { name, text }
    }
}

/// See `xacct_sign::file_text`.
#[wasm_bindgen(js_name = fileText)]
pub fn file_text(bytes: &[u8]) -> Option<String> {
    xacct_sign::file_text(bytes)
}

fn target(stage: &str) -> Target {
    if stage == STS { Target::Sts } else { Target::Stage(stage.to_owned()) }
}

fn instant(milliseconds: f64) -> SystemTime {
    // A negative one, or none, becomes 1970.
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds as u64)).unwrap_or(UNIX_EPOCH)
}
