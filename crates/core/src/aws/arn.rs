//! ARNs.

use super::{is_account_id, is_role_name};
use crate::error::{Error, ErrorKind, quote_arn};

/// An ARN, taken apart: `arn:{partition}:{service}:{region}:{account}:{resource}`
/// ([Amazon Resource Names](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)).
///
/// The fields are as they stand: which of them may be empty or hold wildcards is for each use to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, ...
    pub partition: &'a str,
    /// `iam`, `sts`, ...
    pub service: &'a str,
    /// Empty for what has none, such as a role.
    pub region: &'a str,
    /// Twelve digits, or `aws` for managed policies of AWS's own.
    pub account: &'a str,
    /// Everything else, colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes a text apart; `None` if it lacks the `arn` or a field.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        let mut next = || fields.next();
        (next()? == "arn").then_some(())?;
        Some(Self { partition: next()?, service: next()?, region: next()?, account: next()?, resource: next()? })
    }
}

/// A role's ARN, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleArn<'a> {
    partition: &'a str,
    account: &'a str,
    path_and_name: &'a str,
}

impl<'a> RoleArn<'a> {
    /// Reads `arn:{partition}:iam::{account}:role/{path}{name}`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRoleArn`].
    pub fn parse(arn: &'a str) -> Result<Self, Error> {
        let invalid = |what: &str| {
            Err(Error::new(ErrorKind::InvalidRoleArn, format!("{} is not a role's ARN: {what}", quote_arn(arn))))
        };
        let Some(Arn { partition, service, region, account, resource }) = Arn::parse(arn) else {
            return invalid("it must be `arn:{partition}:iam::{account}:role/{name}`");
        };
        if !(20..=2048).contains(&arn.chars().count()) {
            return invalid("it must have 20 to 2048 characters");
        }
        if service != "iam" || !region.is_empty() {
            return invalid("it must begin with `arn:{partition}:iam::`");
        }
        if !partition.starts_with("aws")
            || !partition.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return invalid("the partition must be `aws` or begin with `aws-`");
        }
        if !is_account_id(account) {
            return invalid("the account must be twelve digits");
        }
        let Some(path_and_name) = resource.strip_prefix("role/") else {
            return invalid("the resource must begin with `role/`");
        };
        if !is_role_name(path_and_name.rsplit('/').next().unwrap_or_default()) {
            return invalid("the role's name must be 1 to 64 of `A-Z a-z 0-9 _ + = , . @ -`");
        }
        if !path_and_name.bytes().all(|b| b.is_ascii_graphic()) {
            return invalid("the path holds a space, a control character or a non-ASCII character");
        }
        Ok(Self { partition, account, path_and_name })
    }

    /// `aws`, `aws-cn`, ...
    #[must_use]
    pub fn partition(&self) -> &'a str {
        self.partition
    }

    /// Twelve digits.
    #[must_use]
    pub fn account(&self) -> &'a str {
        self.account
    }

    /// The role's name without its path.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.path_and_name.rsplit('/').next().unwrap_or_default()
    }
}
