//! Where a service is, as the environment and the profile have it: AWS's SDKs' variables and keys, as botocore reads them
//! ([service-specific endpoints](https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html),
//! [dual-stack and FIPS endpoints](https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html)).

use xacct_sign::aws::Partition;
use xacct_sign::call::HttpHosts;
use xacct_sign::sts::Endpoint;
use xacct_sign::{Error, ErrorKind};

use crate::host::Host;
use crate::http_hosts::http_hosts_of;

/// Partition → the domain of its dual-stack endpoints.
const DUAL_STACK: [(&str, &str); 4] = [
    ("aws", "api.aws"),
    ("aws-cn", "api.amazonwebservices.com.cn"),
    ("aws-us-gov", "api.aws"),
    ("aws-eusc", "api.amazonwebservices.eu"),
];

/// A service whose endpoint may be given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// As messages call it.
    pub(super) name: &'static str,
    /// `AWS_ENDPOINT_URL_STS`.
    pub(super) variable: &'static str,
    /// The name of its block in `[services x]`.
    pub(super) block: &'static str,
    /// What its host begins with; in a FIPS endpoint with `-fips` behind it.
    pub(super) label: &'static str,
}

const STS: Service = Service { name: "STS", variable: "AWS_ENDPOINT_URL_STS", block: "sts", label: "sts" };

/// What a profile says: of a key of its own, or of one in its `services`.
pub(super) trait Said {
    /// The value of a key of the profile.
    fn key(&self, key: &str) -> Option<&str>;
    /// `endpoint_url` in the block of a service.
    fn url(&self, block: &str) -> Option<&str>;
}

/// No profile is asked.
pub(super) struct Silent;

impl Said for Silent {
    fn key(&self, _: &str) -> Option<&str> {
        None
    }

    fn url(&self, _: &str) -> Option<&str> {
        None
    }
}

/// STS's endpoint for assuming a role in a region: the one that is given, else that of the environment.
pub(super) fn of_role(
    host: &dyn Host,
    (role_arn, region): (&str, &str),
    url: Option<&str>,
    http_hosts: &HttpHosts,
) -> Result<Endpoint, Error> {
    match url {
        Some(url) => named(host, (role_arn, region), url, http_hosts),
        None => in_use(host, (role_arn, region), &Silent, http_hosts),
    }
}

/// STS's endpoint of a region for calls that no role has a part in: that of a role of the region's partition.
pub(crate) fn of_environment(host: &dyn Host, region: &str) -> Result<Endpoint, Error> {
    let role = format!("arn:{}:iam::000000000000:role/any", Partition::of_region(region).name());
    in_use(host, (&role, region), &Silent, &HttpHosts::default())
}

/// The endpoint of the kind that the environment says, or the one that it names; a profile has its say after it.
pub(super) fn of_sts(host: &dyn Host, role_arn: &str, region: &str, profile: &dyn Said) -> Result<Endpoint, Error> {
    in_use(host, (role_arn, region), profile, &HttpHosts::default())
}

fn in_use(
    host: &dyn Host,
    (role_arn, region): (&str, &str),
    profile: &dyn Said,
    http_hosts: &HttpHosts,
) -> Result<Endpoint, Error> {
    if let Some(url) = given(host, STS, profile)? {
        // A URL that is given is not changed.
        return named(host, (role_arn, region), &url, http_hosts);
    }
    let usual = Endpoint::of_role(role_arn, region, None)?;
    match of_kind(host, STS, region, profile)? {
        Some(url) => Endpoint::of_role(role_arn, region, Some(&url)),
        None => Ok(usual),
    }
}

/// An endpoint that somebody names. The environment is asked for hosts only where that matters.
fn named(
    host: &dyn Host,
    (role_arn, region): (&str, &str),
    url: &str,
    http_hosts: &HttpHosts,
) -> Result<Endpoint, Error> {
    match Endpoint::of_role(role_arn, region, Some(url)) {
        Err(error) if error.kind() == ErrorKind::InsecureUrl => {
            let http_hosts = http_hosts.clone().and(http_hosts_of(host)?);
            Endpoint::of_role_with(role_arn, region, Some(url), &http_hosts)
        }
        other => other,
    }
}

/// The URL that the environment or the profile names for a service.
pub(super) fn given(host: &dyn Host, service: Service, profile: &dyn Said) -> Result<Option<String>, Error> {
    if says(host, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", profile, "ignore_configured_endpoint_urls")? {
        return Ok(None);
    }
    let environment = || host.variable(service.variable).or_else(|| host.variable("AWS_ENDPOINT_URL"));
    let files = || profile.url(service.block).or_else(|| profile.key("endpoint_url")).map(str::to_owned);
    Ok(environment().or_else(files))
}

/// The URL of a service's FIPS or dual-stack endpoint, where one is wanted.
pub(super) fn of_kind(
    host: &dyn Host,
    service: Service,
    region: &str,
    profile: &dyn Said,
) -> Result<Option<String>, Error> {
    let is_fips = says(host, "AWS_USE_FIPS_ENDPOINT", profile, "use_fips_endpoint")?;
    let is_dual_stack = says(host, "AWS_USE_DUALSTACK_ENDPOINT", profile, "use_dualstack_endpoint")?;
    if !is_fips && !is_dual_stack {
        return Ok(None);
    }
    let partition = Partition::of_region(region);
    let dual_stack = DUAL_STACK.iter().find(|(name, _)| *name == partition.name()).map(|(_, domain)| *domain);
    let Some(domain) = (if is_dual_stack { dual_stack } else { partition.dns_suffix() }) else {
        let message =
            format!("no dual-stack endpoint of {} is known for partition `{}`", service.name, partition.name());
        return Err(Error::new(ErrorKind::UnknownPartition, message));
    };
    // In GovCloud the usual ones are FIPS endpoints.
    let is_fips_anyway = partition.name() == "aws-us-gov" && !is_dual_stack;
    let fips = if is_fips && !is_fips_anyway { "-fips" } else { "" };
    Ok(Some(format!("https://{}{fips}.{region}.{domain}/", service.label)))
}

/// Whether a variable says so.
pub(super) fn is_true(host: &dyn Host, name: &'static str) -> Result<bool, Error> {
    says(host, name, &Silent, "")
}

/// Only the two words are taken: what else may be meant is not guessed.
fn says(host: &dyn Host, name: &'static str, profile: &dyn Said, key: &'static str) -> Result<bool, Error> {
    let variable = host.variable(name);
    let (what, value) = match &variable {
        Some(value) => (format!("the environment variable `{name}`"), value.as_str()),
        None => (format!("`{key}` in the profile"), profile.key(key).unwrap_or_default()),
    };
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(Error::new(ErrorKind::InvalidOption, format!("{what} is neither true nor false"))
            .with_hint("set it to `true` or `false`, or remove it")),
    }
}
