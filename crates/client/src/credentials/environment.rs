//! The environment's variables.

use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Credentials, Error, ErrorKind};

use super::CredentialSource;
use super::found::Found;
use crate::host::{Host, variable};
use crate::patience::Patience;

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, read again each time: what
/// a Lambda function has.
///
/// It fails with [`ErrorKind::CredentialsNotFound`] if they are not set, with [`ErrorKind::InvalidCredentials`] if they are
/// malformed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
/// Written by `aws configure export-credentials --format env`.
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

impl CredentialSource for Environment {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        let key_id = variable(KEY_ID).ok_or_else(|| missing(KEY_ID))?;
        from(variable, key_id)
    }

    fn at_hand(&self) -> Option<Credentials> {
        self.credentials(&Patience::default()).ok()
    }
}

/// The environment as the first source of the chain. It is set up where there is a key id.
pub(super) fn load(host: &dyn Host) -> Result<Found, Error> {
    match key_id(host) {
        Some(key_id) => from(|name| host.variable(name), key_id).map(Found::Credentials),
        None => Ok(Found::Nothing(format!("{KEY_ID} is not set"))),
    }
}

/// Blank is how some programs write that there is none.
pub(super) fn key_id(host: &dyn Host) -> Option<String> {
    host.variable(KEY_ID).filter(|key_id| !key_id.trim().is_empty())
}

fn from(variable: impl Fn(&str) -> Option<String>, key_id: String) -> Result<Credentials, Error> {
    let secret = variable(SECRET).ok_or_else(|| missing(SECRET))?;
    let expires_at = match variable(EXPIRATION) {
        Some(text) => Some(parse_rfc3339(&text).ok_or_else(|| {
            let message = format!("the environment variable `{EXPIRATION}` is no RFC 3339 instant");
            Error::new(ErrorKind::InvalidCredentials, message)
                .with_hint("remove it, or set it as `2026-01-31T12:00:00Z`")
        })?),
        None => None,
    };
    Credentials::new(key_id, secret, variable("AWS_SESSION_TOKEN"), expires_at)
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::CredentialsNotFound, format!("the environment variable `{name}` is not set"))
        .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary credentials), or pass credentials")
}
