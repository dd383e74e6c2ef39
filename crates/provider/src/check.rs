//! IAM's size limits, checked before anything is deployed.

use crate::document::Document;
use crate::manifest::Manifest;

/// Trust policy, in characters without white space: the default quota of a role.
const TRUST_DEFAULT: usize = 2_048;
/// Trust policy, in characters without white space: the quota that AWS raises it to at most.
const TRUST_RAISED: usize = 4_096;
/// All inline policies of a role together, in characters without white space.
const INLINE: usize = 10_240;

/// A document that does not fit into IAM.
///
/// The limits are those of
/// [IAM and STS quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The stable code: `trust_policy_needs_quota`, `trust_policy_too_large` or
    /// `invoke_policy_too_large`.
    pub code: &'static str,
    /// The provider's role that the document hangs on.
    pub role: String,
    /// The document's size in characters, white space not counted.
    pub characters: usize,
    /// The limit that it exceeds, in characters.
    pub limit: usize,
    /// What to do about it, one sentence.
    pub hint: &'static str,
}

impl Manifest {
    /// Measures the documents of every provider role against IAM's limits; empty when all fit.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for role in self.provider_roles() {
            let trust = characters(&role.trust_policy);
            let invoke = characters(&role.invoke_policy);
            let mut find = |code, characters, limit, hint| {
                findings.push(Finding { code, role: role.name.clone(), characters, limit, hint });
            };
            if trust > TRUST_RAISED {
                find(
                    "trust_policy_too_large",
                    trust,
                    TRUST_RAISED,
                    "no quota goes that far: give some of the callers `routes`, and so roles of their own",
                );
            } else if trust > TRUST_DEFAULT {
                find(
                    "trust_policy_needs_quota",
                    trust,
                    TRUST_DEFAULT,
                    "ask AWS to raise the quota `Role trust policy length` to 4096, or give some of the callers `routes`, and so roles of their own",
                );
            }
            if invoke > INLINE {
                find("invoke_policy_too_large", invoke, INLINE, "put routes together with `{proxy+}` or `*`");
            }
        }
        findings
    }
}

/// No value that a manifest takes holds white space, so the compact form has none to discount.
fn characters(document: &Document) -> usize {
    document.to_json().chars().count()
}
