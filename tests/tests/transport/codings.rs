//! Answers whose bodies are coded.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::Value;

use crate::world::{Server, call, sends};

const TEXT: &[u8] = br#"{"foo":"bar"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bare(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A server that answers with this body, in these codings.
fn coded(codings: &str, body: &[u8]) -> Server {
    let head = format!("HTTP/1.1 200 OK\r\n{codings}content-length: {}\r\n\r\n", body.len());
    sends([head.as_bytes(), body].concat())
}

fn answer(codings: &str, body: &[u8]) -> Value {
    call(&[&coded(codings, body).url()], &[])
}

#[test]
fn c7_coded_answers_are_decoded() {
    let gzipped = gzip(TEXT);
    let two_members = [gzip(br#"{"foo":"#), gzip(br#""bar"}"#)].concat();
    let followed = [gzipped.as_slice(), b"what is no member"].concat();
    for (codings, body) in [
        ("content-encoding: gzip\r\n", gzipped.clone()),
        ("content-encoding: GZip\r\n", gzipped.clone()),
        ("content-encoding: x-gzip\r\n", gzipped.clone()),
        ("content-encoding: gzip\r\n", two_members),
        ("content-encoding: gzip\r\n", followed),
        ("content-encoding: deflate\r\n", zlib(TEXT)),
        ("content-encoding: deflate\r\n", bare(TEXT)),
        ("content-encoding: deflate, gzip\r\n", gzip(&zlib(TEXT))),
        ("content-encoding: deflate\r\ncontent-encoding: gzip\r\n", gzip(&zlib(TEXT))),
        ("content-encoding: identity\r\n", TEXT.to_vec()),
        ("content-encoding: gzip, identity\r\n", gzipped.clone()),
        ("content-encoding:\r\n", TEXT.to_vec()),
        // Nobody asked for it, and nobody here can read it.
        ("content-encoding: unheard-of\r\n", TEXT.to_vec()),
        ("content-encoding: unheard-of, gzip\r\n", TEXT.to_vec()),
    ] {
        let answer = answer(codings, &body);
        assert_eq!(answer["body"].as_str().unwrap().as_bytes(), TEXT, "{codings}: {answer}");
    }
    // No body is none in any coding.
    assert_eq!(answer("content-encoding: gzip\r\n", b"")["body"], "");
    let not_modified = sends("HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n");
    assert_eq!(call(&[&not_modified.url()], &[])["body"], "");
}

#[test]
fn c7_the_headers_say_how_it_was_sent() {
    let body = gzip(TEXT);
    let server = coded("content-encoding: gzip\r\n", &body);
    let answer = call(&[&server.url()], &[]);
    let headers = &answer["headers"];
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["content-length"], body.len().to_string());
    let asked = server.seen().remove(0);
    assert!(asked.contains("\r\naccept-encoding: gzip, deflate\r\n"), "{asked}");
    let signed = asked.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    assert_eq!(signed, "host;x-amz-date");
}

#[test]
fn c7_what_cannot_be_decoded_is_an_error() {
    let gzipped = gzip(TEXT);
    for (codings, body) in [
        ("content-encoding: gzip\r\n", TEXT),
        ("content-encoding: gzip\r\n", &gzipped[..gzipped.len() - 9]),
        ("content-encoding: gzip\r\n", &gzipped[..gzipped.len() - 1]),
        ("content-encoding: deflate\r\n", TEXT),
        ("content-encoding: gzip, gzip\r\n", &gzipped),
        ("content-encoding: gzip, gzip, gzip, gzip, gzip\r\n", &gzipped),
    ] {
        let answer = answer(codings, body);
        assert_eq!(answer["code"], "invalid_response", "{codings}: {answer}");
        let said = answer["message"].as_str().unwrap();
        // What was called may have done its work: the status says so.
        assert!(said.starts_with("the answer of `127.0.0.1`, with status 200, "), "{answer}");
    }
}

/// The middle of a coded body: the decoder would take it for a broken one.
#[test]
fn c7_a_part_of_a_coded_body_stays_as_it_is() {
    let part = &gzip(TEXT)[5..9];
    let head = "HTTP/1.1 206 Partial Content\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n";
    let server = sends([head.as_bytes(), part].concat());
    let answer = call(&[&server.url()], &[]);
    assert_eq!((&answer["status"], &answer["code"]), (&Value::from(206), &Value::Null), "{answer}");
}

#[test]
fn c7_no_bomb_goes_off() {
    // A quarter of a megabyte that holds 257.
    let bomb = gzip(&vec![0; 1 << 20]).repeat(257);
    for body in [bomb.clone(), gzip(&bomb)] {
        let codings = if body == bomb { "content-encoding: gzip\r\n" } else { "content-encoding: gzip, gzip\r\n" };
        let answer = answer(codings, &body);
        assert_eq!(answer["code"], "response_too_large", "{answer}");
        assert_eq!(answer["message"], "the answer of `127.0.0.1` decodes to more than 268435456 bytes");
    }
    // Of STS as much is read as without a coding.
    let sts = coded("content-encoding: gzip\r\n", &gzip(&vec![b' '; 2 << 20]));
    let answer = call(&[&sts.url(), "arn:aws:iam::111111111111:role/Role"], &[]);
    assert_eq!(answer["code"], "response_too_large", "{answer}");
}
