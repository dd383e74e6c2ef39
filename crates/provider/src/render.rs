//! The documents in the forms in which teams deploy them. The same manifest and lock file give the same bytes.

pub(crate) mod callers;
pub(crate) mod cloudformation;
mod json;
pub(crate) mod note;
mod terraform;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::manifest::{Permissions, Stage, StageTarget};
use crate::plan::Plan;

pub use callers::CallersFile;

/// A form in which documents are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A CloudFormation template in JSON.
    CloudFormation,
    /// Terraform's JSON syntax, a file `*.tf.json`.
    Terraform,
    /// The documents themselves, for everything else.
    Json,
}

/// A form has nothing for what a stage needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    code: &'static str,
    message: String,
    hint: String,
}

impl RenderError {
    /// The stable code: `no_resource`, `nothing_to_render` or `caller_not_expressible`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What to do instead.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    fn of(stage: &Stage, api_id: &str, deployed: &str) -> Self {
        let name = &stage.name;
        let hint = format!(
            "`xacct-sign policy resource --stage {name} > policy.json` prints the document: for `Policy` of the template's own `AWS::ApiGateway::RestApi`, or by hand; {deployed}"
        );
        let message = format!("CloudFormation has no resource for the policy of the REST API `{api_id}` by itself");
        Self { code: "no_resource", message, hint }
    }

    fn of_server(stage: &Stage) -> Self {
        let name = &stage.name;
        Self {
            code: "nothing_to_render",
            message: format!("stage `{name}` is a server, of which nothing is deployed in AWS"),
            hint: format!(
                "`xacct-sign render callers --stage {name} > callers.json` renders what its verifier reads; `xacct-sign policy caller` prints what a caller's account has to allow"
            ),
        }
    }

    fn of_caller(caller: &str, stage: &str) -> Self {
        Self {
            code: "caller_not_expressible",
            message: format!(
                "caller `{caller}` is of every account, and comes in directly on stage `{stage}`: a verifier compares accounts"
            ),
            hint: "name the accounts, each as a caller, or make it an `organization`, or the whole stage `access = \"role\"`"
                .to_owned(),
        }
    }
}

impl Plan<'_> {
    /// The roles of a stage with their policies, or what lets its callers in directly, ending in a newline.
    ///
    /// CloudFormation is indented as long as the template can be passed in the call itself (51,200 bytes), and compact
    /// beyond; policies in Terraform are compact JSON texts.
    ///
    /// # Errors
    ///
    /// [`RenderError`] for CloudFormation and a REST API that is called directly: its policy is a property of the API, whose
    /// resource is the provider's own; and for a server, which has [`Self::callers`] alone.
    pub fn render(&self, stage: &Stage, format: Format) -> Result<String, RenderError> {
        let target = self.manifest.target(stage).ok_or_else(|| RenderError::of_server(stage))?;
        if let Some(error) = self.left_out(stage, format).filter(|_| stage.is_direct()) {
            return Err(error);
        }
        let roles = self.stage_roles(stage);
        let policy = self.resource_policy(stage);
        let policy = policy.as_ref();
        let mut text = match format {
            Format::CloudFormation => cloudformation::template(self.manifest, stage, target, &roles, policy),
            Format::Terraform => terraform::configuration(stage, target, &roles, policy),
            Format::Json => json::documents(self.manifest, stage, target, &roles, policy),
        };
        text.push('\n');
        Ok(text)
    }

    /// What takes roles that are there into a stack or a state, ending in a newline: for CloudFormation the file of
    /// `--resources-to-import`, for Terraform the configuration with a block `import` for each resource, else what
    /// [`Self::render`] gives.
    ///
    /// # Errors
    ///
    /// As [`Self::render`].
    pub fn render_import(&self, stage: &Stage, format: Format) -> Result<String, RenderError> {
        let target = self.manifest.target(stage).ok_or_else(|| RenderError::of_server(stage))?;
        let mut text = self.render(stage, format)?;
        let policy = self.resource_policy(stage);
        match format {
            Format::CloudFormation => {
                text = cloudformation::to_import(stage, target, &self.stage_roles(stage), policy.as_ref());
                text.push('\n');
            }
            Format::Terraform => {
                text = terraform::with_imports(stage, target, &self.stage_roles(stage), policy.as_ref());
                text.push('\n');
            }
            Format::Json => {}
        }
        Ok(text)
    }

    /// What a stage needs and the form has no resource for: in CloudFormation the policy of a REST API. Beside it, a stage by
    /// role has roles, which [`Self::render`] gives.
    #[must_use]
    pub fn left_out(&self, stage: &Stage, format: Format) -> Option<RenderError> {
        let StageTarget::RestApi { api_id, .. } = &stage.target else { return None };
        let deployed = self.deployed_by_hand(stage)?;
        (format == Format::CloudFormation).then(|| RenderError::of(stage, api_id, &deployed))
    }

    /// How the policy of a stage's REST API, in a file `policy.json`, takes effect by hand: in one sentence, with a deployment for
    /// each stage that it is of. `None` where there is no such policy.
    #[must_use]
    pub fn deployed_by_hand(&self, stage: &Stage) -> Option<String> {
        let StageTarget::RestApi { api_id, .. } = &stage.target else { return None };
        let policy = self.resource_policy(stage)?;
        let deployments = policy.stages.iter().filter_map(|name| match &self.manifest.stages.get(name)?.target {
            StageTarget::RestApi { api_stage, .. } => {
                Some(format!("`aws apigateway create-deployment --rest-api-id {api_id} --stage-name {api_stage}`"))
            }
            _ => None,
        });
        // Two stages may be the same one of the API, by role and directly.
        let mut seen = BTreeSet::new();
        let deployments = deployments.filter(|deployment| seen.insert(deployment.clone()));
        let deployments = deployments.collect::<Vec<_>>().join(" and ");
        Some(format!(
            "a REST API's policy is set by `aws apigateway update-rest-api --rest-api-id {api_id} --patch-operations op=replace,path=/policy,value@=file://policy.json`, and takes effect with a new deployment of each stage: {deployments}"
        ))
    }
}

/// Whether the policy of a function's is deployed as one document.
fn is_whole(stage: &Stage) -> bool {
    matches!(stage.target, StageTarget::FunctionUrl { permissions: Permissions::Document, .. })
}

#[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a template serializes")
}

#[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a template serializes")
}
