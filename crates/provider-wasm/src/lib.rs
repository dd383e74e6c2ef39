//! The WebAssembly module of the CDK construct: converts types and errors, and decides nothing.
//!
//! What crosses is texts: TOML and JSON. Files are read in JavaScript.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

mod error;
mod stage;

use wasm_bindgen::prelude::*;
use xacct_sign_provider::{Lock, Manifest, ManifestErrorKind as Kind, Route};

use crate::error::{to_js, without_place};

/// A stage of a manifest as JSON: its API, its roles with their documents, and what the check finds. See [`stage::Stage`].
#[wasm_bindgen(js_name = readStage)]
pub fn read_stage(
    text: &str,
    file: &str,
    lock_text: Option<String>,
    lock_file: &str,
    name: &str,
) -> Result<String, JsValue> {
    let manifest = Manifest::parse(text, file).map_err(|error| to_js(&error))?;
    let lock = lock_text.map(|text| Lock::parse(&text, lock_file)).transpose().map_err(|error| to_js(&error))?;
    let plan = manifest.plan(&lock.unwrap_or_default());
    let stage = manifest.stages.get(name).ok_or_else(|| {
        let known: Vec<&str> = manifest.stages.keys().map(String::as_str).collect();
        let message = format!("`{file}` has no stage `{name}`; it has {}", known.join(", "));
        without_place(Kind::UnknownStage, &message)
    })?;
    serde_json::to_string(&stage::Stage::of(&manifest, &plan, stage))
        .map_err(|error| without_place(Kind::Schema, &error.to_string()))
}

/// The manifest that an object of JavaScript means, given as JSON with the manifest's keys.
#[wasm_bindgen(js_name = manifestOf)]
pub fn manifest_of(json: &str) -> Result<String, JsValue> {
    let schema = |error: &dyn std::fmt::Display| without_place(Kind::Schema, &error.to_string());
    let table: toml::Table = serde_json::from_str(json).map_err(|error| schema(&error))?;
    toml::to_string(&table).map_err(|error| schema(&error))
}

/// The end of the ARN that a route is, from the method on: `GET/items/*`. See `xacct_sign_provider::Route`.
#[wasm_bindgen(js_name = routeArnSuffix)]
pub fn route_arn_suffix(text: &str) -> Result<String, JsValue> {
    let route = Route::parse(text).map_err(|why| without_place(Kind::InvalidRoute, &format!("`{text}` {why}")))?;
    Ok(route.arn_suffix())
}
