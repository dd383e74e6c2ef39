//! From the file's text to a checked manifest.

use std::collections::{BTreeMap, btree_map::Entry};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Api, Caller, Manifest, Stage, raw};
use crate::error::{ManifestError, ManifestErrorKind as Kind};
use crate::names::{self, RoleName};
use crate::roles::role_name;
use crate::route::Route;

/// What the names of roles begin with when the manifest does not say.
const DEFAULT_ROLE_NAME: &str = "ApiAllowByIamRole";
/// The shortest maximum that IAM takes, and its own default, in seconds.
const MIN_SESSION_DURATION: u32 = 3_600;
/// The longest maximum that IAM takes, in seconds.
const MAX_SESSION_DURATION: u32 = 43_200;

pub(super) fn manifest(text: &str, file_name: &str) -> Result<Manifest, ManifestError> {
    let source = Source { text, file_name };
    let deserializer = toml::Deserializer::parse(text).map_err(|error| source.toml_error(Kind::Syntax, &error))?;
    let raw = raw::Manifest::deserialize(deserializer).map_err(|error| source.toml_error(Kind::Schema, &error))?;

    let api = source.api(raw.api)?;
    let mut stages = BTreeMap::new();
    let mut stage_places = Vec::new();
    for (name, stage) in in_file_order(raw.stages) {
        let place = name.span();
        let stage = source.stage(name, stage)?;
        stage_places.push((stage.name.clone(), place));
        stages.insert(stage.name.clone(), stage);
    }
    let mut callers = BTreeMap::new();
    let mut caller_places = Vec::new();
    let mut roles_in_use: BTreeMap<RoleInUse, String> = BTreeMap::new();
    for (name, caller) in in_file_order(raw.callers) {
        let place = name.span();
        let caller = source.caller(name, caller, &stages, &mut roles_in_use)?;
        caller_places.push((caller.name.clone(), place));
        callers.insert(caller.name.clone(), caller);
    }
    let manifest = Manifest { api, stages, callers };
    source.check_role_names(&manifest, &stage_places, &caller_places)?;
    Ok(manifest)
}

/// Which role of which account on which stage: all that tells callers apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RoleInUse {
    stage: String,
    account: String,
    /// In lower case and without its path: names are unique in an account without regard to both.
    role: String,
}

/// The first error is that of the first place in the file, not of the first name in the alphabet.
fn in_file_order<T>(table: raw::Table<T>) -> Vec<(Spanned<String>, T)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

struct Source<'a> {
    text: &'a str,
    file_name: &'a str,
}

