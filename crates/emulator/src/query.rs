//! Queries and forms: pairs joined by `&`, percent-encoded, `+` for a space.

use xacct_sign::encode::{is_well_encoded, percent_decoded};

/// The decoded pairs; `None` if one is not UTF-8 or has a broken escape.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(key)?, decode_form(value)?))
        })
        .collect()
}

/// Decodes a key or value.
pub(crate) fn decode_form(text: &str) -> Option<String> {
    percent_decode(&text.replace('+', " "))
}

/// Decodes escapes once; `None` for a broken escape or what is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    is_well_encoded(text).then(|| String::from_utf8(percent_decoded(text)).ok()).flatten()
}
