//! What was sent, for what is said of an answer of status 400 or more.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::request::Parts;
use xacct_sign::call::header_text;
use xacct_sign::{Payload, Request, Signer, Url};
use xacct_sign_diagnosis::{Exchange, Finding, explain};

/// A request that was answered with a status of 400 or more, as it was signed. Nothing is computed before it is asked for.
#[derive(Clone)]
pub struct Sent {
    signer: Arc<Signer>,
    head: Parts,
    /// The body, or the SHA-256 of one that is not in memory.
    body: Arc<Vec<u8>>,
    hash: Option<String>,
    /// By the clock that signed.
    signed_at: SystemTime,
    /// By this machine's clock, whatever is known of it.
    answered_at: SystemTime,
}

impl Sent {
    pub(crate) fn new(signer: Arc<Signer>, head: Parts, signed_at: SystemTime, answered_at: SystemTime) -> Self {
        Self { signer, head, body: Arc::default(), hash: None, signed_at, answered_at }
    }

    /// The same with its payload: the body, or its hash.
    pub(crate) fn with_payload(self, (body, hash): (Vec<u8>, Option<String>)) -> Self {
        Self { body: Arc::new(body), hash, ..self }
    }

    /// The text without secret key and session token: a server may say them back.
    pub(crate) fn without_secrets(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).into_owned();
        let credentials = self.signer.credentials();
        let secrets = [Some(credentials.secret_access_key()), credentials.session_token()];
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
        let url = self.head.uri.to_string();
        let pairs: Vec<_> = self.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let payload = self.hash.as_deref().map_or(Payload::Bytes(&self.body), Payload::Sha256);
        let trace = Url::parse(&url).and_then(|url| {
            let request = Request { method: self.head.method.as_str(), url, headers: &pairs, payload };
            self.signer.trace(&request, self.signed_at)
        });
        let trace = trace.ok().map(|(_, trace)| trace);
        let without_secrets = |text: &str| self.without_secrets(text.as_bytes());
        Exchange {
            method: Some(self.head.method.as_str().to_owned()),
            url: Some(url),
            string_to_sign: trace.as_ref().map(|trace| trace.string_to_sign.clone()),
            // A server may say the token back, within its canonical request too: it is hidden on both sides alike.
            canonical_request: trace.map(|trace| without_secrets(&trace.canonical_request)),
            expires_at: self.signer.credentials().expires_at().and_then(seconds),
            answered_at: seconds(self.answered_at),
            status: Some(status),
            headers: headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), without_secrets(&header_text(value))))
                .collect(),
            body: body.map(|body| self.without_secrets(body)),
        }
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
