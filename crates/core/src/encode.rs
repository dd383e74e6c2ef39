//! Percent-encoding and hexadecimal, as SigV4 defines them.

const UPPER_HEX: [u8; 16] = *b"0123456789ABCDEF";
const LOWER_HEX: [u8; 16] = *b"0123456789abcdef";

/// RFC 3986 unreserved characters: the only ones that AWS's `UriEncode` leaves alone.
#[inline]
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~')
}

#[inline]
fn digit(table: &[u8; 16], nibble: u8) -> u8 {
    table.get(usize::from(nibble & 15)).copied().unwrap_or(b'0')
}

/// Appends `%XX`.
#[inline]
pub(crate) fn push_escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'%', digit(&UPPER_HEX, byte >> 4), digit(&UPPER_HEX, byte)]);
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
        for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
            if let [high, low] = pair {
                *high = digit(&LOWER_HEX, byte >> 4);
                *low = digit(&LOWER_HEX, *byte);
            }
        }
        Self(hex)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
