//! Partitions and their regions: one table.

use crate::error::{Error, ErrorKind, quote_name};

/// A partition: AWS never mixes them, a role of one cannot be assumed from another
/// ([Amazon Resource Names](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)).
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    name: &'static str,
    /// What the names of its regions begin with.
    region_prefix: &'static str,
    dns_suffix: Option<&'static str>,
}

const AWS: Partition = partition("aws", "", Some("amazonaws.com"));

const fn partition(name: &'static str, region_prefix: &'static str, dns_suffix: Option<&'static str>) -> Partition {
    Partition { name, region_prefix, dns_suffix }
}

/// The first whose prefix a region's name begins with is the region's: the last takes all that is left.
static PARTITIONS: &[Partition] = &[
    partition("aws-cn", "cn-", Some("amazonaws.com.cn")),
    partition("aws-us-gov", "us-gov-", Some("amazonaws.com")),
    partition("aws-eusc", "eusc-", Some("amazonaws.eu")),
    partition("aws-iso", "us-iso-", None),
    partition("aws-iso-b", "us-isob-", None),
    partition("aws-iso-e", "eu-isoe-", None),
    partition("aws-iso-f", "us-isof-", None),
    AWS,
];

impl Partition {
    /// The partition that a region is in, by its name; `aws` for what no other has.
    #[must_use]
    pub fn of_region(region: &str) -> &'static Self {
        PARTITIONS.iter().find(|partition| region.starts_with(partition.region_prefix)).unwrap_or(&AWS)
    }

    /// The partition of this name, if it is known.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.name == name)
    }

    /// `aws`, `aws-cn`, ...
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The domain of its regional endpoints, where it is known: `amazonaws.com`.
    #[must_use]
    pub fn dns_suffix(&self) -> Option<&'static str> {
        self.dns_suffix
    }
}

/// Checks a region before it becomes part of a scope or a host.
///
/// # Errors
///
/// [`ErrorKind::InvalidRegion`] unless it is 1 to 63 lower-case letters, digits and inner hyphens: what a host's label takes.
/// Emulators and services beside AWS have regions that [`is_region`] does not know. What names an endpoint in AWS's tables, such
/// as `aws-global`, is none: nothing is signed for it, and it has no host.
pub(crate) fn check_region(region: &str) -> Result<(), Error> {
    if is_label(region) && !is_endpoint(region) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRegion, format!("{} is no region name", quote_name(region))))
}

/// Whether it is the name of an endpoint in AWS's tables.
fn is_endpoint(text: &str) -> bool {
    (text.starts_with("aws") && text.ends_with("-global")) || text.starts_with("fips-") || text.ends_with("-fips")
}

fn is_label(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether it looks like a region of AWS's whose endpoints are known: `ap-northeast-1`, words and a number
/// ([Regions](https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html)).
#[must_use]
pub fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    // The partitions `aws-iso`, `aws-iso-b` and so on have domains of their own, and those to come will be named alike.
    let is_isolated = words.split('-').any(|word| word.starts_with("iso"));
    is_label(text)
        && !is_endpoint(text)
        && words.contains('-')
        && words.split('-').all(is_word)
        && !is_isolated
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Whether STS of this region makes tokens and answers for proofs.
///
/// # Errors
///
/// [`ErrorKind::InvalidRegion`] for what is no region of AWS's ([`is_region`]). Of a partition without known endpoints nobody knows which
/// regions it has: any is taken.
pub fn check_identity_region(region: &str) -> Result<(), Error> {
    check_region(region)?;
    if is_region(region) || Partition::of_region(region).dns_suffix().is_none() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRegion, format!("{} is no region of AWS's", quote_name(region)))
        .with_hint("give the region whose STS is asked, such as `ap-northeast-1`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_in_one_partition() {
        for (region, partition) in [
            ("ap-northeast-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-north-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-isob-east-1", "aws-iso-b"),
            ("local", "aws"),
        ] {
            assert_eq!(Partition::of_region(region).name(), partition, "{region}");
            assert_eq!(Partition::named(partition), Some(Partition::of_region(region)), "{region}");
        }
        assert_eq!(Partition::named("aws-x"), None);
    }

    #[test]
    fn c11_what_is_a_region() {
        for region in ["ap-northeast-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-15"] {
            assert!(is_region(region) && check_region(region).is_ok(), "{region}");
            assert_eq!(check_identity_region(region).map_err(|error| error.code()), Ok(()), "{region}");
        }
        for region in ["local", "us-east", "us-iso-east-1", "us-east-1a", "east-1", "us-east-100"] {
            assert!(!is_region(region) && check_region(region).is_ok(), "{region}");
            // Nobody knows the regions of a partition whose endpoints nobody knows.
            assert_eq!(check_identity_region(region).is_ok(), region == "us-iso-east-1", "{region}");
        }
        // Of AWS's tables of endpoints.
        for region in ["aws-global", "aws-cn-global", "aws-us-gov-global", "fips-us-east-1", "us-gov-west-1-fips"] {
            assert!(!is_region(region) && check_region(region).is_err(), "{region}");
        }
        for region in ["", "-", "us_east-1", "US-EAST-1", "us-east-1.", "us-east-1/x", "us-east-1\n"] {
            assert!(!is_region(region) && check_region(region).is_err(), "{region:?}");
        }
    }
}
