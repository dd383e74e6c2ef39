//! The header `authorization`: exactly one, of one form.

use crate::proof;
use crate::refusal::{Refusal, RefusalKind as Kind};
use crate::token;

/// Whether all bytes are of the alphabet that both kinds are made of: letters, digits and `-_.=+/`. In pieces and without a branch in
/// them, so that the compiler does many at once: every byte of every header is looked at.
fn is_of_alphabet(bytes: &[u8]) -> bool {
    let is_of = |byte: &u8| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // These stand side by side.
        let is_between = byte.wrapping_sub(b'-') <= b'9' - b'-';
        is_letter | is_between | (*byte == b'+') | (*byte == b'=') | (*byte == b'_')
    };
    let (pieces, rest) = bytes.as_chunks::<32>();
    pieces.iter().all(|piece| piece.iter().fold(true, |all, byte| all & is_of(byte))) && rest.iter().all(is_of)
}

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
    if header.starts_with(b"AWS4-") {
        let what = "it is a signature (SigV4), and this server wants a token or a proof";
        return Err(Refusal::with(Kind::AuthorizationMalformed, what));
    }
    let (scheme, bearer) = header.split_at_checked(7).ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(malformed());
    }
    let is_proof = bearer.starts_with(proof::PREFIX.as_bytes());
    if bearer.len() > if is_proof { proof::LONGEST } else { token::LONGEST } {
        return Err(Refusal::new(Kind::IdentityTooLong));
    }
    if bearer.is_empty() || !is_of_alphabet(bearer) {
        return Err(malformed());
    }
    let bearer = std::str::from_utf8(bearer).map_err(|_| malformed())?;
    Ok(if is_proof { Presented::Proof(bearer) } else { Presented::Token(bearer) })
}

#[cfg(test)]
mod tests {
    use super::{Kind, is_of_alphabet, proof, read, token};

    #[test]
    fn a_token_or_a_proof_may_be_as_long_as_its_limit() {
        for (prefix, longest) in [("", token::LONGEST), (proof::PREFIX, proof::LONGEST)] {
            let refused = |length| {
                let header = format!("Bearer {prefix}{}", "a".repeat(length - prefix.len()));
                read(&[header.as_bytes()]).err().map(|refusal| refusal.kind())
            };
            assert_eq!((refused(longest), refused(longest + 1)), (None, Some(Kind::IdentityTooLong)));
        }
    }

    #[test]
    fn a_signature_is_told_to_be_one() {
        for (header, is_told) in [
            (&b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/execute-api/aws4_request"[..], true),
            (b"AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20260101/execute-api/aws4_request", true),
            (b"Basic YTpi", false),
        ] {
            let refusal = read(&[header]).err();
            assert_eq!(refusal.as_ref().map(crate::Refusal::kind), Some(Kind::AuthorizationMalformed));
            let told = refusal.map(|refusal| refusal.to_string()).unwrap_or_default();
            assert_eq!(told.ends_with("it is a signature (SigV4), and this server wants a token or a proof"), is_told);
            assert!(!told.contains("AKIDEXAMPLE"), "{told}");
        }
    }

    #[test]
    fn the_alphabet_is_that_of_base64_and_its_dots() {
        for byte in 0..=u8::MAX {
            let is_of = byte.is_ascii_alphanumeric() || b"-_.=+/".contains(&byte);
            assert_eq!(is_of_alphabet(&[byte]), is_of, "{byte}");
            assert_eq!(is_of_alphabet(&[byte; 32]), is_of, "{byte}");
            assert_eq!(is_of_alphabet(&[[b'a'; 40].as_slice(), &[byte], &[b'a'; 40]].concat()), is_of, "{byte}");
        }
    }
}
