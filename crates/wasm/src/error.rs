//! Errors of the core → plain objects, of which the package makes `XacctSignError`: the one place.

use serde::Serialize;
use wasm_bindgen::JsValue;
use xacct_sign::Error;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plain<'a> {
    code: &'a str,
    message: String,
    hint: Option<&'a str>,
    retryable: bool,
    aws_code: Option<&'a str>,
    status: Option<u16>,
    request_id: Option<&'a str>,
}

pub(crate) fn to_js(error: &Error) -> JsValue {
    let aws = error.aws();
    let plain = Plain {
        code: error.code(),
        message: error.to_string(),
        hint: error.hint(),
        retryable: error.is_retryable(),
        aws_code: aws.map(|aws| aws.code.as_str()),
        status: aws.map(|aws| aws.status),
        request_id: aws.and_then(|aws| aws.request_id.as_deref()),
    };
    serde_wasm_bindgen::to_value(&plain).unwrap_or_else(|_| JsValue::from(error.code()))
}
