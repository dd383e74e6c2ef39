//! Which line of the canonical request the signer wrote otherwise, where the signature tells.
//!
//! The verifier does not have the signer's canonical request. But it has the key, so it can try what signers are known to write
//! in place of a line, and what gets changed on the way. The number of tries is fixed: the work grows as the request does.

use std::fmt;

use crate::aws::METHODS;
use crate::aws::time::AmzDate;
use crate::canonical::{CanonicalRequest, Header, Query};
use crate::encode::{percent_decoded, push_encoded};
use crate::key::SigningKey;
use crate::payload::{Payload, sha256_hex};
use crate::settings::{PathNormalization, PercentEncoding, SigningSettings};
use crate::url::form_bytes;
use crate::verify::Presented;

/// Where the method, the path and the query stand, and the first header, counted from 0.
const METHOD: usize = 0;
const PATH: usize = 1;
const QUERY: usize = 2;
const HEADERS: usize = 3;

/// The one line of the canonical request with which the signature would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Its number, counted from 1.
    pub line: usize,
    /// What stands in it: `the path`, say.
    pub part: String,
    /// What was signed in its place, without any value of a header or of the query.
    pub signed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the canonical request, {}, was signed {}", self.line, self.part, self.signed)
    }
}

/// A canonical request whose signature is not the one that was presented.
pub(super) struct Tried<'t> {
    pub(super) key: &'t SigningKey,
    pub(super) date: &'t AmzDate,
    pub(super) settings: &'t SigningSettings,
    pub(super) query: &'t Query<'t>,
    pub(super) headers: &'t [Header<'t>],
    pub(super) canonical: &'t [u8],
}

impl Tried<'_> {
    pub(super) fn difference(&self, presented: &Presented<'_>) -> Option<Difference> {
        let lines: Vec<&[u8]> = self.canonical.split(|byte| *byte == b'\n').collect();
        let is_signed = |changed: &[Vec<u8>]| {
            let mut buffer = changed.join(&b'\n');
            self.key.verify(self.date, &mut buffer, &presented.signature)
        };
        let with_line = |at: usize, text: &[u8]| {
            let mut changed: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
            changed.get_mut(at).is_some_and(|line| {
                let differs = line != text;
                text.clone_into(line);
                differs
            }) && is_signed(&changed)
        };
        let differing = |at: usize, part: &str, signed: String| {
            Some(Difference { line: at.saturating_add(1), part: part.to_owned(), signed })
        };

        if let Some(method) = METHODS.iter().find(|method| with_line(METHOD, method.as_bytes())) {
            return differing(METHOD, "the method", format!("as `{method}`"));
        }
        let paths = path_forms(self.settings, presented.path);
        if let Some((signed, _)) = paths.iter().find(|(_, path)| with_line(PATH, path)) {
            return differing(PATH, "the path", (*signed).to_owned());
        }
        let mut queries = Vec::new();
        if presented.is_presigned {
            queries.push(("without the session token", self.without_token()));
        }
        let written = lines.get(QUERY).copied().unwrap_or_default();
        queries.extend(query_forms(self.query.raw.unwrap_or_default(), written));
        if let Some((signed, _)) = queries.iter().find(|(_, query)| with_line(QUERY, query)) {
            return differing(QUERY, "the query", (*signed).to_owned());
        }
        for (signed, written) in self.all_headers() {
            let mut changed: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
            let mut first = None;
            for (at, (line, text)) in changed.iter_mut().skip(HEADERS).zip(written).enumerate() {
                if *line != text {
                    first = first.or(Some((HEADERS.saturating_add(at), name_of(&text))));
                    *line = text;
                }
            }
            if let Some((at, name)) = first
                && is_signed(&changed)
            {
                return differing(at, &format!("the header `{name}`"), signed.to_owned());
            }
        }
        let last = lines.len().saturating_sub(1);
        for (signed, text) in payload_forms() {
            if with_line(last, text.as_bytes()) {
                return differing(last, "the hash of the body", signed.to_owned());
            }
        }
        None
    }

    /// The query of a presigned URL as services sign it that have the token appended.
    fn without_token(&self) -> Vec<u8> {
        let skip = &["X-Amz-Signature", "X-Amz-Security-Token"];
        let query = Query { raw: self.query.raw, skip, extra: &[] };
        let text = CanonicalRequest::write(self.settings, "", "/", &query, &[], "", b"").text;
        text.split(|byte| *byte == b'\n').nth(QUERY).unwrap_or_default().to_vec()
    }

    /// The lines of all headers, as signers are known to write them.
    fn all_headers(&self) -> Vec<(&'static str, Vec<Vec<u8>>)> {
        let lines = |separator: &[u8], write: &dyn Fn(&str, &[u8]) -> Vec<u8>| {
            let mut lines: Vec<Vec<u8>> = Vec::new();
            let mut previous = "";
            for (name, value) in self.headers {
                let value = write(name, value);
                match lines.last_mut() {
                    Some(line) if *name == previous => line.extend([separator, &value].concat()),
                    _ => lines.push([name.as_bytes(), b":", &value].concat()),
                }
                previous = name;
            }
            lines
        };
        let folded = |value: &[u8], is_blank: fn(&u8) -> bool| {
            let words: Vec<&[u8]> = value.trim_ascii().split(is_blank).filter(|word| !word.is_empty()).collect();
            words.join(&b' ')
        };
        let is_space: fn(&u8) -> bool = |byte| *byte == b' ';
        let is_space_or_tab: fn(&u8) -> bool = |byte| matches!(byte, b' ' | b'\t');
        let host = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
            lines(b",", &|name, value| if name == "host" { change(value) } else { folded(value, is_space) })
        };
        let without_port = |value: &[u8]| {
            let end = value.iter().rposition(|byte| *byte == b':').unwrap_or(value.len());
            value.get(..end).unwrap_or_default().to_vec()
        };
        vec![
            ("with its white space as it stands", lines(b",", &|_, value| value.to_vec())),
            ("with tabs folded as spaces are", lines(b",", &|_, value| folded(value, is_space_or_tab))),
            ("with a space behind the comma between its values", lines(b", ", &|_, value| folded(value, is_space))),
            ("without the port", host(&without_port)),
            ("with the port 80", host(&|value| [&without_port(value), b":80".as_slice()].concat())),
            ("with the port 443", host(&|value| [&without_port(value), b":443".as_slice()].concat())),
        ]
    }
}

