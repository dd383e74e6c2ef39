//! What the program behind a front learns about a request: `requestContext` of both payload formats
//! ([Lambda proxy integrations for HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html),
//! [for REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format),
//! [of function URLs](https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html)).

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};

use crate::gateway::front::Call;

/// Where every request comes from.
pub(crate) const SOURCE_IP: &str = "127.0.0.1";

/// That of payload format 2.0. The identity is that of whoever signed: by role the assumed one, in the API's account; directly
/// the caller's own. Of function URLs `accountId` is the function's account, as it is the API's of an HTTP API.
pub(crate) fn two(call: &Call<'_>) -> Value {
    let (session, api, headers) = (call.session, call.api, &call.parts.headers);
    let host = header(headers, "host");
    json!({
        "accountId": call.account,
        "apiId": api.api_id,
        "authorizer": {
            "iam": {
                "accessKey": session.credentials.access_key_id(),
                "accountId": session.principal.account(),
                "callerId": session.user_id,
                "cognitoIdentity": null,
                "principalOrgId": session.organization,
                "userArn": session.principal.arn(),
                "userId": session.user_id,
            },
        },
        "domainName": host,
        "domainPrefix": domain_prefix(&host),
        "http": {
            "method": call.parts.method.as_str(),
            "path": call.parts.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": header(headers, "user-agent"),
        },
        "requestId": call.ids.request(),
        "routeKey": "$default",
        "stage": api.api_stage,
        "time": common_log_time(call.now),
        "timeEpoch": milliseconds(call.now),
    })
}

/// That of payload format 2.0 where the front asks nobody who he is: of a function's URL whose `AuthType` is `NONE`.
pub(crate) fn of_nobody(parts: &Parts, request_id: &str, now: SystemTime) -> Value {
    let host = header(&parts.headers, "host");
    json!({
        "accountId": "anonymous",
        "apiId": domain_prefix(&host),
        "domainName": host,
        "domainPrefix": domain_prefix(&host),
        "http": {
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": header(&parts.headers, "user-agent"),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": common_log_time(now),
        "timeEpoch": milliseconds(now),
    })
}

/// That of payload format 1.0, as a REST API has it.
pub(crate) fn one(call: &Call<'_>) -> Value {
    let (session, api, headers) = (call.session, call.api, &call.parts.headers);
    let host = header(headers, "host");
    let mut context = json!({
        "accountId": call.account,
        "apiId": api.api_id,
        "domainName": host,
        "domainPrefix": domain_prefix(&host),
        "extendedRequestId": call.ids.extended(),
        "httpMethod": call.parts.method.as_str(),
        "identity": {
            "accessKey": session.credentials.access_key_id(),
            "accountId": session.principal.account(),
            "caller": session.user_id,
            "cognitoAuthenticationProvider": null,
            "cognitoAuthenticationType": null,
            "cognitoIdentityId": null,
            "cognitoIdentityPoolId": null,
            "principalOrgId": session.organization,
            "sourceIp": SOURCE_IP,
            "user": session.user_id,
            "userAgent": header(headers, "user-agent"),
            "userArn": session.principal.arn(),
        },
        "path": call.parts.uri.path(),
        "protocol": "HTTP/1.1",
        "requestId": call.ids.request(),
        "requestTime": common_log_time(call.now),
        "requestTimeEpoch": milliseconds(call.now),
        "resourceId": "xacct0",
        "resourcePath": resource_path(call.path),
        "stage": api.api_stage,
    });
    // Private APIs alone have it.
    if let (Some(endpoint), Some(Value::Object(identity))) = (call.vpc_endpoint, context.get_mut("identity")) {
        identity.insert("vpceId".to_owned(), Value::String(endpoint.to_owned()));
    }
    context
}

/// The resource that a REST API with one for everything has for a path.
pub(crate) fn resource_path(path: &str) -> &'static str {
    if path == "/" { "/" } else { "/{proxy+}" }
}

fn domain_prefix(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

fn milliseconds(at: SystemTime) -> u64 {
    let epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(epoch).unwrap_or(u64::MAX)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// `12/Mar/2020:19:03:58 +0000`.
fn common_log_time(now: SystemTime) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = xacct_sign::aws::format_rfc3339(now).unwrap_or_default();
    let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let mut date = date.split('-');
    let (year, month, day) = (date.next(), date.next(), date.next());
    let month = month.and_then(|month| month.parse::<usize>().ok()).and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{}/{}/{}:{time} +0000", day.unwrap_or_default(), month.unwrap_or(&""), year.unwrap_or_default())
}

/// JSON in ASCII, as it fits into a header.
pub(crate) fn ascii_json(value: &Value) -> String {
    let mut out = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_is_written_as_in_access_logs() {
        assert_eq!(common_log_time(UNIX_EPOCH + Duration::from_secs(1_583_348_638)), "04/Mar/2020:19:03:58 +0000");
    }

    #[test]
    fn json_is_ascii() {
        assert_eq!(ascii_json(&json!({"a": "é😀\u{7f}"})), r#"{"a":"\u00e9\ud83d\ude00\u007f"}"#);
    }
}
