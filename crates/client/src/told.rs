//! What an error may say of an answer.

use std::sync::Arc;

use xacct_sign::Signer;

/// What signed a call that an error may be made of: a server may say it back.
#[derive(Debug, Clone)]
pub(crate) struct Told(pub(crate) Arc<Signer>);

impl Told {
    /// The text without secret key and session token.
    pub(crate) fn without_secrets(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).into_owned();
        let credentials = self.0.credentials();
        let secrets = [Some(credentials.secret_access_key()), credentials.session_token()];
        secrets.into_iter().flatten().fold(text, |text, secret| text.replace(secret, "…"))
    }
}
