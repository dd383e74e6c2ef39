//! What is to be done with a request, on its way out of the module.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use wasm_bindgen::prelude::*;
use xacct_sign_emulator::{Answer, Forward, LogEntry, Outcome, Reply, UpstreamFailure};

use crate::pairs;

/// An answer that is there, or one that the upstream has yet to give: then `forward` is there, and one of `answered` and `failed`
/// makes it one that is. Headers are names and values in turns, each character a byte.
#[wasm_bindgen]
pub struct WasmAnswer {
    response: Response<Bytes>,
    forward: Option<WasmForward>,
    reply: Option<Reply>,
    log: LogEntry,
}

#[wasm_bindgen]
impl WasmAnswer {
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    #[wasm_bindgen(getter)]
    pub fn headers(&self) -> Vec<String> {
        pairs::texts(self.response.headers())
    }

    #[wasm_bindgen(getter)]
    pub fn body(&self) -> Vec<u8> {
        self.response.body().to_vec()
    }

    /// Who called, once that is known.
    #[wasm_bindgen(getter)]
    pub fn caller(&self) -> Option<String> {
        self.log.caller.clone()
    }

    /// Why it was refused, or the upstream gave no answer: code and detail on one line.
    #[wasm_bindgen(getter)]
    pub fn refused(&self) -> Option<String> {
        self.log.reason.as_ref().map(ToString::to_string)
    }

    /// What is to be sent to the upstream. It is given once.
    pub fn forward(&mut self) -> Option<WasmForward> {
        self.forward.take()
    }

    /// How long the upstream may take, in milliseconds.
    #[wasm_bindgen(getter)]
    pub fn timeout(&self) -> u32 {
        let timeout = self.reply.as_ref().map(Reply::timeout).unwrap_or_default();
        u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
    }

    /// How long the upstream's answer may be.
    #[wasm_bindgen(getter, js_name = maxBytes)]
    pub fn max_bytes(&self) -> usize {
        self.reply.as_ref().map_or(0, Reply::max_bytes)
    }

    /// The upstream answered: its body follows, unless this is false, since it answered what is no answer of HTTP.
    pub fn answered(&mut self, status: u16, headers: Vec<String>) -> bool {
        let (status, headers) = (StatusCode::from_u16(status), pairs::headers(headers));
        let (Ok(status), Some(headers), Some(reply)) = (status, headers, &self.reply) else {
            self.failed(Failure::Connection);
            return false;
        };
        let mut response = Response::new(Bytes::new());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        self.response = reply.answered(response, &mut self.log);
        true
    }

    /// The upstream gave no answer.
    pub fn failed(&mut self, failure: Failure) {
        let Some(reply) = &self.reply else { return };
        self.response = reply.failed(failure.into(), &mut self.log);
    }

    /// Why there is no answer, or why it ends before its end: code and detail.
    pub fn reason(&self, failure: Failure) -> Vec<String> {
        let reason = self.reply.as_ref().map(|reply| reply.reason(failure.into()));
        reason.map(|reason| vec![reason.code().to_owned(), reason.detail().to_owned()]).unwrap_or_default()
    }
}

impl WasmAnswer {
    pub(crate) fn of(Answer { outcome, log, .. }: Answer) -> Self {
        match outcome {
            Outcome::Respond(response) => Self { response, forward: None, reply: None, log },
            Outcome::Forward(forward) => {
                let Forward { request, reply, .. } = *forward;
                let (parts, body) = request.into_parts();
                let (method, url, headers) = (parts.method.to_string(), parts.uri.to_string(), parts.headers);
                let forward = Some(WasmForward { method, url, headers, body });
                Self { response: Response::default(), forward, reply: Some(reply), log }
            }
        }
    }
}

/// A request for the upstream.
#[wasm_bindgen]
pub struct WasmForward {
    method: String,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

#[wasm_bindgen]
impl WasmForward {
    #[wasm_bindgen(getter)]
    pub fn method(&self) -> String {
        self.method.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn headers(&self) -> Vec<String> {
        pairs::texts(&self.headers)
    }

    #[wasm_bindgen(getter)]
    pub fn body(&self) -> Vec<u8> {
        self.body.to_vec()
    }
}

/// How the upstream failed: see `xacct_sign_emulator::UpstreamFailure`.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Failure {
    Connection,
    Timeout,
    TooLarge,
    Function,
}

impl From<Failure> for UpstreamFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connection => Self::Connection,
            Failure::Timeout => Self::Timeout,
            Failure::TooLarge => Self::TooLarge,
            Failure::Function => Self::Function,
        }
    }
}
