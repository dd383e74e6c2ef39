//! Signing.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use xacct_sign::{
    Credentials, HeaderSelection, PathNormalization, Payload, PayloadHeader, PercentEncoding, Scope, SessionToken,
    Signed, Signer, SigningSettings,
};

use crate::constants::{ALL_HEADERS, NO_NORMALIZATION, PAYLOAD_HEADER, SINGLE_ENCODING, TOKEN_AFTER_SIGNING};
use crate::error::to_js;
use crate::instant::instant;
use crate::request::{Lines, hashed};

/// A signer that holds its credentials, so that a token crosses the boundary once.
#[wasm_bindgen]
pub struct WasmSigner(Signer);

#[wasm_bindgen]
impl WasmSigner {
    /// See `xacct_sign::Signer::new`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        region: String,
        service: String,
    ) -> Result<WasmSigner, JsValue> {
        Credentials::new(access_key_id, secret_access_key, session_token, None)
            .and_then(|credentials| Ok(Self(Signer::new(credentials, Scope::new(region, service)?))))
            .map_err(|error| to_js(&error))
    }

    /// The same credentials under explicit settings, a sum of [`crate::constants::SETTINGS`]. For tests: AWS's cases differ in them.
    #[wasm_bindgen(js_name = withSettings)]
    #[must_use]
    pub fn with_settings(&self, settings: u8) -> WasmSigner {
        let is = |flag: u8| settings & flag != 0;
        let scope = self.0.scope();
        let mut all = SigningSettings::for_service(scope.service());
        all.percent_encoding = if is(SINGLE_ENCODING) { PercentEncoding::Single } else { PercentEncoding::Double };
        all.path_normalization =
            if is(NO_NORMALIZATION) { PathNormalization::Disabled } else { PathNormalization::Enabled };
        all.payload_header = if is(PAYLOAD_HEADER) { PayloadHeader::Always } else { PayloadHeader::WhenUnsigned };
        all.session_token =
            if is(TOKEN_AFTER_SIGNING) { SessionToken::AddedAfterSigning } else { SessionToken::Signed };
        all.header_selection = if is(ALL_HEADERS) { HeaderSelection::All } else { HeaderSelection::Standard };
        Self(Signer::with_settings(self.0.credentials().clone(), scope.clone(), all))
    }

    /// Signs a request whose body is text. The answer is the value of `authorization`, a line feed, that of `x-amz-date`,
    /// and if there is one a line feed and that of `x-amz-content-sha256`. The session token, which the caller has, is
    /// added by the caller.
    pub fn sign(&self, request: &str, body: &str, now: f64) -> Result<String, JsValue> {
        self.signed(request, Payload::Bytes(body.as_bytes()), now)
    }

    /// As `sign`, with a body of bytes.
    #[wasm_bindgen(js_name = signBytes)]
    pub fn sign_bytes(&self, request: &str, body: &[u8], now: f64) -> Result<String, JsValue> {
        self.signed(request, Payload::Bytes(body), now)
    }

    /// As `sign`, with the body's SHA-256 in hexadecimal, or `UNSIGNED-PAYLOAD`.
    #[wasm_bindgen(js_name = signHashed)]
    pub fn sign_hashed(&self, request: &str, hash: &str, now: f64) -> Result<String, JsValue> {
        self.signed(request, hashed(hash), now)
    }

    /// The URL with the signature in its query.
    pub fn presign(&self, request: &str, hash: &str, expires_in: f64, now: f64) -> Result<String, JsValue> {
        let lines = Lines::read(request)?;
        let request = lines.request(hashed(hash));
        self.0.presign(&request, lifetime(expires_in), instant(now)?).map_err(|error| to_js(&error))
    }

    fn signed(&self, request: &str, payload: Payload<'_>, now: f64) -> Result<String, JsValue> {
        let lines = Lines::read(request)?;
        let signed = self.0.sign_parts(&lines.request(payload), instant(now)?).map_err(|error| to_js(&error))?;
        Ok(joined(&signed))
    }
}

fn joined(signed: &Signed<'_>) -> String {
    let mut text = String::with_capacity(384);
    for (name, value) in signed.headers().filter(|(name, _)| *name != "x-amz-security-token") {
        if name != "authorization" {
            text.push('\n');
        }
        text.push_str(value);
    }
    text
}

/// Whatever is no lifetime becomes one that is refused.
fn lifetime(seconds: f64) -> Duration {
    Duration::from_secs(seconds as u64)
}
