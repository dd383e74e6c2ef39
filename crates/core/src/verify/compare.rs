//! Two canonical requests of one request, line by line: the one that the verifier computed, and the one that was signed.
//!
//! A REST API says the first in its refusal, the signer has the second: then nothing needs to be tried, as in `difference.rs`.

use std::collections::BTreeMap;
use std::fmt;

use super::difference::{path_forms, payload_forms, query_forms};
use super::shown::{shown_header, shown_query};
use crate::encode::percent_decoded;
use crate::settings::SigningSettings;

/// What stands in a line of a canonical request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The method.
    Method,
    /// The path.
    Path,
    /// The query.
    Query,
    /// The header of this name, in lower case.
    Header(String),
    /// The names of the signed headers.
    SignedHeaders,
    /// The hash of the body.
    Payload,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Method => f.write_str("the method"),
            Part::Path => f.write_str("the path"),
            Part::Query => f.write_str("the query"),
            Part::Header(name) => write!(f, "the header `{name}`"),
            Part::SignedHeaders => f.write_str("the names of the signed headers"),
            Part::Payload => f.write_str("the hash of the body"),
        }
    }
}

/// A line that differs. Its texts may be shown: what could be a secret is there by its length alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// What stands in it.
    pub part: Part,
    /// Its number, counted from 1: in the verifier's canonical request, or the signer's if the verifier has no such line.
    pub line: usize,
    /// The verifier's; none for a header that did not reach it, or that it does not take for signed.
    pub computed: Option<String>,
    /// The signer's; none for a header that was not signed.
    pub signed: Option<String>,
    /// How signers are known to come to what was signed, where it is that: `encoded once in all`.
    pub form: Option<&'static str>,
}

/// The lines in which what was signed differs from what the verifier computed, in the verifier's order. `None` if one of the two
/// is no canonical request.
///
/// ```
/// use xacct_sign::verify::{Part, compare};
///
/// let signed = "GET\n/a b\n\nhost:api.example.com\n\nhost\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// let differing = compare(&signed.replace("/a b", "/v1/a b"), signed).unwrap();
/// assert_eq!(differing[0].part, Part::Path);
/// assert_eq!((differing[0].line, differing[0].computed.as_deref()), (2, Some("/v1/a b")));
/// ```
#[must_use]
pub fn compare(computed: &str, signed: &str) -> Option<Vec<Deviation>> {
    let (computed, signed) = (Lines::read(computed)?, Lines::read(signed)?);
    let line = |part: Part, line: usize, texts: [&str; 2], show: fn(&str) -> String, form: Option<&'static str>| {
        let [computed, signed] = texts;
        let deviation = || Deviation { part, line, computed: Some(show(computed)), signed: Some(show(signed)), form };
        (computed != signed).then(deviation)
    };
    let as_it_is: fn(&str) -> String = str::to_owned;
    let names = computed.first_header.saturating_add(computed.headers.len()).saturating_add(1);
    let payload_form = payload_forms().into_iter().find(|(_, hash)| hash == signed.payload).map(|(form, _)| form);
    let before = [
        line(Part::Method, 1, [computed.method, signed.method], as_it_is, None),
        line(Part::Path, 2, [computed.path, signed.path], as_it_is, computed.path_form(signed.path)),
        line(Part::Query, 3, [computed.query, signed.query], shown_query, computed.query_form(signed.query)),
    ];
    let behind = [
        line(Part::SignedHeaders, names, [computed.signed_headers, signed.signed_headers], as_it_is, None),
        line(Part::Payload, names.saturating_add(1), [computed.payload, signed.payload], as_it_is, payload_form),
    ];
    let headers = headers(&computed, &signed);
    Some(before.into_iter().flatten().chain(headers).chain(behind.into_iter().flatten()).collect())
}

fn headers(computed: &Lines<'_>, signed: &Lines<'_>) -> Vec<Deviation> {
    let place = |lines: &Lines<'_>, at: usize| lines.first_header.saturating_add(at);
    let mut theirs: BTreeMap<&str, (usize, &str)> =
        signed.headers.iter().enumerate().map(|(at, (name, line))| (*name, (at, *line))).collect();
    let mut found = Vec::new();
    for (at, (name, line)) in computed.headers.iter().enumerate() {
        let other = theirs.remove(name).map(|(_, line)| line);
        if other == Some(*line) {
            continue;
        }
        found.push(Deviation {
            part: Part::Header((*name).to_owned()),
            line: place(computed, at),
            computed: Some(shown_header(line)),
            signed: other.map(shown_header),
            form: None,
        });
    }
    for (name, (at, line)) in theirs {
        found.push(Deviation {
            part: Part::Header(name.to_owned()),
            line: place(signed, at),
            computed: None,
            signed: Some(shown_header(line)),
            form: None,
        });
    }
    found
}

