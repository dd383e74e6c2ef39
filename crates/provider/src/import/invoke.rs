//! What a role's inline policies open: the routes of one API.

use std::collections::BTreeSet;

use serde_json::Value;
use xacct_sign::aws::METHODS;

use super::Place;
use super::trust::texts;
use crate::deployed::opens::allowing;
use crate::manifest::Route;
use crate::targets::{FunctionUrl, HttpApi};

/// What the policies open.
pub(super) enum Read {
    /// No API.
    Nothing,
    /// Routes of one API.
    Opened(Opened),
    /// An API, in a way that no manifest says.
    NotSaid(String),
}

/// Routes of one API.
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) api_id: String,
    pub(super) api_stage: String,
    /// The VPC endpoints that it asks for; then it is a REST API.
    pub(super) vpc_endpoints: Vec<String>,
    /// `None` for every route.
    pub(super) routes: Option<Vec<String>>,
}

/// Reads the policies. What is not read here opens nothing in the manifest, and shows as a difference.
pub(super) fn opened(policies: &[Value]) -> Read {
    let (all, by_url) = (allowing(policies, HttpApi::INVOKE), allowing(policies, FunctionUrl::INVOKE_URL));
    if all.iter().chain(&by_url).any(|one| one.get("NotAction").is_some() || one.get("NotResource").is_some()) {
        return Read::NotSaid("a policy of it allows by exclusion".to_owned());
    }
    if all.is_empty() && !by_url.is_empty() {
        return Read::NotSaid(
            "it opens a function's URL, whose id does not stand in a role: write its stage by hand".to_owned(),
        );
    }
    if all.is_empty() {
        return Read::Nothing;
    }
    let conditions: BTreeSet<String> = all
        .iter()
        .map(|one| endpoints(one).map(|ids| ids.join(",")))
        .map(|ids| ids.unwrap_or_else(|| "?".to_owned()))
        .collect();
    let conditions: Vec<&String> = conditions.iter().collect();
    let vpc_endpoints: Vec<String> = match conditions.as_slice() {
        [one] if one.as_str() == "?" => {
            return Read::NotSaid("its invoke policy has a condition that no manifest has".to_owned());
        }
        [one] => one.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        _ => return Read::NotSaid("the statements of its invoke policy have different conditions".to_owned()),
    };
    if all.iter().any(|one| !is_text(one.get("Resource"))) {
        return Read::NotSaid(
            "its invoke policy names the API by an intrinsic function, which says it only where it is deployed"
                .to_owned(),
        );
    }
    let mut api: Option<(Place, String, String)> = None;
    let mut suffixes = Vec::new();
    for resource in all.iter().flat_map(|one| texts(one.get("Resource"))) {
        let Some(of) = HttpApi::of_arn(&resource).filter(is_one) else {
            return Read::NotSaid(format!("it may invoke `{resource}`, which is not one stage of one API"));
        };
        let place =
            Place { partition: of.partition.to_owned(), region: of.region.to_owned(), account: of.account.to_owned() };
        let here = (place, of.api_id.to_owned(), of.api_stage.to_owned());
        if *api.get_or_insert_with(|| here.clone()) != here {
            return Read::NotSaid("it invokes several stages or APIs".to_owned());
        }
        let suffix = resource.strip_prefix(&of.arn()).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        suffixes.push(suffix.to_owned());
    }
    let Some((place, api_id, api_stage)) = api else { return Read::Nothing };
    let every = suffixes.iter().any(|suffix| matches!(suffix.as_str(), "*" | "*/*"));
    let routes = (!every).then(|| routes(&suffixes));
    if routes.as_ref().is_some_and(Vec::is_empty) {
        return Read::NotSaid("none of the routes that it opens is one that a manifest can say".to_owned());
    }
    Read::Opened(Opened { place, api_id, api_stage, vpc_endpoints, routes })
}

/// Whether each part of it is one, and no pattern: by one for the region it is APIs of several.
fn is_one(of: &HttpApi<'_>) -> bool {
    ![of.region, of.account, of.api_id, of.api_stage].iter().any(|part| part.contains(['*', '?']))
}

/// Whether it is a text, or all of a list are.
fn is_text(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(values)) => values.iter().all(Value::is_string),
        one => one.is_some_and(Value::is_string),
    }
}

/// The VPC endpoints of a statement's condition; none without one, `None` for another condition.
fn endpoints(statement: &Value) -> Option<Vec<String>> {
    let Some(conditions) = statement.get("Condition").and_then(Value::as_object) else { return Some(Vec::new()) };
    match conditions.iter().collect::<Vec<_>>().as_slice() {
        [] => Some(Vec::new()),
        [(operator, keys)] if operator.as_str() == "StringEquals" && keys.as_object()?.len() == 1 => {
            let (key, values) = keys.as_object()?.iter().next()?;
            key.eq_ignore_ascii_case("aws:SourceVpce").then(|| texts(Some(values)))
        }
        _ => None,
    }
}

/// The routes that become these ends of ARNs again; the seven methods of a path are `ANY`.
fn routes(suffixes: &[String]) -> Vec<String> {
    let all: BTreeSet<&str> = suffixes.iter().map(String::as_str).collect();
    let mut routes = Vec::new();
    for suffix in suffixes {
        let Some((method, path)) = suffix.split_once('/') else { continue };
        let is_any = METHODS.iter().all(|method| all.contains(format!("{method}/{path}").as_str()));
        let method = if is_any { "ANY" } else { method };
        let last = path.split('/').count().saturating_sub(1);
        let segments = path.split('/').enumerate().map(|(index, segment)| match segment {
            "*" if index == last => "{proxy+}".to_owned(),
            "*" => format!("{{v{}}}", index.saturating_add(1)),
            other => other.to_owned(),
        });
        let route = format!("{method} /{}", segments.collect::<Vec<_>>().join("/"));
        if Route::parse(&route).is_ok() && !routes.contains(&route) {
            routes.push(route);
        }
    }
    routes
}
