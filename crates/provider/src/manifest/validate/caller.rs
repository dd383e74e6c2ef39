//! The tables `[callers.NAME]`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use xacct_sign::aws::{Arn, is_external_id, is_organization_id};

use crate::iam::folded_key;
use crate::manifest::WhichRole;
use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::names::{is_label, is_session_name_pattern, is_tag_key};
use crate::manifest::route::Route;
use crate::manifest::source::Scalar;
use crate::manifest::source::{Mistake, Source};
use crate::manifest::table::{Key, OneOrMany, Table, Texts};
use crate::manifest::types::{Caller, CallerPrincipals, TrustForm};
use crate::manifest::{raw, similar};

/// How many stages are looked through for the one that was meant.
const MANY_STAGES: usize = 100;

/// How many session tags STS takes.
const MAX_TAGS: usize = 50;

/// What to do about a term on a server, which no `access` helps.
const TERM_ON_A_SERVER: &str =
    "drop the term, or make a caller without it for the stage: who calls a server shows itself by a token or a proof";

/// The stages that callers name.
#[derive(Default)]
pub(super) struct KnownStages {
    pub(super) names: BTreeSet<String>,
    /// The partition of the API's region, if that is one.
    pub(super) partition: Option<&'static str>,
    /// Those on which nothing keeps a caller to its routes.
    pub(super) without_routes: BTreeSet<String>,
    /// Those that are servers.
    pub(super) servers: BTreeSet<String>,
    /// Those that are called directly, and whether their policy can have conditions of the callers'.
    pub(super) direct: BTreeMap<String, bool>,
    /// What tells the API of each from others: several stages may be one API.
    pub(super) apis: BTreeMap<String, String>,
}

impl KnownStages {
    /// A principal on a stage; one that is wrong is an API of its own.
    fn principal(&self, stage: &str, account: String, role: String) -> Principal {
        let api = self.apis.get(stage).cloned().unwrap_or_else(|| stage.to_owned());
        Principal { api, account, role }
    }
}

/// What tells callers apart, and which caller it is, on which stage.
pub(super) type InUse = BTreeMap<Principal, (String, String)>;

/// Which principal of which API.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Principal {
    api: String,
    /// Or the organization.
    account: String,
    /// In lower case and without its path: names are unique in an account without regard to both.
    role: String,
}

