//! The whole event of a Lambda function behind a front. Its answer is read in `answer.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE};
use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::gateway::context::{SOURCE_IP, resource_path};
use crate::gateway::front::Call;
use crate::gateway::headers::is_of_the_gateway;
use crate::gateway::secrets::{SECRET_HEADERS, without_signature};
use crate::query::{pairs, percent_decode};

/// What becomes of the headers by which a request shows who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// The front has checked them, and keeps them to itself.
    Removed,
    /// The program behind it checks them.
    Kept,
}

/// Payload format 2.0: of HTTP APIs and function URLs
/// ([format](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.proxy-format)).
pub(crate) fn two(parts: &Parts, body: &Bytes, context: Value, secrets: Secrets) -> Value {
    let query = query(parts);
    let mut headers = Map::new();
    for (name, values) in passed_on(&parts.headers, secrets) {
        if name != COOKIE.as_str() {
            headers.insert(name, Value::String(values.join(",")));
        }
    }
    let (body, is_base64) = text_of(body, is_text(&parts.headers));
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.uri.path(),
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": is_base64,
    });
    // What there is none of is left out.
    if let Value::Object(event) = &mut event {
        let cookies: Vec<String> = parts
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .map(|cookie| cookie.trim().to_owned())
            .filter(|cookie| !cookie.is_empty())
            .collect();
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        let parameters = grouped(&query).into_iter().map(|(key, values)| (key, Value::String(values.join(","))));
        let parameters: Map<String, Value> = parameters.collect();
        if !parameters.is_empty() {
            event.insert("queryStringParameters".to_owned(), Value::Object(parameters));
        }
        if let Some(body) = body {
            event.insert("body".to_owned(), Value::String(body));
        }
    }
    event
}

/// Payload format 1.0, of REST APIs: of an API with one resource for every path
/// ([format](https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format)).
/// Here what there is none of is null.
pub(crate) fn one(call: &Call<'_>, context: Value) -> Value {
    let last = |values: &[String]| Value::String(values.last().cloned().unwrap_or_default());
    let of = |all: Vec<(String, Vec<String>)>| {
        let single: Map<String, Value> = all.iter().map(|(name, values)| (name.clone(), last(values))).collect();
        let multiple: Map<String, Value> = all.into_iter().map(|(name, values)| (name, json!(values))).collect();
        if single.is_empty() { (Value::Null, Value::Null) } else { (Value::Object(single), Value::Object(multiple)) }
    };
    let (headers, all_headers) = of(passed_on(&call.parts.headers, Secrets::Removed));
    let (parameters, all_parameters) = of(grouped(&query(call.parts)));
    let (body, is_base64) = text_of(call.body, true);
    let proxy = percent_decode(call.path.trim_start_matches('/')).unwrap_or_default();
    json!({
        "resource": resource_path(call.path),
        "path": call.path,
        "httpMethod": call.parts.method.as_str(),
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": all_parameters,
        "pathParameters": if proxy.is_empty() { Value::Null } else { json!({ "proxy": proxy }) },
        "stageVariables": null,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// The query as it stood, without a presigned URL's signature.
fn query(parts: &Parts) -> String {
    parts.uri.query().map(without_signature).unwrap_or_default()
}

/// The decoded parameters, those of one name together, in the order of the first of each.
fn grouped(query: &str) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in pairs(query).unwrap_or_default() {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => all.push((key, vec![value])),
        }
    }
    all
}

/// The headers without those that pose as the front's, and those that carry a secret; the front's own beside them.
fn passed_on(headers: &HeaderMap, secrets: Secrets) -> Vec<(String, Vec<String>)> {
    let is_secret = |name: &str| secrets == Secrets::Removed && SECRET_HEADERS.contains(&name);
    let is_passed_on = |name: &str| !is_secret(name) && !is_of_the_gateway(name);
    let values = |name| headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let sent = headers.keys().filter(|name| is_passed_on(name.as_str()));
    let sent = sent.map(|name| (name.as_str().to_owned(), values(name).collect()));
    let own = [("x-forwarded-for", SOURCE_IP), ("x-forwarded-proto", "http")];
    sent.chain(own.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))).collect()
}

/// Whether the body is handed on as text by what its header says; else it is base 64, a form's too.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// The body, none for an empty one, and whether it is base 64.
fn text_of(body: &Bytes, is_text: bool) -> (Option<String>, bool) {
    match std::str::from_utf8(body) {
        Ok("") => (None, false),
        Ok(text) if is_text => (Some(text.to_owned()), false),
        _ => (Some(STANDARD.encode(body)), true),
    }
}
