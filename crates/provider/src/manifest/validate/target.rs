//! Where the API of a stage is: keys that each target has, needs, or leaves to another.

use std::ops::Range;

use toml::Spanned;

use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::source::{Mistake, Source};
use crate::manifest::types::{Access, Permissions, RoutesEnforcedBy, StageTarget};
use crate::manifest::{raw, similar};
use crate::targets::{HttpApi, TargetKind, execute_api, function_url};

/// A word of the manifest's, and what it stands for.
type Words<T> = [(&'static str, T)];

/// What a stage can be: something of AWS's that authorizes, or a server that does so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Api(TargetKind),
    Server,
}

impl What {
    fn all() -> impl Iterator<Item = Self> {
        TargetKind::ALL.iter().copied().map(Self::Api).chain([Self::Server])
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Api(kind) => kind.name(),
            Self::Server => "server",
        }
    }

    /// The keys that it needs, and those that it may have beside them.
    const fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Api(TargetKind::HttpApi) => (&["api_id"], &["access", "api_stage", "role_name", "url"]),
            Self::Api(TargetKind::RestApi) => {
                (&["api_id", "api_stage"], &["access", "role_name", "url", "vpc_endpoints"])
            }
            Self::Api(TargetKind::FunctionUrl) => {
                (&["function", "url_id"], &["access", "alias", "permissions", "role_name", "routes_enforced_by"])
            }
            Self::Server => (&[], &["audience", "url"]),
        }
    }

    fn has(self, key: &str) -> bool {
        let (needed, others) = self.keys();
        needed.contains(&key) || others.contains(&key)
    }
}

