//! A web identity token of STS, read: a JWT, of which everything but the signature is judged here.
//!
//! Sources: RFC 7515 (JWS), RFC 7518 (algorithms), RFC 7519 (JWT), RFC 8725 (their best practices), and the claims of
//! [GetWebIdentityToken](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html).

mod claims;
mod signature;

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::caller::Caller;
use crate::callers::{Callers, Identity};
use crate::json::{Json, Object};
use crate::refusal::{Refusal, RefusalKind as Kind};

pub(crate) use signature::is_of_form;

/// How long a token may be. AWS's are one or two kB; its tags may make them longer.
pub(crate) const LONGEST: usize = 16_384;

/// A token of which the signature alone is left to be checked.
#[derive(Debug)]
pub(crate) struct Token {
    /// The index of its issuer.
    pub(crate) issuer: usize,
    pub(crate) key_id: String,
    /// How much of the text is signed.
    pub(crate) signed_bytes: usize,
    pub(crate) signature: Vec<u8>,
    pub(crate) expires_at: SystemTime,
    /// Whose it is, if the signature is right: the index in the list, and what is told.
    pub(crate) listed: usize,
    pub(crate) caller: Arc<Caller>,
}

/// Reads a token and judges all that needs no key.
pub(crate) fn read(text: &str, callers: &Callers, identity: &Identity, now: SystemTime) -> Result<Token, Refusal> {
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::with(Kind::TokenMalformed, "it has not three parts"));
    };
    let key_id = header_of(&decoded(header, "header")?, identity)?;
    let signature = decoded(signature, "signature")?;
    if !is_of_form(identity.algorithm, &signature) {
        return Err(Refusal::new(Kind::SignatureMalformed));
    }
    let payload_bytes = decoded(payload, "payload")?;
    let claims = Object::read(&payload_bytes)
        .ok_or_else(|| Refusal::with(Kind::TokenMalformed, "its payload is no strict JSON"))?;
    let claims::Bearer { issuer, expires_at, listed, caller } = claims::judge(&claims, callers, identity, now)?;
    let signed_bytes = header.len() + 1 + payload.len();
    Ok(Token { issuer, key_id, signed_bytes, signature, expires_at, listed, caller: Arc::new(caller) })
}

fn decoded(part: &str, what: &str) -> Result<Vec<u8>, Refusal> {
    // The engine refuses padding, other alphabets and bits that are left over: there is one way to write a part.
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::with(Kind::TokenMalformed, format!("its {what} is no base64url")))
}

/// The key's id. A header that names a key in any other way, or an extension, is none of STS's.
fn header_of(bytes: &[u8], identity: &Identity) -> Result<String, Refusal> {
    let header =
        Object::read(bytes).ok_or_else(|| Refusal::with(Kind::TokenMalformed, "its header is no strict JSON"))?;
    for (name, value) in header.members() {
        match name {
            "alg" | "kid" => {}
            "typ" if value.as_text() == Some("JWT") => {}
            _ => return Err(Refusal::about(Kind::TokenHeaderRefused, name)),
        }
    }
    let algorithm = header.get("alg").and_then(Json::as_text).unwrap_or_default();
    if algorithm != identity.algorithm.name() {
        return Err(Refusal::about(Kind::AlgorithmRefused, algorithm));
    }
    let key_id = header.text("kid").filter(|kid| is_key_id(kid));
    key_id.map(str::to_owned).ok_or_else(|| Refusal::new(Kind::KeyIdMalformed))
}

/// Whether it may be a key's id: a name, of which nobody could make a path, a query or a pattern.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
