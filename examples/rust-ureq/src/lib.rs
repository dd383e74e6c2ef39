//! A client for an API of another account, with a ureq agent. `xacct_sign_client::Session` does the same without one; this is
//! for programs that have set theirs up: its proxy, its certificates, its limits.

use std::error::Error;
use std::time::SystemTime;

use ureq::http::{Method, Request, Response};
use ureq::{Agent, AsSendBody, Body};
use xacct_sign::call::{Call, Step};
use xacct_sign::{CanonicalUrl, Scope};
use xacct_sign_client::{CredentialSource, Patience, Signing};

/// Signs requests and sends them. Threads share it by reference.
#[derive(Debug)]
pub struct Api {
    agent: Agent,
    signing: Signing,
}

impl Api {
    /// What signs with the credentials of a source, such as a `RoleProvider`.
    #[must_use]
    pub fn new(agent: Agent, source: impl CredentialSource + 'static, scope: Scope) -> Self {
        Self { agent, signing: Signing::new(source, scope) }
    }

    /// Sends one request. An answer of any status is an answer.
    ///
    /// # Errors
    ///
    /// Those of `xacct_sign`, for bad input and for credentials; ureq's.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
        let mut call = Call::new(method, CanonicalUrl::parse(url)?, headers, body)?;
        loop {
            let signer = self.signing.signer(call.url().as_url(), &Patience::default())?;
            let known = self.signing.clock().skew_at(call.url().as_url().origin());
            let signed = call.sign(&signer, known.apply(SystemTime::now()))?;
            let expects_body = matches!(*signed.method(), Method::POST | Method::PUT | Method::PATCH);
            // ureq sends `content-length: 0` for a body that is empty, and a GET should have none.
            let answer = if signed.body().is_empty() && !expects_body {
                self.run(signed.map(|_| ()))?
            } else {
                self.run(signed)?
            };
            let (now, has_expired) = (known.apply(SystemTime::now()), self.signing.has_expired(&signer));
            match call.answered(answer.status(), answer.headers(), has_expired, now)? {
                Step::Done => return Ok(answer),
                Step::Again => {}
                Step::Skewed { more, again } => {
                    self.signing.clock().learn_at(call.url().as_url().origin(), known, more);
                    if !again {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    /// `Call` says which redirects are followed, and statuses are its to judge.
    fn run<B: AsSendBody>(&self, request: Request<B>) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request).max_redirects(0).http_status_as_error(false);
        self.agent.run(request.allow_non_standard_methods(true).build())
    }
}
