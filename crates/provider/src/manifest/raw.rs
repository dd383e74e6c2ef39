//! The manifest as it stands in the file, with the places of its values.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A table whose keys know where they stand.
pub(super) type Table<T> = BTreeMap<Spanned<String>, T>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) api: Api,
    #[serde(default)]
    pub(super) stages: Table<Stage>,
    #[serde(default)]
    pub(super) callers: Table<Caller>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    /// Any value, so that a number gets the message about account ids.
    pub(super) account: Spanned<toml::Value>,
    pub(super) region: Spanned<String>,
    pub(super) role_name: Option<Spanned<String>>,
    pub(super) max_session_duration: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) api_id: Spanned<String>,
    pub(super) api_stage: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caller {
    pub(super) account: Spanned<toml::Value>,
    #[serde(default)]
    pub(super) roles: Table<Spanned<String>>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) routes: Option<Spanned<Vec<Spanned<String>>>>,
}
