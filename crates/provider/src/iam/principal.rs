//! Who makes a request, and whom a statement is about.

use serde_json::Value;
use xacct_sign::aws::{Arn, Partition, is_account_id};

use super::error::PolicyError;
use super::json::texts;
use super::well_formed;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalIdentity {
    arn: String,
    role_arn: Option<String>,
    partition: String,
    account: String,
    principal_type: &'static str,
}

impl PrincipalIdentity {
    /// A session of a role. `role_arn` is the role's own ARN, its path included, which the session's
    /// ARN does not show.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when `role_arn` is not a role's ARN.
    pub fn assumed_role(role_arn: &str, session_name: &str) -> Result<Self, PolicyError> {
        let arn = parse_arn(role_arn);
        let (Some(arn), Some(name)) = (arn, arn.and_then(role_name)) else {
            return Err(PolicyError::new(format!("`{role_arn}` is not the ARN of a role")));
        };
        Ok(Self {
            arn: format!("arn:{}:sts::{}:assumed-role/{name}/{session_name}", arn.partition, arn.account),
            role_arn: Some(role_arn.to_owned()),
            partition: arn.partition.to_owned(),
            account: arn.account.to_owned(),
            principal_type: "AssumedRole",
        })
    }

    /// A principal that is no session of a role: an IAM user, a federated user or an account's root.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for every other ARN; that of a role's session lacks the role's path, see
    /// [`PrincipalIdentity::assumed_role`].
    pub fn from_arn(arn: &str) -> Result<Self, PolicyError> {
        let error = || PolicyError::new(format!("`{arn}` is not the ARN of a user or of an account's root"));
        let parsed = parse_arn(arn).ok_or_else(error)?;
        let principal_type = match form(parsed).ok_or_else(error)? {
            Form::Root => "Account",
            Form::User => "User",
            Form::FederatedUser => "FederatedUser",
            Form::Role | Form::AssumedRole => return Err(error()),
        };
        Ok(Self {
            arn: arn.to_owned(),
            role_arn: None,
            partition: parsed.partition.to_owned(),
            account: parsed.account.to_owned(),
            principal_type,
        })
    }

    /// The ARN: of a role's session `arn:aws:sts::...:assumed-role/{role}/{session}`.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The ARN of the role that the session is of, path included.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        self.role_arn.as_deref()
    }

    /// The account, 12 digits.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The condition keys that a principal carries by itself; `aws:PrincipalArn` of a session is its
    /// role's ARN.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        if key.eq_ignore_ascii_case("aws:PrincipalArn") {
            Some(self.role_arn.as_deref().unwrap_or(&self.arn))
        } else if key.eq_ignore_ascii_case("aws:PrincipalAccount") {
            Some(&self.account)
        } else if key.eq_ignore_ascii_case("aws:PrincipalType") {
            Some(self.principal_type)
        } else {
            None
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Root,
    User,
    Role,
    FederatedUser,
    AssumedRole,
}

/// An ARN of IAM or STS, of one account: these have no region.
fn parse_arn(text: &str) -> Option<Arn<'_>> {
    Arn::parse(text)
        .filter(|arn| arn.region.is_empty() && arn.partition.starts_with("aws") && is_account_id(arn.account))
}

/// What an ARN of IAM or STS is of.
fn form(arn: Arn<'_>) -> Option<Form> {
    let is_plain = arn.resource.bytes().all(|c| c.is_ascii_graphic())
        && arn.resource.split('/').all(|part| !part.is_empty() && !part.contains(['*', '?', ':', '$', '{']));
    if !is_plain {
        return None;
    }
    let parts = arn.resource.split('/').count();
    let (kind, _) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    match (arn.service, kind) {
        ("iam", "root") if parts == 1 => Some(Form::Root),
        ("iam", "user") if parts >= 2 => Some(Form::User),
        ("iam", "role") if parts >= 2 => Some(Form::Role),
        ("sts", "federated-user") if parts == 2 => Some(Form::FederatedUser),
        ("sts", "assumed-role") if parts == 3 => Some(Form::AssumedRole),
        _ => None,
    }
}

fn role_name(arn: Arn<'_>) -> Option<&str> {
    matches!(form(arn)?, Form::Role).then(|| arn.resource.rsplit('/').next()).flatten()
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    /// `*`: everybody, even without credentials.
    Everybody,
    /// An account with all that is in it; without a partition for the form of 12 digits.
    Account { partition: Option<String>, account: String },
    /// A role, and so all its sessions.
    Role(String),
    /// One user or one session.
    Exactly(String),
    /// A service or an identity provider: no principal of ours.
    Other,
}

impl Principal {
    pub(super) fn matches(&self, identity: Option<&PrincipalIdentity>) -> bool {
        let Some(identity) = identity else {
            return *self == Self::Everybody;
        };
        match self {
            Self::Everybody => true,
            Self::Account { partition, account } => {
                identity.account == *account && partition.as_ref().is_none_or(|p| *p == identity.partition)
            }
            Self::Role(arn) => identity.role_arn.as_ref() == Some(arn),
            Self::Exactly(arn) => identity.arn == *arn,
            Self::Other => false,
        }
    }

    /// Whether it is all of an account.
    pub(super) fn is_account(&self) -> bool {
        matches!(self, Self::Account { .. })
    }

    fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everybody);
        }
        if is_account_id(text) {
            return Some(Self::Account { partition: None, account: text.to_owned() });
        }
        let arn = parse_arn(text).filter(|arn| Partition::named(arn.partition).is_some())?;
        Some(match form(arn)? {
            Form::Root => Self::Account { partition: Some(arn.partition.to_owned()), account: arn.account.to_owned() },
            Form::Role => Self::Role(text.to_owned()),
            Form::User | Form::FederatedUser | Form::AssumedRole => Self::Exactly(text.to_owned()),
        })
    }
}

/// Whether IAM shows this where a principal stood that has been deleted.
fn is_unique_id(text: &str) -> bool {
    (text.starts_with("AROA") || text.starts_with("AIDA"))
        && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Reads the element `Principal`; what is unknown in it is added to `unsupported`, what IAM refuses to `malformed`.
pub(super) fn parse(
    value: &Value,
    unsupported: &mut Vec<String>,
    malformed: &mut Vec<String>,
) -> Result<Vec<Principal>, PolicyError> {
    let by_type = match value {
        Value::String(text) if text == "*" => return Ok(vec![Principal::Everybody]),
        Value::Object(by_type) if !by_type.is_empty() => by_type,
        _ => {
            return Err(PolicyError::new("`Principal` is neither `*` nor an object of principals by type".to_owned()));
        }
    };
    let mut principals = Vec::new();
    for (kind, values) in by_type {
        for text in texts("Principal", values)? {
            match kind.as_str() {
                "AWS" => match Principal::aws(&text) {
                    Some(principal) => principals.push(principal),
                    None if is_unique_id(&text) => unsupported.push(format!("principal `{text}`")),
                    None => malformed.push(format!("principal `{text}`")),
                },
                "Service" if !well_formed::is_service_principal(&text) => {
                    malformed.push(format!("service `{text}` as a principal"));
                }
                "Service" | "Federated" => principals.push(Principal::Other),
                _ => unsupported.push(format!("principal type `{kind}`")),
            }
        }
    }
    Ok(principals)
}
