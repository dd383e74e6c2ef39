//! What the APIs of API Gateway have in common: the one place where their signing name stands.

use xacct_sign::aws::Partition;

use crate::iam::document::Statement;

/// The signing name of API Gateway, which its actions and ARNs begin with.
macro_rules! service {
    () => {
        "execute-api"
    };
}

/// The action that opens a route, for constants that are put together of it.
macro_rules! invoke {
    () => {
        concat!($crate::targets::execute_api::service!(), ":Invoke")
    };
}

pub(crate) use {invoke, service};

/// The stage of an HTTP API whose name is in no URL. REST APIs have none.
pub(super) const DEFAULT_STAGE: &str = "$default";

/// The ARN of an API's stage.
pub(super) fn arn(partition: &str, region: &str, account: &str, api_id: &str, api_stage: &str) -> String {
    format!("arn:{partition}:{}:{region}:{account}:{api_id}/{api_stage}", service!())
}

/// Where API Gateway itself answers, without a slash at the end.
pub(super) fn invoke_url(partition: &str, region: &str, api_id: &str, api_stage: &str) -> String {
    let domain = Partition::named(partition).and_then(Partition::dns_suffix).unwrap_or("amazonaws.com");
    let host = format!("{api_id}.{}.{region}.{domain}", service!());
    match api_stage {
        DEFAULT_STAGE => format!("https://{host}"),
        named => format!("https://{host}/{named}"),
    }
}

/// Allows its bearer these routes of a stage.
pub(super) fn statement(stage_arn: &str, routes: &[&str]) -> Statement {
    Statement::allow(invoke!(), routes.iter().map(|route| format!("{stage_arn}/{route}")).collect())
}

/// Whether API Gateway could have given this id.
pub(crate) fn is_api_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether API Gateway takes this name for a stage of an HTTP API.
pub(crate) fn is_api_stage(text: &str) -> bool {
    text == DEFAULT_STAGE || is_named_stage(text)
}

/// Whether it takes this name for a stage of a REST API.
pub(crate) fn is_named_stage(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether it is the id of a VPC endpoint, through which a private API is reached
/// ([Resource IDs](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html): 8 digits of old, 17 today).
pub(crate) fn is_vpc_endpoint(text: &str) -> bool {
    text.strip_prefix("vpce-").is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}
