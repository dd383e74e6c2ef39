//! The environment's three variables.

use xacct_sign::{Credentials, Error, ErrorKind};

use super::CredentialSource;
use crate::host::variable;
use crate::patience::Patience;

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read again each time: what a Lambda function has.
///
/// It fails with [`ErrorKind::CredentialsNotFound`] if they are not set, with [`ErrorKind::InvalidCredentials`] if they are
/// malformed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl CredentialSource for Environment {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        let access_key_id = needed("AWS_ACCESS_KEY_ID")?;
        let secret_access_key = needed("AWS_SECRET_ACCESS_KEY")?;
        Credentials::new(access_key_id, secret_access_key, variable("AWS_SESSION_TOKEN"), None)
    }
}

fn needed(name: &str) -> Result<String, Error> {
    variable(name).ok_or_else(|| {
        Error::new(ErrorKind::CredentialsNotFound, format!("the environment variable `{name}` is not set"))
            .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary credentials), or pass credentials")
    })
}
