//! Who may call what: a row for each caller and stage.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::manifest::{Access, Caller, Route, Stage};
use crate::plan::Plan;
use crate::render::note::markdown::{code, list};

/// What one caller may call on one stage.
///
/// As JSON it has these keys, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccessRow {
    /// The caller's name.
    pub caller: String,
    /// The stage's name.
    pub stage: String,
    /// How it comes in; the JSON has it by `role`, and by the term `audience`.
    #[serde(skip)]
    pub access: Access,
    /// The ARN of the provider's role that it assumes; `None` where it assumes none.
    pub role: Option<String>,
    /// The routes that it may use, as the manifest has them; `None` for every route.
    pub routes: Option<Vec<String>>,
    /// What it has to keep to when it assumes the role, or shows a server who it is, by the manifest's keys.
    pub terms: BTreeMap<&'static str, Term>,
}

/// What a caller has to keep to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Term {
    /// This text.
    Text(String),
    /// One of these.
    Texts(Vec<String>),
}

impl Plan<'_> {
    /// Who may call what, in the order of callers by name, then of stages.
    #[must_use]
    pub fn access(&self) -> Vec<AccessRow> {
        let rows = self.manifest.callers.values().flat_map(|caller| {
            let stages = caller.stages().filter_map(|stage| self.manifest.stages.get(stage));
            stages.map(move |stage| AccessRow {
                caller: caller.name.clone(),
                stage: stage.name.clone(),
                access: stage.access,
                role: stage.is_by_role().then(|| {
                    let api = &self.manifest.api;
                    self.role_for(caller, &stage.name).arn(api.partition(), &api.account)
                }),
                routes: caller.routes.as_ref().map(|routes| routes.iter().map(Route::to_string).collect()),
                terms: terms(caller, stage),
            })
        });
        rows.collect()
    }
}

fn terms(caller: &Caller, stage: &Stage) -> BTreeMap<&'static str, Term> {
    let lists = [
        ("session_names", &caller.session_names),
        ("tags", &caller.tags),
        ("source_identity", &caller.source_identity),
    ];
    let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
    let lists = lists.map(|(key, values)| (key, Term::Texts(values.clone())));
    let external_id = caller.external_id.iter().map(|id| ("external_id", Term::Text(id.clone())));
    let audience = stage.audience().map(|audience| ("audience", Term::Text(audience.to_owned())));
    external_id.chain(lists).chain(audience).collect()
}

impl AccessRow {
    /// The terms as the manifest writes them, a line each: `external_id = "b3c7"`.
    #[must_use]
    pub fn terms_as_toml(&self) -> Vec<String> {
        let line = |(key, term): (&&str, &Term)| match term {
            Term::Text(text) => format!("{key} = {}", quoted(text)),
            Term::Texts(texts) => {
                format!("{key} = [{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
        };
        self.terms.iter().map(line).collect()
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The rows as one table in Markdown, ending in a newline: routes and terms are code, `every route` is in words.
#[must_use]
pub fn markdown_of_rows(rows: &[AccessRow]) -> String {
    let mut text = "| caller | stage | role | routes | terms |\n|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let routes = row.routes.as_deref().map_or_else(|| "every route".to_owned(), list);
        let role = row.role.as_deref().map(code).unwrap_or_default();
        let cells = [row.caller.clone(), row.stage.clone(), role, routes, list(&row.terms_as_toml())];
        // In a table a bar ends the cell, in code too (https://github.github.com/gfm/#tables-extension-).
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}
