//! Percent-encoding and hexadecimal, as SigV4 defines them.

const UPPER_HEX: [u8; 16] = *b"0123456789ABCDEF";

/// RFC 3986 unreserved characters: the only ones that AWS's `UriEncode` leaves alone.
#[inline]
pub(crate) fn is_unreserved(byte: u8) -> bool {
    UNRESERVED.get(usize::from(byte)).is_some_and(|unreserved| *unreserved)
}

#[expect(clippy::indexing_slicing, reason = "an index out of bounds in a constant does not compile")]
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

#[inline]
fn upper_digit(nibble: u8) -> u8 {
    UPPER_HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0')
}

/// Without a branch or a table, so that the compiler does many at once.
#[inline]
const fn lower_digit(nibble: u8) -> u8 {
    nibble + b'0' + (b'a' - b'0' - 10) * (nibble > 9) as u8
}

/// Appends `%XX`.
#[inline]
pub(crate) fn push_escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'%', upper_digit(byte >> 4), upper_digit(byte)]);
}

/// Appends `bytes`, every byte but the unreserved ones (and those `keep` names) escaped.
#[inline]
pub(crate) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8], keep: impl Fn(u8) -> bool) {
    for &byte in bytes {
        if is_unreserved(byte) || keep(byte) {
            out.push(byte);
        } else {
            push_escape(out, byte);
        }
    }
}

/// Reads `text` byte by byte, escapes decoded: yields each byte, and whether it stood as an escape.
///
/// A `%` that begins no escape stands for itself.
pub(crate) fn decoded(text: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let [b'%', high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            rest = tail;
            return Some((high << 4 | low, true));
        }
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        Some((byte, false))
    })
}

/// The bytes of a text, its escapes decoded once; a `%` that begins no escape stands for itself (RFC 3986, section 2.4).
///
/// ```
/// assert_eq!(xacct_sign::encode::percent_decoded("a%2Fb%zz"), b"a/b%zz");
/// ```
#[must_use]
pub fn percent_decoded(text: &str) -> Vec<u8> {
    decoded(text.as_bytes()).map(|(byte, _)| byte).collect()
}

/// Whether every `%` of a text begins an escape.
#[must_use]
pub fn is_well_encoded(text: &str) -> bool {
    decoded(text.as_bytes()).all(|(byte, escaped)| escaped || byte != b'%')
}

/// The value of a hexadecimal digit of either case.
#[inline]
pub(crate) fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// A SHA-256 digest in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HexDigest([u8; 64]);

impl HexDigest {
    pub(crate) fn new(digest: &[u8]) -> Self {
        let mut hex = [b'0'; 64];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
            *pair = [lower_digit(byte >> 4), lower_digit(byte & 15)];
        }
        Self(hex)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
