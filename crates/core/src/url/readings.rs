//! What a path may mean to whoever routes it.

use super::without_dot_segments;
use crate::encode::{is_well_encoded, percent_decoded};

/// How often a path is decoded for its readings: by a server, and by what the server hands it on to.
const DECODED: usize = 2;

/// Every reading of a path, without its leading `/`; `None` if it cannot be read at all.
///
/// A policy speaks of `GET/items/*`; the API behind a gateway, or behind a middleware, routes. Whether it does so on the path as it
/// stands, decoded, or as a parser of URLs leaves it is not the gateway's to know, so a request is allowed only if *every* reading
/// is. Thus `/items/..%2Fadmin` does not pass a policy for `/items/*`, while a caller that may use every route keeps its
/// encoded slashes. AWS documents only that the ARN of `execute-api:Invoke` holds the path of the request
/// ([Control access for invoking an API](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html)).
#[must_use]
pub fn path_readings(path: &str) -> Option<Vec<String>> {
    let raw = path.strip_prefix('/')?;
    if is_plain(raw) {
        return Some(vec![raw.to_owned()]);
    }
    if !is_well_encoded(raw) || std::str::from_utf8(&percent_decoded(raw)).is_err() {
        return None;
    }
    let mut texts = vec![raw.to_owned()];
    while texts.len() <= DECODED {
        // What is no escape stays as it is, as the decoders of most languages have it: one must not hide the others.
        let next = texts.last().map(|text| String::from_utf8_lossy(&percent_decoded(text)).into_owned());
        texts.extend(next);
    }
    // Parsers drop some control characters and end at others: nobody knows what is left of a path that holds one, escaped twice, too.
    if texts.iter().any(|text| text.contains(char::is_control)) {
        return None;
    }
    let mut readings: Vec<String> = Vec::new();
    for text in &texts {
        for reading in parsed(text) {
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
    }
    Some(readings)
}

/// Whether everybody reads it alike, as most paths are read: a shortcut, which [`parsed`] would come to, too.
fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.' | b'/'))
        && !raw.starts_with(['/', '.'])
        && !raw.contains("//")
        && !raw.contains("/.")
}

/// What a server or a parser of URLs makes of a path, its leading `/` taken off.
fn parsed(text: &str) -> Vec<String> {
    // To a parser of the WHATWG (https://url.spec.whatwg.org/#path-state) a backslash is a slash and `%2e` is a dot.
    let of_whatwg = text.replace('\\', "/").replace("%2e", ".").replace("%2E", ".");
    // Servers of Java drop what follows a `;` in a segment.
    let without_parameters: Vec<&str> =
        of_whatwg.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    // Where a path was decoded and is read as a URL once more, its query begins at what was an escape.
    let before_query = text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let mut all = vec![text.to_owned(), without_parameters.join("/"), of_whatwg, before_query];
    // `new URL("//host/path", base)` takes the first segment for a host.
    let behind_host = all.iter().filter_map(|text| Some(text.strip_prefix('/')?.split_once('/')?.1.to_owned()));
    all.extend(behind_host.collect::<Vec<_>>());
    let resolved = |text: &String| [false, true].map(|merges| without_dot_segments(text, merges).split_off(1));
    let resolved: Vec<String> = all.iter().flat_map(resolved).collect();
    all.into_iter().chain(resolved).collect()
}

#[cfg(test)]
mod tests {
    use super::path_readings;

    #[test]
    fn a_plain_path_has_one_reading() {
        assert_eq!(path_readings("/items/1"), Some(vec!["items/1".to_owned()]));
        assert_eq!(path_readings("/"), Some(vec![String::new()]));
        assert_eq!(path_readings("/a/"), Some(vec!["a/".to_owned()]));
        assert_eq!(path_readings("//a"), Some(vec!["/a".to_owned(), "a".to_owned()]));
        assert_eq!(path_readings("/a%20b"), Some(vec!["a%20b".to_owned(), "a b".to_owned()]));
    }

    #[test]
    fn dots_and_escapes_have_several() {
        let all = path_readings("/items/..%2Fadmin").unwrap_or_default();
        assert!(all.contains(&"items/..%2Fadmin".to_owned()));
        assert!(all.contains(&"items/../admin".to_owned()));
        assert!(all.contains(&"admin".to_owned()));
        assert!(path_readings("/items/../admin").unwrap_or_default().contains(&"admin".to_owned()));
        assert!(path_readings("/items//../admin").unwrap_or_default().contains(&"admin".to_owned()));
        assert!(path_readings("/a/b/..").unwrap_or_default().contains(&"a/".to_owned()));
    }

    #[test]
    fn e5_what_is_no_escape_hides_no_reading() {
        for path in ["/items/..%252fadmin/%25zz", "/items/..%252fadmin%3f%25", "/items/%252e%252e%252fadmin%252f%25ff"]
        {
            let all = path_readings(path).unwrap_or_default();
            assert!(all.iter().any(|reading| reading.starts_with("admin")), "{path}: {all:?}");
        }
        let all = path_readings("/items/100%25").unwrap_or_default();
        assert!(all.iter().all(|reading| reading.starts_with("items/")), "{all:?}");
    }

    #[test]
    fn a_query_may_begin_where_an_escape_was() {
        let all = path_readings("/items/..%3Fx").unwrap_or_default();
        assert!(all.iter().any(|reading| reading.is_empty()), "{all:?}");
        assert!(path_readings("/items/1%23x").unwrap_or_default().contains(&"items/1".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_has_none() {
        assert_eq!(path_readings("*"), None);
        assert_eq!(path_readings(""), None);
        assert_eq!(path_readings("/%zz"), None);
        assert_eq!(path_readings("/%ff"), None);
        assert_eq!(path_readings("/a%0d%0ab"), None);
    }

    #[test]
    fn a_control_character_hides_behind_no_second_escape() {
        for path in [
            "/items/a%250ab",
            "/items/..%2509%2fadmin",
            "/items/.%2509.%252fadmin",
            "/items/%25zz%2500",
            "/a%25c2%2585",
        ] {
            assert_eq!(path_readings(path), None, "{path}");
        }
        // Three times is nobody's reading.
        assert!(path_readings("/items/a%25250ab").is_some());
    }
}
