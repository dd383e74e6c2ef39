//! Whether a signature of a token is right, as a verifier asks: pure Rust, as what signs is.

use p384::ecdsa::signature::Verifier as _;
use p384::ecdsa::{Signature, VerifyingKey};
use rsa::{BoxedUint, pkcs1v15};
use sha2::Sha256;
use xacct_sign_identity::PublicKey;

/// The key says the algorithm; that it is the one to take has been checked.
pub(crate) fn is_right(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::P384 { x, y } => {
            // SEC 1, section 2.3.3: a point that is not compressed begins with a four.
            let point = [&[4], x.as_slice(), y].concat();
            let (key, signature) = (VerifyingKey::from_sec1_bytes(&point), Signature::from_slice(signature));
            key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
        }
        PublicKey::Rsa { n, e } => {
            let [n, e] = [n, e].map(|number| BoxedUint::from_be_slice_vartime(number));
            let (key, signature) = (rsa::PublicKey::new(n, e), pkcs1v15::Signature::try_from(signature));
            let key = key.map(pkcs1v15::VerifyingKey::<Sha256>::new);
            key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
        }
        // A kind of key that no issuer here has.
        _ => false,
    }
}
