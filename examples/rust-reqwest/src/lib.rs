//! A client for an API of another account, with reqwest. Nothing here blocks the runtime: what may wait for STS does so on a
//! thread for such things, and the other tasks go on.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use xacct_sign::call::{Call, Step};
use xacct_sign::{CanonicalUrl, Scope};
use xacct_sign_client::{CredentialSource, Patience, Signing};

/// Signs requests and sends them. Cloning is cheap: the clones share the credentials.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    signing: Arc<Signing>,
}

impl Api {
    /// What signs with the credentials of a source, such as a `RoleProvider`.
    ///
    /// # Errors
    ///
    /// reqwest's, if it cannot make a client.
    pub fn new(source: impl CredentialSource + 'static, scope: Scope) -> Result<Self, reqwest::Error> {
        // `Call` says which redirects are followed: reqwest would take the session token to another host.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, signing: Arc::new(Signing::new(source, scope)) })
    }

    /// Sends one request. An answer of any status is an answer.
    ///
    /// # Errors
    ///
    /// Those of `xacct_sign`, for bad input and for credentials; reqwest's.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<reqwest::Response, Box<dyn Error + Send + Sync>> {
        let mut call = Call::new(method, CanonicalUrl::parse(url)?, headers, body)?;
        loop {
            let (signing, scope) = (Arc::clone(&self.signing), self.signing.scope_of(call.url().as_url())?);
            // Mostly it has a signer at hand. Where it has to ask STS, this is the thread that waits.
            let signer = tokio::task::spawn_blocking(move || signing.signer_for(scope, &Patience::default())).await??;
            let known = self.signing.clock().skew_at(call.url().as_url().origin());
            let signed = call.sign(&signer, known.apply(SystemTime::now()))?;
            let (parts, body) = signed.into_parts();
            let request = reqwest::Request::try_from(http::Request::from_parts(parts, body.to_vec()))?;
            let answer = self.client.execute(request).await?;
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
}
