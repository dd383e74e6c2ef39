//! The manifest as it stands in the file, with the places of its values.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A table whose keys know where they stand.
pub(super) type Table<T> = BTreeMap<Spanned<String>, T>;

/// A list that knows where it stands, and where each of its texts does.
pub(super) type Texts = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) api: Spanned<Api>,
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
    pub(super) role_trust_policy_length: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) accept: Table<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) api_id: Spanned<String>,
    pub(super) api_stage: Option<Spanned<String>>,
    pub(super) production: Option<bool>,
    pub(super) role_name: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) accept: Table<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caller {
    pub(super) account: Option<Spanned<toml::Value>>,
    pub(super) roles: Option<Table<Spanned<String>>>,
    pub(super) trust: Option<Spanned<String>>,
    pub(super) organization: Option<Spanned<String>>,
    pub(super) stages: Option<Vec<Spanned<String>>>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) session_names: Option<Texts>,
    pub(super) tags: Option<Texts>,
    pub(super) source_identity: Option<Texts>,
    #[serde(default)]
    pub(super) third_party: bool,
    pub(super) routes: Option<Texts>,
    pub(super) role_name: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) accept: Table<Spanned<String>>,
}