impl Source<'_> {
    fn error(&self, kind: Kind, place: Range<usize>, message: String) -> ManifestError {
        let before = self.text.bytes().take(place.start);
        let line = before.filter(|b| *b == b'\n').count().saturating_add(1);
        ManifestError::new(kind, self.file_name, line, message)
    }

    fn toml_error(&self, kind: Kind, error: &toml::de::Error) -> ManifestError {
        let message: Vec<&str> = error.message().split_whitespace().collect();
        // A key that is missing from the whole file has no place.
        self.error(kind, error.span().unwrap_or(0..0), message.join(" "))
    }

    fn api(&self, raw: raw::Api) -> Result<Api, ManifestError> {
        let account = self.account(&raw.account)?;
        let region = self.text_that(names::is_region, Kind::InvalidRegion, "a region", raw.region)?;
        let role_name = match raw.role_name {
            Some(name) => self.role_name(&name)?,
            None => self.role_name(&Spanned::new(0..0, DEFAULT_ROLE_NAME.to_owned()))?,
        };
        let max_session_duration = match raw.max_session_duration {
            None => MIN_SESSION_DURATION,
            Some(seconds) => u32::try_from(*seconds.get_ref())
                .ok()
                .filter(|s| (MIN_SESSION_DURATION..=MAX_SESSION_DURATION).contains(s))
                .ok_or_else(|| {
                    let message = format!(
                        "`{}` is not a maximum session duration between {MIN_SESSION_DURATION} and {MAX_SESSION_DURATION} seconds",
                        seconds.get_ref()
                    );
                    self.error(Kind::InvalidDuration, seconds.span(), message)
                })?,
        };
        Ok(Api { account, region, role_name, max_session_duration })
    }

    fn stage(&self, name: Spanned<String>, raw: raw::Stage) -> Result<Stage, ManifestError> {
        let name = self.text_that(names::is_label, Kind::InvalidStageName, "a name for a stage", name)?;
        let api_id = self.text_that(names::is_api_id, Kind::InvalidApiId, "an API id", raw.api_id)?;
        let api_stage = match raw.api_stage {
            None => "$default".to_owned(),
            Some(text) => self.text_that(names::is_api_stage, Kind::InvalidApiStage, "an API stage", text)?,
        };
        Ok(Stage { name, api_id, api_stage })
    }

    fn caller(
        &self,
        name: Spanned<String>,
        raw: raw::Caller,
        stages: &BTreeMap<String, Stage>,
        roles_in_use: &mut BTreeMap<RoleInUse, String>,
    ) -> Result<Caller, ManifestError> {
        let name_place = name.span();
        let name = self.text_that(names::is_label, Kind::InvalidCallerName, "a name for a caller", name)?;
        let account = self.account(&raw.account)?;
        let mut roles = BTreeMap::new();
        for (stage, role) in in_file_order(raw.roles) {
            if !stages.contains_key(stage.get_ref()) {
                let message =
                    format!("caller `{name}` names the stage `{}`, which is not in the manifest", stage.get_ref());
                return Err(self.error(Kind::UnknownStage, stage.span(), message));
            }
            let place = role.span();
            let role = self.role_name(&role)?;
            let stage = stage.into_inner();
            let in_use =
                RoleInUse { stage: stage.clone(), account: account.clone(), role: role.name().to_ascii_lowercase() };
            match roles_in_use.entry(in_use) {
                Entry::Vacant(free) => free.insert(name.clone()),
                Entry::Occupied(other) => {
                    let message = format!(
                        "caller `{name}` is the same role `{role}` of account `{account}` on stage `{stage}` as caller `{}`",
                        other.get()
                    );
                    return Err(self.error(Kind::DuplicateCaller, place, message));
                }
            };
            roles.insert(stage, role);
        }
        if roles.is_empty() {
            let message = format!("caller `{name}` has no role on any stage");
            return Err(self.error(Kind::UnusedCaller, name_place, message));
        }
        let external_id = raw
            .external_id
            .map(|text| self.text_that(names::is_external_id, Kind::InvalidExternalId, "an external id", text))
            .transpose()?;
        let routes = raw.routes.map(|routes| self.routes(&name, routes)).transpose()?;
        Ok(Caller { name, account, roles, external_id, routes })
    }

    fn routes(&self, caller: &str, routes: Spanned<Vec<Spanned<String>>>) -> Result<Vec<Route>, ManifestError> {
        if routes.get_ref().is_empty() {
            let message = format!("caller `{caller}` has an empty list of routes");
            return Err(self.error(Kind::InvalidRoute, routes.span(), message));
        }
        let mut parsed = Vec::new();
        for route in routes.into_inner() {
            match Route::parse(route.get_ref()) {
                Ok(route) => parsed.push(route),
                Err(reason) => {
                    let message = format!("route `{}` {reason}", route.get_ref());
                    return Err(self.error(Kind::InvalidRoute, route.span(), message));
                }
            }
        }
        Ok(parsed)
    }

    fn account(&self, value: &Spanned<toml::Value>) -> Result<String, ManifestError> {
        match value.get_ref().as_str() {
            Some(text) if names::is_account_id(text) => Ok(text.to_owned()),
            _ => {
                let text = match value.get_ref() {
                    toml::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let message = format!("`{text}` is not an account id in the form of a string of 12 digits");
                Err(self.error(Kind::InvalidAccountId, value.span(), message))
            }
        }
    }

    fn role_name(&self, text: &Spanned<String>) -> Result<RoleName, ManifestError> {
        RoleName::parse(text.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not the name of a role", text.get_ref());
            self.error(Kind::InvalidRoleName, text.span(), message)
        })
    }

    fn text_that(
        &self,
        is_valid: fn(&str) -> bool,
        kind: Kind,
        what: &str,
        text: Spanned<String>,
    ) -> Result<String, ManifestError> {
        if is_valid(text.get_ref()) {
            Ok(text.into_inner())
        } else {
            let message = format!("`{}` is not {what}", text.get_ref());
            Err(self.error(kind, text.span(), message))
        }
    }

    /// Every stage's shared name is taken, whether or not a caller shares it today: a role must not
    /// change hands when a caller loses its `routes`.
    fn check_role_names(
        &self,
        manifest: &Manifest,
        stage_places: &[(String, Range<usize>)],
        caller_places: &[(String, Range<usize>)],
    ) -> Result<(), ManifestError> {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        let mut take = |stage: &str, caller: Option<&str>, place: &Range<usize>| {
            let owner = match caller {
                None => format!("stage `{stage}`"),
                Some(caller) => format!("caller `{caller}` on stage `{stage}`"),
            };
            let Some(name) = role_name(&manifest.api.role_name, stage, caller) else {
                let message = format!("the role of {owner} gets a name of more than 64 characters");
                return Err(self.error(Kind::InvalidRoleName, place.clone(), message));
            };
            match taken.entry(name.name().to_ascii_lowercase()) {
                Entry::Vacant(free) => {
                    free.insert(owner);
                    Ok(())
                }
                Entry::Occupied(other) => {
                    let message =
                        format!("the role of {owner} gets the name `{}`, as does that of {}", name.name(), other.get());
                    Err(self.error(Kind::RoleNameCollision, place.clone(), message))
                }
            }
        };
        for (stage, place) in stage_places {
            take(stage, None, place)?;
        }
        for (name, place) in caller_places {
            let Some(caller) = manifest.callers.get(name).filter(|c| c.routes.is_some()) else {
                continue;
            };
            for stage in caller.roles.keys() {
                take(stage, Some(name), place)?;
            }
        }
        Ok(())
    }
}
