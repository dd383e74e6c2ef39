//! From the file's text to a checked manifest.

mod caller;

use std::collections::{BTreeMap, btree_map::Entry};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::raw;
use super::types::{Accepted, Api, Manifest, Stage};
use crate::finding::FindingCode;
use crate::limits;
use crate::names::{self, RoleName};
use crate::plan::role_name;

/// What the names of roles begin with when the manifest does not say.
const DEFAULT_ROLE_NAME: &str = "ApiAllowByIamRole";
/// The shortest maximum that IAM takes, and its own default, in seconds.
const MIN_SESSION_DURATION: u32 = 3_600;
/// The longest maximum that IAM takes, in seconds.
const MAX_SESSION_DURATION: u32 = 43_200;

pub(super) fn manifest(text: &str, file_name: &str) -> Result<Manifest, ManifestError> {
    let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
    let source = Source { text, file_name, line_starts: std::iter::once(0).chain(starts).collect() };
    let deserializer = toml::Deserializer::parse(text).map_err(|error| source.toml_error(Kind::Syntax, &error))?;
    let raw = raw::Manifest::deserialize(deserializer).map_err(|error| source.toml_error(Kind::Schema, &error))?;

    let api = source.api(raw.api)?;
    let mut stages = BTreeMap::new();
    let mut stage_places = Vec::new();
    for (name, stage) in in_file_order(raw.stages) {
        let place = name.span();
        let stage = source.stage(name, stage)?;
        source.check_api_is_new(&stage, &stages, &place)?;
        stage_places.push((stage.name.clone(), place));
        stages.insert(stage.name.clone(), stage);
    }
    let mut callers = BTreeMap::new();
    let mut caller_places = Vec::new();
    let mut in_use = caller::InUse::new();
    for (name, caller) in in_file_order(raw.callers) {
        let place = name.span();
        let caller = source.caller(name, caller, &stages, &mut in_use)?;
        caller_places.push((caller.name.clone(), place));
        callers.insert(caller.name.clone(), caller);
    }
    let manifest = Manifest { file: file_name.to_owned(), api, stages, callers };
    source.check_role_names(&manifest, &stage_places, &caller_places)?;
    Ok(manifest)
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
    /// Where each line begins.
    line_starts: Vec<usize>,
}

impl Source<'_> {
    fn error(&self, kind: Kind, place: Range<usize>, message: String) -> ManifestError {
        let (line, column) = self.line_and_column(place.start);
        ManifestError::new(kind, self.file_name, (line, column), message)
    }

    /// Both from 1; the column in characters.
    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..at).unwrap_or_default().chars().count();
        (line, column.saturating_add(1))
    }

    /// From 1.
    fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    fn toml_error(&self, kind: Kind, error: &toml::de::Error) -> ManifestError {
        let message: Vec<&str> = error.message().split_whitespace().collect();
        // A key that is missing from the whole file has no place.
        self.error(kind, error.span().unwrap_or(0..0), message.join(" "))
    }

    fn api(&self, raw: Spanned<raw::Api>) -> Result<Api, ManifestError> {
        let line = self.line(raw.span().start);
        let raw = raw.into_inner();
        let account = self.account(&raw.account)?;
        let region = self.text_that(names::is_region, Kind::InvalidRegion, "a region", raw.region)?;
        let role_name = match raw.role_name {
            Some(name) => self.role_name(&name)?,
            None => self.role_name(&Spanned::new(0..0, DEFAULT_ROLE_NAME.to_owned()))?,
        };
        let max_session_duration = self.number_in(
            raw.max_session_duration,
            "a maximum session duration",
            "seconds",
            Kind::InvalidDuration,
            MIN_SESSION_DURATION,
            MAX_SESSION_DURATION,
        )?;
        let role_trust_policy_length = self.number_in(
            raw.role_trust_policy_length,
            "a length of trust policies",
            "characters",
            Kind::InvalidQuota,
            limits::TRUST_POLICY.at_most,
            limits::TRUST_POLICY_RAISED.at_most,
        )?;
        let accept = self.accept(raw.accept)?;
        Ok(Api { account, region, role_name, max_session_duration, role_trust_policy_length, accept, line })
    }

    /// A number between two; the lower where none is given.
    fn number_in<T: TryFrom<i64> + PartialOrd + Copy + std::fmt::Display>(
        &self,
        number: Option<Spanned<i64>>,
        what: &str,
        unit: &str,
        kind: Kind,
        least: T,
        most: T,
    ) -> Result<T, ManifestError> {
        let Some(number) = number else {
            return Ok(least);
        };
        T::try_from(*number.get_ref()).ok().filter(|value| *value >= least && *value <= most).ok_or_else(|| {
            let message = format!("`{}` is not {what} between {least} and {most} {unit}", number.get_ref());
            self.error(kind, number.span(), message)
        })
    }

    fn stage(&self, name: Spanned<String>, raw: raw::Stage) -> Result<Stage, ManifestError> {
        let line = self.line(name.span().start);
        let name = self.text_that(names::is_label, Kind::InvalidStageName, "a name for a stage", name)?;
        let api_id = self.text_that(names::is_api_id, Kind::InvalidApiId, "an API id", raw.api_id)?;
        let api_stage = match raw.api_stage {
            None => "$default".to_owned(),
            Some(text) => self.text_that(names::is_api_stage, Kind::InvalidApiStage, "an API stage", text)?,
        };
        let is_production = raw.production.unwrap_or_else(|| names::is_production(&name));
        Ok(Stage { name, api_id, api_stage, is_production, accept: self.accept(raw.accept)?, line })
    }

    /// Who may call one of two stages with the same API could call the other.
    fn check_api_is_new(
        &self,
        stage: &Stage,
        others: &BTreeMap<String, Stage>,
        place: &Range<usize>,
    ) -> Result<(), ManifestError> {
        let is_same = |other: &&Stage| other.api_id == stage.api_id && other.api_stage == stage.api_stage;
        let Some(other) = others.values().find(is_same) else { return Ok(()) };
        let message = format!(
            "stage `{}` is API `{}`, stage `{}`, as is stage `{}`",
            stage.name, stage.api_id, stage.api_stage, other.name
        );
        Err(self.error(Kind::DuplicateApi, place.clone(), message))
    }

    fn accept(&self, raw: raw::Table<Spanned<String>>) -> Result<Accepted, ManifestError> {
        let mut accepted = Accepted::new();
        for (code, reason) in in_file_order(raw) {
            let known = FindingCode::from_code(code.get_ref()).filter(|code| code.can_be_accepted());
            let Some(known) = known else {
                let message = format!("`{}` is not the code of a finding that can be accepted", code.get_ref());
                return Err(self.error(Kind::UnknownFinding, code.span(), message));
            };
            if reason.get_ref().trim().is_empty() {
                let message = format!("`{}` is accepted without a reason", code.get_ref());
                return Err(self.error(Kind::UnknownFinding, reason.span(), message));
            }
            accepted.insert(known, reason.into_inner());
        }
        Ok(accepted)
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
            let name = role_name(&manifest.api.role_name, stage, caller);
            if !name.fits() {
                let message = format!("the role of {owner} gets a name of more than 64 characters");
                return Err(self.error(Kind::InvalidRoleName, place.clone(), message));
            }
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
            for stage in caller.stages() {
                take(stage, Some(name), place)?;
            }
        }
        Ok(())
    }
}
