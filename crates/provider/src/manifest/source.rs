//! The manifest's text: the places of what stands in it, and values that are checked where they stand.

use std::ops::Range;

use toml::Spanned;
use xacct_sign::aws::{self, RoleName};

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::names::is_role_part;
use super::raw;

/// The first error is that of the first place in the file, not of the first name in the alphabet.
pub(super) fn in_file_order<T>(table: raw::Table<T>) -> Vec<(Spanned<String>, T)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// What reads the file's values, and says where the one stands that is wrong.
pub(super) struct Source<'a> {
    text: &'a str,
    file_name: &'a str,
    /// Where each line begins.
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, file_name: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        Self { text, file_name, line_starts: std::iter::once(0).chain(starts).collect() }
    }

    pub(super) fn error(&self, kind: Kind, place: Range<usize>, message: String) -> ManifestError {
        let (line, column) = self.line_and_column(place.start);
        ManifestError::new(kind, self.file_name, (line, column), message)
    }

    /// Both from 1; the column in characters.
    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..at).unwrap_or_default().chars().count();
        (line, column.saturating_add(1))
    }

    /// From 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    pub(super) fn toml_error(&self, kind: Kind, error: &toml::de::Error) -> ManifestError {
        let message: Vec<&str> = error.message().split_whitespace().collect();
        // A key that is missing from the whole file has no place.
        self.error(kind, error.span().unwrap_or(0..0), message.join(" "))
    }

    /// A number between two; the lower where none is given.
    pub(super) fn number_in<T: TryFrom<i64> + PartialOrd + Copy + std::fmt::Display>(
        &self,
        number: Option<Spanned<i64>>,
        what: &str,
        unit: &str,
        kind: Kind,
        least: T,
        most: T,
    ) -> Result<T, ManifestError> {
        let Some(number) = number else {
            return Ok(least);
        };
        T::try_from(*number.get_ref()).ok().filter(|value| *value >= least && *value <= most).ok_or_else(|| {
            let message = format!("`{}` is not {what} between {least} and {most} {unit}", number.get_ref());
            self.error(kind, number.span(), message)
        })
    }

    pub(super) fn account(&self, value: &Spanned<toml::Value>) -> Result<String, ManifestError> {
        match value.get_ref().as_str() {
            Some(text) if aws::is_account_id(text) => Ok(text.to_owned()),
            _ => {
                let text = match value.get_ref() {
                    toml::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let message = format!("`{text}` is not an account id in the form of a string of 12 digits");
                Err(self.error(Kind::InvalidAccountId, value.span(), message))
            }
        }
    }

    pub(super) fn role_name(&self, text: &Spanned<String>) -> Result<RoleName, ManifestError> {
        RoleName::parse(text.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not the name of a role", text.get_ref());
            self.error(Kind::InvalidRoleName, text.span(), message)
        })
    }

    /// What stands for a stage or a caller in the names of its roles, if the manifest says so.
    pub(super) fn role_part(&self, text: Option<Spanned<String>>) -> Result<Option<String>, ManifestError> {
        let what = "a part of a role's name, letters and digits alone";
        text.map(|text| self.text_that(is_role_part, Kind::InvalidRoleName, what, text)).transpose()
    }

    pub(super) fn text_that(
        &self,
        is_valid: fn(&str) -> bool,
        kind: Kind,
        what: &str,
        text: Spanned<String>,
    ) -> Result<String, ManifestError> {
        if is_valid(text.get_ref()) {
            Ok(text.into_inner())
        } else {
            let message = format!("`{}` is not {what}", text.get_ref());
            Err(self.error(kind, text.span(), message))
        }
    }
}
