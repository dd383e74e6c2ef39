//! The body.

use std::fmt;
use std::path::{Path, PathBuf};

use xacct_sign::{Error, sha256_hex};
use xacct_sign_client::Body;
use xacct_sign_client::host::Content as Hashed;

use super::file::{self, Rewind};
use crate::arguments::DataKind;
use crate::failure::Failure;

/// What is sent.
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// What is read while it is sent; its path, where it is a file that has one.
    Stream(Box<dyn Rewind>, Option<PathBuf>),
}

impl Content {
    /// As a session takes it.
    pub(crate) fn into_body(self) -> Result<Body, Error> {
        match self {
            Content::Bytes(bytes) => Ok(bytes.into()),
            Content::Stream(stream, _) => Body::file(stream),
        }
    }

    /// The SHA-256 of all of it, as a signature takes it.
    pub(crate) fn hash(self) -> Result<String, Error> {
        match self {
            Content::Bytes(bytes) => Ok(sha256_hex(&bytes)),
            Content::Stream(stream, _) => Ok(Hashed::new(stream)?.sha256().to_owned()),
        }
    }

    /// The file that it is.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Content::Bytes(_) => None,
            Content::Stream(_, path) => path.as_deref(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Content::Bytes(_) => "Bytes",
            Content::Stream(..) => "Stream",
        })
    }
}

/// The body that these pieces make: one file that is sent as it is goes out in constant memory.
pub(super) fn read(pieces: &[(DataKind, String)]) -> Result<Content, Failure> {
    if let [(DataKind::Binary | DataKind::Json, piece)] = pieces
        && let Some(name) = piece.strip_prefix('@')
    {
        let path = (name != "-").then(|| PathBuf::from(name));
        return Ok(Content::Stream(file::open(name)?, path));
    }
    read_all(pieces).map(Content::Bytes)
}

/// All of the pieces, joined by `&`, or where they are JSON, by nothing.
pub(super) fn read_all(pieces: &[(DataKind, String)]) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    for (index, (kind, piece)) in pieces.iter().enumerate() {
        if index > 0 && *kind != DataKind::Json {
            body.push(b'&');
        }
        match piece.strip_prefix('@').filter(|_| *kind != DataKind::Raw) {
            Some(name) => {
                let is_text = *kind == DataKind::Text;
                let bytes = file::read(name)?.into_iter();
                body.extend(bytes.filter(|byte| !(is_text && matches!(byte, b'\r' | b'\n' | b'\0'))));
            }
            None => body.extend_from_slice(piece.as_bytes()),
        }
    }
    Ok(body)
}
