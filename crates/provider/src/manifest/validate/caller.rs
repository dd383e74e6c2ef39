//! The tables `[callers.NAME]`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use xacct_sign::aws::{is_external_id, is_organization_id};

use crate::manifest::error::{ManifestError, ManifestErrorKind as Kind};
use crate::manifest::foreign;
use crate::manifest::names::{is_label, is_session_name_pattern, is_tag_key};
use crate::manifest::raw;
use crate::manifest::route::Route;
use crate::manifest::source::{Source, in_file_order};
use crate::manifest::types::{Caller, CallerPrincipals, Stage, TrustForm, WhichRole};

/// How many session tags STS takes.
const MAX_TAGS: usize = 50;

/// What tells callers apart, and which caller it is.
pub(super) type InUse = BTreeMap<Principal, String>;

/// Which principal on which stage.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Principal {
    stage: String,
    /// Or the organization.
    account: String,
    /// In lower case and without its path: names are unique in an account without regard to both.
    role: String,
}

impl Source<'_> {
    pub(super) fn caller(
        &self,
        name: Spanned<String>,
        raw: raw::Caller,
        stages: &BTreeMap<String, Stage>,
        in_use: &mut InUse,
    ) -> Result<Caller, ManifestError> {
        let place = name.span();
        let name = self.text_that(is_label, Kind::InvalidCallerName, "a name for a caller", name)?;
        let unfit = |why: &str| Err(self.error(Kind::InvalidCaller, place.clone(), format!("caller `{name}` {why}")));
        let principals = match (raw.account, raw.organization) {
            (Some(account), None) => {
                if raw.stages.is_some() {
                    return unfit("has an account and `stages`: the stages of an account stand in `roles`");
                }
                let trust = self.trust(raw.trust.as_ref())?;
                let account = self.caller_account(&account, trust)?;
                let roles = self.roles(&name, raw.roles.unwrap_or_default(), stages, &account, trust, in_use)?;
                CallerPrincipals::Roles { account, roles, trust }
            }
            (None, Some(organization)) => {
                if raw.roles.is_some() || raw.trust.is_some() {
                    return unfit("is a whole organization, and so has neither `roles` nor `trust`");
                }
                let id = self.text_that(
                    is_organization_id,
                    Kind::InvalidOrganization,
                    "the id of an organization",
                    organization,
                )?;
                let stages = self.organization_stages(&name, raw.stages.unwrap_or_default(), stages, &id, in_use)?;
                CallerPrincipals::Organization { id, stages }
            }
            (Some(_), Some(_)) => return unfit("has both an `account` and an `organization`"),
            (None, None) => return unfit("has neither an `account` nor an `organization`"),
        };
        let external_id = raw
            .external_id
            .map(|text| self.text_that(is_external_id, Kind::InvalidExternalId, "an external id", text))
            .transpose()?;
        let session_names = self.texts(
            raw.session_names,
            is_session_name_pattern,
            Kind::InvalidSessionName,
            "a pattern of session names",
        )?;
        let tags_place = raw.tags.as_ref().map(Spanned::span);
        let tags = self.texts(raw.tags, is_tag_key, Kind::InvalidTagKey, "the key of a session tag")?;
        self.check_tags(&tags, tags_place)?;
        let source_identity = self.texts(
            raw.source_identity,
            is_session_name_pattern,
            Kind::InvalidSourceIdentity,
            "a pattern of source identities",
        )?;
        let routes = raw.routes.map(|routes| self.routes(&name, routes)).transpose()?;
        let caller = Caller {
            principals,
            external_id,
            session_names,
            tags,
            source_identity,
            is_third_party: raw.third_party,
            routes,
            role_name: self.role_part(raw.role_name)?,
            accept: self.accept(raw.accept)?,
            line: self.line(place.start),
            name,
        };
        if caller.stages().next().is_none() {
            let message = format!("caller `{}` is on no stage", caller.name);
            return Err(self.error(Kind::UnusedCaller, place, message));
        }
        Ok(caller)
    }

    fn trust(&self, text: Option<&Spanned<String>>) -> Result<TrustForm, ManifestError> {
        let Some(text) = text else { return Ok(TrustForm::Role) };
        TrustForm::ALL.iter().copied().find(|form| form.name() == text.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not a form of trust", text.get_ref());
            self.error(Kind::InvalidTrust, text.span(), message)
        })
    }

    fn caller_account(&self, value: &Spanned<toml::Value>, trust: TrustForm) -> Result<String, ManifestError> {
        if value.get_ref().as_str() != Some("*") {
            return self.account(value);
        }
        if trust == TrustForm::Account {
            return Ok("*".to_owned());
        }
        let message = "`*` stands for every account, which trust by role ARN cannot express".to_owned();
        Err(self.error(Kind::InvalidTrust, value.span(), message))
    }

    fn roles(
        &self,
        caller: &str,
        raw: raw::Table<Spanned<String>>,
        stages: &BTreeMap<String, Stage>,
        account: &str,
        trust: TrustForm,
        in_use: &mut InUse,
    ) -> Result<BTreeMap<String, WhichRole>, ManifestError> {
        let mut roles = BTreeMap::new();
        for (stage, role) in in_file_order(raw) {
            let stage = self.known_stage(caller, stage, stages)?;
            let place = role.span();
            let (which, key) = if role.get_ref() == "*" {
                if trust != TrustForm::Account {
                    let message = "`*` stands for every role, which trust by role ARN cannot express".to_owned();
                    return Err(self.error(Kind::InvalidTrust, place, message));
                }
                if account == "*" {
                    let message = format!("caller `{caller}` would be every role of every account");
                    return Err(self.error(Kind::InvalidCaller, place, message));
                }
                (WhichRole::Every, "*".to_owned())
            } else {
                let role = self.role_name(&role)?;
                // Of every account, roles of one name have different paths.
                let key = if account == "*" { role.to_string() } else { role.name().to_ascii_lowercase() };
                (WhichRole::Named(role), key)
            };
            let principal = Principal { stage: stage.clone(), account: account.to_owned(), role: key };
            self.take(in_use, principal, caller, place)?;
            roles.insert(stage, which);
        }
        Ok(roles)
    }

    fn organization_stages(
        &self,
        caller: &str,
        raw: Vec<Spanned<String>>,
        stages: &BTreeMap<String, Stage>,
        organization: &str,
        in_use: &mut InUse,
    ) -> Result<BTreeSet<String>, ManifestError> {
        let mut taken = BTreeSet::new();
        for stage in raw {
            let place = stage.span();
            let stage = self.known_stage(caller, stage, stages)?;
            let principal = Principal { stage: stage.clone(), account: organization.to_owned(), role: "*".to_owned() };
            self.take(in_use, principal, caller, place)?;
            taken.insert(stage);
        }
        Ok(taken)
    }

    fn known_stage(
        &self,
        caller: &str,
        stage: Spanned<String>,
        stages: &BTreeMap<String, Stage>,
    ) -> Result<String, ManifestError> {
        if stages.contains_key(stage.get_ref()) {
            return Ok(stage.into_inner());
        }
        let message = format!("caller `{caller}` names the stage `{}`, which is not in the manifest", stage.get_ref());
        Err(self.error(Kind::UnknownStage, stage.span(), message))
    }

    fn take(
        &self,
        in_use: &mut InUse,
        principal: Principal,
        caller: &str,
        place: Range<usize>,
    ) -> Result<(), ManifestError> {
        match in_use.entry(principal) {
            Entry::Vacant(free) => {
                free.insert(caller.to_owned());
                Ok(())
            }
            Entry::Occupied(other) => {
                let (key, other) = (other.key(), other.get());
                let message = format!(
                    "caller `{caller}` is the same principal on stage `{}` as caller `{other}`: `{}` of `{}`",
                    key.stage, key.role, key.account
                );
                Err(self.error(Kind::DuplicateCaller, place, message))
            }
        }
    }

    /// The texts, sorted, each once.
    fn texts(
        &self,
        raw: Option<raw::Texts>,
        is_valid: fn(&str) -> bool,
        kind: Kind,
        what: &str,
    ) -> Result<Vec<String>, ManifestError> {
        let Some(raw) = raw else {
            return Ok(Vec::new());
        };
        if raw.get_ref().is_empty() {
            return Err(self.error(kind, raw.span(), format!("the list is empty: it does not hold {what}")));
        }
        let mut texts = BTreeSet::new();
        for text in raw.into_inner() {
            texts.insert(self.text_that(is_valid, kind, what, text)?);
        }
        Ok(texts.into_iter().collect())
    }

    /// STS takes 50 tags at most, and compares their keys without regard to case
    /// ([Session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)).
    fn check_tags(&self, tags: &[String], place: Option<Range<usize>>) -> Result<(), ManifestError> {
        let refuse = |message: String| Err(self.error(Kind::InvalidTagKey, place.clone().unwrap_or_default(), message));
        if tags.len() > MAX_TAGS {
            return refuse(format!("there are {} keys of session tags, STS takes {MAX_TAGS}", tags.len()));
        }
        let mut seen = BTreeSet::new();
        match tags.iter().find(|tag| !seen.insert(tag.to_ascii_lowercase())) {
            Some(tag) => refuse(format!("the key `{tag}` stands twice, but for its case")),
            None => Ok(()),
        }
    }

    fn routes(&self, caller: &str, routes: raw::Texts) -> Result<Vec<Route>, ManifestError> {
        if routes.get_ref().is_empty() {
            let message = format!("caller `{caller}` has an empty list of routes");
            return Err(self.error(Kind::InvalidRoute, routes.span(), message));
        }
        let mut parsed = Vec::new();
        for route in routes.into_inner() {
            match Route::parse(route.get_ref()) {
                Ok(route) => parsed.push(route),
                Err(reason) => {
                    let meant = foreign::did_you_mean(route.get_ref());
                    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                    let message = format!("route `{}` {reason}{meant}", route.get_ref());
                    return Err(self.error(Kind::InvalidRoute, route.span(), message));
                }
            }
        }
        Ok(parsed)
    }
}
