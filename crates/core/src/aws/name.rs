//! Names of roles, sessions and the like: what IAM and STS take.

use std::fmt;

/// What the names of roles and sessions, and source identities, are made of: `[\w+=,.@-]`, ASCII
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
#[must_use]
pub fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-')
}

/// Whether it is the name of a role, without a path: 1 to 64 characters
/// ([CreateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html)).
#[must_use]
pub fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_name_character)
}

/// Whether it is a role session's name, or a source identity: 2 to 64 characters
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
#[must_use]
pub fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.chars().all(is_name_character)
}

/// Whether it is an external id: 2 to 1224 characters of `[\w+=,.@:\/-]`, ASCII
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
#[must_use]
pub fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.chars().all(|c| is_name_character(c) || matches!(c, ':' | '/'))
}

/// The name of an IAM role with its path, as people write it: `Name` or `path/Name`.
///
/// IAM takes more characters in a path than this type does: wildcards and colons are refused here, because the path becomes
/// part of ARNs in policies.
///
/// ```
/// use xacct_sign::aws::RoleName;
/// let role = RoleName::parse("service-role/Api").unwrap();
/// assert_eq!((role.path(), role.name()), ("/service-role/", "Api"));
/// assert_eq!(role.arn("aws", "111111111111"), "arn:aws:iam::111111111111:role/service-role/Api");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName {
    path: String,
    name: String,
}

impl RoleName {
    /// Reads `Name` or `path/Name`; `None` where IAM would refuse it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (path, name) = match text.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), text),
        };
        let segments_are_valid = path == "/"
            || path
                .trim_matches('/')
                .split('/')
                .all(|segment| !segment.is_empty() && segment.chars().all(is_name_character));
        // `trim_matches` would swallow the surplus slashes of `//path`.
        let has_surplus_slash = path.contains("//");
        (segments_are_valid && !has_surplus_slash && path.len() <= 512 && is_role_name(name))
            .then(|| Self { path, name: name.to_owned() })
    }

    /// The path: `/`, or `/service-role/` with a slash at both ends.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role's ARN, path included.
    #[must_use]
    pub fn arn(&self, partition: &str, account: &str) -> String {
        format!("arn:{partition}:iam::{account}:role{}{}", self.path, self.name)
    }

    /// The same role name with something appended; it may be too long for IAM, see [`is_role_name`].
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        Self { path: self.path.clone(), name: format!("{}{suffix}", self.name) }
    }

    /// Of the same path, with another name, which the caller answers for.
    pub(super) fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

impl fmt::Display for RoleName {
    /// Writes what [`RoleName::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        write!(f, "{path}{}", self.name)
    }
}
