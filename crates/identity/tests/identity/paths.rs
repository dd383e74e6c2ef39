//! The table of paths that every face runs, tests/paths.toml.

use serde_json::{Value, json};
use xacct_sign_identity::{Seen, paths};

use crate::world::{good, merge, now, table, token_of, usual, verifier};

/// What a server makes of a path.
fn decoded(path: &str) -> Vec<u8> {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[test]
fn every_request_asks_for_the_paths_of_the_table() {
    let (header, mut claims) = good(now());
    merge(&mut claims, &json!({ "sub": "arn:aws:iam::000000000000:role/Reader" }));
    let bearer = format!("Bearer {}", token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec"));
    let verifier = verifier(&table()["world"]);
    let requests: Value = toml::from_str(include_str!("../../../../tests/paths.toml")).unwrap();
    for row in requests["request"].as_array().unwrap() {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let list = |name: &str| -> Option<Vec<&str>> {
            Some(row.get(name)?.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect())
        };
        let sent = text("sent").unwrap();
        let mounted_at = text("mounted_at").unwrap_or_default();
        let left = Seen::Target { mounted_at, target: text("left").unwrap_or(sent) };
        let of_target = list("paths").unwrap();
        let seen = decoded(of_target.last().unwrap());
        let of_decoded = list("decoded").unwrap_or_else(|| of_target.clone());
        assert_eq!(paths(Some(sent), left), of_target, "{row}");
        let rewritten = row.get("rewritten").is_some_and(|rewritten| rewritten == true);
        assert_eq!(of_target.len() > 1, rewritten, "{row}");
        assert_eq!(paths(Some(sent), Seen::Decoded(&seen)), of_decoded, "{row}");
        let expected = text("code").map_or(Ok("reader".to_owned()), |code| Err(code.to_owned()));
        for paths in [of_target, of_decoded] {
            let check = verifier.check(&[bearer.as_bytes()], &[text("method").unwrap_or("GET")], &paths);
            assert_eq!(usual(check, now()).is, expected, "{row}: {paths:?}");
        }
    }
}

#[test]
fn where_a_server_does_not_tell_what_was_sent_what_the_application_sees_counts() {
    for (seen, path) in [("/items/1?a", "/items/1"), ("http://x", "/"), ("", ""), ("*", "*")] {
        assert_eq!(paths(None, Seen::Target { mounted_at: "", target: seen }), [path]);
    }
    for (seen, path) in [(b"/a b\xff".as_slice(), "/a%20b%FF"), (b"", "/"), (b"a?b", "a%3Fb")] {
        assert_eq!(paths(None, Seen::Decoded(seen)), [path]);
    }
}
