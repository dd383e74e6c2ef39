//! What a path may mean to whoever routes it.

use xacct_sign::without_dot_segments;

use crate::query::percent_decode;

/// Every reading of a path, without its leading `/`, as it may stand in the ARN of `execute-api:Invoke`; `None` if it
/// cannot be read at all.
///
/// A policy speaks of `GET/items/*`; the API behind the gateway routes. Whether it does so on the path as it stands,
/// decoded, or with `..` resolved is not the gateway's to know, so a request is allowed only if *every* reading is.
/// Thus `/items/..%2Fadmin` does not pass a policy for `/items/*`, while a caller that may use every route keeps its
/// encoded slashes. AWS documents only that the ARN holds the path of the request
/// ([Control access for invoking an API](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html)).
pub(crate) fn readings(path: &str) -> Option<Vec<String>> {
    let raw = path.strip_prefix('/').unwrap_or(path);
    let decoded = percent_decode(raw)?;
    if decoded.chars().any(char::is_control) {
        return None;
    }
    let mut readings = vec![raw.to_owned()];
    let resolved = |path: &str, merges| without_dot_segments(path, merges).split_off(1);
    let all = [raw, &decoded].map(|path| [false, true].map(|merges| resolved(path, merges)));
    for reading in all.into_iter().flatten().chain([decoded]) {
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    Some(readings)
}

#[cfg(test)]
mod tests {
    use super::readings;

    #[test]
    fn a_plain_path_has_one_reading() {
        assert_eq!(readings("/items/1"), Some(vec!["items/1".to_owned()]));
        assert_eq!(readings("/"), Some(vec![String::new()]));
        assert_eq!(readings("/a/"), Some(vec!["a/".to_owned()]));
        assert_eq!(readings("//a"), Some(vec!["/a".to_owned(), "a".to_owned()]));
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
    fn what_cannot_be_read_has_none() {
        assert_eq!(readings("/%zz"), None);
        assert_eq!(readings("/%ff"), None);
        assert_eq!(readings("/a%0d%0ab"), None);
    }
}
