//! What the endpoints of containers and of instances share: JSON over HTTP, from nearby and past every proxy.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Credentials, Error, ErrorKind, escaped};
use zeroize::Zeroizing;

use super::tries::several;
use crate::host::{Host, Route, Sending};
use crate::patience::Patience;

/// How many bytes of an answer are read: they are a few kB.
const ANSWER_LIMIT: u64 = 1 << 20;

/// An endpoint, and how long it may take.
pub(super) struct Metadata<'h> {
    pub(super) host: &'h dyn Host,
    /// As messages call it.
    pub(super) name: String,
    /// For a connection.
    pub(super) connect: Duration,
    /// For a try, its connection included.
    pub(super) each: Duration,
}

/// An answer, which may hold a secret.
pub(super) type Answer = http::Response<Zeroizing<Vec<u8>>>;

impl Metadata<'_> {
    /// The answer to a request, whatever its status.
    pub(super) fn send(&self, request: &http::Request<&[u8]>, patience: &Patience) -> Result<Answer, Error> {
        let sending =
            Sending { route: Route::Direct, connect: Some(self.connect), limit: ANSWER_LIMIT, ..Sending::default() };
        let answer = self.host.send(request, sending, &patience.at_most(self.each));
        Ok(answer.map_err(|error| named(&self.name, error))?.map(Zeroizing::new))
    }

    /// The same, several times where that may help. No text shows the `secret` that the request holds.
    pub(super) fn insist(
        &self,
        request: &http::Request<&[u8]>,
        secret: Option<&str>,
        patience: &Patience,
    ) -> Result<Answer, Error> {
        several(self.host, patience, || {
            let answer = self.send(request, patience)?;
            if is_transient(answer.status()) { Err(self.refused(&answer, secret)) } else { Ok(answer) }
        })
    }

    /// What an answer means that does not give what was asked for. No text shows the `secret` that the request held.
    pub(super) fn refused(&self, answer: &Answer, secret: Option<&str>) -> Error {
        let status = answer.status();
        let kind = if is_transient(status) { ErrorKind::Transport } else { ErrorKind::CredentialsRefused };
        if status.is_redirection() {
            let message =
                format!("{} answered with a redirect (status {}), which is not followed", self.name, status.as_u16());
            return Error::new(kind, message);
        }
        let mut message = format!("{} answered with status {}", self.name, status.as_u16());
        let said = match serde_json::from_slice(answer.body()) {
            Ok(Value::Object(fields)) => told(&fields),
            // The agent of EKS says why in plain text; a page for browsers says nothing.
            _ => text(answer).ok().filter(|text| !text.trim_start().starts_with('<')).map(str::to_owned),
        };
        if let Some(said) = said.map(|said| shown(&said, secret)).filter(|said| !said.is_empty()) {
            message.push_str(": ");
            message.push_str(&said);
        }
        Error::new(kind, message)
    }

    /// The credentials of an answer that should have some, and expire.
    pub(super) fn credentials(&self, answer: &Answer) -> Result<Credentials, Error> {
        let invalid = |what: &str| {
            Error::new(ErrorKind::CredentialsRefused, format!("the answer of {} {what}", self.name))
                .with_hint("something else may have answered there")
        };
        // Its error would show what it found.
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) else {
            return Err(invalid("is no JSON object"));
        };
        // Instances say `Success`, containers nothing.
        if field(&fields, CODE).is_some_and(|code| code != "Success") {
            let said = told(&fields).map(|said| shown(&said, None)).unwrap_or_default();
            return Err(Error::new(ErrorKind::CredentialsRefused, format!("{} has no credentials: {said}", self.name)));
        }
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            _ => Err(invalid(&format!("has no `{name}`"))),
        };
        let expires_at = parse_rfc3339(&take("Expiration")?)
            .ok_or_else(|| invalid("has an `Expiration` that is no RFC 3339 instant"))?;
        Credentials::new(take("AccessKeyId")?, take("SecretAccessKey")?, Some(take("Token")?), Some(expires_at))
            .map_err(|error| invalid("holds malformed credentials").with_source(error))
    }
}

/// The text of an answer.
pub(super) fn text(answer: &Answer) -> Result<&str, std::str::Utf8Error> {
    std::str::from_utf8(answer.body())
}

/// Whether another try may help.
pub(super) fn is_transient(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The error of a request, with whom it went to.
fn named(name: &str, error: Error) -> Error {
    let named = Error::new(error.kind(), format!("{name}: {error}"));
    match error.hint().map(str::to_owned) {
        // Of those who are late, it speaks of API Gateway.
        Some(hint) if error.kind() != ErrorKind::Timeout => named.with_hint(hint).with_source(error),
        _ => named.with_source(error),
    }
}

/// A token that a file holds. `what` is the file in words.
pub(super) fn token_of_file(host: &dyn Host, what: &str, path: &str) -> Result<Zeroizing<String>, Error> {
    let unusable = |why: String| Error::new(ErrorKind::InvalidConfig, format!("the {what} {} {why}", shown_path(path)));
    let bytes =
        host.read(Path::new(path)).map_err(|error| unusable(format!("cannot be read: {error}")).with_source(error))?;
    let text = String::from_utf8(bytes).map_err(|_| unusable("holds no text".to_owned()))?;
    if text.trim().is_empty() {
        return Err(unusable("is empty".to_owned()));
    }
    Ok(Zeroizing::new(text))
}

/// A path in a message. What does not begin as one may be the token in place of its file's path.
fn shown_path(path: &str) -> String {
    let is_path = path.starts_with(['/', '\\', '.', '~']) || path.chars().nth(1) == Some(':') || path.len() <= 32;
    if is_path { format!("`{}`", escaped(path)) } else { "`…`".to_owned() }
}

/// The names of what went wrong, and of a sentence about it: containers write them in lower case too.
const CODE: [&str; 2] = ["Code", "code"];
const MESSAGE: [&str; 2] = ["Message", "message"];

fn field<'f>(fields: &'f Map<String, Value>, names: [&str; 2]) -> Option<&'f str> {
    names.into_iter().find_map(|name| fields.get(name)?.as_str())
}

/// `Code: Message`, as far as they are there.
fn told(fields: &Map<String, Value>) -> Option<String> {
    match (field(fields, CODE), field(fields, MESSAGE)) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.or(message).map(str::to_owned),
    }
}

/// The first line of a text of an answer.
fn shown(text: &str, secret: Option<&str>) -> String {
    let text = match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => text.replace(secret, "[redacted]"),
        None => text.to_owned(),
    };
    escaped(text.trim().lines().next().unwrap_or_default()).chars().take(300).collect()
}
