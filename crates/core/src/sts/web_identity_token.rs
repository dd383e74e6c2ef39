//! `GetWebIdentityToken`
//! ([AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html)).

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::Action;
use super::parts::{Answer, Form, Parts};
use crate::aws::parse_rfc3339;
use crate::error::{Error, ErrorKind, quote};

/// A token that says to one server who its bearer is, signed by the issuer of the caller's account. STS has it at regional endpoints
/// alone.
///
/// # Defaults
///
/// [`GetWebIdentityToken::new`] asks for ES384 and 300 seconds.
///
/// ```
/// use xacct_sign::sts::GetWebIdentityToken;
/// let mut call = GetWebIdentityToken::new("https://api.example.com");
/// call.duration_seconds = 59;
/// assert_eq!(call.validate().unwrap_err().code(), "invalid_duration");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetWebIdentityToken {
    /// Whom the token is for, 1 to 1000 visible ASCII characters: one server.
    pub audience: String,
    /// How it is signed.
    pub signing_algorithm: SigningAlgorithm,
    /// How long it lives, 60 to 3600 seconds; no longer than the session that asks for it.
    pub duration_seconds: u32,
}

/// The algorithms of web identity tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl SigningAlgorithm {
    /// As STS names it: `ES384`, `RS256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }
}

/// What STS gives: whoever has it is its bearer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebIdentityToken {
    /// The token, a JWT.
    pub token: Zeroizing<String>,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl fmt::Debug for WebIdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentityToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl GetWebIdentityToken {
    /// A call for a token for this audience, with defaults for the rest.
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        let (signing_algorithm, duration_seconds) = (SigningAlgorithm::Es384, 300);
        Self { audience: audience.into(), signing_algorithm, duration_seconds }
    }

    /// Checks every parameter against STS's limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for the audience, [`ErrorKind::InvalidDuration`].
    pub fn validate(&self) -> Result<(), Error> {
        if !(1..=1000).contains(&self.audience.len()) || !self.audience.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "the audience is not 1 to 1000 visible ASCII characters";
            return Err(Error::new(ErrorKind::InvalidOption, message)
                .with_hint("give the server's audience as its provider wrote it, such as `https://api.example.com`"));
        }
        if !(60..=3600).contains(&self.duration_seconds) {
            let message = format!("a token cannot live {} seconds", self.duration_seconds);
            return Err(Error::new(ErrorKind::InvalidDuration, message).with_hint("use 60 to 3600 seconds"));
        }
        Ok(())
    }
}

impl Action for GetWebIdentityToken {}

impl Parts for GetWebIdentityToken {
    const NAME: &'static str = "GetWebIdentityToken";
    type Output = WebIdentityToken;

    fn check(&self) -> Result<(), Error> {
        self.validate()
    }

    fn write(&self, form: &mut Form) {
        form.push("Audience.member.1", &self.audience);
        form.push("SigningAlgorithm", self.signing_algorithm.name());
        form.push("DurationSeconds", &self.duration_seconds.to_string());
    }

    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<WebIdentityToken, Error> {
        let expires_at = parse_rfc3339(answer.needed("GetWebIdentityTokenResult", "Expiration")?)
            .ok_or_else(|| answer.invalid("has an `Expiration` that is no RFC 3339 instant"))?;
        let token = answer.needed("GetWebIdentityTokenResult", "WebIdentityToken")?;
        // It becomes part of a header.
        if token.split('.').count() != 3 || !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(answer.invalid("holds a token that is none"));
        }
        if expires_at <= now {
            let error = answer.invalid("holds a token that has expired already");
            return Err(error.with_hint("check the clock of this machine"));
        }
        Ok(WebIdentityToken { token: Zeroizing::new(token.to_owned()), expires_at })
    }

    fn denied(&self, caller: &str) -> String {
        format!("STS does not let {caller} have a token for the audience {}", quote(&self.audience))
    }

    fn failed(&self) -> String {
        format!("STS did not give a token for the audience {}", quote(&self.audience))
    }

    fn asked(&self) -> String {
        format!("when asked for a token for the audience {}", quote(&self.audience))
    }

    fn hint(kind: ErrorKind, code: &str, _: &str) -> Option<&'static str> {
        Some(match (kind, code) {
            (ErrorKind::StsDenied, _) => {
                "let the caller's own policy allow sts:GetWebIdentityToken, for this audience, algorithm and duration if it says any"
            }
            (_, "OutboundWebIdentityFederationDisabledException") => {
                "let the administrator of the caller's account switch outbound federation on, once \
                 (iam:EnableOutboundWebIdentityFederation), or send proofs, which need none"
            }
            (_, "SessionDurationEscalationException") => {
                "ask for a shorter duration: a token cannot outlive the session that asks for it"
            }
            (_, "JWTPayloadSizeExceededException") => "take fewer tags to the session: they make the token too long",
            _ => return None,
        })
    }
}
