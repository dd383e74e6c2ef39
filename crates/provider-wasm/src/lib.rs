//! The WebAssembly module of the CDK construct: converts types and errors, and decides nothing.
//!
//! Objects cross as objects, with the keys of JSON. Files are read in JavaScript.

#![allow(unreachable_pub, reason = "wasm-bindgen exports what is pub")]

mod error;
mod stage;
mod value;

use std::fmt::Display;

use wasm_bindgen::prelude::*;
use xacct_sign_provider::{Format, Lock, Manifest, ManifestErrorKind as Kind, Route, names_there_are};

use crate::error::{of_render, to_js, without_place};

/// A stage of a manifest as an object: its API, its roles with their documents, and what the check finds. See [`stage::Stage`].
#[wasm_bindgen(js_name = readStage)]
pub fn read_stage(
    text: &str,
    file: &str,
    lock_text: Option<String>,
    lock_file: &str,
    name: &str,
) -> Result<JsValue, JsValue> {
    let manifest = Manifest::parse(text, file).map_err(|error| to_js(&error))?;
    let lock = lock_text.map(|text| Lock::parse(&text, lock_file)).transpose().map_err(|error| to_js(&error))?;
    let plan = manifest.plan(&lock.unwrap_or_default());
    let stage = manifest.stages.get(name).ok_or_else(|| {
        let known: Vec<String> = manifest.stages.keys().cloned().collect();
        let message = format!("`{file}` has no stage `{name}`; {}", names_there_are(name, &known));
        let hint = "correct the prop `stage`, or add the stage to the manifest as `[stages.NAME]`";
        without_place(Kind::UnknownStage, hint, &message)
    })?;
    let Some(read) = stage::Stage::of(&manifest, &plan, stage) else {
        // A server: an error that says so.
        return plan.render(stage, Format::Json).map(JsValue::from).map_err(|error| of_render(&error));
    };
    value::to_js(&read).map_err(|error| schema(&error))
}

/// The text of the manifest that an object of JavaScript means, which has the manifest's keys.
#[wasm_bindgen(js_name = manifestOf)]
pub fn manifest_of(manifest: JsValue) -> Result<String, JsValue> {
    let table: toml::Table = value::of_js(manifest).map_err(|error| schema(&error))?;
    toml::to_string(&table).map_err(|error| schema(&error))
}

/// The ends of the ARNs that a route is, from the method on: `GET/items/*`. See `xacct_sign_provider::Route`.
#[wasm_bindgen(js_name = routeArnSuffixes)]
pub fn route_arn_suffixes(text: &str) -> Result<Vec<String>, JsValue> {
    let route = Route::parse(text)
        .map_err(|why| without_place(Kind::InvalidRoute, Kind::InvalidRoute.hint(), &format!("`{text}` {why}")))?;
    Ok(route.arn_suffixes())
}

/// See `xacct_sign::file_text`.
#[wasm_bindgen(js_name = fileText)]
pub fn file_text(bytes: &[u8]) -> Option<String> {
    xacct_sign::file_text(bytes)
}

fn schema(error: &dyn Display) -> JsValue {
    without_place(Kind::Schema, Kind::Schema.hint(), &error.to_string())
}
