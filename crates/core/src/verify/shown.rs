//! A canonical request as it may be shown: without what could be a secret.

/// Headers whose values say nothing that needs hiding. A closed list, because nobody knows all names of the others: `cookie`,
/// `x-api-key`, `x-amz-security-token`, one's own.
const SHOWN_HEADERS: [&str; 20] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "origin",
    "range",
    "user-agent",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-target",
];

/// What the name of a query's secret has in it, in lower case.
const SECRET_KEYS: [&str; 8] = ["token", "key", "secret", "pass", "auth", "code", "session", "sig"];

/// The canonical request with the length of every value in place of those that may be secrets.
pub(super) fn shown(canonical_request: &str) -> String {
    let mut in_headers = true;
    let line = |(at, line): (usize, &str)| match at {
        0 | 1 => line.to_owned(),
        2 => shown_query(line),
        // The headers end with an empty line.
        _ if !in_headers || line.is_empty() => {
            in_headers = false;
            line.to_owned()
        }
        _ => shown_header(line),
    };
    canonical_request.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn shown_header(line: &str) -> String {
    match line.split_once(':') {
        Some((name, value)) if !SHOWN_HEADERS.contains(&name) => format!("{name}:{}", hidden(value)),
        _ => line.to_owned(),
    }
}

pub(super) fn shown_query(line: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) if is_secret(key) => format!("{key}={}", hidden(value)),
        _ => pair.to_owned(),
    };
    line.split('&').map(pair).collect::<Vec<_>>().join("&")
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|part| key.contains(part))
}

fn hidden(value: &str) -> String {
    let unit = if value.len() == 1 { "byte" } else { "bytes" };
    format!("[redacted, {} {unit}]", value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_told_by_its_length() {
        assert_eq!(
            shown_query("token=a&code=&sig=ab&plain=c"),
            "token=[redacted, 1 byte]&code=[redacted, 0 bytes]&sig=[redacted, 2 bytes]&plain=c"
        );
    }
}
