//! What a parameter mapping may say
//! ([HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html),
//! [REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html)).

use http::header::HeaderName;

use crate::gateway::headers::{HOP_BY_HOP, is_of_the_gateway, plain};

/// What a variable begins with.
const CONTEXT: &str = "$context.";

/// The variables that both kinds of API have for a request that IAM has let in. They are called as the members of payload format
/// 1.0, and each is one.
const VARIABLES: [&str; 19] = [
    "accountId",
    "apiId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity.accountId",
    "identity.caller",
    "identity.principalOrgId",
    "identity.sourceIp",
    "identity.user",
    "identity.userAgent",
    "identity.userArn",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "stage",
];

/// Further headers that no mapping sets
/// ([Reserved headers](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html#http-api-mapping-reserved-headers)).
const RESERVED: [&str; 6] =
    ["authorization", "content-encoding", "content-length", "content-location", "host", "origin"];

/// What further such headers begin with.
const RESERVED_PREFIXES: [&str; 3] = ["access-control-", "apigw-", "x-amz-"];

/// Every variable, as it is written.
pub(crate) fn variables() -> Vec<String> {
    VARIABLES.iter().map(|name| format!("{CONTEXT}{name}")).collect()
}

/// The name of a header that a mapping may set.
pub(crate) fn settable(name: &str) -> Option<HeaderName> {
    let plain = plain(name);
    let is_reserved = is_of_the_gateway(name)
        || RESERVED.iter().chain(&HOP_BY_HOP).any(|reserved| *reserved == plain)
        || RESERVED_PREFIXES.iter().any(|prefix| plain.starts_with(prefix));
    HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| !is_reserved)
}

/// A header's name as those read it who take several names for one.
pub(crate) fn read_as(name: &str) -> String {
    plain(name)
}

/// A variable's name without what they all begin with; `None` for what is no variable.
pub(crate) fn variable_name(variable: &str) -> Option<&str> {
    variable.strip_prefix(CONTEXT).filter(|name| VARIABLES.contains(name))
}
