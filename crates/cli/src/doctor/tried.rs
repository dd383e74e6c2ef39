//! The same call in other forms. Those take other ways past what changes requests; without a signature it should not pass.

use std::sync::Arc;
use std::time::Duration;

use xacct_sign::{Error, ErrorKind, Payload, Request as Parts, Scope, Signer};
use xacct_sign_client::host::{Host as _, Sending};
use xacct_sign_client::{Clock, CredentialSource, Patience, Response, Session};
use xacct_sign_diagnosis::{Exchange, is_login_page};

use super::Doctor;
use super::recorded::texts;

/// How long the presigned URL lives.
const LIFETIME: Duration = Duration::from_secs(60);

impl Doctor<'_> {
    /// The status of the call with its signature in the URL, and of the call without its body, if it has one. The refusal before says
    /// that nothing was done.
    pub(super) fn try_otherwise(
        &self,
        session: &Session,
        source: &Arc<dyn CredentialSource>,
        scope: &Scope,
        body: &[u8],
    ) -> (Option<u16>, Option<u16>) {
        let presigned = self.presigned(source, scope, body).ok();
        if presigned.is_some_and(|status| status != 403) || body.is_empty() {
            return (presigned, None);
        }
        (presigned, session.send(self.request()).ok().map(|answer| answer.status))
    }

    fn presigned(&self, source: &Arc<dyn CredentialSource>, scope: &Scope, body: &[u8]) -> Result<u16, Error> {
        let patience = Patience::default();
        let signer = Signer::new(source.credentials(&patience)?, scope.clone());
        let url = self.prepared.url.as_url();
        let headers: Vec<_> =
            self.prepared.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = Parts { method: &self.prepared.method, url, headers: &headers, payload: Payload::Bytes(body) };
        let now = source.clock().unwrap_or_else(|| Clock::new(self.host())).now();
        let url = signer.presign(&request, LIFETIME, now)?;
        Ok(self.as_it_is(&url, body)?.status().as_u16())
    }

    /// The status of the same call by nobody, and whether that is led to log in. Where the caller was led elsewhere it is made there: on the
    /// way to it nobody need be asked who calls.
    pub(super) fn unsigned(&self, answer: &Response, body: &[u8]) -> (Option<u16>, bool) {
        // A redirect may have made another call of it.
        let method = self.recorded.refusal_since(0).and_then(|last| last.method);
        if method.is_some_and(|method| method != self.prepared.method) {
            return (None, false);
        }
        let Ok(answer) = self.as_it_is(&answer.url, body) else { return (None, false) };
        let exchange = Exchange {
            status: Some(answer.status().as_u16()),
            headers: texts(answer.headers()),
            body: Some(String::from_utf8_lossy(answer.body()).into_owned()),
            ..Exchange::default()
        };
        (exchange.status, is_login_page(&exchange))
    }

    /// Sends it with the caller's own headers and nothing else.
    fn as_it_is(&self, url: &str, body: &[u8]) -> Result<http::Response<Vec<u8>>, Error> {
        let mut request = http::Request::builder().method(self.prepared.method.as_str()).uri(url);
        for (name, value) in &self.prepared.headers {
            request = request.header(name, value.as_slice());
        }
        let failed = |error| Error::new(ErrorKind::InvalidUrl, "it cannot be sent").with_source(error);
        let request = request.body(body).map_err(failed)?;
        self.recorded.send(&request, Sending::default(), &Patience::default())
    }
}
