//! Errors of the core → lines, of which the package makes `XacctSignError`: the one place.

use wasm_bindgen::JsValue;
use xacct_sign::Error;

/// Code, hint, `true` if it is retryable, AWS's code, status, request id, and the message, which may itself have lines. What
/// there is not is an empty line.
pub(crate) fn to_js(error: &Error) -> JsValue {
    let aws = error.aws();
    let status = aws.map(|aws| aws.status).unwrap_or_default();
    let lines = format!(
        "{}\n{}\n{}\n{}\n{status}\n{}\n{error}",
        error.code(),
        error.hint().unwrap_or_default(),
        error.is_retryable(),
        aws.map(|aws| aws.code.as_str()).unwrap_or_default(),
        aws.and_then(|aws| aws.request_id.as_deref()).unwrap_or_default(),
    );
    JsValue::from(lines)
}
