//! An issuer's two keys, and what they sign.
//!
//! They are made of the seed, as callers' credentials are: a verifier that keeps an issuer's keys need not notice that the emulator was
//! started anew. Pure Rust, so that the emulator can be a WebAssembly module; and ring's ECDSA takes no key that is made elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p384::ecdsa::signature::Signer as _;
use p384::ecdsa::{Signature, SigningKey};
use rsa::pkcs1v15;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Sha256;
use xacct_sign::sts::TokenAlgorithm;

use crate::iam::entropy::Entropy;

const RSA_BITS: usize = 2_048;

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's key signs no token")]
pub(crate) struct NotSigned;

/// The keys of an issuer between two rotations.
pub(crate) struct Keys {
    generation: u32,
    ec: SigningKey,
    rsa: rsa::PrivateKey,
    /// What blinds RSA; no signature shows it.
    blinding: [u8; 32],
}

impl Keys {
    /// `None` if no key can be made, which has no reason to happen.
    pub(super) fn of(seed: [u8; 32], account: &str, generation: u32) -> Option<Self> {
        let generation_name = generation.to_string();
        let drawn = |what| Entropy::of(seed, &["issuer", account, &generation_name, what]);
        // A number that is no key comes once in some 2 to the 190th.
        let ec = SigningKey::from_slice(&drawn("EC384").bytes(48)).ok()?;
        let rsa = rsa::PrivateKey::new(&mut drawn("RSA"), RSA_BITS).ok()?;
        let blinding = drawn("blinding").bytes(32).try_into().ok()?;
        Some(Self { generation, ec, rsa, blinding })
    }

    fn id(&self, algorithm: TokenAlgorithm) -> String {
        let name = match algorithm {
            TokenAlgorithm::Es384 => "EC384",
            TokenAlgorithm::Rs256 => "RSA",
        };
        format!("{name}_{}", self.generation)
    }

    /// Both as JWKs (RFC 7517), shaped as AWS's: the RSA key does not say what it is for.
    pub(super) fn published(&self) -> [Value; 2] {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // 4, and both coordinates (SEC 1, section 2.3.3).
        let point = self.ec.verifying_key().to_sec1_point(false);
        let coordinates = point.as_bytes().get(1..).unwrap_or_default();
        let (x, y) = coordinates.split_at_checked(48).unwrap_or_default();
        let (n, e) = (self.rsa.n_bytes(), self.rsa.e_bytes());
        [
            json!({
                "kty": "RSA", "kid": self.id(TokenAlgorithm::Rs256), "use": "sig", "n": encoded(&n), "e": encoded(&e),
            }),
            json!({
                "kty": "EC", "kid": self.id(TokenAlgorithm::Es384), "use": "sig", "alg": "ES384", "crv": "P-384",
                "x": encoded(x), "y": encoded(y),
            }),
        ]
    }

    /// A token with these claims (RFC 7515, section 7.1).
    pub(super) fn sign(&self, algorithm: TokenAlgorithm, claims: &Value) -> Result<String, NotSigned> {
        let header = json!({ "kid": self.id(algorithm), "typ": "JWT", "alg": algorithm.name() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = match algorithm {
            TokenAlgorithm::Es384 => {
                let signature: Signature = self.ec.try_sign(signed.as_bytes()).map_err(|_| NotSigned)?;
                URL_SAFE_NO_PAD.encode(signature.to_bytes())
            }
            TokenAlgorithm::Rs256 => {
                let key = pkcs1v15::SigningKey::<Sha256>::new(self.rsa.clone());
                let mut drawn = Entropy::new(self.blinding);
                let signature = key.try_sign_with_rng(&mut drawn, signed.as_bytes()).map_err(|_| NotSigned)?;
                URL_SAFE_NO_PAD.encode(signature.to_bytes())
            }
        };
        Ok(format!("{signed}.{signature}"))
    }
}
