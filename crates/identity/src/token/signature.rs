//! The form of signatures.

use crate::callers::Algorithm;

/// The order of P-384's group (SEC 2, section 2.5.1), in which both halves of a signature count.
const ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0,
    0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// Whether it can be a signature of the algorithm. Of ES384 these are `r` and `s`, 48 bytes each (RFC 7518, section 3.4), neither of
/// them zero: what a library that forgot to ask takes for anybody's (CVE-2022-21449). That of RS256 is as long as its key, which is
/// asked for once the key is known.
pub(crate) fn is_of_form(algorithm: Algorithm, signature: &[u8]) -> bool {
    match algorithm {
        Algorithm::Es384 => {
            let Some((r, s)) = signature.split_at_checked(48).filter(|(_, s)| s.len() == 48) else { return false };
            // Of two texts of bytes of one length, the larger number is the later one.
            [r, s].iter().all(|half| half.iter().any(|byte| *byte != 0) && *half < ORDER.as_slice())
        }
        Algorithm::Rs256 => (256..=1024).contains(&signature.len()),
    }
}
