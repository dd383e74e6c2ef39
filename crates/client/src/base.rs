//! The credentials with which the role is assumed.

use std::env;

use xacct_sign::{Credentials, Error, ErrorKind};

/// Where the base credentials come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Base {
    /// These.
    Explicit(Credentials),
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read again at each refresh: what a Lambda
    /// function has.
    Environment,
}

impl Base {
    /// The credentials as they are now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CredentialsNotFound`] if the environment has none, [`ErrorKind::InvalidCredentials`] if they are malformed.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        match self {
            Base::Explicit(credentials) => Ok(credentials.clone()),
            Base::Environment => from_environment(),
        }
    }
}

fn from_environment() -> Result<Credentials, Error> {
    let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let missing = |name: &str| {
        Error::new(ErrorKind::CredentialsNotFound, format!("the environment variable `{name}` is not set"))
            .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary credentials), or pass credentials")
    };
    let access_key_id = read("AWS_ACCESS_KEY_ID").ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?;
    let secret_access_key = read("AWS_SECRET_ACCESS_KEY").ok_or_else(|| missing("AWS_SECRET_ACCESS_KEY"))?;
    Credentials::new(access_key_id, secret_access_key, read("AWS_SESSION_TOKEN"), None)
}
