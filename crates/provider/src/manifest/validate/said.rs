//! What several stages say of one API: an id of API Gateway is one API's, whatever its stages, and a function has one URL.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::source::{Mistake, Source};
use crate::manifest::types::{Access, Permissions, Stage, StageTarget};

/// What the stages that are known say of their APIs.
#[derive(Default)]
pub(super) struct SaidOfApis {
    /// What the first stage of an API says of it, by the API's id.
    apis: BTreeMap<String, Said>,
    /// The same of function URLs, by the function and by the URL's id.
    urls: BTreeMap<String, Said>,
    /// What tells each stage from others, with the same API.
    same: BTreeMap<String, Vec<Said>>,
}

#[derive(Clone)]
struct Said {
    stage: String,
    line: usize,
    /// What kind of API, or on which URL of which function.
    what: String,
    is_private: bool,
    is_production: bool,
    access: Access,
    permissions: Option<Permissions>,
}

impl Said {
    /// A server is no API: that two have one audience is what the check says.
    fn of(stage: &Stage) -> Option<Self> {
        let (what, is_private, permissions) = match &stage.target {
            StageTarget::HttpApi { .. } => ("http_api".to_owned(), false, None),
            StageTarget::RestApi { vpc_endpoints, .. } => ("rest_api".to_owned(), !vpc_endpoints.is_empty(), None),
            StageTarget::FunctionUrl { url_id, permissions, .. } => {
                let name = stage.target.identity().split_off("function:".len());
                (format!("function `{name}` and its URL `{url_id}`"), false, Some(*permissions))
            }
            StageTarget::Server { .. } => return None,
        };
        Some(Self {
            stage: stage.name.clone(),
            line: stage.line,
            what,
            is_private,
            is_production: stage.is_production,
            access: stage.access,
            permissions: permissions.filter(|_| stage.is_direct()),
        })
    }
}

impl Source<'_> {
    /// Notes the stage that makes another API of one that an earlier stage has, or is no more than that stage again.
    pub(super) fn check_api_is_one(
        &self,
        stage: &Stage,
        said: &mut SaidOfApis,
        place: &Range<usize>,
    ) -> Result<(), Mistake> {
        let Some(new) = Said::of(stage) else { return Ok(()) };
        let contradiction = |message: String| Err(self.error(Kind::ContradictoryApi, place.clone(), message));
        match &stage.target {
            StageTarget::HttpApi { api_id, .. } | StageTarget::RestApi { api_id, .. } => {
                let first = said.apis.entry(api_id.clone()).or_insert_with(|| new.clone());
                let words = |is_private| if is_private { "private (`vpc_endpoints`)" } else { "not private" };
                let contradicts = if first.what != new.what {
                    format!("a `{}`, and a `{}`", new.what, first.what)
                } else if first.is_private != new.is_private {
                    format!("{}, and {}", words(new.is_private), words(first.is_private))
                } else {
                    String::new()
                };
                if !contradicts.is_empty() {
                    return contradiction(format!(
                        "API `{api_id}` of stage `{}` is {contradicts} by stage `{}` in line {}",
                        new.stage, first.stage, first.line
                    ));
                }
            }
            StageTarget::FunctionUrl { url_id, .. } => {
                for key in [stage.target.identity(), format!("url:{url_id}")] {
                    let first = said.urls.entry(key).or_insert_with(|| new.clone());
                    if first.what != new.what {
                        let Said { stage, line, what, .. } = first;
                        return contradiction(format!(
                            "stage `{}` is of {}, and stage `{stage}` in line {line} of {what}: a function, or its alias, has one URL",
                            new.stage, new.what
                        ));
                    }
                }
            }
            StageTarget::Server { .. } => {}
        }
        let others = said.same.entry(stage.target.identity()).or_default();
        let wrong = others.iter().find_map(|other| self.check_both(stage, &new, other, place).err());
        others.push(new);
        wrong.map_or(Ok(()), Err)
    }

    /// Two stages with the same API: whoever may call the one can call the other.
    fn check_both(&self, stage: &Stage, new: &Said, other: &Said, place: &Range<usize>) -> Result<(), Mistake> {
        let is_function = matches!(stage.target, StageTarget::FunctionUrl { .. });
        let (kind, why) = if new.is_production != other.is_production {
            let (production, rest) = if new.is_production { (new, other) } else { (other, new) };
            (Kind::DuplicateApi, format!(", and `{}` is production, `{}` is not", production.stage, rest.stage))
        } else if !is_function && new.access == other.access {
            (Kind::DuplicateApi, String::new())
        } else if new.permissions.is_some() && other.permissions.is_some() && new.permissions != other.permissions {
            let why = ", and one has `permissions = \"document\"`, the other `\"separate\"`";
            (Kind::ContradictoryApi, why.to_owned())
        } else {
            return Ok(());
        };
        let what = match &stage.target {
            StageTarget::HttpApi { api_id, api_stage } | StageTarget::RestApi { api_id, api_stage, .. } => {
                format!("API `{api_id}`, stage `{api_stage}`")
            }
            StageTarget::FunctionUrl { .. } | StageTarget::Server { .. } => new.what.clone(),
        };
        let message =
            format!("stage `{}` is {what}, as is stage `{}` in line {}{why}", new.stage, other.stage, other.line);
        Err(self.error(kind, place.clone(), message))
    }
}