/// A canonical request, taken apart.
struct Lines<'t> {
    method: &'t str,
    path: &'t str,
    query: &'t str,
    /// The number of the line with the first header.
    first_header: usize,
    /// Name, and the whole line.
    headers: Vec<(&'t str, &'t str)>,
    signed_headers: &'t str,
    payload: &'t str,
}

impl<'t> Lines<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let mut lines = text.trim_end_matches(['\r', '\n']).split('\n').map(|line| line.trim_end_matches('\r'));
        let (method, path, query) = (lines.next()?, lines.next()?, lines.next()?);
        let mut headers = Vec::new();
        loop {
            match lines.next()? {
                "" => break,
                line => headers.push((line.split_once(':')?.0, line)),
            }
        }
        let (signed_headers, payload) = (lines.next()?, lines.next()?);
        lines.next().is_none().then_some(Self {
            method,
            path,
            query,
            first_header: 4,
            headers,
            signed_headers,
            payload,
        })
    }

    /// How the path was written, if it was the same path.
    fn path_form(&self, signed: &str) -> Option<&'static str> {
        // What stood on the wire was encoded once more, as every service but Amazon S3 does it.
        let wire = String::from_utf8(percent_decoded(self.path)).ok()?;
        form_of(&path_forms(&SigningSettings::for_service("execute-api"), &wire), signed)
    }

    fn query_form(&self, signed: &str) -> Option<&'static str> {
        form_of(&query_forms(self.query, self.query.as_bytes()), signed)
    }
}

fn form_of(forms: &[(&'static str, Vec<u8>)], signed: &str) -> Option<&'static str> {
    forms.iter().find(|(_, text)| text == signed.as_bytes()).map(|(form, _)| *form)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

    use super::*;

    const SIGNED: &str = "GET\n/v1/a%2520b\nq=1&token=secret\nhost:api.example.com\nx-amz-date:20150830T123600Z\n\
                          x-amz-security-token:SECRETTOKEN\n\nhost;x-amz-date;x-amz-security-token\n\
                          e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn found(from: &str, to: &str) -> Vec<Deviation> {
        compare(&SIGNED.replace(from, to), SIGNED).unwrap_or_default()
    }

    #[test]
    fn the_line_that_differs_is_found_and_how_it_came_about() {
        assert_eq!(compare(SIGNED, SIGNED), Some(Vec::new()));
        for (from, to, part, line, form) in [
            ("GET\n", "PUT\n", Part::Method, 1, None),
            ("/v1/a", "/a", Part::Path, 2, None),
            ("/v1/a%2520b", "/v1/a%252520b", Part::Path, 2, Some("as it stands, not encoded once more")),
            ("/v1/a%2520b", "/v1/a%2520b/", Part::Path, 2, Some("without the slash at its end")),
            ("q=1", "q=2", Part::Query, 3, None),
            ("host:api", "host:other", Part::Header("host".to_owned()), 4, None),
            ("e3b0", "f3b0", Part::Payload, 9, Some("as that of an empty body")),
        ] {
            let found = found(from, to);
            let [deviation] = found.as_slice() else { panic!("{from} -> {to}: {found:?}") };
            assert_eq!((&deviation.part, deviation.line, deviation.form), (&part, line, form), "{from} -> {to}");
        }
    }

    #[test]
    fn headers_that_one_side_lacks_are_named_with_their_line() {
        let dropped = found("x-amz-security-token:SECRETTOKEN\n", "");
        assert_eq!(dropped[0].part, Part::Header("x-amz-security-token".to_owned()));
        assert_eq!((dropped[0].line, dropped[0].computed.as_deref()), (6, None));
        let added = found("x-amz-date:", "x-added:1\nx-amz-date:");
        assert_eq!((added[0].part.to_string().as_str(), added[0].line), ("the header `x-added`", 5));
        assert_eq!(added[0].signed, None);
    }

    #[test]
    fn no_secret_is_shown_and_a_difference_in_one_is_found_all_the_same() {
        let all = [
            found("SECRETTOKEN", "SECRETOTHER"),
            found("token=secret", "token=secre2"),
            found("x-amz-security-token:SECRETTOKEN\n", ""),
        ];
        for found in all {
            assert_eq!(found.len(), 1, "{found:?}");
            let text = format!("{found:?}");
            assert!(!text.contains("SECRET") && !text.contains("secre2") && !text.contains("=secret"), "{text}");
        }
    }

    #[test]
    fn what_is_no_canonical_request_is_none() {
        for text in
            ["", "GET", "GET\n/\n", "GET\n/\n\nhost\n\nhost\nhash", "GET\n/\n\nhost:a\n\nhost\nhash\nmore\nmore"]
        {
            assert_eq!(compare(text, SIGNED), None, "{text:?}");
            assert_eq!(compare(SIGNED, text), None, "{text:?}");
        }
        assert!(compare(&SIGNED.replace('\n', "\r\n"), SIGNED).is_some_and(|found| found.is_empty()));
    }
}
