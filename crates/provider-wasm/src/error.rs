//! Errors of the provider crate → lines, of which the package makes `XacctSignError`: the one place.

use wasm_bindgen::JsValue;
use xacct_sign_provider::{ManifestError, ManifestErrorKind};

/// Code, hint, file, line, column, and the message, which may itself have lines.
pub(crate) fn to_js(error: &ManifestError) -> JsValue {
    let place = format!("{}\n{}\n{}", error.file(), error.line(), error.column());
    JsValue::from(format!("{}\n{}\n{place}\n{}", error.code(), error.hint(), error.message()))
}

/// The same for what has no place in a file: its lines are empty.
pub(crate) fn without_place(kind: ManifestErrorKind, message: &str) -> JsValue {
    JsValue::from(format!("{}\n{}\n\n\n\n{message}", kind.code(), kind.hint()))
}
