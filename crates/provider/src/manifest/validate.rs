//! From the file's text to a checked manifest.

mod caller;

use std::collections::{BTreeMap, btree_map::Entry};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use xacct_sign::aws::{self, is_role_name};

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::names;
use super::raw;
use super::source::{Source, in_file_order};
use super::types::{Accepted, Api, Caller, Manifest, Stage};
use crate::finding::FindingCode;
use crate::limits;
use crate::target::{HttpApi, http_api};

/// What the names of roles begin with when the manifest does not say.
const DEFAULT_ROLE_NAME: &str = "ApiAllowByIamRole";
/// The shortest maximum that IAM takes, and its own default, in seconds.
const MIN_SESSION_DURATION: u32 = 3_600;
/// The longest maximum that IAM takes, in seconds.
const MAX_SESSION_DURATION: u32 = 43_200;

impl Manifest {
    /// Reads a manifest and checks it.
    ///
    /// `file_name` is for messages only, nothing is opened.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: text that is not TOML, keys that are unknown or missing, and
    /// everything that [`ManifestErrorKind`](crate::ManifestErrorKind) names.
    ///
    /// ```
    /// use xacct_sign_provider::Manifest;
    ///
    /// let error = Manifest::parse("[api]\naccount = 111111111111\nregion = \"eu-west-1\"", "xacct.toml")
    ///     .unwrap_err();
    /// assert_eq!(error.code(), "invalid_account_id");
    /// assert_eq!((error.line(), error.column()), (2, 11));
    /// ```
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ManifestError> {
        read(text, file_name)
    }
}

fn read(text: &str, file_name: &str) -> Result<Manifest, ManifestError> {
    let source = Source::new(text, file_name);
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

impl Source<'_> {
    fn api(&self, raw: Spanned<raw::Api>) -> Result<Api, ManifestError> {
        let line = self.line(raw.span().start);
        let raw = raw.into_inner();
        let account = self.account(&raw.account)?;
        let region = self.text_that(aws::is_region, Kind::InvalidRegion, "a region", raw.region)?;
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

    fn stage(&self, name: Spanned<String>, raw: raw::Stage) -> Result<Stage, ManifestError> {
        let line = self.line(name.span().start);
        let name = self.text_that(names::is_label, Kind::InvalidStageName, "a name for a stage", name)?;
        let api_id = self.text_that(http_api::is_api_id, Kind::InvalidApiId, "an API id", raw.api_id)?;
        let api_stage = match raw.api_stage {
            None => HttpApi::DEFAULT_STAGE.to_owned(),
            Some(text) => self.text_that(http_api::is_api_stage, Kind::InvalidApiStage, "an API stage", text)?,
        };
        let is_production = raw.production.unwrap_or_else(|| names::is_production(&name));
        let role_name = self.role_part(raw.role_name)?;
        Ok(Stage { name, api_id, api_stage, is_production, role_name, accept: self.accept(raw.accept)?, line })
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

    /// Every stage's shared name is taken, whether or not a caller shares it today: a role must not
    /// change hands when a caller loses its `routes`.
    fn check_role_names(
        &self,
        manifest: &Manifest,
        stage_places: &[(String, Range<usize>)],
        caller_places: &[(String, Range<usize>)],
    ) -> Result<(), ManifestError> {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        let mut take = |stage: &Stage, caller: Option<&Caller>, place: &Range<usize>| {
            let owner = match caller {
                None => format!("stage `{}`", stage.name),
                Some(caller) => format!("caller `{}` on stage `{}`", caller.name, stage.name),
            };
            let name = names::role_name(&manifest.api.role_name, stage, caller);
            if !is_role_name(name.name()) {
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
            if let Some(stage) = manifest.stages.get(stage) {
                take(stage, None, place)?;
            }
        }
        for (name, place) in caller_places {
            let Some(caller) = manifest.callers.get(name).filter(|c| c.routes.is_some()) else {
                continue;
            };
            for stage in caller.stages().filter_map(|stage| manifest.stages.get(stage)) {
                take(stage, Some(caller), place)?;
            }
        }
        Ok(())
    }
}
