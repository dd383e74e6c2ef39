//! Content codings (RFC 9110, section 8.4.1): what a client asks for, it has to decode.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::response::Parts;
use http::{StatusCode, header};
use xacct_sign::{Error, ErrorKind};

/// What is asked for where the request does not say it.
pub(crate) const ACCEPTED: http::HeaderValue = http::HeaderValue::from_static("gzip, deflate");

/// No answer decodes to more: a few kilobytes can hold gigabytes of zeros.
pub(super) const LIMIT: u64 = 256 << 20;

/// How a member of gzip begins (RFC 1952, section 2.3.1).
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How often a body is coded at most.
const LAYERS: usize = 4;

/// A body with its codings undone, last first. One that is empty is none, as HEAD is answered, and one in a coding that is not
/// known stays as it is, as requests has it. The headers stay too: they tell how it was sent.
/// So does a part of one (206), which begins anywhere.
pub(super) fn decoded(parts: &Parts, body: Vec<u8>, host: &str, limit: u64) -> Result<Vec<u8>, Error> {
    if body.is_empty() {
        return Ok(body);
    }
    let limit = limit.min(LIMIT);
    codings(parts, host)?.into_iter().try_fold(body, |body, coding| {
        let mut out = Vec::new();
        let decode = if coding == Coding::Gzip { gunzip } else { inflate };
        decode(&body, limit, &mut out).map_err(|error| undecodable(parts.status, host).with_source(error))?;
        if out.len() as u64 > limit {
            let message = format!("the answer of `{host}` decodes to more than {limit} bytes");
            return Err(Error::new(ErrorKind::ResponseTooLarge, message));
        }
        Ok(out)
    })
}

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("gzip") || is("x-gzip") { Some(Self::Gzip) } else { is("deflate").then_some(Self::Deflate) }
    }
}

/// What has to be undone, in this order: nothing, where a coding is not known.
pub(super) fn codings(parts: &Parts, host: &str) -> Result<Vec<Coding>, Error> {
    let names: Vec<&str> = parts
        .headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    if parts.status == StatusCode::PARTIAL_CONTENT {
        return Ok(Vec::new());
    }
    let codings: Option<Vec<Coding>> = names.iter().rev().map(|name| Coding::named(name)).collect();
    let codings = codings.unwrap_or_default();
    if codings.len() > LAYERS {
        return Err(unreadable(parts.status, host, "is coded too often"));
    }
    Ok(codings)
}

pub(super) fn undecodable(status: StatusCode, host: &str) -> Error {
    unreadable(status, host, "cannot be decoded")
}

fn unreadable(status: StatusCode, host: &str, what: &str) -> Error {
    let status = status.as_u16();
    Error::new(ErrorKind::InvalidResponse, format!("the answer of `{host}`, with status {status}, {what}"))
        .with_hint("what answers may code a body twice, or say that it is coded and not do it")
}

/// Members one after the other (RFC 1952, section 2.2). What follows them and is none is ignored, as requests and browsers do.
fn gunzip(mut body: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    loop {
        read(GzDecoder::new(&mut body), limit, out)?;
        if out.len() as u64 > limit || !body.starts_with(&GZIP) {
            return Ok(());
        }
    }
}

/// In the zlib format, as the name means, or bare, as some servers have it.
fn inflate(body: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    read(ZlibDecoder::new(body), limit, out).or_else(|error| {
        out.clear();
        read(DeflateDecoder::new(body), limit, out).map_err(|_| error)
    })
}

fn read(decoder: impl Read, limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let most = limit.saturating_add(1).saturating_sub(out.len() as u64);
    decoder.take(most).read_to_end(out).map(drop)
}
