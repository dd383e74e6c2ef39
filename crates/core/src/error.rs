//! The one error of every face: a kind with a stable code, a sentence and, where we know it, a hint.

mod kind;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use kind::{ErrorClass, ErrorKind};

use crate::escape::push_escaped;
use crate::skew::Skew;
use kind::Retry;

/// What AWS answered, for errors that come from STS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsAnswer {
    /// AWS's error code, such as `AccessDenied`; empty if the answer had none.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The request id, if the answer had one.
    pub request_id: Option<String>,
}

impl AwsAnswer {
    fn is_transient(&self) -> bool {
        // STS could not reach the identity provider, for which it does not answer with 500 or more.
        self.status >= 500 || self.code == "IDPCommunicationError"
    }
}

/// Why something could not be done.
///
/// [`Display`](fmt::Display) gives one lower-case sentence without a secret in it; [`Error::hint`] says what to do, and
/// [`source`](std::error::Error::source) what it came from.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<Cow<'static, str>>,
    action: Option<&'static str>,
    aws: Option<AwsAnswer>,
    skew: Option<Skew>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its sentence: lower case, no full stop, input in backticks, no secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            action: None,
            aws: None,
            skew: None,
            source: None,
        }))
    }

    /// Adds what the user should do, where that is more than what the kind itself says.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds which call of STS it was, such as `AssumeRole`.
    #[must_use]
    pub fn with_action(mut self, action: &'static str) -> Self {
        self.0.action = Some(action);
        self
    }

    /// Adds what AWS answered.
    pub(crate) fn with_aws(mut self, aws: AwsAnswer) -> Self {
        self.0.aws = Some(aws);
        self
    }

    /// Adds how far the clock is off that signed what was refused.
    pub(crate) fn with_skew(mut self, skew: Option<Skew>) -> Self {
        self.0.skew = skew;
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What went wrong, as a value.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of [`Error::kind`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What the user should do, where we know it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref().or_else(|| self.0.kind.hint())
    }

    /// The call of STS that failed, such as `AssumeRole`.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        self.0.action
    }

    /// What AWS answered, for errors that come from STS.
    #[must_use]
    pub fn aws(&self) -> Option<&AwsAnswer> {
        self.0.aws.as_ref()
    }

    /// How far this machine's clock is off, where that is why STS refused.
    #[must_use]
    pub fn skew(&self) -> Option<Skew> {
        self.0.skew
    }

    /// Whether the same request may succeed if it is sent again later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind.retry() {
            Retry::Never => false,
            Retry::Always => true,
            Retry::ServerErrors => self.0.aws.as_ref().is_some_and(AwsAnswer::is_transient),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Everything in one line. Written out rather than derived: what derives it escapes strings, for which it brings Unicode tables
/// along that WebAssembly would have to carry.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {}", self.code(), self.0.message)?;
        if let Some(aws) = &self.0.aws {
            write!(f, "; AWS: {} {} {}", aws.status, aws.code, aws.request_id.as_deref().unwrap_or_default())?;
        }
        if let Some(source) = &self.0.source {
            write!(f, "; source: {source:?}")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "; hint: {hint}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Quotes what is short where it is right, such as a name, or made of short words parted by hyphens. What else is longer may be
/// a secret in the wrong place: AWS's have 40 characters and more, and no hyphen.
pub(crate) fn quote_name(input: &str) -> String {
    let is_name = input.chars().count() <= 32 || input.split('-').all(|word| word.len() <= 16);
    if is_name { quote(input) } else { "`…`".to_owned() }
}

/// Quotes what should be an ARN, and is shown at any length if it begins as one.
pub(crate) fn quote_arn(input: &str) -> String {
    if input.starts_with("arn:") { quote(input) } else { quote_name(input) }
}

/// Quotes user input for a message: in backticks, escaped, cut to 64 characters.
pub(crate) fn quote(input: &str) -> String {
    let mut shown = String::with_capacity(input.len().min(64) + 8);
    shown.push('`');
    for (index, c) in input.chars().enumerate() {
        if index == 64 {
            shown.push('…');
            break;
        }
        push_escaped(&mut shown, c);
    }
    shown.push('`');
    shown
}
