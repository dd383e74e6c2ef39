//! STS `AssumeRole`: the request to send, and the answer read.

use std::time::UNIX_EPOCH;

use wasm_bindgen::prelude::*;
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Error};

use crate::constants::{
    DURATION_SECONDS, EXTERNAL_ID, POLICY, POLICY_ARN, REGION, SOURCE_IDENTITY, STS_ENDPOINT, TAG_KEY, TAG_VALUE,
    TRANSITIVE_TAG_KEY,
};
use crate::error::to_js;
use crate::instant::instant;
use crate::signed_call;

/// A role, and how to assume it: what [`WasmAssumeRole::set`] sets, then [`WasmAssumeRole::check`].
#[wasm_bindgen]
pub struct WasmAssumeRole {
    call: AssumeRole,
    region: String,
    sts_endpoint: Option<String>,
}

#[wasm_bindgen]
impl WasmAssumeRole {
    /// See `xacct_sign::sts::AssumeRole`.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(role_arn: String, session_name: String) -> WasmAssumeRole {
        Self { call: AssumeRole::new(role_arn, session_name), region: String::new(), sts_endpoint: None }
    }

    /// Sets one of [`crate::constants::OPTIONS`], or adds to one that is a list; a tag's value follows its key.
    pub fn set(&mut self, option: u8, value: String) {
        let call = &mut self.call;
        match option {
            REGION => self.region = value,
            // What is no whole number of seconds, or out of range, becomes one that is refused.
            DURATION_SECONDS => call.duration_seconds = value.parse().unwrap_or_default(),
            EXTERNAL_ID => call.external_id = Some(value),
            POLICY => call.policy = Some(value),
            POLICY_ARN => call.policy_arns.push(value),
            TAG_KEY => call.tags.push((value, String::new())),
            TAG_VALUE => call.tags.iter_mut().last().into_iter().for_each(|tag| tag.1.clone_from(&value)),
            TRANSITIVE_TAG_KEY => call.transitive_tag_keys.push(value),
            SOURCE_IDENTITY => call.source_identity = Some(value),
            STS_ENDPOINT => self.sts_endpoint = Some(value),
            _ => {}
        }
    }

    /// Refuses what cannot work; see `xacct_sign::sts::AssumeRole::validate` and, once the region is set, its `endpoint`.
    pub fn check(&self) -> Result<(), JsValue> {
        let endpoint = || if self.region.is_empty() { Ok(()) } else { self.endpoint().map(drop) };
        self.call.validate().and_then(|()| endpoint()).map_err(|error| to_js(&error))
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        self.call.endpoint(&self.region, self.sts_endpoint.as_deref())
    }

    /// The signed `POST`, line by line: URL, body, then each header's name and value.
    pub fn request(
        &self,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        now: f64,
    ) -> Result<String, JsValue> {
        let now = instant(now)?;
        let endpoint = self.endpoint().map_err(|error| to_js(&error))?;
        let base =
            Credentials::new(access_key_id, secret_access_key, session_token, None).map_err(|error| to_js(&error))?;
        signed_call::lines(&self.call, &base, &endpoint, now)
    }

    /// Reads the answer, line by line: key id, secret, token, and the milliseconds since 1970 at which they expire. The base
    /// credentials are those that signed: no error shows their secrets.
    #[wasm_bindgen(js_name = readResponse)]
    pub fn read_response(
        &self,
        secret_access_key: String,
        session_token: Option<String>,
        status: u16,
        body: &str,
        now: f64,
    ) -> Result<String, JsValue> {
        let now = instant(now)?;
        let assumed = Credentials::new("base", secret_access_key, session_token, None)
            .and_then(|base| self.call.read_answer(&base, status, body.as_bytes(), now))
            .map_err(|error| to_js(&error))?;
        let credentials = &assumed.credentials;
        let expires_at = credentials.expires_at().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let milliseconds = expires_at.as_secs() * 1000 + u64::from(expires_at.subsec_millis());
        let token = credentials.session_token().unwrap_or_default();
        Ok(format!("{}\n{}\n{token}\n{milliseconds}", credentials.access_key_id(), credentials.secret_access_key()))
    }
}
