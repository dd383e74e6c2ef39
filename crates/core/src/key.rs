//! The derived signing key of one day, and the signature made with it.

use std::fmt;
use std::sync::RwLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::aws::time::AmzDate;
use crate::credentials::Credentials;
use crate::encode::HexDigest;
use crate::scope::Scope;

/// The only algorithm here.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A keyed HMAC for one credential scope.
pub(crate) struct SigningKey {
    days: u64,
    /// `20150830/us-east-1/execute-api/aws4_request`.
    pub(crate) scope: String,
    /// `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=`.
    pub(crate) authorization: String,
    mac: Hmac<Sha256>,
}

impl SigningKey {
    /// HMAC by HMAC from the secret to the key of this day, region and service: "Derive a signing key" of the AWS IAM User
    /// Guide's "Create a signed AWS API request". Every stage is overwritten when it is no longer needed.
    pub(crate) fn derive(credentials: &Credentials, scope: &Scope, date: &AmzDate) -> Self {
        let (region, service) = (scope.region(), scope.service());
        let secret = credentials.secret_access_key();
        let mut first = Zeroizing::new(Vec::with_capacity("AWS4".len() + secret.len()));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let mac = [date.date(), region, service, "aws4_request"].iter().fold(keyed(&first), |mut mac, part| {
            mac.update(part.as_bytes());
            keyed(Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes())).as_slice())
        });
        let scope = format!("{}/{region}/{service}/aws4_request", date.date());
        let key_id = credentials.access_key_id();
        let authorization = format!("{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders=");
        Self { days: date.days(), scope, authorization, mac }
    }

    /// Signs the canonical request in `buffer`, where the string to sign then stands.
    pub(crate) fn sign(&self, date: &AmzDate, buffer: &mut Vec<u8>) -> HexDigest {
        HexDigest::new(&self.mac(date, buffer).finalize().into_bytes())
    }

    /// Whether `signature` is what [`SigningKey::sign`] would give, compared in constant time.
    pub(crate) fn verify(&self, date: &AmzDate, buffer: &mut Vec<u8>, signature: &[u8]) -> bool {
        self.mac(date, buffer).verify_slice(signature).is_ok()
    }

    fn mac(&self, date: &AmzDate, buffer: &mut Vec<u8>) -> Hmac<Sha256> {
        let hash = HexDigest::new(&Sha256::digest(&buffer));
        buffer.clear();
        for part in [ALGORITHM.as_bytes(), b"\n", date.as_bytes(), b"\n", self.scope.as_bytes(), b"\n", hash.as_bytes()]
        {
            buffer.extend_from_slice(part);
        }
        let mut mac = self.mac.clone();
        mac.update(buffer);
        mac
    }
}

#[inline(never)]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The signing key of the last day that was signed for, shared by every thread.
///
/// The day is the request's, so an object that lives past midnight UTC keeps working.
#[derive(Default)]
pub(crate) struct KeyCache(RwLock<Option<SigningKey>>);

impl KeyCache {
    /// Calls `with` with the key of the day; other threads may do so at the same time.
    pub(crate) fn with_key<T>(
        &self,
        credentials: &Credentials,
        scope: &Scope,
        date: &AmzDate,
        with: impl FnOnce(&SigningKey) -> T,
    ) -> T {
        // Nobody waits: in a forked child the lock may be held forever, and a key is soon derived.
        if let Ok(cached) = self.0.try_read()
            && let Some(key) = cached.as_ref().filter(|key| key.days == date.days())
        {
            return with(key);
        }
        let key = SigningKey::derive(credentials, scope, date);
        let result = with(&key);
        if let Ok(mut cached) = self.0.try_write() {
            *cached = Some(key);
        }
        result
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache")
    }
}
