//! Where STS is, as the environment has it: the variables of AWS's SDKs, as botocore reads them
//! ([service-specific endpoints](https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html),
//! [dual-stack and FIPS endpoints](https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html)).

use xacct_sign::aws::Partition;
use xacct_sign::sts::Endpoint;
use xacct_sign::{Error, ErrorKind};

use crate::host::Host;

/// Partition → the domain of its dual-stack endpoints.
const DUAL_STACK: [(&str, &str); 4] = [
    ("aws", "api.aws"),
    ("aws-cn", "api.amazonwebservices.com.cn"),
    ("aws-us-gov", "api.aws"),
    ("aws-eusc", "api.amazonwebservices.eu"),
];

/// The endpoint for assuming a role in a region, of the kind that the environment says, or the one that it names.
pub(super) fn from_environment(host: &dyn Host, role_arn: &str, region: &str) -> Result<Endpoint, Error> {
    if !is_true(host, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")? {
        // A URL that is given is not changed.
        if let Some(url) = host.variable("AWS_ENDPOINT_URL_STS").or_else(|| host.variable("AWS_ENDPOINT_URL")) {
            return Endpoint::of_role(role_arn, region, Some(&url));
        }
    }
    let usual = Endpoint::of_role(role_arn, region, None)?;
    let (is_fips, is_dual_stack) =
        (is_true(host, "AWS_USE_FIPS_ENDPOINT")?, is_true(host, "AWS_USE_DUALSTACK_ENDPOINT")?);
    if !is_fips && !is_dual_stack {
        return Ok(usual);
    }
    let partition = Partition::of_region(region);
    let dual_stack = DUAL_STACK.iter().find(|(name, _)| *name == partition.name()).map(|(_, domain)| *domain);
    let Some(domain) = (if is_dual_stack { dual_stack } else { partition.dns_suffix() }) else {
        let message = format!("no dual-stack endpoint of STS is known for partition `{}`", partition.name());
        return Err(Error::new(ErrorKind::UnknownPartition, message));
    };
    // In GovCloud the usual ones are FIPS endpoints.
    let is_fips_anyway = partition.name() == "aws-us-gov" && !is_dual_stack;
    let service = if is_fips && !is_fips_anyway { "sts-fips" } else { "sts" };
    Endpoint::of_role(role_arn, region, Some(&format!("https://{service}.{region}.{domain}/")))
}

/// Only the two words are taken: what else may be meant is not guessed.
pub(super) fn is_true(host: &dyn Host, name: &'static str) -> Result<bool, Error> {
    let value = host.variable(name).unwrap_or_default();
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => {
            let message = format!("the environment variable `{name}` is neither true nor false");
            Err(Error::new(ErrorKind::InvalidOption, message).with_hint("set it to `true` or `false`, or remove it"))
        }
    }
}
