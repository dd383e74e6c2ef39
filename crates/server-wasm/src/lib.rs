//! The WebAssembly module of `xacct-sign-server`: converts types and errors, and decides nothing.
//!
//! What crosses is text. The driver, which fetches keys, verifies bare signatures and asks STS, is in JavaScript.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

// What both modules have stands in the folder of the one that signs, and is taken in as it is.
#[path = "../../wasm/src/retry.rs"]
mod retry;
mod step;

use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasm_bindgen::prelude::*;
use xacct_sign_identity::{Callers, Check, Development, RefusalKind, Seen, Step, Verifier, paths, sts_in_place};

/// See `xacct_sign_identity::Verifier`.
#[wasm_bindgen]
pub struct WasmVerifier(Verifier);

#[wasm_bindgen]
impl WasmVerifier {
    /// One that tells what is wrong with a `callers.json`: it throws lines, code and hint and sentence. Checks are of those that
    /// [`WasmVerifier::seeded`] makes, since Workers draw nothing at random before a request comes.
    #[wasm_bindgen(constructor)]
    pub fn new(callers: &[u8], is_development: bool) -> Result<WasmVerifier, JsValue> {
        let development = if is_development { Development::Yes } else { Development::No };
        let callers = Callers::parse(callers, development);
        let callers = callers.map_err(|error| thrown(error.code(), error.hint(), &error))?;
        Ok(Self(Verifier::new(callers, [0; 16])))
    }

    /// One for the same callers, with a seed of sixteen bytes that were drawn at random.
    pub fn seeded(&self, seed: &[u8]) -> WasmVerifier {
        Self(self.0.anew(seed.try_into().unwrap_or_default()))
    }

    /// Whether it takes issuers on this machine.
    #[wasm_bindgen(getter, js_name = isDevelopment)]
    pub fn is_development(&self) -> bool {
        self.0.callers().is_development()
    }

    /// That its callers come by the header of a request. It throws lines, as [`WasmVerifier::new`] does.
    #[wasm_bindgen(js_name = checkTakesHeaders)]
    pub fn check_takes_headers(&self) -> Result<(), JsValue> {
        self.0.callers().check_takes_headers().map_err(|error| thrown(error.code(), error.hint(), &error))
    }

    /// The check of a request with so many values of `authorization`, of which this is the first; with its method and what headers want
    /// in its place; and with each form that its path has.
    pub fn check(&self, authorization: &str, count: u32, methods: Vec<String>, paths: Vec<String>) -> WasmCheck {
        let values = [authorization.as_bytes(), b""];
        let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        WasmCheck(self.0.check(values.get(..count.min(2) as usize).unwrap_or_default(), &methods, &paths))
    }

    /// The check of a Lambda function's event in JSON.
    #[wasm_bindgen(js_name = checkEvent)]
    pub fn check_event(&self, event: &str) -> WasmCheck {
        WasmCheck(self.0.check_event(event.as_bytes()))
    }
}

/// See `xacct_sign_identity::Check`. Instants are in milliseconds since 1970.
#[wasm_bindgen]
pub struct WasmCheck(Check);

#[wasm_bindgen]
impl WasmCheck {
    /// What it has come to, as JSON: see `js/xacct-sign-server/src/module.ts`.
    pub fn step(&mut self, now: f64) -> String {
        let step = self.0.step(instant(now));
        step::to_json(step, self.0.waits())
    }

    /// What came for keys: a body, or nothing. Says whether it is a set of keys.
    pub fn keys(&mut self, body: Option<Box<[u8]>>, now: f64) -> bool {
        self.0.keys(body.as_deref(), instant(now))
    }

    /// Whether a signature is right.
    pub fn signature(&mut self, is_right: bool, now: f64) {
        self.0.signature(is_right, instant(now));
    }

    /// What STS answered: status and body, or no body where it could not be asked.
    pub fn sts(&mut self, status: u16, body: Option<Box<[u8]>>, now: f64) {
        self.0.sts(body.as_deref().map(|body| (status, body)), instant(now));
    }
}

/// The URL of an STS that stands in AWS's place, as it is sent to. It throws lines, as [`WasmVerifier::new`] does.
#[wasm_bindgen(js_name = stsEndpoint)]
pub fn sts_endpoint(url: &str) -> Result<String, JsValue> {
    let endpoint = sts_in_place(url).map_err(|error| thrown(error.code(), error.hint(), &error))?;
    Ok(endpoint.url().to_owned())
}

/// What a check comes to for which there is no place in its line, as JSON.
#[wasm_bindgen(js_name = tooBusy)]
pub fn too_busy() -> String {
    step::to_json(Step::Refused(RefusalKind::TooBusy.into()), None)
}

/// See `xacct_sign_identity::paths`.
#[wasm_bindgen(js_name = pathsOf)]
pub fn paths_of(sent: Option<String>, mounted_at: &str, target: &str) -> Vec<String> {
    paths(sent.as_deref(), Seen::Target { mounted_at, target })
}

/// See `xacct_sign_identity::is_public`; what is no address is not.
#[wasm_bindgen(js_name = isPublicAddress)]
pub fn is_public_address(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok_and(xacct_sign_identity::is_public)
}

fn thrown(code: &str, hint: Option<&str>, error: &dyn Error) -> JsValue {
    JsValue::from_str(&format!("{code}\n{}\n{error}", hint.unwrap_or_default()))
}

fn instant(milliseconds: f64) -> SystemTime {
    // A negative one, or none, becomes 1970: nothing stands then.
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds as u64)).unwrap_or(UNIX_EPOCH)
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