impl Source<'_> {
    /// Where the API is, and how its callers come in.
    pub(super) fn target(
        &self,
        stage: &str,
        place: Range<usize>,
        raw: &mut raw::Stage,
        audience: Option<&str>,
    ) -> Option<(StageTarget, Access)> {
        let words: Vec<_> = What::all().map(|what| (what.name(), what)).collect();
        let what = match raw.target.take() {
            Some(target) => self.note(self.word("target", &target, &words))?,
            // Of another type than it should be, which has been said.
            None if raw.places.contains_key("target") => return None,
            None => What::Api(TargetKind::HttpApi),
        };
        self.check_keys(stage, place.clone(), what, raw);
        let What::Api(kind) = what else {
            return Some((self.server(stage, place, raw, audience)?, Access::Identity));
        };
        let access = self.access(stage, kind, raw);
        let target = match kind {
            TargetKind::HttpApi => {
                let api_id = self.api_id(raw);
                let api_stage = match raw.api_stage.take() {
                    None => Some(HttpApi::DEFAULT_STAGE.to_owned()),
                    Some(text) => self.name(execute_api::is_api_stage, Kind::InvalidApiStage, "an API stage", text),
                };
                Some(StageTarget::HttpApi { api_id: api_id?, api_stage: api_stage? })
            }
            TargetKind::RestApi => {
                let api_id = self.api_id(raw);
                let what = "the stage of a REST API";
                let api_stage = raw.api_stage.take();
                let api_stage = api_stage
                    .and_then(|text| self.name(execute_api::is_named_stage, Kind::InvalidApiStage, what, text));
                let what = "the id of a VPC endpoint";
                let endpoints = raw.vpc_endpoints.take();
                let vpc_endpoints = self.texts(endpoints, execute_api::is_vpc_endpoint, Kind::InvalidVpcEndpoint, what);
                Some(StageTarget::RestApi { api_id: api_id?, api_stage: api_stage?, vpc_endpoints })
            }
            TargetKind::FunctionUrl => {
                let what = "a function's name";
                let function = raw.function.take();
                let function =
                    function.and_then(|text| self.name(function_url::is_function, Kind::InvalidFunction, what, text));
                let alias = raw.alias.take().and_then(|text| self.note(self.alias(text)));
                let url_id = raw.url_id.take().and_then(|text| self.note(self.url_id(text)));
                let by_function = [("function", RoutesEnforcedBy::Function)];
                let routes = raw.routes_enforced_by.take();
                let routes = routes.and_then(|text| self.note(self.word("routes_enforced_by", &text, &by_function)));
                let routes_enforced_by = routes.unwrap_or(RoutesEnforcedBy::Nobody);
                let forms = [("separate", Permissions::Separate), ("document", Permissions::Document)];
                let permissions = raw.permissions.take();
                let permissions = permissions.and_then(|text| self.note(self.word("permissions", &text, &forms)));
                Some(StageTarget::FunctionUrl {
                    function: function?,
                    alias,
                    url_id: url_id?,
                    routes_enforced_by,
                    permissions: permissions.unwrap_or(Permissions::Separate),
                })
            }
        };
        Some((target?, access?))
    }

    /// A server, by its own audience or by that of `[identity]`.
    fn server(
        &self,
        stage: &str,
        place: Range<usize>,
        raw: &mut raw::Stage,
        audience: Option<&str>,
    ) -> Option<StageTarget> {
        let own = raw.audience.take().map(|text| self.note(self.audience(text)));
        if own.is_none() && audience.is_none() && !raw.places.contains_key("audience") {
            let message = format!("`[stages.{stage}]` is a server, and neither it nor `[identity]` has an `audience`");
            self.note::<()>(Err(self.error(Kind::TargetIncomplete, place, message)));
        }
        Some(StageTarget::Server { audience: own.unwrap_or_else(|| audience.map(str::to_owned))? })
    }

    /// Notes the keys that the target lacks, and those that it does not have.
    fn check_keys(&self, stage: &str, place: Range<usize>, what: What, raw: &raw::Stage) {
        let (needed, _) = what.keys();
        for key in needed.iter().filter(|key| !raw.places.contains_key(*key)) {
            // Without `target` it is what the manifest always had, and nobody has to know of others.
            let (code, needs) = match what {
                What::Api(TargetKind::HttpApi) => (Kind::Schema, String::new()),
                _ => (Kind::TargetIncomplete, format!(", which a `{}` needs", what.name())),
            };
            let message = format!("`[stages.{stage}]` lacks the key `{key}`{needs}");
            self.note::<()>(Err(self.error(code, place.clone(), message)));
        }
        for (key, place) in &raw.places {
            let owners: Vec<_> = What::all().filter(|of| of.has(key)).map(|of| format!("`{}`", of.name())).collect();
            if owners.is_empty() || what.has(key) {
                continue;
            }
            let message = format!(
                "`{key}` of `[stages.{stage}]` belongs to the target {}, and this one is `{}`",
                owners.join(" or "),
                what.name()
            );
            self.note::<()>(Err(self.error(Kind::KeyOfOtherTarget, place.clone(), message)));
        }
    }

    fn access(&self, stage: &str, kind: TargetKind, raw: &mut raw::Stage) -> Option<Access> {
        let words = [("role", Access::Role), ("direct", Access::Direct)];
        let Some(text) = raw.access.take() else {
            let is_wrong = raw.places.contains_key("access");
            self.check_keys_of_access(stage, Access::Role, raw);
            return (!is_wrong).then_some(Access::Role);
        };
        let access = self.note(self.word("access", &text, &words))?;
        if access == Access::Direct && kind == TargetKind::HttpApi {
            let message = format!("`[stages.{stage}]` is an HTTP API, which cannot be called directly");
            self.note::<()>(Err(self.error(Kind::DirectImpossible, text.span(), message)));
        } else {
            self.check_keys_of_access(stage, access, raw);
        }
        Some(access)
    }

    /// Notes the keys that the other way in has.
    fn check_keys_of_access(&self, stage: &str, access: Access, raw: &raw::Stage) {
        let (key, other) = match access {
            Access::Role => ("permissions", "direct"),
            Access::Direct => ("role_name", "role"),
            // None of its keys is of one way in alone.
            Access::Identity => return,
        };
        if let Some(place) = raw.places.get(key) {
            let message = format!("`{key}` of `[stages.{stage}]` belongs to `access = \"{other}\"`");
            self.note::<()>(Err(self.error(Kind::KeyOfOtherTarget, place.clone(), message)));
        }
    }

    fn api_id(&self, raw: &mut raw::Stage) -> Option<String> {
        self.name(execute_api::is_api_id, Kind::InvalidApiId, "an API id", raw.api_id.take()?)
    }

    fn name(&self, is_valid: fn(&str) -> bool, kind: Kind, what: &str, text: Spanned<String>) -> Option<String> {
        self.note(self.text_that(is_valid, kind, what, text))
    }

    fn alias(&self, text: Spanned<String>) -> Result<String, Mistake> {
        let given = text.get_ref();
        if function_url::is_alias(given) {
            return Ok(text.into_inner());
        }
        let is_number = !given.is_empty() && given.bytes().all(|b| b.is_ascii_digit());
        let message = match is_number {
            true => format!("`{given}` is the number of a version, and a function URL hangs on none"),
            false => format!("`{given}` is not the name of an alias"),
        };
        Err(self.error(Kind::InvalidAlias, text.span(), message))
    }

    fn url_id(&self, text: Spanned<String>) -> Result<String, Mistake> {
        let given = text.get_ref();
        if function_url::is_url_id(given) {
            return Ok(text.into_inner());
        }
        let message = match function_url::id_of_url(given) {
            Some(id) => format!("`{given}` is more than the id of a function URL: did you mean `{id}`?"),
            None => format!("`{given}` is not the id of a function URL"),
        };
        Err(self.error(Kind::InvalidUrlId, text.span(), message))
    }

    /// What one of a few words stands for.
    fn word<T: Copy>(&self, key: &str, text: &Spanned<String>, words: &Words<T>) -> Result<T, Mistake> {
        let given = text.get_ref();
        words.iter().find(|(word, _)| word == given).map(|(_, meant)| *meant).ok_or_else(|| {
            let known = words.iter().map(|(word, _)| *word);
            let advice = match similar::to(given, known.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write {}", known.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")),
            };
            self.error(Kind::InvalidTarget, text.span(), format!("`{given}` is no `{key}`: {advice}"))
        })
    }
}
