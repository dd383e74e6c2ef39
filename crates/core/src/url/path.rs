//! Paths: dot segments, and what can be sent.

use crate::encode::{decoded, is_unreserved, push_escape};

/// Appends the path as it can be sent.
pub(super) fn push_sendable_path(out: &mut Vec<u8>, path: &str) {
    let mut clean = Vec::with_capacity(path.len() + 16);
    for (byte, escaped) in decoded(path.as_bytes()) {
        match (byte, escaped) {
            (byte, _) if is_unreserved(byte) => clean.push(byte),
            (
                b'/' | b'@' | b':' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=',
                false,
            ) => {
                clean.push(byte);
            }
            (byte, _) => push_escape(&mut clean, byte),
        }
    }
    push_without_dot_segments(out, &clean, false);
}

/// Appends a path without `.` and `..` segments, and without empty ones if `collapse` is set.
pub(crate) fn push_without_dot_segments(out: &mut Vec<u8>, path: &[u8], collapse: bool) {
    let body = path.strip_prefix(b"/").unwrap_or(path);
    let mut kept: Vec<&[u8]> = Vec::with_capacity(16);
    let mut ends_with_slash = false;
    for segment in body.split(|byte| *byte == b'/') {
        ends_with_slash = true;
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            b"" if collapse => {}
            segment => {
                kept.push(segment);
                ends_with_slash = false;
            }
        }
    }
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if kept.is_empty() || ends_with_slash {
        out.push(b'/');
    }
}

/// The path without `.` and `..` segments (RFC 3986, section 5.2.4), and without empty ones if `merge_slashes` is set. It begins
/// with a slash, whether the one that was given does or not.
///
/// ```
/// assert_eq!(xacct_sign::without_dot_segments("/a/./b/../c", false), "/a/c");
/// assert_eq!(xacct_sign::without_dot_segments("a//b/..", true), "/a/");
/// ```
#[must_use]
pub fn without_dot_segments(path: &str, merge_slashes: bool) -> String {
    let mut out = Vec::with_capacity(path.len() + 1);
    push_without_dot_segments(&mut out, path.as_bytes(), merge_slashes);
    // The segments are parts of a text, at slashes.
    String::from_utf8(out).unwrap_or_default()
}
