//! Where to call STS: the regional endpoint of the role's partition, or one that the user names.

use crate::error::{Error, ErrorKind, quote};
use crate::key::check_region;
use crate::url;

/// Region prefix → partition. What has no row belongs to `aws`.
const REGION_PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

/// Partition → DNS suffix of its regional endpoints.
const SUFFIXES: &[(&str, &str)] = &[
    ("aws", "amazonaws.com"),
    ("aws-us-gov", "amazonaws.com"),
    ("aws-cn", "amazonaws.com.cn"),
    ("aws-eusc", "amazonaws.eu"),
];

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
            Err(Error::new(ErrorKind::InvalidRoleArn, format!("{} is not a role's ARN: {what}", quote(arn)))
                .with_hint("a role's ARN is like `arn:aws:iam::123456789012:role/Name`"))
        };
        if !(20..=2048).contains(&arn.chars().count()) {
            return invalid("it must have 20 to 2048 characters");
        }
        let mut fields = arn.splitn(6, ':');
        let mut next = || fields.next().unwrap_or_default();
        let (scheme, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
        if scheme != "arn" || service != "iam" || !region.is_empty() {
            return invalid("it must begin with `arn:{partition}:iam::`");
        }
        if !partition.starts_with("aws")
            || !partition.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return invalid("the partition must be `aws` or begin with `aws-`");
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return invalid("the account must be twelve digits");
        }
        let Some(path_and_name) = resource.strip_prefix("role/") else {
            return invalid("the resource must begin with `role/`");
        };
        let name = path_and_name.rsplit('/').next().unwrap_or_default();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-');
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
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

/// The STS endpoint of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    host: String,
    region: String,
}

impl Endpoint {
    /// The endpoint for a role's partition in `region`, or `url` instead of the regional one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRegion`], [`ErrorKind::InvalidRoleArn`]; [`ErrorKind::PartitionMismatch`] if the region is of
    /// another partition than the role; [`ErrorKind::UnknownPartition`] if its DNS suffix is not known and no `url` is given;
    /// [`ErrorKind::InvalidEndpoint`] and [`ErrorKind::InsecureUrl`] for a `url` that is malformed, or plain http to a host
    /// that is not loopback.
    pub fn new(role_arn: &str, region: &str, url: Option<&str>) -> Result<Self, Error> {
        check_region(region)?;
        let role = RoleArn::parse(role_arn)?;
        let region_partition = partition_of(region);
        if region_partition != role.partition() && SUFFIXES.iter().any(|(known, _)| *known == role.partition()) {
            return Err(Error::new(
                ErrorKind::PartitionMismatch,
                format!(
                    "the region {} is in partition `{region_partition}`, the role in `{}`",
                    quote(region),
                    role.partition()
                ),
            )
            .with_hint("a role can be assumed only from its own partition: give a region of it"));
        }
        match url {
            Some(url) => Self::custom(url, region),
            None => {
                let suffix = SUFFIXES.iter().find(|(known, _)| *known == role.partition()).map(|(_, suffix)| suffix);
                let suffix = suffix.ok_or_else(|| {
                    Error::new(
                        ErrorKind::UnknownPartition,
                        format!("no STS endpoint is known for partition {}", quote(role.partition())),
                    )
                    .with_hint("give the endpoint's URL as `sts_endpoint`")
                })?;
                Self::custom(&format!("https://sts.{region}.{suffix}/"), region)
            }
        }
    }

    fn custom(text: &str, region: &str) -> Result<Self, Error> {
        let unusable = |what: &str| {
            Error::new(
                ErrorKind::InvalidEndpoint,
                format!("the STS endpoint {} {what}", quote(&url::without_secrets(text))),
            )
            .with_hint("give a URL such as `https://sts.ap-northeast-1.amazonaws.com`")
        };
        if text.contains(['?', '#', '@']) {
            return Err(unusable("has a query, a fragment or user info"));
        }
        let url = url::canonical_url(text).map_err(|error| unusable("is no usable URL").with_source(error))?;
        let origin = url::origin(&url)?;
        if !matches!(origin.scheme(), "http" | "https") {
            return Err(unusable("is neither https nor http"));
        }
        if !origin.is_private() {
            return Err(Error::new(
                ErrorKind::InsecureUrl,
                format!("the STS endpoint {} is plain http", quote(&url::without_secrets(text))),
            )
            .with_hint("use https; plain http is for loopback only"));
        }
        Ok(Self { url, host: origin.host().to_owned(), region: region.to_owned() })
    }

    /// The URL that is called.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The region that the request is signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

fn partition_of(region: &str) -> &'static str {
    REGION_PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}
