//! The documents in the forms in which teams deploy them. The same manifest and lock file give the same bytes.

pub(crate) mod cloudformation;
mod json;
pub(crate) mod note;
mod terraform;

use serde::Serialize;

use crate::manifest::Stage;
use crate::plan::Plan;

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

impl Plan<'_> {
    /// The roles of a stage with their policies, ending in a newline.
    ///
    /// CloudFormation is indented as long as the template can be passed in the call itself (51,200 bytes), and compact
    /// beyond; trust and invoke policies in Terraform are compact JSON texts.
    #[must_use]
    pub fn render(&self, stage: &Stage, format: Format) -> String {
        let roles = self.stage_roles(stage);
        let mut text = match format {
            Format::CloudFormation => cloudformation::template(self.manifest, stage, &roles),
            Format::Terraform => terraform::configuration(stage, &roles),
            Format::Json => json::documents(self.manifest, stage, &roles),
        };
        text.push('\n');
        text
    }
}

#[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a template serializes")
}

#[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a template serializes")
}
