//! Forms of several parts (RFC 7578), as curl's `-F` takes them.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use xacct_sign::{Error, ErrorKind};

use super::body::Content;
use super::file::{self, Rewind};
use crate::failure::Failure;

/// What curl takes the content of a file for, by its name's end.
const TYPES: [(&str, &str); 10] = [
    ("gif", "image/gif"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("pdf", "application/pdf"),
    ("xml", "application/xml"),
];

/// One part, as it was typed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Part<'a> {
    name: &'a str,
    content: &'a str,
    source: Source,
    kind: Option<&'a str>,
    file_name: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Source {
    #[default]
    Text,
    /// `@`: a file with its name.
    File,
    /// `<`: a file's content as if it were typed.
    TextOfFile,
}

/// The value of `content-type`, and the body.
pub(super) fn read(parts: &[String]) -> Result<(String, Content), Failure> {
    let boundary = boundary()?;
    let mut pieces = Pieces::default();
    for part in parts {
        pieces.push_part(&parse(part)?, &boundary)?;
    }
    pieces.push_text(format!("--{boundary}--\r\n"));
    Ok((format!("multipart/form-data; boundary={boundary}"), Content::Stream(Box::new(pieces), None)))
}

/// Nobody who writes a part's content can know it.
fn boundary() -> Result<String, Error> {
    let mut random = [0; 12];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(ErrorKind::InvalidBody, "the system has no randomness for a form's boundary").with_source(error)
    })?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("------------------------{digits}"))
}

fn parse(text: &str) -> Result<Part<'_>, Error> {
    let (name, rest) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOption, "a part of the form has no name")
            .with_hint("give `--form name=text`, `--form name=@file` or `--form name=<file`")
    })?;
    let (source, mut rest) = match rest.split_at_checked(1) {
        Some(("@", rest)) => (Source::File, rest),
        Some(("<", rest)) => (Source::TextOfFile, rest),
        _ => (Source::Text, rest),
    };
    let mut part = Part { name, source, ..Part::default() };
    // What stands behind is taken off from the end: a text may hold semicolons.
    while let Some((before, option)) = rest.rsplit_once(';') {
        match option.trim_start().split_once('=') {
            Some(("type", kind)) => part.kind = Some(kind.trim()),
            Some(("filename", name)) => part.file_name = Some(unquoted(name)),
            _ => break,
        }
        rest = before;
    }
    part.content = rest;
    Ok(part)
}

/// A name within double quotes, in which `\` escapes.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    inner.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// A name for a part's head ([WHATWG](https://html.spec.whatwg.org/#multipart-form-data)).
fn escaped(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// Texts and files that follow one another, each from where it stands.
#[derive(Default)]
struct Pieces {
    all: Vec<(Box<dyn Rewind>, u64)>,
    /// Which of them is read.
    at: usize,
    position: u64,
}

impl Pieces {
    fn push_text(&mut self, text: String) {
        self.all.push((Box::new(Cursor::new(text)), 0));
    }

    fn push_part(&mut self, part: &Part<'_>, boundary: &str) -> Result<(), Failure> {
        let is_file = part.source == Source::File;
        let path = Path::new(part.content);
        let own_name = || path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file_name = part.file_name.clone().or_else(|| own_name().filter(|_| is_file));
        let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let known = || TYPES.iter().find(|(name, _)| *name == end).map_or("application/octet-stream", |(_, kind)| kind);
        let kind = part.kind.or_else(|| is_file.then(known));

        let mut head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"", escaped(part.name));
        if let Some(name) = file_name {
            head.push_str(&format!("; filename=\"{}\"", escaped(&name)));
        }
        if let Some(kind) = kind {
            // A line break would begin another header.
            head.push_str(&format!("\r\ncontent-type: {}", kind.replace(['\r', '\n'], "")));
        }
        self.push_text(format!("{head}\r\n\r\n"));
        if part.source == Source::Text {
            self.push_text(part.content.to_owned());
        } else {
            let mut file = file::open(part.content)?;
            let start = file.stream_position().map_err(|source| file::unreadable(part.content, source))?;
            self.all.push((file, start));
        }
        self.push_text("\r\n".to_owned());
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((piece, _)) = self.all.get_mut(self.at) {
            let count = piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.position = self.position.saturating_add(count as u64);
                return Ok(count);
            }
            self.at = self.at.saturating_add(1);
        }
        Ok(0)
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Current(0) => return Ok(self.position),
            SeekFrom::Start(0) => {}
            // Nobody goes elsewhere.
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        for (piece, start) in &mut self.all {
            piece.seek(SeekFrom::Start(*start))?;
        }
        (self.at, self.position) = (0, 0);
        Ok(0)
    }
}
