//! `GetWebIdentityToken`
//! ([AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html)).

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::Action;
use super::parts::{Answer, Form, Parts};
use crate::aws::{audience_problem, parse_rfc3339};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, quote, quote_name};
use crate::small::text::contains;

/// The shortest token that STS makes.
const SHORTEST: u32 = 60;

/// How long a token may be, in bytes: AWS's are some hundred, and a header takes no more than this.
const LONGEST: usize = 8192;

/// A token of the issuer of the caller's account, which says to one audience who the caller is.
///
/// The account's administrator has switched its issuer on, once: `aws iam enable-outbound-web-identity-federation`. The call is made
/// at a region's own endpoint.
///
/// # Defaults
///
/// [`GetWebIdentityToken::new`] asks for 300 seconds and ES384.
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
    /// For whom the token is, 1 to 1000 characters: the server takes what is for it, and nothing else. STS would take ten; a token for
    /// several servers is one that each can show to the others.
    pub audience: String,
    /// How long the token lives, 60 to 3600 seconds, and no longer than the credentials that ask for it.
    pub duration_seconds: u32,
    /// What it is signed with.
    pub algorithm: TokenAlgorithm,
}

/// What a web identity token is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenAlgorithm {
    /// ECDSA on P-384 with SHA-384.
    #[default]
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256: for receivers that know no other, as an Application Load Balancer.
    Rs256,
}

impl TokenAlgorithm {
    /// What to do about a name that is none, also where it is no text.
    pub const HINT: &'static str = "use `ES384`, or `RS256` where the server takes no other";

    /// The algorithm that is called so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for any but `ES384` and `RS256`.
    pub fn named(name: &str) -> Result<Self, Error> {
        match name {
            "ES384" => Ok(Self::Es384),
            "RS256" => Ok(Self::Rs256),
            _ => Err(Error::new(ErrorKind::InvalidOption, format!("STS signs no tokens with {}", quote_name(name)))
                .with_hint(Self::HINT)),
        }
    }

    /// As AWS calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }
}

/// Who has it is the caller, to the audience that it is for, until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct WebIdentityToken {
    token: Zeroizing<String>,
    expires_at: SystemTime,
}

impl WebIdentityToken {
    /// The token, a JWT.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// When it expires.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Refuses a token that has expired: a server would refuse it, and say less.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CredentialsExpired`] from the instant of [`WebIdentityToken::expires_at`] on.
    pub fn check_usable(&self, now: SystemTime) -> Result<(), Error> {
        if self.expires_at <= now {
            return Err(Error::new(ErrorKind::CredentialsExpired, "the web identity token has expired"));
        }
        Ok(())
    }
}

impl fmt::Debug for WebIdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentityToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl GetWebIdentityToken {
    /// What to do about a [`GetWebIdentityToken::audience`] that is none, also where it is no text.
    pub const AUDIENCE_HINT: &'static str =
        "give the server's audience as its provider wrote it, such as `https://api.example.com`";

    /// What to do about a [`GetWebIdentityToken::duration_seconds`] that is none, also where it is no number: not what an assumed
    /// role's would be.
    pub const DURATION_HINT: &'static str = "use 60 to 3600 seconds";

    /// A token for this audience, with defaults for the rest.
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        Self { audience: audience.into(), duration_seconds: 300, algorithm: TokenAlgorithm::default() }
    }

    /// The same call, for no longer than the credentials live: STS makes no token that would outlive them. What is left of them may be
    /// less than the shortest token.
    #[must_use]
    pub fn within(&self, credentials: &Credentials, now: SystemTime) -> Self {
        let left = credentials.expires_at().map(|at| at.duration_since(now).unwrap_or_default().as_secs());
        let left = left.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(u32::MAX);
        Self { duration_seconds: self.duration_seconds.min(left.max(SHORTEST)), ..self.clone() }
    }

    /// Checks every parameter against STS's limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for an audience that is none ([`audience_problem`]); [`ErrorKind::InvalidDuration`].
    pub fn validate(&self) -> Result<(), Error> {
        if let Some(problem) = audience_problem(&self.audience) {
            return Err(
                Error::new(ErrorKind::InvalidOption, format!("the audience {problem}")).with_hint(Self::AUDIENCE_HINT)
            );
        }
        if !(SHORTEST..=3600).contains(&self.duration_seconds) {
            return Err(Self::duration_refused(self.duration_seconds.into()));
        }
        Ok(())
    }

    /// The error about so many seconds, also where they are more than any [`GetWebIdentityToken::duration_seconds`].
    #[must_use]
    pub fn duration_refused(seconds: i64) -> Error {
        Error::new(ErrorKind::InvalidDuration, format!("a token for {seconds} seconds is not to be had"))
            .with_hint(Self::DURATION_HINT)
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
        form.push("DurationSeconds", &self.duration_seconds.to_string());
        form.push("SigningAlgorithm", self.algorithm.name());
    }

    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<WebIdentityToken, Error> {
        let result = "GetWebIdentityTokenResult";
        let expires_at = parse_rfc3339(answer.needed(result, "Expiration")?)
            .ok_or_else(|| answer.invalid("has an `Expiration` that is no RFC 3339 instant"))?;
        let token = answer.needed(result, "WebIdentityToken")?;
        let is_of_jwt = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if token.len() > LONGEST || !token.bytes().all(is_of_jwt) || token.split('.').count() != 3 {
            return Err(answer.invalid("has a `WebIdentityToken` that is no JWT"));
        }
        if expires_at <= now {
            let hint = "check the clock of this machine";
            return Err(answer.invalid("holds a token that has expired already").with_hint(hint));
        }
        Ok(WebIdentityToken { token: Zeroizing::new(token.to_owned()), expires_at })
    }

    fn kind(code: &str) -> Option<ErrorKind> {
        Some(match code {
            "OutboundWebIdentityFederationDisabledException" => ErrorKind::StsDenied,
            "SessionDurationEscalationException" | "JWTPayloadSizeExceededException" => ErrorKind::StsInvalid,
            _ => return None,
        })
    }

    fn denied(&self, caller: &str) -> String {
        format!("STS does not give {caller} a web identity token for {}", quote(&self.audience))
    }

    fn failed(&self) -> String {
        format!("STS did not give a web identity token for {}", quote(&self.audience))
    }

    fn asked(&self) -> String {
        format!("when asked for a web identity token for {}", quote(&self.audience))
    }

    fn hint(kind: ErrorKind, code: &str, message: &str) -> Option<&'static str> {
        Some(match (kind, code) {
            (_, "OutboundWebIdentityFederationDisabledException") => {
                "an administrator of the caller's account has to run `aws iam enable-outbound-web-identity-federation`, once; where \
                 that cannot be, send a proof, which needs none of it"
            }
            (_, "SessionDurationEscalationException") => {
                "the credentials end before the token would: ask for fewer seconds, or take credentials that are refreshed earlier"
            }
            (_, "JWTPayloadSizeExceededException") => {
                "the session's tags make the token too large: take fewer of them, or send a proof"
            }
            (ErrorKind::StsDenied, _) => {
                "compare the audience with the provider's, to the letter; then the caller's own policy: it must allow \
                 sts:GetWebIdentityToken, with this audience (sts:IdentityTokenAudience), algorithm (sts:SigningAlgorithm) and duration \
                 (sts:DurationSeconds) where it has conditions"
            }
            (_, "InvalidAction") if contains(message, Self::NAME) => {
                "this STS gives no web identity tokens: is it an emulator's, or a partition's that has none? a proof needs none"
            }
            _ => return None,
        })
    }
}
