//! What several stages say of one API: an id of API Gateway is one API's, whatever its stages.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::source::{Mistake, Source};
use crate::manifest::types::{Stage, StageTarget};

/// What the first stage of an API says of it, by the API's id.
#[derive(Default)]
pub(super) struct SaidOfApis(BTreeMap<String, Said>);

struct Said {
    stage: String,
    line: usize,
    kind: &'static str,
    is_private: bool,
}

impl Source<'_> {
    /// Notes the stage that makes another kind of API of one that an earlier stage has, or opens a private one.
    pub(super) fn check_api_is_one(
        &self,
        stage: &Stage,
        said: &mut SaidOfApis,
        place: &Range<usize>,
    ) -> Result<(), Mistake> {
        let (api_id, kind, is_private) = match &stage.target {
            StageTarget::HttpApi { api_id, .. } => (api_id, "http_api", false),
            StageTarget::RestApi { api_id, vpc_endpoints, .. } => (api_id, "rest_api", !vpc_endpoints.is_empty()),
            StageTarget::FunctionUrl { .. } | StageTarget::Server { .. } => return Ok(()),
        };
        let Some(first) = said.0.get(api_id) else {
            let (stage, line) = (stage.name.clone(), stage.line);
            said.0.insert(api_id.clone(), Said { stage, line, kind, is_private });
            return Ok(());
        };
        let contradiction = if first.kind != kind {
            format!("a `{kind}`, and a `{}`", first.kind)
        } else if first.is_private != is_private {
            let words = |is_private| if is_private { "private (`vpc_endpoints`)" } else { "not private" };
            format!("{}, and {}", words(is_private), words(first.is_private))
        } else {
            return Ok(());
        };
        let message = format!(
            "API `{api_id}` of stage `{}` is {contradiction} by stage `{}` in line {}",
            stage.name, first.stage, first.line
        );
        Err(self.error(Kind::ContradictoryApi, place.clone(), message))
    }
}
