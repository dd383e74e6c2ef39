//! What a path may mean to whoever routes it.

use xacct_sign::encode::percent_decoded;
use xacct_sign::without_dot_segments;
use xacct_sign_provider::targets::HttpApi;

use crate::query::percent_decode;

/// What stands before every path of a stage: its name, but for `$default`.
pub(crate) fn base_path(api_stage: &str) -> String {
    if api_stage == HttpApi::DEFAULT_STAGE { String::new() } else { format!("/{api_stage}") }
}

/// The path of the route: what follows the stage; `None` for a path that is not the stage's.
pub(crate) fn within_stage<'p>(api_stage: &str, path: &'p str) -> Option<&'p str> {
    match path.strip_prefix(&base_path(api_stage))? {
        "" => Some("/"),
        route => route.starts_with('/').then_some(route),
    }
}

/// How often a path is decoded for its readings: by a server, and by what the server hands it on to.
const DECODED: usize = 2;

/// Every reading of a path, without its leading `/`, as it may stand in the ARN of `execute-api:Invoke`; `None` if it
/// cannot be read at all.
///
/// A policy speaks of `GET/items/*`; the API behind the gateway routes. Whether it does so on the path as it stands,
/// decoded, or as a parser of URLs leaves it is not the gateway's to know, so a request is allowed only if *every* reading
/// is. Thus `/items/..%2Fadmin` does not pass a policy for `/items/*`, while a caller that may use every route keeps its
/// encoded slashes. AWS documents only that the ARN holds the path of the request
/// ([Control access for invoking an API](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html)).
pub(crate) fn readings(path: &str) -> Option<Vec<String>> {
    let raw = path.strip_prefix('/')?;
    let decoded = percent_decode(raw)?;
    if decoded.chars().any(char::is_control) {
        return None;
    }
    let mut texts = vec![raw.to_owned()];
    while texts.len() <= DECODED {
        // What is no escape stays as it is, as the decoders of most languages have it: one must not hide the others.
        let next = texts.last().map(|text| String::from_utf8_lossy(&percent_decoded(text)).into_owned());
        texts.extend(next);
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

/// What a server or a parser of URLs makes of a path, its leading `/` taken off.
fn parsed(text: &str) -> Vec<String> {
    // To a parser of the WHATWG (https://url.spec.whatwg.org/#path-state) a backslash is a slash and `%2e` is a dot.
    // Tabs and line breaks are nothing to it.
    let of_whatwg = text.replace('\\', "/").replace(['\t', '\n', '\r'], "").replace("%2e", ".").replace("%2E", ".");
    // Servers of Java drop what follows a `;` in a segment.
    let without_parameters: Vec<&str> =
        of_whatwg.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    let mut all = vec![text.to_owned(), without_parameters.join("/"), of_whatwg];
    // `new URL("//host/path", base)` takes the first segment for a host.
    let behind_host = all.iter().filter_map(|text| Some(text.strip_prefix('/')?.split_once('/')?.1.to_owned()));
    all.extend(behind_host.collect::<Vec<_>>());
    let resolved = |text: &String| [false, true].map(|merges| without_dot_segments(text, merges).split_off(1));
    let resolved: Vec<String> = all.iter().flat_map(resolved).collect();
    all.into_iter().chain(resolved).collect()
}

#[cfg(test)]
mod tests {
    use super::{readings, within_stage};

    #[test]
    fn the_stage_is_no_part_of_the_route() {
        assert_eq!(within_stage("v1", "/v1/items"), Some("/items"));
        assert_eq!(within_stage("v1", "/v1"), Some("/"));
        assert_eq!(within_stage("v1", "/v1//x"), Some("//x"));
        assert_eq!(within_stage("$default", "/v1/items"), Some("/v1/items"));
        for path in ["/items", "/v10", "/v1items", "/V1/items", "/%76%31/items", "/", "*", ""] {
            assert_eq!(within_stage("v1", path), None, "{path}");
        }
        assert_eq!(within_stage("$default", "*"), None);
    }

    #[test]
    fn a_plain_path_has_one_reading() {
        assert_eq!(readings("/items/1"), Some(vec!["items/1".to_owned()]));
        assert_eq!(readings("/"), Some(vec![String::new()]));
        assert_eq!(readings("/a/"), Some(vec!["a/".to_owned()]));
        assert_eq!(readings("//a"), Some(vec!["/a".to_owned(), "a".to_owned()]));
        assert_eq!(readings("/a%20b"), Some(vec!["a%20b".to_owned(), "a b".to_owned()]));
    }

    #[test]
    fn dots_and_escapes_have_several() {
        let all = readings("/items/..%2Fadmin").unwrap_or_default();
        assert!(all.contains(&"items/..%2Fadmin".to_owned()));
        assert!(all.contains(&"items/../admin".to_owned()));
        assert!(all.contains(&"admin".to_owned()));
        assert!(readings("/items/../admin").unwrap_or_default().contains(&"admin".to_owned()));
        assert!(readings("/items//../admin").unwrap_or_default().contains(&"admin".to_owned()));
        assert!(readings("/a/b/..").unwrap_or_default().contains(&"a/".to_owned()));
    }

    #[test]
    fn e5_what_is_no_escape_hides_no_reading() {
        for path in [
            "/items/..%252fadmin/%25zz",
            "/items/..%252fadmin%3f%25",
            "/items/%252e%252e%252fadmin%252f%25ff",
            "/items/..%2509%2fadmin",
            "/items/.%2509.%252fadmin",
        ] {
            let all = readings(path).unwrap_or_default();
            assert!(all.iter().any(|reading| reading.starts_with("admin")), "{path}: {all:?}");
        }
        let all = readings("/items/100%25").unwrap_or_default();
        assert!(all.iter().all(|reading| reading.starts_with("items/")), "{all:?}");
    }

    #[test]
    fn what_cannot_be_read_has_none() {
        assert_eq!(readings("*"), None);
        assert_eq!(readings(""), None);
        assert_eq!(readings("/%zz"), None);
        assert_eq!(readings("/%ff"), None);
        assert_eq!(readings("/a%0d%0ab"), None);
    }
}
