//! STS `AssumeRole`: the request to send, and the answer read.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use xacct_sign::Credentials;
use xacct_sign::sts::{AssumeRole, Endpoint};

use crate::error::to_js;
use crate::{instant, milliseconds};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    role_arn: String,
    region: String,
    session_name: String,
    duration_seconds: Option<f64>,
    external_id: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<String>,
    #[serde(default)]
    tags: Vec<(String, String)>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
    source_identity: Option<String>,
    sts_endpoint: Option<String>,
}

#[derive(Serialize)]
struct Outgoing {
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Assumed<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
    /// Milliseconds since 1970.
    expiration: Option<f64>,
}

/// A role, and how to assume it: checked when it is made.
#[wasm_bindgen]
pub struct WasmAssumeRole {
    call: AssumeRole,
    endpoint: Endpoint,
}

#[wasm_bindgen]
impl WasmAssumeRole {
    /// From the options as an object; see `xacct_sign::sts::AssumeRole` for their limits.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<WasmAssumeRole, JsValue> {
        let options: Options = serde_wasm_bindgen::from_value(options).map_err(JsValue::from)?;
        let mut call = AssumeRole::new(options.role_arn, options.session_name);
        // What is no whole number of seconds, or out of range, becomes one that is refused.
        let duration = options.duration_seconds.unwrap_or(3600.0);
        call.duration_seconds = if duration.fract() == 0.0 { duration as u32 } else { 0 };
        call.external_id = options.external_id;
        call.policy = options.policy;
        call.policy_arns = options.policy_arns;
        call.tags = options.tags;
        call.transitive_tag_keys = options.transitive_tag_keys;
        call.source_identity = options.source_identity;
        call.validate().map_err(|error| to_js(&error))?;
        let endpoint = Endpoint::new(&call.role_arn, &options.region, options.sts_endpoint.as_deref());
        Ok(Self { endpoint: endpoint.map_err(|error| to_js(&error))?, call })
    }

    /// The signed request: `{ url, headers, body }`.
    pub fn request(
        &self,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        let base = Credentials::new(access_key_id, secret_access_key, session_token, None);
        let base = base.map_err(|error| to_js(&error))?;
        let request = self.call.request(&base, &self.endpoint, instant(now)?).map_err(|error| to_js(&error))?;
        // A browser sets `host` itself, and lets nobody else.
        let headers = request.headers().iter().filter(|(name, _)| *name != http::header::HOST);
        let outgoing = Outgoing {
            url: self.endpoint.url().to_owned(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: String::from_utf8(request.into_body()).unwrap_or_default(),
        };
        serde_wasm_bindgen::to_value(&outgoing).map_err(JsValue::from)
    }

    /// Reads the answer: `{ accessKeyId, secretAccessKey, sessionToken, expiration }`. The base credentials are those
    /// that signed: no error shows their secrets.
    #[wasm_bindgen(js_name = readResponse)]
    pub fn read_response(
        &self,
        secret_access_key: String,
        session_token: Option<String>,
        status: u16,
        body: &str,
    ) -> Result<JsValue, JsValue> {
        let base = Credentials::new("base", secret_access_key, session_token, None).map_err(|error| to_js(&error))?;
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let assumed = self.call.read_response(&base, &response).map_err(|error| to_js(&error))?;
        let credentials = &assumed.credentials;
        let plain = Assumed {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
            expiration: credentials.expires_at().map(milliseconds),
        };
        serde_wasm_bindgen::to_value(&plain).map_err(JsValue::from)
    }
}
