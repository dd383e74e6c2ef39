//! An AWS access key with its session token.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// An access key id, its secret and, for temporary credentials, the session token and the instant they expire.
///
/// Cloning is cheap: the clones share one allocation, which is overwritten when the last of them goes.
/// `Debug` shows the key id and the expiry only.
///
/// ```
/// use xacct_sign::Credentials;
/// let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None)?;
/// assert_eq!(credentials.access_key_id(), "AKIDEXAMPLE");
/// assert!(!format!("{credentials:?}").contains("secret\""));
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

struct Inner {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires_at: Option<SystemTime>,
}

impl Credentials {
    /// Credentials from their parts.
    ///
    /// An empty session token counts as none: environment variables are often set to nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCredentials`] if the key id or the secret is empty, if a part has its quotes on, if it holds white
    /// space, a control or non-ASCII character (a secret read from a file with its line break is the usual case), or if the
    /// key id holds a character that delimits the `Authorization` header (`/`, `,`, `=`).
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
        expires_at: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let access_key_id = access_key_id.into();
        let secret_access_key = Zeroizing::new(secret_access_key.into());
        let session_token = session_token.filter(|token| !token.is_empty()).map(Zeroizing::new);
        check("access key id", &access_key_id)?;
        check("secret access key", &secret_access_key)?;
        if let Some(token) = &session_token {
            check("session token", token)?;
        }
        if access_key_id.contains(['/', ',', '=']) {
            return Err(Error::new(ErrorKind::InvalidCredentials, "the access key id holds a `/`, `,` or `=`")
                .with_hint("check that the key id and the secret are not swapped"));
        }
        Ok(Self(Arc::new(Inner { access_key_id, secret_access_key, session_token, expires_at })))
    }

    /// The access key id: `AKIA...` for long-term, `ASIA...` for temporary credentials. Not a secret.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// The secret access key.
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        &self.0.secret_access_key
    }

    /// The session token of temporary credentials; its size is unbounded.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.0.session_token.as_deref().map(String::as_str)
    }

    /// The instant from which AWS refuses these credentials; `None` for long-term ones.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// Refuses credentials that have expired: what they sign would be refused, and say less.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CredentialsExpired`] from the instant of [`Credentials::expires_at`] on.
    pub fn check_usable(&self, now: SystemTime) -> Result<(), Error> {
        match self.0.expires_at {
            Some(expires_at) if expires_at <= now => {
                Err(Error::new(ErrorKind::CredentialsExpired, "the credentials have expired"))
            }
            _ => Ok(()),
        }
    }
}

fn check(part: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::new(ErrorKind::InvalidCredentials, format!("the {part} is empty")));
    }
    if matches!(value.as_bytes(), [b'"', .., b'"'] | [b'\'', .., b'\'']) {
        return Err(Error::new(ErrorKind::InvalidCredentials, format!("the {part} has its quotes on")).with_hint(
            "take them off: `docker --env-file` reads the quotes of `NAME=\"value\"` as part of the value",
        ));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(
            ErrorKind::InvalidCredentials,
            format!("the {part} holds white space, a control character or a non-ASCII character"),
        ));
    }
    Ok(())
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.access_key_id == other.0.access_key_id
                && self.0.secret_access_key == other.0.secret_access_key
                && self.0.session_token == other.0.session_token
                && self.0.expires_at == other.0.expires_at)
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.0.access_key_id)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "aws-credential-types")]
impl TryFrom<&aws_credential_types::Credentials> for Credentials {
    type Error = Error;

    fn try_from(from: &aws_credential_types::Credentials) -> Result<Self, Error> {
        Self::new(
            from.access_key_id(),
            from.secret_access_key(),
            from.session_token().map(str::to_owned),
            from.expiry(),
        )
    }
}

#[cfg(feature = "aws-credential-types")]
impl From<&Credentials> for aws_credential_types::Credentials {
    fn from(from: &Credentials) -> Self {
        Self::new(
            from.access_key_id(),
            from.secret_access_key(),
            from.session_token().map(str::to_owned),
            from.expires_at(),
            "xacct-sign",
        )
    }
}
