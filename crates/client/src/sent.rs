//! What was sent, for what is said of an answer of status 400 or more.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::request::Parts;
use xacct_sign::call::header_text;
use xacct_sign::{Payload, Request, Signer, SigningTrace, Url};
use xacct_sign_diagnosis::{Exchange, Finding, explain};

use crate::identity::Bearer;

/// A request that was answered with a status of 400 or more, as it went out. Nothing is computed before it is asked for.
#[derive(Clone)]
pub struct Sent {
    shown: Shown,
    head: Parts,
    /// The body, or the SHA-256 of one that is not in memory.
    body: Arc<Vec<u8>>,
    hash: Option<String>,
    /// By this machine's clock, whatever is known of it.
    answered_at: SystemTime,
}

/// What said who calls.
#[derive(Clone)]
pub(crate) enum Shown {
    /// The signature of these credentials, with the time of the clock that signed.
    Signature(Arc<Signer>, SystemTime),
    /// A token, or a proof.
    Bearer(Bearer),
}

impl Sent {
    pub(crate) fn new(shown: Shown, head: Parts, answered_at: SystemTime) -> Self {
        Self { shown, head, body: Arc::default(), hash: None, answered_at }
    }

    /// The same with its payload: the body, or its hash.
    pub(crate) fn with_payload(self, (body, hash): (Vec<u8>, Option<String>)) -> Self {
        Self { body: Arc::new(body), hash, ..self }
    }

    /// Whether a token or a proof went with it, and no signature.
    #[must_use]
    pub fn has_bearer(&self) -> bool {
        matches!(self.shown, Shown::Bearer(_))
    }

    /// The text without secret key and session token, or without the token or proof: a server may say them back.
    pub(crate) fn without_secrets(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).into_owned();
        let secrets = match &self.shown {
            Shown::Signature(signer, _) => {
                [Some(signer.credentials().secret_access_key()), signer.credentials().session_token()]
            }
            Shown::Bearer(bearer) => [Some(bearer.as_str()), None],
        };
        secrets.into_iter().flatten().fold(text, |text, secret| text.replace(secret, "…"))
    }

    /// Why it was refused, by status and headers of its answer, and by its body where that was read: see [`explain`].
    #[must_use]
    pub fn explain(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> Vec<Finding> {
        explain(&self.exchange(status, headers, body))
    }

    /// Request and answer, as `xacct-sign-diagnosis` judges them, without the secrets of the call.
    #[must_use]
    pub fn exchange(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> Exchange {
        let (trace, expires_at) = match &self.shown {
            Shown::Signature(signer, at) => (self.trace(signer, *at), signer.credentials().expires_at()),
            Shown::Bearer(_) => (None, None),
        };
        let without_secrets = |text: &str| self.without_secrets(text.as_bytes());
        Exchange {
            method: Some(self.head.method.as_str().to_owned()),
            url: Some(self.head.uri.to_string()),
            has_bearer: self.has_bearer(),
            string_to_sign: trace.as_ref().map(|trace| trace.string_to_sign.clone()),
            // A server may say the token back, within its canonical request too: it is hidden on both sides alike.
            canonical_request: trace.map(|trace| without_secrets(&trace.canonical_request)),
            expires_at: expires_at.and_then(seconds),
            answered_at: seconds(self.answered_at),
            status: Some(status),
            headers: headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), without_secrets(&header_text(value))))
                .collect(),
            body: body.map(|body| self.without_secrets(body)),
        }
    }

    /// What was signed.
    fn trace(&self, signer: &Signer, signed_at: SystemTime) -> Option<SigningTrace> {
        let url = self.head.uri.to_string();
        let headers: Vec<_> = self.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let payload = self.hash.as_deref().map_or(Payload::Bytes(&self.body), Payload::Sha256);
        let request =
            Request { method: self.head.method.as_str(), url: Url::parse(&url).ok()?, headers: &headers, payload };
        signer.trace(&request, signed_at).ok().map(|(_, trace)| trace)
    }
}

fn seconds(at: SystemTime) -> Option<i64> {
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query, headers and body may hold secrets.
        f.debug_struct("Sent").field("method", &self.head.method).finish_non_exhaustive()
    }
}
