//! `AssumeRole`
//! ([AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).

use std::time::SystemTime;

use super::assumed_role::AssumedRole;
use super::parts::{Answer, Form, Parts};
use super::{Action, Endpoint, limits};
use crate::error::{Error, ErrorKind, quote};
use crate::small::text::contains;

/// The parameters of an `AssumeRole` call.
///
/// # Defaults
///
/// [`AssumeRole::new`] asks for 3600 seconds and sets nothing else.
///
/// ```
/// use xacct_sign::sts::AssumeRole;
/// let mut call = AssumeRole::new("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", "shop");
/// call.duration_seconds = 899;
/// assert_eq!(call.validate().unwrap_err().code(), "invalid_duration");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumeRole {
    /// The role's ARN, `arn:{partition}:iam::{account}:role/{name}`; 20 to 2048 characters.
    pub role_arn: String,
    /// The name of the session, 2 to 64 of `[A-Za-z0-9_+=,.@-]`: how the other side's logs tell callers apart.
    pub session_name: String,
    /// How long the credentials live, 900 to 43200 seconds; at most the role's `MaxSessionDuration`, and at most 3600 where
    /// the caller's credentials are a role's themselves.
    pub duration_seconds: u32,
    /// The secret-free name that a third party gives its customer, 2 to 1224 of `[A-Za-z0-9_+=,.@:/-]`.
    pub external_id: Option<String>,
    /// A session policy as JSON, up to 2048 characters: the session may do what both it and the role allow.
    pub policy: Option<String>,
    /// Up to 10 ARNs of managed policies in the role's account, used like `policy`.
    pub policy_arns: Vec<String>,
    /// Up to 50 session tags: keys of 1 to 128, values of 0 to 256 characters.
    pub tags: Vec<(String, String)>,
    /// Keys of `tags` that go on to the next role of a chain.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity, 2 to 64 of `[A-Za-z0-9_+=,.@-]`.
    pub source_identity: Option<String>,
    /// Multi-factor authentication.
    pub mfa: Option<Mfa>,
}

/// A one-time password of an MFA device. It works once: credentials got with it cannot be refreshed.
#[derive(Clone, PartialEq, Eq)]
pub struct Mfa {
    /// The device's serial number or ARN, 9 to 256 characters.
    pub serial_number: String,
    /// Six digits.
    pub token_code: String,
}

impl std::fmt::Debug for Mfa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mfa").field("serial_number", &self.serial_number).finish_non_exhaustive()
    }
}

impl AssumeRole {
    /// A call for this role under this session name, with defaults for the rest.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, session_name: impl Into<String>) -> Self {
        Self {
            role_arn: role_arn.into(),
            session_name: session_name.into(),
            duration_seconds: 3600,
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            mfa: None,
        }
    }

    /// Checks every parameter against STS's limits.
    ///
    /// # Errors
    ///
    /// A kind of its own for each parameter, [`crate::ErrorKind::InvalidRoleArn`] to [`crate::ErrorKind::InvalidMfa`].
    pub fn validate(&self) -> Result<(), Error> {
        limits::assume_role(self)
    }

    /// Where to make this call: at the regional endpoint of the role's partition, or at `url` instead.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::of_role`].
    pub fn endpoint(&self, region: &str, url: Option<&str>) -> Result<Endpoint, Error> {
        Endpoint::of_role(&self.role_arn, region, url)
    }
}

impl Action for AssumeRole {}

impl Parts for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    type Output = AssumedRole;

    fn check(&self) -> Result<(), Error> {
        self.validate()
    }

    fn write(&self, form: &mut Form) {
        form.push("RoleArn", &self.role_arn);
        form.push("RoleSessionName", &self.session_name);
        form.push("DurationSeconds", &self.duration_seconds.to_string());
        form.push_some("ExternalId", self.external_id.as_deref());
        form.push_some("Policy", self.policy.as_deref());
        for (index, arn) in self.policy_arns.iter().enumerate() {
            form.push(&format!("PolicyArns.member.{}.arn", index + 1), arn);
        }
        for (index, (key, value)) in self.tags.iter().enumerate() {
            form.push(&format!("Tags.member.{}.Key", index + 1), key);
            form.push(&format!("Tags.member.{}.Value", index + 1), value);
        }
        for (index, key) in self.transitive_tag_keys.iter().enumerate() {
            form.push(&format!("TransitiveTagKeys.member.{}", index + 1), key);
        }
        form.push_some("SourceIdentity", self.source_identity.as_deref());
        if let Some(mfa) = &self.mfa {
            form.push("SerialNumber", &mfa.serial_number);
            form.push("TokenCode", &mfa.token_code);
        }
    }

    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<AssumedRole, Error> {
        AssumedRole::read(answer, "AssumeRoleResult", now)
    }

    fn denied(&self, caller: &str) -> String {
        format!("STS does not let {caller} assume the role {}", quote(&self.role_arn))
    }

    fn failed(&self) -> String {
        format!("STS did not give credentials for the role {}", quote(&self.role_arn))
    }

    fn asked(&self) -> String {
        format!("when asked for the role {}", quote(&self.role_arn))
    }

    fn hint(kind: ErrorKind, _: &str, message: &str) -> Option<&'static str> {
        Some(match kind {
            ErrorKind::StsDenied if contains(message, "root accounts") => {
                "use a role's or a user's credentials, not the account's root"
            }
            ErrorKind::StsDenied
                if contains(message, "sts:TagSession") || contains(message, "sts:SetSourceIdentity") =>
            {
                "the role's trust policy and the caller's own policy must both allow this action, too"
            }
            ErrorKind::StsDenied => {
                "check both sides: the trust policy of the role must name the caller (and its external id and session name, if it \
                 wants any, must be those given here), and the caller's own policy must allow sts:AssumeRole on the role; STS says \
                 the same for a role that does not exist"
            }
            ErrorKind::StsInvalid if contains(message, "role chaining") => {
                "use at most 3600 seconds: your own credentials are a role's"
            }
            ErrorKind::StsInvalid if contains(message, "MaxSessionDuration") => {
                "use a shorter duration, or let the role's owner raise its MaxSessionDuration"
            }
            _ => return None,
        })
    }
}
