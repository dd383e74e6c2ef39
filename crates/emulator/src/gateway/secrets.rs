//! What the API behind the gateway must not see: signatures and tokens.

use xacct_sign::QUERY_PARAMETERS;

use crate::query::decode_form;

/// Headers that carry one.
pub(crate) const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "x-amz-security-token"];

/// The query without a presigned URL's signature.
pub(crate) fn without_signature(query: &str) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
            !decode_form(key).is_some_and(|key| QUERY_PARAMETERS.contains(&key.as_str()))
        })
        .collect();
    kept.join("&")
}
