//! Bodies piece by piece: what is sent of a file, and answers that are read as they come.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::StatusCode;
use http::response::Parts;
use ring::digest::{Context, SHA256};
use xacct_sign::{Error, ErrorKind};

use super::Addresses;
use super::coding::{self, Coding};
use super::exchange;
use super::failure::{failed_in_body, own};
use crate::patience::Patience;

/// How much is read at once where a body is hashed.
const PIECE: usize = 1 << 18;

/// What can be read from where it stands, and again.
pub(crate) trait Rewind: Read + Seek + Send {}

impl<T: Read + Seek + Send> Rewind for T {}

/// A body that is sent as it is read, such as that of a file: from where it stands to its end.
pub struct Content {
    reader: Box<dyn Rewind>,
    start: u64,
    length: u64,
    sha256: String,
}

impl Content {
    /// Reads it once, for its hash; what is read later has to be the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`] if it cannot be read or rewound; the reader's, if that is an [`Error`].
    pub fn new(reader: impl Read + Seek + Send + 'static) -> Result<Self, Error> {
        let mut reader: Box<dyn Rewind> = Box::new(reader);
        let start = reader.stream_position().map_err(unreadable)?;
        let mut hash = Context::new(&SHA256);
        let mut piece = vec![0; PIECE];
        let mut length = 0_u64;
        loop {
            match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    hash.update(piece.get(..count).unwrap_or_default());
                    length += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        let sha256 = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut content = Self { reader, start, length, sha256 };
        content.rewind()?;
        Ok(content)
    }

    /// How many bytes are sent.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The SHA-256 that is signed, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(crate) fn rewind(&mut self) -> Result<(), Error> {
        self.reader.seek(SeekFrom::Start(self.start)).map(drop).map_err(unreadable)
    }

    pub(crate) fn read_all(&mut self, body: &mut Vec<u8>) -> Result<(), Error> {
        self.reader().read_to_end(body).map(drop).map_err(unreadable)
    }

    pub(super) fn reader(&mut self) -> impl Read + '_ {
        Exactly { reader: &mut *self.reader, left: self.length }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("length", &self.length).finish_non_exhaustive()
    }
}

fn unreadable(error: io::Error) -> Error {
    match own(error) {
        Ok(error) => error,
        Err(error) => {
            Error::new(ErrorKind::InvalidBody, "the body cannot be read twice: once to sign it, once to send it")
                .with_hint("pass bytes, or an open file")
                .with_source(error)
        }
    }
}

/// So many bytes: the server waits for as many as it was told.
struct Exactly<'r> {
    reader: &'r mut dyn Rewind,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        if count == 0 && most > 0 {
            let error = Error::new(ErrorKind::InvalidBody, "the body became shorter while it was sent");
            return Err(io::Error::other(error));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// The body of an answer that is still to be read, its codings undone.
pub struct Incoming {
    /// None once it was read to its end, or failed: then its connection is back with the others, or closed.
    body: Option<Box<dyn Read + Send>>,
    is_coded: bool,
    host: String,
    status: StatusCode,
}

impl Incoming {
    pub(super) fn new(
        parts: &Parts,
        body: impl Read + Send + 'static,
        host: String,
        limit: u64,
    ) -> Result<Self, Error> {
        let codings = coding::codings(parts, &host)?;
        let is_coded = !codings.is_empty();
        let raw: Box<dyn Read + Send> = Box::new(Raw { body, host: host.clone(), limit });
        let body = codings.into_iter().fold(raw, |body, coding| Box::new(Decoding::new(coding, body)) as Box<_>);
        Ok(Self { body: Some(body), is_coded, host, status: parts.status })
    }

    /// A body that is there.
    #[must_use]
    pub fn of(body: Vec<u8>) -> Self {
        Self { body: Some(Box::new(Cursor::new(body))), is_coded: false, host: String::new(), status: StatusCode::OK }
    }

