//! AWS's limits, in one table.
//!
//! IAM counts a policy's characters without white space: the compact JSON that is rendered has none to discount.

/// A limit of AWS's, and where AWS states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What is limited.
    pub what: &'static str,
    /// How much of it there can be.
    pub at_most: usize,
    /// In what it is counted.
    pub unit: &'static str,
    /// AWS's page.
    pub source: &'static str,
}

const IAM: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
const CLOUDFORMATION: &str =
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html";

const API_GATEWAY: &str =
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html";
const LAMBDA: &str = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";

const fn limit(what: &'static str, at_most: usize, unit: &'static str, source: &'static str) -> Limit {
    Limit { what, at_most, unit, source }
}

/// A role's trust policy, by default.
pub(crate) const TRUST_POLICY: Limit = limit("trust policy of a role", 2_048, "characters", IAM);
/// A role's trust policy, where AWS has raised the quota as far as it goes.
pub(crate) const TRUST_POLICY_RAISED: Limit =
    limit("trust policy of a role, with the quota raised", 4_096, "characters", IAM);
/// All inline policies of a role together: here, the invoke policy.
pub(crate) const INLINE_POLICIES: Limit = limit("inline policies of a role, together", 10_240, "characters", IAM);
/// A managed policy: here, what a caller attaches to its own role.
pub(crate) const MANAGED_POLICY: Limit = limit("managed policy", 6_144, "characters", IAM);
/// The resource policy of a REST API, for all of its stages.
pub(crate) const REST_API_POLICY: Limit = limit("resource policy of a REST API", 8_192, "characters", API_GATEWAY);
/// The policy of a function, or of one of its aliases.
pub(crate) const FUNCTION_POLICY: Limit = limit("policy of a function or an alias", 20_480, "characters", LAMBDA);
/// Roles of an account, by default.
pub(crate) const ROLES: Limit = limit("roles of an account, by default", 1_000, "roles", IAM);
/// A role's name.
pub(crate) const ROLE_NAME: Limit = limit("name of a role", 64, "characters", IAM);
/// Resources of a CloudFormation template.
pub(crate) const TEMPLATE_RESOURCES: Limit = limit("resources of a template", 500, "resources", CLOUDFORMATION);
/// Outputs of a CloudFormation template.
pub(crate) const TEMPLATE_OUTPUTS: Limit = limit("outputs of a template", 200, "outputs", CLOUDFORMATION);
/// A CloudFormation template that is passed in the call itself.
pub(crate) const TEMPLATE_BODY: Limit = limit("template passed in the call", 51_200, "bytes", CLOUDFORMATION);
/// A CloudFormation template that lies in S3.
pub(crate) const TEMPLATE_IN_S3: Limit = limit("template in S3", 1_048_576, "bytes", CLOUDFORMATION);

/// Every limit that is checked or kept.
pub const LIMITS: &[Limit] = &[
    TRUST_POLICY,
    TRUST_POLICY_RAISED,
    INLINE_POLICIES,
    MANAGED_POLICY,
    REST_API_POLICY,
    FUNCTION_POLICY,
    ROLES,
    ROLE_NAME,
    TEMPLATE_RESOURCES,
    TEMPLATE_OUTPUTS,
    TEMPLATE_BODY,
    TEMPLATE_IN_S3,
];
