//! What a Lambda function answers, made into an answer of HTTP
//! ([format 2.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response),
//! [format 1.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value};

use crate::gateway::front::{AnswerForm, UpstreamFailure};

/// The header that says that a function failed.
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// The function's answer; what it is not is said by [`UpstreamFailure`].
pub(crate) fn read(form: AnswerForm, response: &Response<Bytes>) -> Result<Response<Bytes>, UpstreamFailure> {
    if !response.status().is_success() {
        return Err(UpstreamFailure::NoRuntime);
    }
    if response.headers().contains_key(FUNCTION_ERROR) {
        return Err(UpstreamFailure::Function);
    }
    let value: Value = serde_json::from_slice(response.body()).map_err(|_| UpstreamFailure::Malformed)?;
    match (&value, form) {
        // The runtime interface emulator says so in the body alone.
        (Value::Object(all), _) if all.contains_key("errorType") && !all.contains_key("statusCode") => {
            Err(UpstreamFailure::Function)
        }
        (Value::Object(all), AnswerForm::Two) if !all.contains_key("statusCode") => Ok(as_it_is(&value)),
        (Value::Object(all), _) => whole(form, all).ok_or(UpstreamFailure::Malformed),
        (_, AnswerForm::Two) => Ok(as_it_is(&value)),
        (_, AnswerForm::One) => Err(UpstreamFailure::Malformed),
    }
}

/// What says no status is the body itself.
fn as_it_is(value: &Value) -> Response<Bytes> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut response = Response::new(Bytes::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn whole(form: AnswerForm, answer: &Map<String, Value>) -> Option<Response<Bytes>> {
    let status = answer.get("statusCode")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok())?;
    let body = match answer.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        // A REST API refuses what is no text.
        Some(other) if form == AnswerForm::Two => other.to_string(),
        Some(_) => return None,
    };
    let is_base64 = answer.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    let body = if is_base64 { Bytes::from(STANDARD.decode(body).ok()?) } else { Bytes::from(body) };
    let mut headers = HeaderMap::new();
    for (name, value) in object(answer, "headers")? {
        headers.insert(header_name(name)?, header_value(value)?);
    }
    match form {
        AnswerForm::One => {
            for (name, values) in object(answer, "multiValueHeaders")? {
                let name = header_name(name)?;
                let values: Vec<HeaderValue> = values.as_array()?.iter().map(header_value).collect::<Option<_>>()?;
                // A value that stands in both is there once.
                headers.remove(&name);
                for value in values {
                    headers.append(&name, value);
                }
            }
        }
        AnswerForm::Two => {
            for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
                headers.append(SET_COOKIE, header_value(cookie)?);
            }
        }
    }
    if !headers.contains_key(CONTENT_TYPE) {
        let kind = if form == AnswerForm::One { "application/json" } else { "text/plain;charset=UTF-8" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    // The body says itself how long it is.
    headers.remove(CONTENT_LENGTH);
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Some(response)
}

/// The members of an object that may be missing.
fn object<'a>(answer: &'a Map<String, Value>, key: &str) -> Option<impl Iterator<Item = (&'a String, &'a Value)>> {
    match answer.get(key) {
        None | Some(Value::Null) => Some(None.into_iter().flatten()),
        Some(Value::Object(all)) => Some(Some(all.iter()).into_iter().flatten()),
        Some(_) => None,
    }
}

fn header_name(name: &str) -> Option<HeaderName> {
    name.parse().ok()
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => HeaderValue::from_str(text).ok(),
        Value::Number(_) | Value::Bool(_) => HeaderValue::from_str(&value.to_string()).ok(),
        _ => None,
    }
}
