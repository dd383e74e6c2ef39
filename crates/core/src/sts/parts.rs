//! What each action decides for itself, and what it decides with.

use std::time::SystemTime;

use crate::encode::push_encoded;
use crate::error::{Error, ErrorKind};
use crate::small::xml::Elements;

/// What an action decides for itself. It seals [`Action`]: the actions are STS's.
pub trait Parts: Sized {
    /// As AWS has it.
    #[doc(hidden)]
    const NAME: &'static str;

    /// What STS gives.
    type Output;

    /// Refuses parameters that STS would refuse.
    #[doc(hidden)]
    fn check(&self) -> Result<(), Error>;

    /// Adds the parameters to the form.
    #[doc(hidden)]
    fn write(&self, form: &mut Form);

    /// Takes from an answer what it gives.
    #[doc(hidden)]
    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<Self::Output, Error>;

    /// That STS does not let the caller do it.
    #[doc(hidden)]
    fn denied(&self, caller: &str) -> String;

    /// That STS did not do it.
    #[doc(hidden)]
    fn failed(&self) -> String;

    /// What STS was asked, where it did not even say why it failed.
    #[doc(hidden)]
    fn asked(&self) -> String;

    /// Which kind an error code is that this action alone has.
    #[doc(hidden)]
    fn kind(_code: &str) -> Option<ErrorKind> {
        None
    }

    /// What to do about a refusal, where it differs from what its kind says.
    #[doc(hidden)]
    fn hint(kind: ErrorKind, code: &str, message: &str) -> Option<&'static str>;
}

/// A form, every value percent-encoded, so that `a+b` stays `a+b`.
pub struct Form(Vec<u8>);

impl Form {
    pub(super) fn new(action: &str) -> Self {
        let mut form = Self(b"Action=".to_vec());
        form.0.extend_from_slice(action.as_bytes());
        form.push("Version", "2011-06-15");
        form
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    #[inline(never)]
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push(b'&');
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        push_encoded(&mut self.0, value.as_bytes(), |_| false);
    }

    pub(super) fn push_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }
}

/// An answer of STS that says that the call was done.
pub struct Answer<'t> {
    elements: Elements<'t>,
    action: &'static str,
}

impl<'t> Answer<'t> {
    pub(super) fn new(elements: Elements<'t>, action: &'static str) -> Self {
        Self { elements, action }
    }

    /// The text of the first element of this name in a parent of that; an empty one is none.
    pub(super) fn text(&self, parent: &str, name: &str) -> Option<&str> {
        self.elements.text(parent, name).filter(|text| !text.is_empty())
    }

    #[inline(never)]
    pub(super) fn needed(&self, parent: &str, name: &str) -> Result<&str, Error> {
        self.text(parent, name).ok_or_else(|| self.invalid(&format!("has no `{parent}/{name}`")))
    }

    pub(super) fn invalid(&self, what: &str) -> Error {
        invalid(self.action, what)
    }
}

pub(super) fn invalid(action: &'static str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidResponse, format!("the answer of STS {what}")).with_action(action)
}
