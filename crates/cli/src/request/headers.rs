//! Headers, as curl's `-H` takes them.

use xacct_sign::{Error, ErrorKind, file_text};

use super::file;
use crate::failure::Failure;

/// The headers that were typed.
#[derive(Debug, Default)]
pub(super) struct Headers {
    given: Vec<(String, Vec<u8>)>,
    /// Names that were taken away.
    removed: Vec<String>,
}

impl Headers {
    /// `Name: value`; `Name;` is a header without a value, `Name:` takes one away, `@file` has one a line.
    pub(super) fn read(lines: &[String]) -> Result<Self, Failure> {
        let mut headers = Self::default();
        for line in lines {
            match line.strip_prefix('@') {
                Some(name) => {
                    let bytes = file::read(name)?;
                    // As PowerShell writes it, or in whatever else it is.
                    let text = file_text(&bytes).map_or(bytes, String::into_bytes);
                    for line in text.split(|byte| *byte == b'\n') {
                        headers.push(line.trim_ascii())?;
                    }
                }
                None => headers.push(line.as_bytes())?,
            }
        }
        Ok(headers)
    }

    fn push(&mut self, line: &[u8]) -> Result<(), Error> {
        if line.is_empty() {
            return Ok(());
        }
        let place = line.iter().position(|byte| *byte == b':');
        let (name, value) = match (place.and_then(|place| line.split_at_checked(place)), line.strip_suffix(b";")) {
            (Some((name, value)), _) => (name, value.strip_prefix(b":").unwrap_or_default().trim_ascii()),
            (None, Some(name)) => (name, &b""[..]),
            (None, None) => {
                // The line is not shown: it may be a secret whose name was forgotten.
                return Err(Error::new(ErrorKind::InvalidHeader, "a header has no colon")
                    .with_hint("give `Name: value`, `Name;` for one without a value, `Name:` to take one away"));
            }
        };
        let name = String::from_utf8_lossy(name).into_owned();
        if place.is_some() && value.is_empty() {
            self.removed.push(name);
        } else {
            self.given.push((name, value.to_vec()));
        }
        Ok(())
    }

    /// A header for requests whose user says nothing of it.
    pub(super) fn add_missing(&mut self, name: &str, value: &str) {
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        if !self.removed.iter().any(|name| is_it(name)) && !self.given.iter().any(|(name, _)| is_it(name)) {
            self.given.push((name.to_owned(), value.as_bytes().to_vec()));
        }
    }

    pub(super) fn finish(self) -> Vec<(String, Vec<u8>)> {
        self.given
    }
}
