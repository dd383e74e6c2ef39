//! Errors of the provider crate → objects, of which the package makes `XacctSignError`: the one place.

use serde::Serialize;
use wasm_bindgen::JsValue;
use xacct_sign_provider::{ManifestError, ManifestErrorKind, RenderError};

use crate::value;

/// What is thrown: `js/xacct-sign-cdk/src/module.ts` has the same type.
#[derive(Serialize)]
struct Thrown<'a> {
    code: &'static str,
    hint: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Place<'a>>,
}

/// Where in a file it is; left out where it is in none.
#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

pub(crate) fn to_js(error: &ManifestError) -> JsValue {
    let place = Place { file: error.file(), line: error.line(), column: error.column() };
    let others = error.others().iter().map(|other| format!("\n{other}")).collect::<String>();
    thrown(error.code(), error.hint(), &format!("{}{others}", error.message()), Some(place))
}

/// The same for what has no place in a file.
pub(crate) fn without_place(kind: ManifestErrorKind, hint: &str, message: &str) -> JsValue {
    thrown(kind.code(), hint, message, None)
}

/// Of a stage of which nothing is rendered.
pub(crate) fn of_render(error: &RenderError) -> JsValue {
    thrown(error.code(), error.hint(), &error.to_string(), None)
}

fn thrown(code: &'static str, hint: &str, message: &str, place: Option<Place<'_>>) -> JsValue {
    let thrown = Thrown { code, hint, message, place };
    value::to_js(&thrown).unwrap_or_else(JsValue::from)
}
