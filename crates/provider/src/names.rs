//! Names of AWS's: what IAM, STS and API Gateway take.

use std::fmt;

/// The name of an IAM role with its path, as the manifest writes it: `Name` or `path/Name`.
///
/// A name has 1 to 64 characters of `[A-Za-z0-9_+=,.@-]`
/// ([CreateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html)).
/// IAM takes more characters in a path than this type does: wildcards and colons are refused here,
/// because the path becomes part of ARNs in policies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName {
    path: String,
    name: String,
}

impl RoleName {
    /// Reads `Name` or `path/Name`, or gives `None` where IAM would refuse it.
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
                .all(|segment| !segment.is_empty() && segment.chars().all(is_role_character));
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
    pub(crate) fn arn(&self, partition: &str, account: &str) -> String {
        format!("arn:{partition}:iam::{account}:role{}{}", self.path, self.name)
    }

    /// The same role name with something appended; it may be too long, see [`RoleName::fits`].
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self { path: self.path.clone(), name: format!("{}{suffix}", self.name) }
    }

    /// Whether the name is not too long for IAM.
    pub(crate) fn fits(&self) -> bool {
        is_role_name(&self.name)
    }
}

impl fmt::Display for RoleName {
    /// Writes what [`RoleName::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        write!(f, "{path}{}", self.name)
    }
}

fn is_role_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_role_character)
}

/// Whether it is an account id: a string of 12 digits
/// ([Account identifiers](https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html)).
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A region becomes part of ARNs here, and of host names elsewhere: `ap-northeast-1`, words and a number, of a partition
/// that is known ([Regions](https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html)).
pub(crate) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    let words: Vec<&str> = words.split('-').collect();
    // The partitions `aws-iso`, `aws-iso-b` and so on have domains of their own.
    let is_isolated = words.iter().any(|word| word.starts_with("iso"));
    text.len() <= 63
        && words.len() >= 2
        && words.iter().all(|word| is_word(word))
        && !is_isolated
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c))
}

/// Whether it is an organization's id: `o-` and 10 to 32 letters in lower case or digits
/// ([Organization](https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html)).
#[must_use]
pub fn is_organization_id(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// What `RoleSessionName` and `SourceIdentity` take, and wildcards
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
pub(crate) fn is_session_name_pattern(text: &str) -> bool {
    // A name has 2 characters at least: of patterns of one, only `*` could match.
    (text == "*" || (2..=64).contains(&text.len()))
        && text.chars().all(|c| is_role_character(c) || c == '*' || c == '?')
}

/// The key of a session tag, without the white space and the letters beyond ASCII that AWS takes as well: policies'
/// sizes are counted without white space, and keys are compared in several places.
pub(crate) fn is_tag_key(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c))
        && !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The domain under which a partition's API Gateway is reached.
pub(crate) fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// The partition that a region is in.
///
/// AWS never mixes them: a role of one partition cannot be assumed from another
/// ([Amazon Resource Names](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)).
pub(crate) fn partition_of(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}
