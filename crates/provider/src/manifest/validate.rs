//! From the file's text to a checked manifest.

mod api;
mod caller;
mod identity;
mod said;
mod target;
mod url;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
use xacct_sign::aws::{self, is_role_name};

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::source::{Mistake, Source};
use super::table::{Key, Table};
use super::types::{Accepted, Api, Caller, Manifest, Stage};
use super::{names, raw, similar, types};
use crate::finding::FindingCode;
use crate::limits;

/// What the names of roles begin with when the manifest does not say.
pub(crate) const DEFAULT_ROLE_NAME: &str = "ApiAllowByIamRole";
/// The shortest maximum that IAM takes, and its own default, in seconds.
pub(crate) const MIN_SESSION_DURATION: u32 = 3_600;
/// The longest maximum that IAM takes, in seconds.
const MAX_SESSION_DURATION: u32 = 43_200;

impl Manifest {
    /// Reads a manifest and checks it.
    ///
    /// `file_name` is for messages only, nothing is opened.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once: keys that are unknown or missing, and all that
    /// [`ManifestErrorKind`](crate::ManifestErrorKind) names. Of a text that is not TOML, the errors of its syntax; names of
    /// roles are compared when all else is right.
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
    let manifest = source.manifest(text);
    match (source.into_error(), manifest) {
        (None, Some(mut manifest)) => {
            file_name.clone_into(&mut manifest.file);
            Ok(manifest)
        }
        (Some(error), _) => Err(error),
        // INVARIANT: whatever is not read has been noted.
        (None, None) => Err(ManifestError::new(Kind::Schema, file_name, (1, 1), "it cannot be read".to_owned())),
    }
}

