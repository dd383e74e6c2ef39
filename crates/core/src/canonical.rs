//! The canonical request: written once, used to sign, to verify and to explain.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request", steps 1 to 4.

use std::cmp::Ordering;

use crate::encode::{decoded, is_unreserved, push_encoded, push_escape};
use crate::error::{Error, ErrorKind, quote_name};
use crate::settings::{PathNormalization, PercentEncoding, SigningSettings};
use crate::small::sort::sort_by;
use crate::url::{QueryPairs, push_without_dot_segments};

/// A header: its name in any case, and its value as it stands on the wire.
pub(crate) type Header<'a> = (&'a str, &'a [u8]);

/// The headers that a request signs; sorted by [`sort`].
pub(crate) type Headers<'a> = Vec<Header<'a>>;

/// The query, and what of it is signed.
pub(crate) struct Query<'a> {
    pub(crate) raw: Option<&'a str>,
    /// Decoded keys that stay out.
    pub(crate) skip: &'a [&'a str],
    /// Pairs to add, not encoded.
    pub(crate) extra: &'a [(&'a str, &'a str)],
}

/// A canonical request in a buffer.
pub(crate) struct CanonicalRequest {
    pub(crate) text: Vec<u8>,
    /// Whether the query, as it is signed, holds a signature.
    pub(crate) is_signed: bool,
}

impl CanonicalRequest {
    /// Writes the canonical request. `headers` are sorted; those of one name stand in the order of the request. `names` are theirs,
    /// see [`push_names`].
    pub(crate) fn write(
        settings: &SigningSettings,
        method: &str,
        path: &str,
        query: &Query<'_>,
        headers: &[Header<'_>],
        names: &str,
        payload_hash: &[u8],
    ) -> Self {
        let header_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let query_bytes = query.raw.map_or(0, str::len);
        let line_bytes = method.len() + 2 * path.len() + 2 * query_bytes + header_bytes + names.len();
        let mut out = Vec::with_capacity(line_bytes + 80);
        out.extend_from_slice(method.as_bytes());
        out.push(b'\n');
        push_path(&mut out, path, settings);
        out.push(b'\n');
        let mut is_signed = false;
        if query.raw.is_some() || !query.extra.is_empty() {
            let mut pairs = QueryPairs::parse(query.raw, query.skip, query.extra);
            is_signed = pairs.are_signed();
            pairs.sort();
            pairs.write(&mut out);
        }
        out.push(b'\n');
        let mut previous = "";
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(previous) {
                // The line of this name goes on: its line break gives way to a comma.
                out.pop();
                out.push(b',');
            } else {
                let start = out.len();
                out.extend_from_slice(name.as_bytes());
                out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
                out.push(b':');
            }
            push_folded(&mut out, value);
            out.push(b'\n');
            previous = name;
        }
        out.push(b'\n');
        out.extend_from_slice(names.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(payload_hash);
        Self { text: out, is_signed }
    }
}

/// Sorts by name regardless of case; headers of one name keep their order.
pub(crate) fn sort(headers: &mut [Header<'_>]) {
    sort_by(headers, |(a, _), (b, _)| compare(a, b));
}

fn compare(a: &str, b: &str) -> Ordering {
    for (a, b) in a.bytes().zip(b.bytes()) {
        let order = a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Appends the names of sorted headers in lower case, each once: `host;x-amz-date`.
pub(crate) fn push_names(out: &mut String, headers: &[Header<'_>]) {
    let start = out.len();
    let mut previous = "";
    for (name, _) in headers {
        if name.eq_ignore_ascii_case(previous) {
            continue;
        }
        if !previous.is_empty() {
            out.push(';');
        }
        out.push_str(name);
        previous = name;
    }
    if let Some(added) = out.get_mut(start..) {
        added.make_ascii_lowercase();
    }
}

/// Appends a header's value without white space at its ends, runs of spaces folded into one: in one pass.
fn push_folded(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    // Most values, and all long ones that matter, hold no space: a token of hundreds of characters is copied at once.
    let mut rest = value;
    while let Some(at) = memchr::memchr(b' ', rest) {
        let (head, tail) = rest.split_at_checked(at + 1).unwrap_or((rest, b""));
        out.extend_from_slice(head);
        let blanks = tail.iter().take_while(|byte| **byte == b' ').count();
        rest = tail.get(blanks..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn push_path(out: &mut Vec<u8>, path: &str, settings: &SigningSettings) {
    let bytes = path.as_bytes();
    let has_dots_or_slashes = || bytes.windows(2).any(|pair| matches!(pair, b"//" | b"/."));
    if settings.path_normalization == PathNormalization::Enabled && has_dots_or_slashes() {
        let mut normalized = Vec::with_capacity(bytes.len());
        push_without_dot_segments(&mut normalized, bytes, true);
        push_encoded_path(out, &normalized, settings.percent_encoding);
    } else {
        push_encoded_path(out, bytes, settings.percent_encoding);
    }
}

fn push_encoded_path(out: &mut Vec<u8>, path: &[u8], encoding: PercentEncoding) {
    match encoding {
        PercentEncoding::Double => push_encoded(out, path, |byte| byte == b'/'),
        PercentEncoding::Single => {
            for (byte, escaped) in decoded(path) {
                if is_unreserved(byte) || (byte == b'/' && !escaped) {
                    out.push(byte);
                } else {
                    push_escape(out, byte);
                }
            }
        }
    }
}

/// Checks a method: a token (RFC 9110, section 9.1).
pub(crate) fn check_method(method: &str) -> Result<(), Error> {
    if !method.is_empty() && method.bytes().all(is_token) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidMethod, format!("the method {} is no HTTP method", quote_name(method))))
}

/// Checks a header: its name is a token, its value holds no control character but the tab (RFC 9110, section 5).
pub(crate) fn check_header((name, value): Header<'_>) -> Result<(), Error> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::new(ErrorKind::InvalidHeader, format!("the header name {} is no token", quote_name(name)))
            .with_hint("a header name is letters, digits and hyphens"));
    }
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(Error::new(
            ErrorKind::InvalidHeader,
            format!("the value of the header {} holds a line break or a control character", quote_name(name)),
        )
        .with_hint("remove it: a line break in a header's value would begin another header"));
    }
    Ok(())
}

fn is_token(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'^' | b'`' | b'|')
}
