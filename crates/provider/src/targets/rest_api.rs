//! A REST API of API Gateway.

use std::time::Duration;

use xacct_sign::aws::Partition;

use super::execute_api::{self, invoke, service};
use crate::iam::document::Statement;

/// A stage of a REST API
/// ([Working with REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html)).
///
/// ```
/// use xacct_sign_provider::targets::RestApi;
///
/// let api = RestApi::new("eu-west-1", "111111111111", "r1s2t3u4v5", "v1", &[]);
/// assert_eq!(api.arn(), "arn:aws:execute-api:eu-west-1:111111111111:r1s2t3u4v5/v1");
/// assert_eq!(api.invoke_url(), "https://r1s2t3u4v5.execute-api.eu-west-1.amazonaws.com/v1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct RestApi<'a> {
    /// The partition: `aws`, `aws-cn` and so on.
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account, 12 digits.
    pub account: &'a str,
    /// The API's id in API Gateway.
    pub api_id: &'a str,
    /// The name of the API's stage in API Gateway: a REST API has none without a name.
    pub api_stage: &'a str,
    /// The VPC endpoints through which alone a private API is called; empty for any way in.
    pub vpc_endpoints: &'a [String],
}

/// What holds for every REST API. The limits are API Gateway's
/// ([Quotas](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html)).
impl RestApi<'_> {
    /// The service that requests are signed for.
    pub const SIGNING_NAME: &'static str = service!();
    /// The action that a route takes of its caller.
    pub const INVOKE: &'static str = invoke!();
    /// How long API Gateway waits for the API behind it, unless the account's quota is raised.
    pub const TIMEOUT: Duration = Duration::from_secs(29);
    /// How long a request's body may be, and an answer's that is not streamed.
    pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
    /// How long the values of a request's headers may be together.
    pub const MAX_HEADER_VALUE_BYTES: usize = 10_240;
}

impl<'a> RestApi<'a> {
    /// The stage of this name of the API of this id; the partition is the region's.
    #[must_use]
    pub fn new(
        region: &'a str,
        account: &'a str,
        api_id: &'a str,
        api_stage: &'a str,
        vpc_endpoints: &'a [String],
    ) -> Self {
        let partition = Partition::of_region(region).name();
        Self { partition, region, account, api_id, api_stage, vpc_endpoints }
    }

    /// The ARN of the stage, to which `/{METHOD}/{path}` is appended.
    #[must_use]
    pub fn arn(self) -> String {
        execute_api::arn(self.partition, self.region, self.account, self.api_id, self.api_stage)
    }

    /// Where API Gateway itself answers, without a slash at the end; a private API does so within the VPC of its endpoints,
    /// where these have private names.
    #[must_use]
    pub fn invoke_url(self) -> String {
        execute_api::invoke_url(self.partition, self.region, self.api_id, self.api_stage)
    }

    /// Whether it is the id of a VPC endpoint, of the short form or the long one.
    #[must_use]
    pub fn is_vpc_endpoint(text: &str) -> bool {
        execute_api::is_vpc_endpoint(text)
    }

    pub(super) fn statements(self, routes: &[&str]) -> Vec<Statement> {
        let statement = execute_api::statement(&self.arn(), routes);
        if self.vpc_endpoints.is_empty() {
            return vec![statement];
        }
        vec![statement.when("StringEquals", "aws:SourceVpce", self.vpc_endpoints.to_vec())]
    }
}
