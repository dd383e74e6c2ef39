//! Signing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use xacct_sign::{
    Credentials, Error, ErrorKind, HeaderSelection, PathNormalization, Payload, PayloadHeader, PercentEncoding,
    Request, SessionToken, Signed, Signer, SigningSettings,
};

use crate::error::to_js;
use crate::instant;

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
            .and_then(|credentials| Signer::new(credentials, region, service))
            .map(Self)
            .map_err(|error| to_js(&error))
    }

    /// Signs a request whose body is given. `headers` is name, line feed, value, line feed, for each; the answer is the
    /// value of `authorization`, a line feed, that of `x-amz-date`, and if there is one a line feed and that of
    /// `x-amz-content-sha256`. The session token, which the caller has, is added by the caller.
    pub fn sign(&self, method: &str, url: &str, headers: &str, body: &[u8], now: f64) -> Result<String, JsValue> {
        self.signed(method, url, headers, Payload::Bytes(body), now)
    }

    /// As `sign`, with the body's SHA-256 in hexadecimal, or `UNSIGNED-PAYLOAD`.
    #[wasm_bindgen(js_name = signHashed)]
    pub fn sign_hashed(&self, method: &str, url: &str, headers: &str, hash: &str, now: f64) -> Result<String, JsValue> {
        self.signed(method, url, headers, payload(hash), now)
    }

    /// The URL with the signature in its query.
    pub fn presign(
        &self,
        method: &str,
        url: &str,
        headers: &str,
        hash: &str,
        expires_in: f64,
        now: f64,
    ) -> Result<String, JsValue> {
        let headers = pairs(headers)?;
        let request = Request { method, url, headers: &headers, payload: payload(hash) };
        self.0.presign(&request, lifetime(expires_in)?, instant(now)?).map_err(|error| to_js(&error))
    }

    fn signed(
        &self,
        method: &str,
        url: &str,
        headers: &str,
        payload: Payload<'_>,
        now: f64,
    ) -> Result<String, JsValue> {
        let headers = pairs(headers)?;
        let request = Request { method, url, headers: &headers, payload };
        let signed = self.0.sign_parts(&request, instant(now)?).map_err(|error| to_js(&error))?;
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

/// The headers of `sign`. A value that holds a line feed makes an odd count, or a name that is no token.
fn pairs(headers: &str) -> Result<Vec<(&str, &[u8])>, JsValue> {
    let mut lines = headers.split_terminator('\n');
    let mut pairs = Vec::with_capacity(8);
    while let Some(name) = lines.next() {
        let value = lines.next().ok_or_else(|| {
            to_js(
                &Error::new(ErrorKind::InvalidHeader, "the value of a header holds a line break")
                    .with_hint("remove it: a line break in a header's value would begin another header"),
            )
        })?;
        pairs.push((name, value.as_bytes()));
    }
    Ok(pairs)
}

fn payload(hash: &str) -> Payload<'_> {
    if hash == "UNSIGNED-PAYLOAD" { Payload::Unsigned } else { Payload::Sha256(hash) }
}

fn lifetime(seconds: f64) -> Result<Duration, JsValue> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        to_js(
            &Error::new(ErrorKind::InvalidExpiresIn, format!("a presigned URL cannot live {seconds} seconds"))
                .with_hint("choose 1 to 604800 seconds; temporary credentials end it sooner"),
        )
    })
}

#[derive(Deserialize)]
struct TraceInput {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    now: f64,
    expires_in: Option<f64>,
    percent_encoding: String,
    normalize_path: bool,
    payload_header: String,
    sign_session_token: bool,
    sign_all_headers: bool,
}

#[derive(Serialize)]
struct TraceOutput {
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    headers: Vec<(String, String)>,
    url: Option<String>,
}

/// A hook for the tests: every stage of a signature, under explicit settings.
#[wasm_bindgen(js_name = trace)]
pub fn trace(input: JsValue) -> Result<JsValue, JsValue> {
    let input: TraceInput = serde_wasm_bindgen::from_value(input).map_err(JsValue::from)?;
    let output = traced(&input)?;
    serde_wasm_bindgen::to_value(&output).map_err(JsValue::from)
}

fn traced(input: &TraceInput) -> Result<TraceOutput, JsValue> {
    let settings = SigningSettings {
        percent_encoding: match input.percent_encoding.as_str() {
            "single" => PercentEncoding::Single,
            _ => PercentEncoding::Double,
        },
        path_normalization: if input.normalize_path { PathNormalization::Enabled } else { PathNormalization::Disabled },
        payload_header: match input.payload_header.as_str() {
            "always" => PayloadHeader::Always,
            _ => PayloadHeader::WhenUnsigned,
        },
        session_token: if input.sign_session_token { SessionToken::Signed } else { SessionToken::AddedAfterSigning },
        header_selection: if input.sign_all_headers { HeaderSelection::All } else { HeaderSelection::Standard },
        ..SigningSettings::for_service(&input.service)
    };
    let to_js = |error: Error| to_js(&error);
    let credentials = Credentials::new(
        input.access_key_id.as_str(),
        input.secret_access_key.as_str(),
        input.session_token.clone(),
        None,
    );
    let credentials = credentials.map_err(to_js)?;
    let signer = Signer::with_settings(credentials, input.region.as_str(), input.service.as_str(), settings);
    let signer = signer.map_err(to_js)?;
    let headers: Vec<(&str, &[u8])> =
        input.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = Request {
        method: &input.method,
        url: &input.url,
        headers: &headers,
        payload: Payload::Bytes(input.body.as_bytes()),
    };
    let now = instant(input.now)?;
    let (stages, headers, url) = match input.expires_in {
        Some(seconds) => {
            let (url, stages) = signer.trace_presign(&request, lifetime(seconds)?, now).map_err(to_js)?;
            (stages, Vec::new(), Some(url))
        }
        None => {
            let (signed, stages) = signer.trace(&request, now).map_err(to_js)?;
            let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            (stages, headers, None)
        }
    };
    Ok(TraceOutput {
        canonical_request: stages.canonical_request,
        string_to_sign: stages.string_to_sign,
        signature: stages.signature,
        headers,
        url,
    })
}
