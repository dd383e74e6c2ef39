//! Requests that somebody else sends.

use std::sync::Arc;
use std::time::SystemTime;

use xacct_sign::{CanonicalUrl, Credentials, Error, PartialScope, Payload, Request, Signer};
use xacct_sign_client::{Patience, Signing};

use crate::arguments::{RequestArguments, RoleArguments};
use crate::caller::Caller;
use crate::failure::Failure;
use crate::request::{Content, Prepared};

/// A request, and what signs it now.
pub(crate) struct Ready {
    pub(crate) method: String,
    pub(crate) url: CanonicalUrl,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) hash: String,
    pub(crate) signer: Arc<Signer>,
    pub(crate) now: SystemTime,
}

impl Ready {
    /// Reads the request, and fetches the credentials: `warns` where their cache cannot be used. `look` sees the body before it is
    /// hashed.
    pub(crate) fn new<T, const JSON: bool>(
        request: &RequestArguments<JSON>,
        role: &RoleArguments,
        warns: bool,
        look: impl FnOnce(&mut Content) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let scope = PartialScope::new(role.base.region.clone(), request.service.clone())?;
        let caller = Caller::of_call(role, None, warns)?;
        let mut prepared = Prepared::new(request)?;
        let seen = look(&mut prepared.body)?;
        let hash = prepared.body.hash()?;
        let signing = Signing::on(caller.host, caller.source, scope);
        let signer = signing.signer(prepared.url.as_url(), &Patience::default())?;
        let now = signing.clock().now();
        // As a session sends it.
        let method = prepared.method.to_ascii_uppercase();
        Ok((Self { method, url: prepared.url, headers: prepared.headers, hash, signer, now }, seen))
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        self.signer.credentials()
    }

    /// Has the request's parts signed.
    pub(crate) fn with<T>(&self, sign: impl FnOnce(&Request<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let payload = Payload::Sha256(&self.hash);
        sign(&Request { method: &self.method, url: self.url.as_url(), headers: &headers, payload })
    }
}
