//! `AssumeRoleWithWebIdentity`
//! ([AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html)).

use std::fmt;
use std::time::SystemTime;

use http::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::action::{self, GIVEN};
use super::assumed_role::AssumedRole;
use super::parts::{Answer, Form, Parts};
use super::{Endpoint, limits};
use crate::error::{Error, ErrorKind, quote};
use crate::small::text::contains;

/// A role that is assumed with a token of an identity provider, such as a Kubernetes service account's or a CI job's.
///
/// No credentials sign the call: who has the token may make it. It is no [`Action`](super::Action), therefore.
///
/// ```
/// use xacct_sign::sts::{AssumeRoleWithWebIdentity, Endpoint};
/// let call = AssumeRoleWithWebIdentity::new("arn:aws:iam::000000000000:role/Pod", "shop", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
/// let request = call.request(&Endpoint::of_role(&call.role_arn, "ap-northeast-1", None)?)?;
/// assert!(!request.headers().contains_key("authorization"));
/// # Ok::<(), xacct_sign::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumeRoleWithWebIdentity {
    /// The role's ARN, `arn:{partition}:iam::{account}:role/{name}`; 20 to 2048 characters.
    pub role_arn: String,
    /// The name of the session, 2 to 64 of `[A-Za-z0-9_+=,.@-]`.
    pub session_name: String,
    /// Whoever has it may make the call.
    token: Zeroizing<String>,
}

impl AssumeRoleWithWebIdentity {
    /// A call for this role under this session name, with a token of 4 to 20000 characters. The credentials live for an hour.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, session_name: impl Into<String>, token: impl Into<String>) -> Self {
        Self { role_arn: role_arn.into(), session_name: session_name.into(), token: Zeroizing::new(token.into()) }
    }

    /// The action's name, as AWS has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Checks every parameter against STS's limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRoleArn`], [`ErrorKind::InvalidSessionName`]; [`ErrorKind::InvalidCredentials`] for a token that is too
    /// short or too long, or holds white space, a control or a non-ASCII character.
    pub fn validate(&self) -> Result<(), Error> {
        self.check()
    }

    /// The request for this call: a `POST` to [`Endpoint::url`], which is not signed. Its body holds the token.
    ///
    /// # Errors
    ///
    /// As [`AssumeRoleWithWebIdentity::validate`].
    pub fn request(&self, endpoint: &Endpoint) -> Result<http::Request<Vec<u8>>, Error> {
        self.check()?;
        let mut request = action::post(endpoint, action::form(self).into_bytes())?;
        for (name, value) in GIVEN {
            request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Ok(request)
    }

    /// Reads STS's answer to this call, at `now`. No error shows the token, even if the answer repeats it.
    ///
    /// # Errors
    ///
    /// As [`Action::read_response`](super::Action::read_response).
    pub fn read_response<B: AsRef<[u8]>>(
        &self,
        response: &http::Response<B>,
        now: SystemTime,
    ) -> Result<AssumedRole, Error> {
        action::read(self, [Some(&self.token), None], response.status().as_u16(), response.body().as_ref(), now)
    }
}

impl Parts for AssumeRoleWithWebIdentity {
    const NAME: &'static str = "AssumeRoleWithWebIdentity";
    type Output = AssumedRole;

    fn check(&self) -> Result<(), Error> {
        limits::session(&self.role_arn, &self.session_name)?;
        let refused = |what: &str| {
            Err(Error::new(ErrorKind::InvalidCredentials, format!("the web identity token {what}"))
                .with_hint("give the token as the identity provider made it: for STS to take it, it is usually a JWT"))
        };
        match self.token.len() {
            0 => refused("is empty"),
            4..=20_000 if self.token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(()),
            4..=20_000 => refused("holds white space, a control character or a non-ASCII character"),
            length => refused(&format!("has {length} characters; STS takes 4 to 20000")),
        }
    }

    fn write(&self, form: &mut Form) {
        form.push("RoleArn", &self.role_arn);
        form.push("RoleSessionName", &self.session_name);
        form.push("WebIdentityToken", &self.token);
    }

    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<AssumedRole, Error> {
        AssumedRole::read(answer, "AssumeRoleWithWebIdentityResult", now)
    }

    fn denied(&self, _: &str) -> String {
        format!("STS does not let the bearer of the web identity token assume the role {}", quote(&self.role_arn))
    }

    fn failed(&self) -> String {
        format!("STS did not give credentials for the role {} and the web identity token", quote(&self.role_arn))
    }

    fn asked(&self) -> String {
        format!("when asked for the role {} with a web identity token", quote(&self.role_arn))
    }

    fn hint(kind: ErrorKind, code: &str, message: &str) -> Option<&'static str> {
        Some(match kind {
            ErrorKind::StsDenied if code == "IDPRejectedClaim" => {
                "the identity provider does not stand by the token: let it make a new one"
            }
            ErrorKind::StsDenied => {
                "check the role's trust policy: it must name the identity provider, allow sts:AssumeRoleWithWebIdentity, and its \
                 conditions must hold for the token's subject and audience; STS says the same for a role that does not exist"
            }
            ErrorKind::StsExpired => {
                "the token has expired: is what renews its file at work, and is the clock of this machine right?"
            }
            ErrorKind::StsCredentials if contains(message, "OpenIDConnect provider") => {
                "make an IAM OIDC provider for the token's issuer in the role's account"
            }
            ErrorKind::StsCredentials if contains(message, "audience") => {
                "let the token be made for an audience that the IAM OIDC provider has, such as `sts.amazonaws.com`"
            }
            ErrorKind::StsCredentials => {
                "check that the token is whole, and of an identity provider that the role's account has in IAM"
            }
            ErrorKind::StsFailed if code == "IDPCommunicationError" => {
                "STS could not reach the identity provider, whose keys must be public: try again later"
            }
            _ => return None,
        })
    }
}

impl fmt::Debug for AssumeRoleWithWebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleWithWebIdentity")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .finish_non_exhaustive()
    }
}
