//! What the API behind the gateway learns about a request: `requestContext` of payload format 2.0
//! ([Lambda proxy integrations for HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html)).

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};
use xacct_sign_provider::DeployedStage;

use crate::iam::sessions::Session;

/// The request context. The identity is that of the assumed role, in the API's account: who the caller was shows only
/// in the session's name.
pub(crate) fn request_context(
    session: &Session,
    api: &DeployedStage,
    account: &str,
    organization: Option<&str>,
    parts: &Parts,
    request_id: &str,
    now: SystemTime,
) -> Value {
    let host = header(&parts.headers, "host");
    let domain_prefix = host.split('.').next().unwrap_or_default();
    let epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    json!({
        "accountId": account,
        "apiId": api.api_id,
        "authorizer": {
            "iam": {
                "accessKey": session.credentials.access_key_id(),
                "accountId": session.principal.account(),
                "callerId": session.user_id,
                "cognitoIdentity": null,
                "principalOrgId": organization,
                "userArn": session.principal.arn(),
                "userId": session.user_id,
            },
        },
        "domainName": host,
        "domainPrefix": domain_prefix,
        "http": {
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": header(&parts.headers, "user-agent"),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": api.api_stage,
        "time": common_log_time(now),
        "timeEpoch": u64::try_from(epoch).unwrap_or(u64::MAX),
    })
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
