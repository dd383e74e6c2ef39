//! Headers that the gateway makes of its variables, as parameter mappings do it
//! ([HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html),
//! [REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html)).

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::gateway::context;
use crate::gateway::forward::HOP_BY_HOP;
use crate::gateway::front::Call;
use crate::gateway::headers::{is_of_the_gateway, plain};
use crate::options::SetupError;

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

/// Headers for the API behind the gateway, with their values; those that have none are not sent.
pub(crate) struct Mapped(Vec<(HeaderName, Option<HeaderValue>)>);

impl Mapped {
    /// The values for one call.
    pub(crate) fn of(headers: &BTreeMap<String, String>, call: &Call<'_>) -> Self {
        if headers.is_empty() {
            return Self(Vec::new());
        }
        let context = context::one(call);
        let value = |variable: &str| match context.pointer(&format!("/{}", variable.replace('.', "/"))) {
            Some(Value::String(text)) => HeaderValue::from_bytes(text.as_bytes()).ok(),
            Some(Value::Number(number)) => HeaderValue::from_str(&number.to_string()).ok(),
            _ => None,
        };
        let named = |(name, variable): (&String, &String)| Some((settable(name)?, value(known(variable)?)));
        Self(headers.iter().filter_map(named).collect())
    }

    /// Puts them in the place of whatever a client has sent by these names, in every spelling.
    pub(crate) fn put(self, headers: &mut HeaderMap) {
        for (name, value) in self.0 {
            let posing = |sent: &&HeaderName| plain(sent.as_str()) == plain(name.as_str());
            let posing: Vec<HeaderName> = headers.keys().filter(posing).cloned().collect();
            for sent in posing {
                headers.remove(sent);
            }
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

/// Whether these headers can be made of these variables.
///
/// # Errors
///
/// [`SetupError::HeaderName`], [`SetupError::Variable`].
pub(crate) fn check(headers: &BTreeMap<String, String>) -> Result<(), SetupError> {
    for (name, variable) in headers {
        settable(name).ok_or_else(|| SetupError::HeaderName(name.clone()))?;
        known(variable).ok_or_else(|| SetupError::Variable {
            variable: variable.clone(),
            known: VARIABLES.iter().map(|name| format!("{CONTEXT}{name}")).collect(),
        })?;
    }
    Ok(())
}

/// The name of a header that a mapping may set.
fn settable(name: &str) -> Option<HeaderName> {
    let plain = plain(name);
    let is_reserved = is_of_the_gateway(name)
        || RESERVED.iter().chain(&HOP_BY_HOP).any(|reserved| *reserved == plain)
        || RESERVED_PREFIXES.iter().any(|prefix| plain.starts_with(prefix));
    HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| !is_reserved)
}

/// A variable's name without what they all begin with.
fn known(variable: &str) -> Option<&str> {
    variable.strip_prefix(CONTEXT).filter(|name| VARIABLES.contains(name))
}
