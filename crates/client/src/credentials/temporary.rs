//! Temporary credentials that were copied without their token.

use xacct_sign::{Credentials, Error, ErrorKind};

/// How the key ids of temporary credentials begin
/// ([IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids)).
const PREFIX: &str = "ASIA";

/// The credentials, unless they are of the kind that no service takes without a session token, and have none: AWS would say no more
/// than that it does not know them.
///
/// # Errors
///
/// [`ErrorKind::InvalidCredentials`], with the hint.
pub(super) fn with_token(credentials: Credentials, hint: &str) -> Result<Credentials, Error> {
    if credentials.session_token().is_none() && credentials.access_key_id().starts_with(PREFIX) {
        let message = format!(
            "an access key id that begins with {PREFIX} is of temporary credentials, whose session token is missing"
        );
        return Err(Error::new(ErrorKind::InvalidCredentials, message).with_hint(hint.to_owned()));
    }
    Ok(credentials)
}
