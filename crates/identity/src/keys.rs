//! An issuer's keys: a JWK set (RFC 7517), read strictly.

mod p384;
mod state;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::callers::Algorithm;
use crate::json::{Json, Object};
use crate::token::is_key_id;

pub(crate) use state::{AGAIN, Asks, IssuerKeys, Look, within};

/// How long a set may be. AWS's have less than two kB.
pub const KEYS_LIMIT: usize = 65_536;
/// How many keys it may have.
const MOST: usize = 10;

/// A key that a signature is checked with, whose form and size have been.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// A point on P-384, big endian.
    P384 {
        /// The first coordinate.
        x: [u8; 48],
        /// The second one.
        y: [u8; 48],
    },
    /// An RSA key of 2,048 to 8,192 bits, big endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent: odd, 65537 or more.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// The one algorithm that it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::P384 { .. } => Algorithm::Es384,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Whether a signature is as long as this key makes them.
    pub(crate) fn makes(&self, signature: &[u8]) -> bool {
        match self {
            Self::P384 { .. } => signature.len() == 96,
            Self::Rsa { n, .. } => signature.len() == n.len(),
        }
    }
}

/// The keys of a set by their ids; `None` for one that is there, and is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySet(Vec<(String, Option<Arc<PublicKey>>)>);

impl KeySet {
    /// Reads a set; `None` for what is none. A key that is weak, broken or of a kind that nobody here uses is kept as such: one that
    /// AWS adds some day must not lock out the bearers of others.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        if text.len() > KEYS_LIMIT {
            return None;
        }
        let set = Object::read(text)?;
        let list = set.list("keys").filter(|list| (1..=MOST).contains(&list.len()))?;
        let mut keys = Self(Vec::new());
        for key in list {
            let Json::Object(key) = key else { return None };
            let id = key.text("kid").filter(|id| is_key_id(id))?;
            if keys.get(id).is_some() {
                return None;
            }
            keys.0.push((id.to_owned(), public_key(key).map(Arc::new)));
        }
        Some(keys)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Option<&Arc<PublicKey>>> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, key)| key.as_ref())
    }
}

fn public_key(key: &Object<'_>) -> Option<PublicKey> {
    let says = |name: &str, right: &str| key.get(name).is_none_or(|value| value.as_text() == Some(right));
    let verifies = match key.get("key_ops") {
        None => true,
        Some(Json::List(operations)) => operations.iter().any(|operation| operation.as_text() == Some("verify")),
        Some(_) => false,
    };
    // A private key that is public is anybody's.
    if !says("use", "sig") || !verifies || key.has("d") {
        return None;
    }
    let number = |name: &str| key.text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    match key.text("kty")? {
        // AWS's RSA keys have no `alg`.
        "RSA" if says("alg", Algorithm::Rs256.name()) => rsa(number("n")?, number("e")?),
        "EC" if says("alg", Algorithm::Es384.name()) && key.text("crv") == Some("P-384") => {
            let (x, y) = (number("x")?.try_into().ok()?, number("y")?.try_into().ok()?);
            p384::is_on_curve(&x, &y).then_some(PublicKey::P384 { x, y })
        }
        _ => None,
    }
}

/// A modulus of 2,048 bits or more, an exponent of 65537 or more (NIST SP 800-56B, section 6.2) and of 33 bits at most, since
/// libraries take no larger one.
fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<PublicKey> {
    let is_minimal = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let bits = |number: &[u8]| {
        let first = number.first().map_or(0, |byte| 8 - byte.leading_zeros() as usize);
        number.len().saturating_sub(1) * 8 + first
    };
    let is_sound = [&n, &e].into_iter().all(|number| is_minimal(number) && is_odd(number));
    (is_sound && (2048..=8192).contains(&bits(&n)) && (17..=33).contains(&bits(&e))).then_some(PublicKey::Rsa { n, e })
}
