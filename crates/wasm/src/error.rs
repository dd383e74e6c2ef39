//! Errors of the core → lines, of which the package makes `XacctSignError`: the one place.

use std::error::Error as _;

use wasm_bindgen::JsValue;
use xacct_sign::Error;

/// Code, hint, `true` if it is retryable, the action of STS, AWS's code, status, request id, by how many seconds the clock is off if
/// that is what STS refused, and the message. The message may itself have lines, as none of the others has. What there is not is an
/// empty line, or zero. After a NUL each, the texts of what caused the error.
pub(crate) fn to_js(error: &Error) -> JsValue {
    let aws = error.aws();
    let status = aws.map(|aws| aws.status).unwrap_or_default();
    let skew = error.skew().unwrap_or_default().as_seconds();
    let mut lines = format!(
        "{}\n{}\n{}\n{}\n{}\n{status}\n{}\n{skew}\n{error}",
        error.code(),
        error.hint().unwrap_or_default(),
        error.is_retryable(),
        error.action().unwrap_or_default(),
        aws.map(|aws| aws.code.as_str()).unwrap_or_default(),
        aws.and_then(|aws| aws.request_id.as_deref()).and_then(|id| id.lines().next()).unwrap_or_default(),
    );
    let mut cause = error.source();
    while let Some(source) = cause {
        lines.push('\0');
        lines.push_str(&source.to_string());
        cause = source.source();
    }
    JsValue::from(lines)
}
