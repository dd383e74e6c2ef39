//! What differs by one byte from what is right is never taken.

use proptest::prelude::*;
use serde_json::json;
use xacct_sign_identity::{Verifier, make_proof};

use crate::world::{AUDIENCE, bearer, credentials, good, good_token, now, table, token_of, usual, verifier};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/";

fn world() -> Verifier {
    of_algorithm("ES384")
}

fn of_algorithm(algorithm: &str) -> Verifier {
    let mut world = table()["world"].clone();
    world["algorithm"] = algorithm.into();
    verifier(&world)
}

/// Every byte in turn, as two others that the header may hold.
fn every_byte_counts(algorithm: &str, good: &str) {
    assert_eq!(usual(bearer(&of_algorithm(algorithm), good), now()).is, Ok("shop".to_owned()));
    let verifier = of_algorithm(algorithm);
    for at in 0..good.len() {
        for step in [1, 29] {
            let mut other = good.as_bytes().to_vec();
            let place = ALPHABET.iter().position(|byte| *byte == other[at]).unwrap();
            other[at] = ALPHABET[(place + step) % ALPHABET.len()];
            let other = String::from_utf8(other).unwrap();
            let is = usual(bearer(&verifier, &other), now()).is;
            assert!(is.is_err(), "byte {at}: {other}");
        }
        let mut shorter = good.to_owned();
        shorter.remove(at);
        assert!(usual(bearer(&verifier, &shorter), now()).is.is_err(), "without byte {at}");
    }
}

#[test]
fn every_byte_of_a_token_counts() {
    every_byte_counts("ES384", &good_token(now()));
}

#[test]
fn every_byte_of_a_token_that_rsa_signed_counts() {
    let header = json!({ "alg": "RS256", "kid": "RSA_0", "typ": "JWT" }).to_string();
    every_byte_counts("RS256", &token_of(&header, &good(now()).1.to_string(), "RS256", "shop_rsa"));
}

#[test]
fn every_byte_of_a_proof_counts() {
    every_byte_counts("ES384", &make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap());
}

proptest! {
    /// Of the JSON within, too, where a change keeps base 64 and JSON whole more often.
    #[test]
    fn every_byte_of_a_proofs_values_counts(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let good = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
        let mut json = crate::world::decode(good.strip_prefix("xacct1.").unwrap());
        let at = at.index(json.len());
        prop_assume!(json[at] != byte);
        json[at] = byte;
        let other = format!("xacct1.{}", crate::world::encode(json));
        prop_assert!(usual(bearer(&world(), &other), now()).is.is_err());
    }

    #[test]
    fn every_byte_of_a_tokens_claims_counts(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let good = good_token(now());
        let parts: Vec<&str> = good.split('.').collect();
        let mut claims = crate::world::decode(parts[1]);
        let at = at.index(claims.len());
        prop_assume!(claims[at] != byte);
        claims[at] = byte;
        let other = format!("{}.{}.{}", parts[0], crate::world::encode(claims), parts[2]);
        prop_assert!(usual(bearer(&world(), &other), now()).is.is_err());
    }
}
