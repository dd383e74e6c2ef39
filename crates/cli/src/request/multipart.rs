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

/// What a content is taken for that nobody says: by the name that is sent, else by the file's own.
fn guessed(part: &Part, file_name: Option<&str>) -> Option<&'static str> {
    let by_name = |name: &str| {
        let end = Path::new(name).extension()?.to_string_lossy().to_ascii_lowercase();
        TYPES.iter().find(|(known, _)| *known == end).map(|(_, kind)| *kind)
    };
    let is_on_disk = part.source != Source::Text && part.content != "-";
    let known = file_name.and_then(by_name).or_else(|| by_name(&part.content).filter(|_| is_on_disk));
    match (known, file_name) {
        // What has no file's name is plain text anyway.
        (Some("text/plain"), None) => None,
        (None, Some(_)) if is_on_disk => Some("application/octet-stream"),
        (known, _) => known,
    }
}

/// One part, as it was typed.
struct Part {
    name: String,
    content: String,
    source: Source,
    kind: Option<String>,
    file_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
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

/// How many of the parts are standard input.
pub(super) fn standard_inputs(parts: &[String]) -> Result<usize, Error> {
    let parts = parts.iter().map(|part| parse(part)).collect::<Result<Vec<_>, _>>()?;
    Ok(parts.iter().filter(|part| part.source != Source::Text && part.content == "-").count())
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

fn parse(text: &str) -> Result<Part, Error> {
    let (name, rest) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOption, "a part of the form has no name")
            .with_hint("give `--form name=text`, `--form name=@file` or `--form name=<file`")
    })?;
    let (source, rest) = match rest.split_at_checked(1) {
        Some(("@", rest)) => (Source::File, rest),
        Some(("<", rest)) => (Source::TextOfFile, rest),
        _ => (Source::Text, rest),
    };
    let is_quoted = rest.trim_start().starts_with('"');
    let (content, mut rest) = word(rest);
    if source == Source::File && !is_quoted && content.contains(',') {
        return Err(Error::new(ErrorKind::InvalidOption, "a part of the form has several files").with_hint(
            "give a `--form` for each; a name with a comma in it stands within double quotes: `name=@\"a,b\"`",
        ));
    }
    let mut part = Part { name: name.to_owned(), content, source, kind: None, file_name: None };
    while let Some(option) = rest.strip_prefix(';').map(str::trim_start) {
        if let Some(value) = option.strip_prefix("filename=") {
            let (file_name, behind) = word(value);
            (part.file_name, rest) = (Some(file_name), behind);
            continue;
        }
        let (own, behind) = option.split_at(option.find(';').unwrap_or(option.len()));
        rest = behind;
        match (own.strip_prefix("type="), &mut part.kind) {
            (Some(kind), _) => part.kind = Some(kind.trim().to_owned()),
            // What follows a type is a parameter of it, such as `charset=utf-8`.
            (None, Some(kind)) => kind.push_str(&format!("; {}", own.trim_end())),
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::InvalidOption,
                    "what follows a `;` in a part of the form is no option",
                )
                .with_hint("it may be `;type=` or `;filename=`; a text with a `;` in it stands within double quotes"));
            }
        }
    }
    Ok(part)
}

/// A word, within double quotes in which `\` escapes, or up to a `;`; and what stands behind.
fn word(text: &str) -> (String, &str) {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('"') {
        let mut word = String::new();
        let mut characters = inner.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    let behind = inner.get(at.saturating_add(1)..).unwrap_or_default();
                    return (word, behind.trim_start());
                }
                '\\' => match characters.next() {
                    Some((_, next @ ('"' | '\\'))) => word.push(next),
                    next => word.extend(['\\'].into_iter().chain(next.map(|(_, next)| next))),
                },
                other => word.push(other),
            }
        }
        // It is never closed: then it is no quote.
    }
    let (word, behind) = text.split_at(text.find(';').unwrap_or(text.len()));
    (word.trim_end().to_owned(), behind)
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

    fn push_part(&mut self, part: &Part, boundary: &str) -> Result<(), Failure> {
        let is_file = part.source == Source::File;
        let path = Path::new(&part.content);
        let own_name = || path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file_name = part.file_name.clone().or_else(|| own_name().filter(|_| is_file));
        let kind = part.kind.as_deref().or_else(|| guessed(part, file_name.as_deref()));

        let mut head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"", escaped(&part.name));
        if let Some(name) = file_name {
            head.push_str(&format!("; filename=\"{}\"", escaped(&name)));
        }
        if let Some(kind) = kind {
            // A line break would begin another header.
            head.push_str(&format!("\r\ncontent-type: {}", kind.replace(['\r', '\n'], "")));
        }
        self.push_text(format!("{head}\r\n\r\n"));
        if part.source == Source::Text {
            self.push_text(part.content.clone());
        } else {
            let mut file = file::open(&part.content)?;
            let start = file.stream_position().map_err(|source| file::unreadable(&part.content, source))?;
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
