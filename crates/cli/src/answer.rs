//! Where an answer goes.

mod file;
mod progress;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use http::StatusCode;
use xacct_sign::escaped;
use xacct_sign_client::{Patience, Streamed};

use crate::failure::Failure;
use file::Target;

/// `403 Forbidden`
pub(crate) fn status_line(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or_default()).trim_end().to_owned()
}

/// Where an answer is written.
pub(crate) struct Sink(To);

enum To {
    /// Standard output, which takes bytes that are no text unless it is a terminal that nobody named.
    Stdout {
        is_careful: bool,
    },
    File(Target),
}

impl Sink {
    /// Standard output, or the file at a path, `-` being standard output.
    pub(crate) fn open(path: Option<&Path>, shows_progress: bool) -> Result<Self, Failure> {
        Ok(Self(match path {
            Some(path) if path != Path::new("-") => To::File(Target::open(path, shows_progress)?),
            named => To::Stdout { is_careful: named.is_none() && io::stdout().is_terminal() },
        }))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.0 {
            To::Stdout { .. } => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::Answer)
            }
            To::File(target) => target.write(bytes),
        }
    }

    /// Writes status and headers.
    pub(crate) fn head(&mut self, answer: &Streamed) -> Result<(), Failure> {
        let mut head = format!("HTTP/1.1 {}\r\n", status_line(answer.status)).into_bytes();
        let is_terminal = matches!(self.0, To::Stdout { .. }) && io::stdout().is_terminal();
        for (name, value) in &answer.headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            if is_terminal {
                head.extend_from_slice(escaped(&String::from_utf8_lossy(value.as_bytes())).as_bytes());
            } else {
                head.extend_from_slice(value.as_bytes());
            }
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        self.write(&head)
    }

    /// Writes the body as it comes.
    pub(crate) fn body(&mut self, answer: &mut Streamed, patience: &Patience) -> Result<(), Failure> {
        let length =
            answer.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if let To::File(target) = &mut self.0 {
            target.expect(length.filter(|_| !answer.headers.contains_key(http::header::CONTENT_ENCODING)));
        }
        let mut piece = vec![0; 1 << 16];
        loop {
            let count = answer.read_within(&mut piece, patience)?;
            let bytes = piece.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            if matches!(self.0, To::Stdout { is_careful: true }) && bytes.contains(&0) {
                return Err(Failure::BinaryOnTerminal);
            }
            self.write(bytes)?;
        }
    }

    /// Puts a file in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.0 {
            To::Stdout { .. } => Ok(()),
            To::File(target) => target.finish(),
        }
    }
}
