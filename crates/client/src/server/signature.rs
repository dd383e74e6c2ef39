//! The bare signature check, by ring: what rustls verifies with.

use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use xacct_sign_identity::PublicKey;

/// Whether a signature of a message is right. The key says the algorithm; that it is the one to take has been checked.
pub(super) fn is_right(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::P384 { x, y } => {
            // SEC 1, section 2.3.3: a point that is not compressed begins with a four.
            let point = [&[4], x.as_slice(), y].concat();
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
        }
        PublicKey::Rsa { n, e } => {
            PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        // A kind of key that this driver does not know.
        _ => false,
    }
}