    /// The next bytes, as soon as there are any; none at the end.
    ///
    /// # Errors
    ///
    /// `Transport`, `Timeout`, those of the watch; `InvalidResponse` for what cannot be decoded.
    pub fn read(&mut self, buffer: &mut [u8], patience: &Patience) -> Result<usize, Error> {
        let Some(body) = &mut self.body else { return Ok(0) };
        let (result, _) = exchange::during(&patience.as_watch(), Addresses::Any, || {
            loop {
                match body.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => return result,
                }
            }
        });
        if !matches!(result, Ok(1..)) && !buffer.is_empty() {
            self.body = None;
        }
        result.map_err(|error| match own(error) {
            Ok(error) => error,
            Err(error) => coding::undecodable(self.status, &self.host).with_source(error),
        })
    }

    /// All that is left: of a coded body up to a limit, as much as is decoded at once.
    pub(crate) fn read_to_end(&mut self, patience: &Patience) -> Result<Vec<u8>, Error> {
        let limit = if self.is_coded { coding::LIMIT } else { u64::MAX };
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            let count = self.read(&mut piece, patience)?;
            if count == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
            if bytes.len() as u64 > limit {
                let message = format!("the answer of `{}` decodes to more than {limit} bytes", self.host);
                return Err(Error::new(ErrorKind::ResponseTooLarge, message));
            }
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("is_open", &self.body.is_some()).finish_non_exhaustive()
    }
}

/// A body as it comes, whose errors are ours: what else fails further up is a coding.
struct Raw<R> {
    body: R,
    host: String,
    limit: u64,
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            io::Error::other(failed_in_body(error, &self.host, self.limit))
        })
    }
}

type Source = BufReader<Box<dyn Read + Send>>;
type Start = io::Chain<Cursor<Vec<u8>>, Source>;

/// One coding, undone while it is read.
struct Decoding(State);

enum State {
    Start(Coding, Source),
    Gzip(Box<GzDecoder<Start>>),
    Zlib(Box<ZlibDecoder<Start>>),
    Bare(Box<DeflateDecoder<Start>>),
    End,
}

impl Decoding {
    fn new(coding: Coding, body: Box<dyn Read + Send>) -> Self {
        Self(State::Start(coding, BufReader::new(body)))
    }

    /// Nothing at all is no body in any coding.
    fn start(coding: Coding, mut source: Source) -> io::Result<State> {
        if source.fill_buf()?.is_empty() {
            return Ok(State::End);
        }
        if coding == Coding::Gzip {
            return Ok(State::Gzip(Box::new(GzDecoder::new(Cursor::default().chain(source)))));
        }
        // The head of zlib's format (RFC 1950, section 2.2) tells it from a bare one, which some servers send.
        let mut head = Vec::new();
        source.by_ref().take(2).read_to_end(&mut head)?;
        let is_zlib = matches!(head.as_slice(), [first, second]
            if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31));
        let all = Cursor::new(head).chain(source);
        Ok(if is_zlib {
            State::Zlib(Box::new(ZlibDecoder::new(all)))
        } else {
            State::Bare(Box::new(DeflateDecoder::new(all)))
        })
    }

    /// What follows a member of gzip: another one, or what is ignored.
    fn next_member(mut source: Source) -> io::Result<State> {
        // Two bytes say so, which may come apart.
        let mut head = Vec::new();
        source.by_ref().take(2).read_to_end(&mut head)?;
        if head.as_slice() == coding::GZIP {
            return Ok(State::Gzip(Box::new(GzDecoder::new(Cursor::new(head).chain(source)))));
        }
        Self::drained(source)
    }

    /// Only a body that was read to its end gives its connection back.
    fn drained(mut source: impl Read) -> io::Result<State> {
        // What goes on much longer is not worth it.
        io::copy(&mut source.by_ref().take(1 << 16), &mut io::sink())?;
        Ok(State::End)
    }
}

impl Read for Decoding {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match &mut self.0 {
                State::Start(..) => 0,
                State::Gzip(decoder) => decoder.read(buffer)?,
                State::Zlib(decoder) => decoder.read(buffer)?,
                State::Bare(decoder) => decoder.read(buffer)?,
                State::End => return Ok(0),
            };
            if count > 0 {
                return Ok(count);
            }
            self.0 = match std::mem::replace(&mut self.0, State::End) {
                State::Start(coding, source) => Self::start(coding, source)?,
                State::Gzip(decoder) => Self::next_member(decoder.into_inner().into_inner().1)?,
                State::Zlib(decoder) => Self::drained(decoder.into_inner())?,
                State::Bare(decoder) => Self::drained(decoder.into_inner())?,
                State::End => return Ok(0),
            };
        }
    }
}
