//! `GetCallerIdentity`
//! ([AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)).

use std::time::SystemTime;

use super::Action;
use super::parts::{Answer, Form, Parts};
use crate::error::{Error, ErrorKind};

/// Who signs? It has no parameters, and needs no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCallerIdentity;

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The account, 12 digits.
    pub account: String,
    /// The ARN of the user, of the role's session (a role's path is not in it), or of the account's root.
    pub arn: String,
    /// The unique id: of a role's session `{role id}:{session name}`.
    pub user_id: String,
}

impl Action for GetCallerIdentity {}

impl Parts for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    type Output = CallerIdentity;

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn write(&self, _: &mut Form) {}

    fn read(answer: &Answer<'_>, _: SystemTime) -> Result<CallerIdentity, Error> {
        let get = |name| answer.needed("GetCallerIdentityResult", name).map(str::to_owned);
        Ok(CallerIdentity { account: get("Account")?, arn: get("Arn")?, user_id: get("UserId")? })
    }

    fn denied(&self, caller: &str) -> String {
        format!("STS does not tell {caller} who it is")
    }

    fn failed(&self) -> String {
        "STS did not say whose credentials these are".to_owned()
    }

    fn asked(&self) -> String {
        "when asked whose credentials these are".to_owned()
    }

    fn hint(_: ErrorKind, _: &str, _: &str) -> Option<&'static str> {
        None
    }
}
