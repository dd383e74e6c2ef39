//! The header `authorization`: exactly one, of one form.

use crate::proof;
use crate::refusal::{Refusal, RefusalKind as Kind};
use crate::token;

/// Which bytes both kinds are made of. A table, since every byte of every header is looked at, and comparisons took a third of the time
/// of a check beside its signature.
const ALPHABET: [bool; 256] = {
    let mut alphabet = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        let is_of = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+' | b'/');
        #[expect(clippy::indexing_slicing, reason = "it is evaluated when this is built")]
        {
            alphabet[byte as usize] = is_of;
        }
        byte += 1;
    }
    alphabet
};

/// What was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    Token(&'a str),
    Proof(&'a str),
}

/// Reads `Bearer` (in any case, RFC 9110, section 11.1), one space, and one token of the alphabet that both kinds have. Proxies join
/// headers of one name by commas, which are not of it.
pub(crate) fn read<'a>(headers: &[&'a [u8]]) -> Result<Presented<'a>, Refusal> {
    let header = match headers {
        [] => return Err(Refusal::new(Kind::AuthorizationMissing)),
        [only] => *only,
        _ => return Err(Refusal::new(Kind::AuthorizationTwice)),
    };
    let malformed = || Refusal::new(Kind::AuthorizationMalformed);
    let (scheme, bearer) = header.split_at_checked(7).ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(malformed());
    }
    let is_proof = bearer.starts_with(proof::PREFIX.as_bytes());
    if bearer.len() > if is_proof { proof::LONGEST } else { token::LONGEST } {
        return Err(Refusal::new(Kind::IdentityTooLong));
    }
    let is_of_alphabet = |byte: &u8| ALPHABET.get(usize::from(*byte)).is_some_and(|is_of| *is_of);
    if bearer.is_empty() || !bearer.iter().all(is_of_alphabet) {
        return Err(malformed());
    }
    let bearer = std::str::from_utf8(bearer).map_err(|_| malformed())?;
    Ok(if is_proof { Presented::Proof(bearer) } else { Presented::Token(bearer) })
}
