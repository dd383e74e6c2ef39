//! What STS answers where it has a role assumed, by whichever action.

use std::time::SystemTime;

use super::parts::Answer;
use crate::aws::parse_rfc3339;
use crate::credentials::Credentials;
use crate::error::Error;

/// What STS says of an assumed role.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumedRole {
    /// The temporary credentials; they always have a token and an expiry.
    pub credentials: Credentials,
    /// `arn:{partition}:sts::{account}:assumed-role/{role name}/{session name}`; a role's path is not in it.
    pub arn: String,
    /// `{role id}:{session name}`.
    pub id: String,
    /// How much of the room for policies and tags is used, in per cent.
    pub packed_policy_size: Option<u32>,
    /// The source identity, if one was set.
    pub source_identity: Option<String>,
}

impl AssumedRole {
    /// Takes it from an answer, `result` being the element around what is the action's own.
    pub(super) fn read(answer: &Answer<'_>, result: &str, now: SystemTime) -> Result<Self, Error> {
        let expires_at = parse_rfc3339(answer.needed("Credentials", "Expiration")?)
            .ok_or_else(|| answer.invalid("has an `Expiration` that is no RFC 3339 instant"))?;
        let credentials = Credentials::new(
            answer.needed("Credentials", "AccessKeyId")?,
            answer.needed("Credentials", "SecretAccessKey")?,
            Some(answer.needed("Credentials", "SessionToken")?.to_owned()),
            Some(expires_at),
        )
        .map_err(|error| answer.invalid("holds malformed credentials").with_source(error))?;
        if expires_at <= now {
            return Err(answer
                .invalid("holds credentials that have expired already")
                .with_hint("check the clock of this machine"));
        }
        Ok(Self {
            credentials,
            arn: answer.needed("AssumedRoleUser", "Arn")?.to_owned(),
            id: answer.needed("AssumedRoleUser", "AssumedRoleId")?.to_owned(),
            packed_policy_size: answer.text(result, "PackedPolicySize").and_then(|text| text.parse().ok()),
            source_identity: answer.text(result, "SourceIdentity").map(str::to_owned),
        })
    }
}
