//! STS `GetWebIdentityToken`: the request to send, and the answer read.

use std::time::UNIX_EPOCH;

use wasm_bindgen::prelude::*;
use xacct_sign::Credentials;
use xacct_sign::aws::check_identity_region;
use xacct_sign::sts::{Action as _, Endpoint, GetWebIdentityToken, TokenAlgorithm};

use crate::error::to_js;
use crate::instant::instant;
use crate::signed_call;

/// A token, and where to have it made.
#[wasm_bindgen]
pub struct WasmToken {
    call: GetWebIdentityToken,
    endpoint: Endpoint,
}

#[wasm_bindgen]
impl WasmToken {
    /// See `xacct_sign::sts::GetWebIdentityToken`, `check_identity_region` and `Endpoint::new`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        audience: String,
        region: &str,
        sts_endpoint: Option<String>,
        duration_seconds: u32,
        algorithm: &str,
    ) -> Result<WasmToken, JsValue> {
        let made = || {
            let mut call = GetWebIdentityToken::new(audience);
            call.duration_seconds = duration_seconds;
            call.algorithm = TokenAlgorithm::named(algorithm)?;
            call.validate()?;
            check_identity_region(region)?;
            Ok(Self { call, endpoint: Endpoint::new(region, sts_endpoint.as_deref())? })
        };
        made().map_err(|error| to_js(&error))
    }

    /// The signed `POST`, line by line: URL, body, then each header's name and value. The credentials end at `expires_at`, infinity if
    /// they do not.
    pub fn request(
        &self,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        expires_at: f64,
        now: f64,
    ) -> Result<String, JsValue> {
        let now = instant(now)?;
        let expires_at = expires_at.is_finite().then(|| instant(expires_at)).transpose()?;
        let base = Credentials::new(access_key_id, secret_access_key, session_token, expires_at)
            .map_err(|error| to_js(&error))?;
        signed_call::lines(&self.call.within(&base, now), &base, &self.endpoint, now)
    }

    /// Reads the answer, line by line: the token, and the milliseconds since 1970 at which it expires. The base credentials are those
    /// that signed: no error shows their secrets.
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
        let token = Credentials::new("base", secret_access_key, session_token, None)
            .and_then(|base| self.call.read_answer(&base, status, body.as_bytes(), now))
            .map_err(|error| to_js(&error))?;
        let milliseconds = token.expires_at().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Ok(format!("{}\n{milliseconds}", token.token()))
    }
}