impl Source<'_> {
    pub(super) fn caller(
        &self,
        name: Key,
        raw: raw::Caller,
        known: &KnownStages,
        in_use: &mut InUse,
    ) -> Option<Caller> {
        let place = name.span();
        let shown = name.get_ref().clone();
        let name = self.note(self.text_that(is_label, Kind::InvalidCallerName, "a name for a caller", name));
        let unfit = |why: &str| {
            self.note::<()>(Err(self.error(Kind::InvalidCaller, place.clone(), format!("caller `{shown}` {why}"))));
        };
        if raw.is_on_no_stage && raw.account.is_some() != raw.organization.is_some() {
            let message = format!("caller `{shown}` is on no stage");
            self.note::<()>(Err(self.error(Kind::UnusedCaller, place.clone(), message)));
        }
        let principals = match (raw.account, raw.organization) {
            (Some(account), organization) => {
                if organization.is_some() {
                    unfit("has both an `account` and an `organization`");
                } else if raw.stages.is_some() {
                    unfit("has an account and `stages`: the stages of an account stand in `roles`");
                }
                let trust = self.note(self.trust(raw.trust.as_ref()));
                let account = trust.and_then(|trust| self.note(self.caller_account(&account, trust)));
                let roles = raw.roles.unwrap_or_default();
                // Which of several wide forms is meant is not known where the form or the account is wrong.
                let of = trust.zip(account.as_deref());
                let roles = self.roles(&shown, roles, known, of, in_use);
                trust.zip(account).map(|(trust, account)| CallerPrincipals::Roles { account, roles, trust })
            }
            (None, Some(organization)) => {
                if raw.roles.is_some() || raw.trust.is_some() {
                    unfit("is a whole organization, and so has neither `roles` nor `trust`");
                }
                let what = "the id of an organization";
                let id = self.text_that(is_organization_id, Kind::InvalidOrganization, what, organization);
                let id = self.note(id);
                let of = raw.stages.map(Spanned::into_inner).unwrap_or_default();
                let stages = self.organization_stages(&shown, of, known, id.as_deref(), in_use);
                id.map(|id| CallerPrincipals::Organization { id, stages })
            }
            (None, None) => {
                unfit("has neither an `account` nor an `organization`");
                None
            }
        };
        let terms = [
            ("external_id", raw.external_id.as_ref().map(Spanned::span)),
            ("session_names", raw.session_names.as_ref().map(Spanned::span)),
            ("tags", raw.tags.as_ref().map(Spanned::span)),
            ("source_identity", raw.source_identity.as_ref().map(Spanned::span)),
        ];
        let trust_place = raw.trust.as_ref().map_or_else(|| place.clone(), Spanned::span);
        let external_id = raw.external_id.and_then(|text| {
            self.note(self.text_that(is_external_id, Kind::InvalidExternalId, "an external id", text))
        });
        let what = "a pattern of session names";
        let session_names = self.texts(raw.session_names, is_session_name_pattern, Kind::InvalidSessionName, what);
        let tags_place = raw.tags.as_ref().map(Spanned::span);
        let tags = self.texts(raw.tags, is_tag_key, Kind::InvalidTagKey, "the key of a session tag");
        self.note(self.check_tags(&tags, tags_place));
        let what = "a pattern of source identities";
        let source_identity =
            self.texts(raw.source_identity, is_session_name_pattern, Kind::InvalidSourceIdentity, what);
        let routes_place = raw.routes.as_ref().map(Spanned::span);
        let routes = raw.routes.map(|routes| self.routes(&shown, routes));
        let role_name = self.role_part(raw.role_name);
        let accept = self.accept(raw.accept);
        let caller = Caller {
            principals: principals?,
            external_id,
            session_names,
            tags,
            source_identity,
            is_third_party: raw.third_party,
            routes,
            role_name,
            issuer: None,
            accept,
            line: self.line(place.start),
            name: name?,
        };
        self.check_terms(&caller, known, &terms, &trust_place);
        if let Some(stage) = caller.stages().find(|stage| known.servers.contains(*stage)) {
            self.check_identity(&caller, stage, place);
        }
        if let Some(place) = routes_place {
            for stage in caller.stages().filter(|stage| known.without_routes.contains(*stage)) {
                let message =
                    format!("caller `{shown}` has `routes`, and on stage `{stage}` AWS would let it use every route");
                self.note::<()>(Err(self.error(Kind::RoutesNotEnforced, place.clone(), message)));
            }
        }
        Some(caller)
    }

    /// What belongs to assuming a role has no meaning where none is assumed, and must not be lost.
    fn check_terms(
        &self,
        caller: &Caller,
        known: &KnownStages,
        terms: &[(&str, Option<Range<usize>>)],
        trust: &Range<usize>,
    ) {
        let refused =
            |place: &Range<usize>, message: String| self.error(Kind::TermNotExpressible, place.clone(), message);
        let name = &caller.name;
        for stage in caller.stages().filter(|stage| known.direct.contains_key(*stage) || known.servers.contains(*stage))
        {
            for (key, place) in terms.iter().filter_map(|(key, place)| Some((key, place.as_ref()?))) {
                let message = format!("caller `{name}` has `{key}`, and on stage `{stage}` it assumes no role");
                let mut mistake = refused(place, message);
                if known.servers.contains(stage) {
                    mistake = mistake.with_hint(TERM_ON_A_SERVER);
                }
                self.note::<()>(Err(mistake));
            }
        }
        for (stage, takes_conditions) in caller.stages().filter_map(|stage| known.direct.get_key_value(stage)) {
            let CallerPrincipals::Roles { roles, trust: TrustForm::Account, .. } = &caller.principals else { continue };
            if !takes_conditions && roles.get(stage).is_none_or(|roles| *roles != [WhichRole::Every]) {
                let message = format!(
                    "caller `{name}` is trusted by `aws:PrincipalArn`, for which stage `{stage}` needs `permissions = \"document\"`"
                );
                self.note::<()>(Err(refused(trust, message)));
            }
        }
    }

    fn trust(&self, text: Option<&Spanned<String>>) -> Result<TrustForm, Mistake> {
        let Some(text) = text else { return Ok(TrustForm::Role) };
        TrustForm::ALL.iter().copied().find(|form| form.name() == text.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not a form of trust", text.get_ref());
            self.error(Kind::InvalidTrust, text.span(), message)
        })
    }

    fn caller_account(&self, value: &Scalar, trust: TrustForm) -> Result<String, Mistake> {
        if !value.is_text || value.text.get_ref() != "*" {
            return self.account(value);
        }
        if trust == TrustForm::Account {
            return Ok("*".to_owned());
        }
        let message = "`*` stands for every account, which trust by role ARN cannot express".to_owned();
        Err(self.error(Kind::InvalidTrust, value.text.span(), message))
    }

    fn roles(
        &self,
        caller: &str,
        raw: Table<OneOrMany>,
        known: &KnownStages,
        of: Option<(TrustForm, &str)>,
        in_use: &mut InUse,
    ) -> BTreeMap<String, Vec<WhichRole>> {
        let mut roles = BTreeMap::new();
        for (stage, named) in raw {
            let stage = self.note(self.known_stage(caller, stage, &known.names));
            let (place, named) = match named {
                OneOrMany::One(role) => (role.span(), vec![role]),
                OneOrMany::Many(list) => (list.span(), list.into_inner()),
            };
            self.note(self.check_list(caller, &named, place));
            let mut on_stage = BTreeSet::new();
            for role in named {
                let place = role.span();
                let Some((which, key)) = self.note(self.which_role(caller, &role, of, known.partition)) else {
                    continue;
                };
                let (Some(stage), Some((_, account))) = (&stage, of) else { continue };
                let shown = if let WhichRole::Named(role) = &which { role.to_string() } else { key.clone() };
                let principal = known.principal(stage, account.to_owned(), key);
                self.note(self.take(in_use, principal, (caller, stage), (&shown, place)));
                on_stage.insert(which);
            }
            if let Some(stage) = stage.filter(|_| !on_stage.is_empty()) {
                roles.insert(stage, on_stage.into_iter().collect());
            }
        }
        roles
    }

    /// A list names roles, one at least; every role of the account is no name.
    fn check_list(&self, caller: &str, roles: &[Spanned<String>], place: Range<usize>) -> Result<(), Mistake> {
        let message = match roles {
            [] => format!("caller `{caller}` has an empty list of roles"),
            [_] => return Ok(()),
            several => match several.iter().find(|role| role.get_ref() == "*") {
                Some(_) => format!("caller `{caller}` has `*`, every role of the account, beside other roles"),
                None => return Ok(()),
            },
        };
        Err(self.error(Kind::InvalidCaller, place, message))
    }

    /// The role, and what tells it from others of its account.
    fn which_role(
        &self,
        caller: &str,
        role: &Spanned<String>,
        of: Option<(TrustForm, &str)>,
        partition: Option<&str>,
    ) -> Result<(WhichRole, String), Mistake> {
        // Of every account, roles of one name have different paths.
        let is_any = of.is_some_and(|(_, account)| account == "*");
        let text = self.path_and_name(role, of.map(|(_, account)| account), partition)?;
        let which = WhichRole::parse(text.get_ref());
        let which = which.map_or_else(|| self.role_name(&text).map(WhichRole::Named), Ok)?;
        let key = match (&which, of) {
            (WhichRole::Named(role), _) if is_any => role.to_string(),
            (WhichRole::Named(role), _) => role.name().to_ascii_lowercase(),
            (WhichRole::Like(_), Some((TrustForm::Role, _))) => {
                let message = format!("`{}` is a pattern, which trust by role ARN cannot express", text.get_ref());
                return Err(self.error(Kind::InvalidTrust, role.span(), message));
            }
            (WhichRole::Like(pattern), _) => pattern.to_string(),
            (WhichRole::Every, Some((TrustForm::Role, _))) => {
                let message = "`*` stands for every role, which trust by role ARN cannot express".to_owned();
                return Err(self.error(Kind::InvalidTrust, role.span(), message));
            }
            (WhichRole::Every, Some((_, "*"))) => {
                let message = format!("caller `{caller}` would be every role of every account");
                return Err(self.error(Kind::InvalidCaller, role.span(), message));
            }
            (WhichRole::Every, _) => "*".to_owned(),
        };
        Ok((which, key))
    }

    /// The path and the name of a role that is given so, or by its whole ARN, which is one of the caller's account.
    fn path_and_name(
        &self,
        role: &Spanned<String>,
        account: Option<&str>,
        partition: Option<&str>,
    ) -> Result<Spanned<String>, Mistake> {
        let Some(arn) = Arn::parse(role.get_ref()) else { return Ok(role.clone()) };
        let refuse = |what: &str| {
            let message = format!("`{}` {what}", role.get_ref());
            Err(self.error(Kind::InvalidRoleName, role.span(), message))
        };
        let Some(name) = arn.resource.strip_prefix("role/").filter(|_| arn.service == "iam" && arn.region.is_empty())
        else {
            return refuse("is not the ARN of a role");
        };
        if name == "*" {
            return refuse("is every role of the account, which is written `*`");
        }
        if account.is_some_and(|account| account != arn.account) {
            return refuse("is not a role of the caller's `account`");
        }
        if let Some(partition) = partition.filter(|partition| *partition != arn.partition) {
            return refuse(&format!("is not in the API's partition, `{partition}`"));
        }
        Ok(Spanned::new(role.span(), name.to_owned()))
    }

    fn organization_stages(
        &self,
        caller: &str,
        raw: Vec<Spanned<String>>,
        known: &KnownStages,
        organization: Option<&str>,
        in_use: &mut InUse,
    ) -> BTreeSet<String> {
        let mut taken = BTreeSet::new();
        for stage in raw {
            let place = stage.span();
            let Some(stage) = self.note(self.known_stage(caller, stage, &known.names)) else { continue };
            if let Some(account) = organization.map(str::to_owned) {
                let principal = known.principal(&stage, account, "*".to_owned());
                self.note(self.take(in_use, principal, (caller, &stage), ("*", place)));
            }
            taken.insert(stage);
        }
        taken
    }

    fn known_stage(&self, caller: &str, stage: Key, stages: &BTreeSet<String>) -> Result<String, Mistake> {
        if stages.contains(stage.get_ref()) {
            return Ok(stage.into_inner());
        }
        let few = stages.iter().take(MANY_STAGES).map(String::as_str);
        let meant = similar::to(stage.get_ref(), few).map(|meant| format!(": did you mean `{meant}`?"));
        let message = format!(
            "caller `{caller}` names the stage `{}`, which is not in the manifest{}",
            stage.get_ref(),
            meant.unwrap_or_default()
        );
        Err(self.error(Kind::UnknownStage, stage.span(), message))
    }

    fn take(
        &self,
        in_use: &mut InUse,
        principal: Principal,
        (caller, stage): (&str, &str),
        (role, place): (&str, Range<usize>),
    ) -> Result<(), Mistake> {
        match in_use.entry(principal) {
            Entry::Vacant(free) => {
                free.insert((caller.to_owned(), stage.to_owned()));
                Ok(())
            }
            // On several stages of one API.
            Entry::Occupied(known) if known.get().0 == caller && known.get().1 != stage => Ok(()),
            Entry::Occupied(other) => {
                let (key, (other, on)) = (other.key(), other.get());
                if (caller, stage) == (other, on) {
                    let message =
                        format!("caller `{caller}` is `{role}` of `{}` twice on stage `{stage}`", key.account);
                    return Err(self.error(Kind::DuplicateCaller, place, message));
                }
                let on = if on == stage { String::new() } else { format!(" on stage `{on}` of the same API") };
                let message = format!(
                    "caller `{caller}` is the same principal on stage `{stage}` as caller `{other}`{on}: `{role}` of `{}`",
                    key.account
                );
                Err(self.error(Kind::DuplicateCaller, place, message))
            }
        }
    }

    /// The texts, sorted, each once.
    pub(super) fn texts(&self, raw: Option<Texts>, is_valid: fn(&str) -> bool, kind: Kind, what: &str) -> Vec<String> {
        let Some(raw) = raw else {
            return Vec::new();
        };
        if raw.get_ref().is_empty() {
            let message = format!("the list is empty: it does not hold {what}");
            self.note::<()>(Err(self.error(kind, raw.span(), message)));
        }
        let checked = raw.into_inner().into_iter().filter_map(|t| self.note(self.text_that(is_valid, kind, what, t)));
        checked.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// STS takes 50 tags at most, and compares their keys without regard to case
    /// ([Session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)).
    fn check_tags(&self, tags: &[String], place: Option<Range<usize>>) -> Result<(), Mistake> {
        let refuse = |message: String| Err(self.error(Kind::InvalidTagKey, place.clone().unwrap_or_default(), message));
        if tags.len() > MAX_TAGS {
            return refuse(format!("there are {} keys of session tags, STS takes {MAX_TAGS}", tags.len()));
        }
        let mut seen = BTreeSet::new();
        match tags.iter().find(|tag| !seen.insert(folded_key(tag))) {
            Some(tag) => refuse(format!("the key `{tag}` stands twice, but for its case")),
            None => Ok(()),
        }
    }

    fn routes(&self, caller: &str, routes: Texts) -> Vec<Route> {
        if routes.get_ref().is_empty() {
            let message = format!("caller `{caller}` has an empty list of routes");
            self.note::<()>(Err(self.error(Kind::InvalidRoute, routes.span(), message)));
        }
        routes.into_inner().iter().filter_map(|route| self.note(self.route(route))).collect()
    }

    fn route(&self, route: &Spanned<String>) -> Result<Route, Mistake> {
        Route::parse(route.get_ref()).map_err(|reason| {
            self.error(Kind::InvalidRoute, route.span(), format!("route `{}` {reason}", route.get_ref()))
        })
    }
}