/// The path as signers are known to write it, from how it stood on the wire.
pub(super) fn path_forms(settings: &SigningSettings, path: &str) -> Vec<(&'static str, Vec<u8>)> {
    let line_of = |path: &str, encoding, normalization| {
        let settings = SigningSettings { percent_encoding: encoding, path_normalization: normalization, ..*settings };
        let written =
            CanonicalRequest::write(&settings, "", path, &Query { raw: None, skip: &[], extra: &[] }, &[], "", b"");
        written.text.split(|byte| *byte == b'\n').nth(PATH).unwrap_or_default().to_vec()
    };
    let line = |encoding, normalization| line_of(path, encoding, normalization);
    let decoded = percent_decoded(path);
    let mut encoded_anew = Vec::new();
    push_encoded(&mut encoded_anew, &decoded, |byte| byte == b'/');
    let without_parameters = path.split(';').next().unwrap_or_default();
    let normalized = line(settings.percent_encoding, settings.path_normalization);
    let other_end = match normalized.strip_suffix(b"/") {
        Some(without) => ("without the slash at its end", without.to_vec()),
        None => ("with a slash at its end", [normalized.as_slice(), b"/"].concat()),
    };
    vec![
        ("as it stands, not encoded once more", path.as_bytes().to_vec()),
        ("encoded once in all", line(PercentEncoding::Single, settings.path_normalization)),
        ("encoded once more", line(PercentEncoding::Double, settings.path_normalization)),
        ("with `..` and `//` as they stand", line(PercentEncoding::Double, PathNormalization::Disabled)),
        (
            "encoded once in all, `..` and `//` as they stand",
            line(PercentEncoding::Single, PathNormalization::Disabled),
        ),
        ("with `..` and `//` resolved", line(settings.percent_encoding, PathNormalization::Enabled)),
        ("decoded", decoded),
        ("decoded and encoded once, so that an escaped slash is a slash", encoded_anew),
        ("as it stands, without what follows its `;`", without_parameters.as_bytes().to_vec()),
        (
            "without what follows its `;`",
            line_of(without_parameters, settings.percent_encoding, settings.path_normalization),
        ),
        other_end,
    ]
}

/// The query as signers are known to write it, from how it stood on the wire and how it should be written.
pub(super) fn query_forms(raw: &str, written: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let written = String::from_utf8_lossy(written);
    let is_signature = |pair: &&str| {
        let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
        form_bytes(key.as_bytes()).eq(b"X-Amz-Signature".iter().copied())
    };
    let raw: Vec<&str> = raw.split('&').filter(|pair| !is_signature(pair)).collect();
    let mut sorted = raw.clone();
    sorted.sort_unstable();
    let mut by_pair: Vec<&str> = written.split('&').collect();
    by_pair.sort_unstable();
    vec![
        ("without what is in it", Vec::new()),
        ("sorted by whole pairs, not by keys", by_pair.join("&").into_bytes()),
        ("encoded once more", written.replace('%', "%25").into_bytes()),
        ("as it stands, neither sorted nor encoded anew", raw.join("&").into_bytes()),
        ("as it stands but sorted, not encoded anew", sorted.join("&").into_bytes()),
        ("with `+` for a space", written.replace("%20", "+").into_bytes()),
        ("with `+` as itself, not as a space", written.replace("%20", "%2B").into_bytes()),
        ("with slashes that are not encoded", written.replace("%2F", "/").into_bytes()),
    ]
}

/// The hash of the body as it is signed in the place of the right one.
pub(super) fn payload_forms() -> [(&'static str, String); 2] {
    let unsigned = Payload::Unsigned.hash().map(|hash| hash.as_str().to_owned()).unwrap_or_default();
    [("as that of an empty body", sha256_hex(b"")), ("as `UNSIGNED-PAYLOAD`", unsigned)]
}

fn name_of(line: &[u8]) -> String {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}
