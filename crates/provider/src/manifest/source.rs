//! The manifest's text: the places of what stands in it, values that are checked where they stand, and all that is wrong.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use xacct_sign::aws::{self, RoleName};

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::names::is_role_part;

/// A value of any type: an account id that is a number gets the message about account ids.
pub(super) struct Scalar {
    pub(super) text: Spanned<String>,
    pub(super) is_text: bool,
}

/// Something that is wrong with the manifest.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Where it begins, in bytes.
    at: usize,
    kind: Kind,
    message: String,
    hint: &'static str,
}

impl Mistake {
    /// With another hint than that of its kind.
    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }
}

/// What reads the file's values, and says where the one stands that is wrong.
pub(super) struct Source<'a> {
    text: &'a str,
    file_name: &'a str,
    /// Where each line begins.
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, file_name: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        let line_starts = std::iter::once(0).chain(starts).collect();
        Self { text, file_name, line_starts, mistakes: RefCell::default() }
    }

    #[expect(clippy::unused_self, reason = "a mistake is one of this text")]
    pub(super) fn error(&self, kind: Kind, place: Range<usize>, message: String) -> Mistake {
        Mistake { at: place.start, kind, message, hint: kind.hint() }
    }

    /// Keeps what is wrong, to say it together with the rest.
    pub(super) fn note<T>(&self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.borrow_mut().push(mistake)).ok()
    }

    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    /// All that has been noted, in the order of the file, and last what a target lacks: it may be there, and misspelt.
    pub(super) fn into_error(self) -> Option<ManifestError> {
        let mut mistakes = self.mistakes.take();
        mistakes.sort_by_key(|mistake| mistake.at);
        let (mut line, mut column, mut at) = (0_usize, 1_usize, 0_usize);
        let place = |Mistake { at: here, kind, message, hint }: Mistake| {
            let of = self.line(here);
            if of != line {
                (line, column, at) = (of, 1, self.line_starts.get(of.saturating_sub(1)).copied().unwrap_or_default());
            }
            // Counted on from the mistake before: a line may be long, and have many.
            column = column.saturating_add(self.text.get(at..here).unwrap_or_default().chars().count());
            at = here;
            ManifestError::new(kind, self.file_name, (line, column), message).with_hint(hint)
        };
        let mut errors: Vec<ManifestError> = mistakes.into_iter().map(place).collect();
        errors.sort_by_key(|error| error.kind() == Kind::TargetIncomplete);
        ManifestError::all_of(errors)
    }

    /// From 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    pub(super) fn syntax_error(&self, error: &toml::de::Error) -> Mistake {
        let message: Vec<&str> = error.message().split_whitespace().collect();
        self.error(Kind::Syntax, error.span().unwrap_or(0..0), message.join(" "))
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
    ) -> Result<T, Mistake> {
        let Some(number) = number else {
            return Ok(least);
        };
        T::try_from(*number.get_ref()).ok().filter(|value| *value >= least && *value <= most).ok_or_else(|| {
            let message = format!("`{}` is not {what} between {least} and {most} {unit}", number.get_ref());
            self.error(kind, number.span(), message)
        })
    }

    pub(super) fn account(&self, value: &Scalar) -> Result<String, Mistake> {
        let text = value.text.get_ref();
        if value.is_text && aws::is_account_id(text) {
            return Ok(text.clone());
        }
        let message = format!("`{text}` is not an account id in the form of a string of 12 digits");
        Err(self.error(Kind::InvalidAccountId, value.text.span(), message))
    }

    pub(super) fn role_name(&self, text: &Spanned<String>) -> Result<RoleName, Mistake> {
        RoleName::parse(text.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not the name of a role", text.get_ref());
            self.error(Kind::InvalidRoleName, text.span(), message)
        })
    }

    /// What stands for a stage or a caller in the names of its roles, if the manifest says so.
    pub(super) fn role_part(&self, text: Option<Spanned<String>>) -> Option<String> {
        let what = "a part of a role's name, letters and digits alone";
        text.and_then(|text| self.note(self.text_that(is_role_part, Kind::InvalidRoleName, what, text)))
    }

    pub(super) fn text_that(
        &self,
        is_valid: fn(&str) -> bool,
        kind: Kind,
        what: &str,
        text: Spanned<String>,
    ) -> Result<String, Mistake> {
        if is_valid(text.get_ref()) {
            Ok(text.into_inner())
        } else {
            let message = format!("`{}` is not {what}", text.get_ref());
            Err(self.error(kind, text.span(), message))
        }
    }
}
