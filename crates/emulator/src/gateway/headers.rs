//! Headers that the gateway speaks in: what a client sends under these names, the API behind it must not take for the gateway's.

/// Names that the gateway sets, or that say by which way a request came.
const OF_THE_GATEWAY: [&str; 4] = ["apigw-requestid", "forwarded", "via", "x-xacct-caller"];

/// What such names begin with. Adapters of Lambda functions to web servers take `x-apigateway-event` for the event.
const PREFIXES_OF_THE_GATEWAY: [&str; 3] = ["x-amzn-", "x-apigateway-", "x-forwarded-"];

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
pub(crate) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header's name as those read it who take several names for one: CGI and what follows it (WSGI, Rack, PHP) read every
/// character that is no letter or digit as the same `_`.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .collect()
}

/// Whether a header is one of the gateway's, or would be taken for one.
pub(crate) fn is_of_the_gateway(name: &str) -> bool {
    let plain = plain(name);
    OF_THE_GATEWAY.contains(&plain.as_str()) || PREFIXES_OF_THE_GATEWAY.iter().any(|prefix| plain.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::is_of_the_gateway;

    #[test]
    fn every_spelling_of_a_name_is_known() {
        for name in [
            "x-amzn-request-context",
            "x_amzn_request_context",
            "X.Amzn-Trace_Id",
            "x_forwarded-for",
            "Via",
            "x_xacct_caller",
        ] {
            assert!(is_of_the_gateway(name), "{name}");
        }
        for name in ["x-amz-meta", "x-forward", "accept", "x-amznish", "x-request-id"] {
            assert!(!is_of_the_gateway(name), "{name}");
        }
    }
}