impl Source<'_> {
    fn manifest(&self, text: &str) -> Option<Manifest> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            self.note_syntax(&errors);
            return None;
        }
        let raw = raw::Manifest::read(self, table.get_ref());
        let api = raw.api.and_then(|(key, api)| self.api(&key, api));
        let has_audience = raw.identity.as_ref().is_some_and(|(_, identity)| identity.audience.is_some());
        let identity = self.identity(raw.identity, api.as_ref());
        // One that is wrong is one all the same to the servers that take it.
        let audience = identity.audience.as_deref().or(has_audience.then_some(""));
        // A stage that is wrong is one all the same to the callers that name it.
        let partition = api.as_ref().map(Api::partition);
        let mut known = caller::KnownStages { partition, ..caller::KnownStages::default() };
        known.names.extend(raw.stages.iter().map(|(name, _)| name.get_ref().clone()));
        let mut stages = BTreeMap::new();
        let mut stage_places = Vec::new();
        let mut said = said::SaidOfApis::default();
        for (name, stage) in raw.stages {
            let place = name.span();
            let Some(stage) = self.stage(name, stage, audience) else { continue };
            self.note(self.check_api_is_one(&stage, &mut said, &place));
            if stage.is_direct() {
                known.direct.insert(stage.name.clone(), stage.target.takes_conditions());
            }
            if stage.audience().is_some() {
                known.servers.insert(stage.name.clone());
            } else {
                known.apis.insert(stage.name.clone(), stage.target.identity());
            }
            if !stage.target.may_have_routes() {
                known.without_routes.insert(stage.name.clone());
            }
            stage_places.push((stage.name.clone(), place));
            stages.insert(stage.name.clone(), stage);
        }
        let mut callers = BTreeMap::new();
        let mut caller_places = Vec::new();
        let mut in_use = caller::InUse::new();
        let mut issuers = identity::IssuersOfAccounts::new();
        for (name, mut caller) in raw.callers {
            let place = name.span();
            let issuer = caller.issuer.take();
            let Some(mut caller) = self.caller(name, caller, &known, &mut in_use) else { continue };
            caller.issuer =
                issuer.and_then(|issuer| self.note(self.issuer(&caller, issuer, &identity, partition, &mut issuers)));
            caller_places.push((caller.name.clone(), place));
            callers.insert(caller.name.clone(), caller);
        }
        let manifest = Manifest { file: String::new(), api: api?, identity, stages, callers };
        if !self.has_mistakes() {
            self.check_role_names(&manifest, &stage_places, &caller_places);
        }
        Some(manifest)
    }

    /// The first of each line: what follows it there is mostly its own doing.
    fn note_syntax(&self, errors: &[toml::de::Error]) {
        let mut lines = BTreeSet::new();
        for error in errors {
            if lines.insert(self.line(error.span().map_or(0, |span| span.start))) {
                self.note::<()>(Err(self.syntax_error(error)));
            }
        }
    }

    fn api(&self, key: &Key, raw: raw::Api) -> Option<Api> {
        let account = raw.account.and_then(|account| self.note(self.account(&account)));
        let region = raw.region.map(|region| self.text_that(aws::is_region, Kind::InvalidRegion, "a region", region));
        let region = region.and_then(|region| self.note(region));
        let role_name = raw.role_name.unwrap_or_else(|| Spanned::new(0..0, DEFAULT_ROLE_NAME.to_owned()));
        let role_name = self.note(self.role_name(&role_name));
        let role_name = match raw.path {
            Some(path) => role_name.and_then(|name| self.note(self.with_path(&name, &path))),
            None => role_name,
        };
        let boundary = raw.permissions_boundary;
        let boundary = boundary.map(|arn| self.note(self.boundary(arn, account.as_deref(), region.as_deref())));
        let tags = raw.tags.map(|tags| self.role_tags(tags)).unwrap_or_default();
        let max_session_duration = self.note(self.number_in(
            raw.max_session_duration,
            "a maximum session duration",
            "seconds",
            Kind::InvalidDuration,
            MIN_SESSION_DURATION,
            MAX_SESSION_DURATION,
        ));
        let role_trust_policy_length = self.note(self.number_in(
            raw.role_trust_policy_length,
            "a length of trust policies",
            "characters",
            Kind::InvalidQuota,
            limits::TRUST_POLICY.at_most,
            limits::TRUST_POLICY_RAISED.at_most,
        ));
        Some(Api {
            accept: self.accept(raw.accept),
            line: self.line(key.span().start),
            account: account?,
            region: region?,
            role_name: role_name?,
            permissions_boundary: boundary.flatten(),
            tags,
            max_session_duration: max_session_duration?,
            role_trust_policy_length: role_trust_policy_length?,
        })
    }

    fn stage(&self, name: Key, mut raw: raw::Stage, audience: Option<&str>) -> Option<Stage> {
        let line = self.line(name.span().start);
        let (shown, place) = (name.get_ref().clone(), name.span());
        let name = self.note(self.text_that(names::is_label, Kind::InvalidStageName, "a name for a stage", name));
        let target = self.target(&shown, place, &mut raw, audience);
        let url = raw.url.take().and_then(|url| self.note(self.url(url)));
        let role_name = self.role_part(raw.role_name);
        let accept = self.accept(raw.accept);
        let name = name?;
        let is_production = raw.production.unwrap_or_else(|| names::is_production(&name));
        let (target, access) = target?;
        Some(Stage { name, target, access, url, is_production, role_name, accept, line })
    }

    fn accept(&self, raw: Table<Spanned<String>>) -> Accepted {
        let mut accepted = Accepted::new();
        for (code, reason) in raw {
            if let Some(code) = self.note(self.accepted(&code, &reason)) {
                accepted.insert(code, reason.into_inner());
            }
        }
        accepted
    }

    fn accepted(&self, code: &Key, reason: &Spanned<String>) -> Result<FindingCode, Mistake> {
        let Some(known) = FindingCode::from_code(code.get_ref()).filter(|code| code.can_be_accepted()) else {
            let codes = FindingCode::ALL.iter().filter(|code| code.can_be_accepted()).map(|code| code.code());
            let meant = similar::to(code.get_ref(), codes).map(|meant| format!(": did you mean `{meant}`?"));
            let message = format!(
                "`{}` is not the code of a finding that can be accepted{}",
                code.get_ref(),
                meant.unwrap_or_default()
            );
            return Err(self.error(Kind::UnknownFinding, code.span(), message));
        };
        if reason.get_ref().trim().is_empty() {
            let message = format!("`{}` is accepted without a reason", code.get_ref());
            return Err(self.error(Kind::UnknownFinding, reason.span(), message));
        }
        Ok(known)
    }

    /// Every stage's shared name is taken, whether or not a caller shares it today: a role must not
    /// change hands when a caller loses its `routes`.
    fn check_role_names(
        &self,
        manifest: &Manifest,
        stage_places: &[(String, Range<usize>)],
        caller_places: &[(String, Range<usize>)],
    ) {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        let mut take = |stage: &Stage, caller: Option<&Caller>, place: &Range<usize>| {
            let owner = match caller {
                None => format!("stage `{}`", stage.name),
                Some(caller) => format!("caller `{}` on stage `{}`", caller.name, stage.name),
            };
            let name = types::role_name(&manifest.api.role_name, stage, caller);
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
            if let Some(stage) = manifest.stages.get(stage).filter(|stage| stage.is_by_role()) {
                self.note(take(stage, None, place));
            }
        }
        for (name, place) in caller_places {
            let Some(caller) = manifest.callers.get(name).filter(|c| c.routes.is_some()) else {
                continue;
            };
            let stages = caller.stages().filter_map(|stage| manifest.stages.get(stage));
            for stage in stages.filter(|stage| stage.is_by_role()) {
                self.note(take(stage, Some(caller), place));
            }
        }
    }
}
