//! The environment's variables.

use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Credentials, Error, ErrorKind};

use super::CredentialSource;
use super::found::Found;
use super::temporary;
use crate::host::{Host, Machine};
use crate::patience::Patience;

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, read again each time: what
/// a Lambda function has.
///
/// It fails with [`ErrorKind::CredentialsNotFound`] if they are not set, with [`ErrorKind::InvalidCredentials`] if they are
/// malformed or lack the token that belongs to them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Environment {
    /// The credentials that the environment of a [`Host`] has.
    ///
    /// # Errors
    ///
    /// As those of `Environment` itself.
    pub fn read(host: &dyn Host) -> Result<Credentials, Error> {
        let given = Given::of(host);
        let key_id = given.key_id.clone().ok_or_else(|| missing(KEY_ID))?;
        given.credentials(key_id)
    }
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";
/// Written by `aws configure export-credentials --format env`.
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

impl CredentialSource for Environment {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        Self::read(&Machine::default())
    }

    fn at_hand(&self) -> Option<Credentials> {
        self.credentials(&Patience::default()).ok()
    }
}

/// The environment as the first source of the chain. It is set up where there is a key id.
pub(super) fn load(host: &dyn Host) -> Result<Found, Error> {
    let given = Given::of(host);
    match given.key_id.clone().filter(|key_id| is_set(key_id)) {
        Some(key_id) => given.credentials(key_id).map(Found::Credentials),
        None => Ok(Found::Nothing(format!("{KEY_ID} is not set"))),
    }
}

/// The key id, if one is set.
pub(super) fn key_id(host: &dyn Host) -> Option<String> {
    host.variable(KEY_ID).filter(|key_id| is_set(key_id))
}

/// Blank is how some programs write that there is none.
fn is_set(key_id: &str) -> bool {
    !key_id.trim().is_empty()
}

/// What the variables say, of one moment: they belong together.
struct Given {
    key_id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

impl Given {
    fn of(host: &dyn Host) -> Self {
        let mut values = host.variables(&[KEY_ID, SECRET, TOKEN, EXPIRATION]).into_iter();
        let mut next = || values.next().flatten();
        Self { key_id: next(), secret: next(), token: next(), expiration: next() }
    }

    fn credentials(self, key_id: String) -> Result<Credentials, Error> {
        let secret = self.secret.ok_or_else(|| missing(SECRET))?;
        let expires_at = match self.expiration {
            Some(text) => Some(parse_rfc3339(&text).ok_or_else(|| {
                let message = format!("the environment variable `{EXPIRATION}` is no RFC 3339 instant");
                Error::new(ErrorKind::InvalidCredentials, message)
                    .with_hint("remove it, or set it as `2026-01-31T12:00:00Z`")
            })?),
            None => None,
        };
        let credentials = Credentials::new(key_id, secret, self.token, expires_at)?;
        temporary::with_token(credentials, "set AWS_SESSION_TOKEN, too: the three belong together")
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::CredentialsNotFound, format!("the environment variable `{name}` is not set"))
        .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary credentials), or pass credentials")
}
