//! What of the body is signed.

use sha2::{Digest, Sha256};

use crate::encode::HexDigest;
use crate::error::{Error, ErrorKind};

/// SHA-256 of nothing, in hexadecimal.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// What stands for the hash of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The body, or what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// The bytes that will be sent.
    Bytes(&'a [u8]),
    /// The SHA-256 of the bytes that will be sent, 64 lower-case hexadecimal digits.
    Sha256(&'a str),
    /// The body stays out of the signature, where the service takes that.
    Unsigned,
}

/// The last line of a canonical request.
pub(crate) enum PayloadHash<'a> {
    Digest(HexDigest),
    Given(&'a str),
}

impl<'a> Payload<'a> {
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`] if a given digest is no SHA-256 in lower-case hexadecimal.
    pub(crate) fn hash(self) -> Result<PayloadHash<'a>, Error> {
        match self {
            Payload::Bytes([]) => Ok(PayloadHash::Given(EMPTY)),
            Payload::Bytes(bytes) => Ok(PayloadHash::Digest(HexDigest::new(&Sha256::digest(bytes)))),
            Payload::Sha256(hex) => {
                let valid = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if valid {
                    Ok(PayloadHash::Given(hex))
                } else {
                    Err(Error::new(ErrorKind::InvalidBody, "the payload hash is not 64 lower-case hexadecimal digits")
                        .with_hint("pass the SHA-256 of the body in hexadecimal"))
                }
            }
            Payload::Unsigned => Ok(PayloadHash::Given(UNSIGNED_PAYLOAD)),
        }
    }
}

impl PayloadHash<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            PayloadHash::Digest(hex) => hex.as_bytes(),
            PayloadHash::Given(text) => text.as_bytes(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            PayloadHash::Digest(hex) => hex.as_str(),
            PayloadHash::Given(text) => text,
        }
    }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    HexDigest::new(&Sha256::digest(bytes)).as_str().to_owned()
}
