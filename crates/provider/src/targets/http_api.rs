//! An HTTP API of API Gateway.

use std::time::Duration;

use xacct_sign::aws::{Arn, Partition};

use super::execute_api::{self, invoke, service};
use crate::iam::document::Statement;

/// A stage of an HTTP API
/// ([Working with HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html)).
///
/// ```
/// use xacct_sign_provider::targets::HttpApi;
///
/// let api = HttpApi::new("ap-northeast-1", "111111111111", "f6g7h8i9j0", HttpApi::DEFAULT_STAGE);
/// assert_eq!(api.arn(), "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default");
/// assert_eq!(api.resource("GET/items/*"), format!("{}/GET/items/*", api.arn()));
/// assert_eq!(api.invoke_url(), "https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com");
/// assert_eq!(HttpApi::of_arn(&api.arn()), Some(api));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct HttpApi<'a> {
    /// The partition: `aws`, `aws-cn` and so on.
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account, 12 digits.
    pub account: &'a str,
    /// The API's id in API Gateway.
    pub api_id: &'a str,
    /// The name of the API's stage in API Gateway.
    pub api_stage: &'a str,
}

/// What holds for every HTTP API. The limits are API Gateway's, and no quota raises them
/// ([Quotas](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html)).
impl HttpApi<'_> {
    /// The service that requests are signed for.
    pub const SIGNING_NAME: &'static str = service!();
    /// The action that a route takes of its caller
    /// ([Actions](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigateway.html)).
    pub const INVOKE: &'static str = invoke!();
    /// The stage whose name is in no URL.
    pub const DEFAULT_STAGE: &'static str = execute_api::DEFAULT_STAGE;
    /// How long API Gateway waits for the API behind it.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// How long a request's body may be, and an answer's.
    pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
    /// How long a request's first line and its headers may be together.
    pub const MAX_HEAD_BYTES: usize = 10_240;
}

impl<'a> HttpApi<'a> {
    /// The stage of this name of the API of this id; the partition is the region's.
    #[must_use]
    pub fn new(region: &'a str, account: &'a str, api_id: &'a str, api_stage: &'a str) -> Self {
        Self { partition: Partition::of_region(region).name(), region, account, api_id, api_stage }
    }

    /// The API that an ARN is of, whatever follows its stage; `None` where it is of none, or of several.
    #[must_use]
    pub fn of_arn(arn: &'a str) -> Option<Self> {
        let Arn { partition, service, region, account, resource, .. } = Arn::parse(arn)?;
        let mut path = resource.split('/');
        let (api_id, api_stage) = (path.next()?, path.next()?);
        let is_one = ![api_id, api_stage].iter().any(|text| text.contains('*'));
        let is_api = service == Self::SIGNING_NAME && is_one;
        is_api.then_some(Self { partition, region, account, api_id, api_stage })
    }

    /// The ARN of the stage, to which `/{METHOD}/{path}` is appended.
    #[must_use]
    pub fn arn(self) -> String {
        execute_api::arn(self.partition, self.region, self.account, self.api_id, self.api_stage)
    }

    /// The resource of a policy that a route is, given from its method on ([`Route::arn_suffixes`](crate::Route::arn_suffixes));
    /// `*` is every route.
    #[must_use]
    pub fn resource(self, route: &str) -> String {
        format!("{}/{route}", self.arn())
    }

    /// Where API Gateway itself answers, without a slash at the end; a custom domain, if there is one, is the provider's to
    /// tell ([Invoke URL](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html)).
    #[must_use]
    pub fn invoke_url(self) -> String {
        execute_api::invoke_url(self.partition, self.region, self.api_id, self.api_stage)
    }

    pub(super) fn statements(self, routes: &[&str]) -> Vec<Statement> {
        vec![execute_api::statement(&self.arn(), routes)]
    }
}
