//! Errors → lines, of which the package makes `XacctSignError`: code, hint, and the message, which may have several. The one place.

use std::error::Error;

use wasm_bindgen::JsValue;
use xacct_sign_emulator::{NoAccess, SetupError};
use xacct_sign_provider::ManifestError;

pub(crate) fn of_manifest(error: &ManifestError) -> JsValue {
    thrown(error.code(), error.hint(), &error.to_string())
}

pub(crate) fn of_access(error: &NoAccess) -> JsValue {
    thrown(error.code(), error.hint(), &error.to_string())
}

/// With its causes. Only what the package gives can be wrong, so these are the hints of its options.
pub(crate) fn of_setup(error: &SetupError) -> JsValue {
    let hint = match error {
        SetupError::Policy { .. } => "give the document in JSON as IAM takes it, with every statement in full",
        SetupError::Target { .. } => "take the stage out of the manifest to try the others, and try this one in AWS",
        SetupError::Upstream(_) => "give a URL of http or https, without a query, or a function",
        SetupError::UnknownPolicy(_) => "give the ARN that `permissions_boundary` has in the manifest",
        _ => "",
    };
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    thrown(error.code(), hint, &message)
}

pub(crate) fn thrown(code: &str, hint: &str, message: &str) -> JsValue {
    JsValue::from_str(&format!("{code}\n{hint}\n{message}"))
}
