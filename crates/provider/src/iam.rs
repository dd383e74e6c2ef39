//! IAM policy documents: as they are written, what they grant, and their evaluation for one request at a time.
//!
//! What is evaluated is the JSON that gets deployed. The rules are those of
//! [Policy evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html),
//! [Principal](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html) and
//! [Condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
//!
//! The evaluator fails closed. What it does not know, be it an element, an operator, a condition
//! key, a policy variable or a form of principal, is *unsupported*: an `Allow` statement that holds
//! it never allows, a `Deny` statement that holds it always denies, and the decision's reasons name
//! it. Of a document that IAM would refuse no statement allows, since it is deployed nowhere.

mod condition;
mod context;
mod date;
mod decision;
pub(crate) mod document;
pub(crate) mod elements;
mod error;
mod evaluate;
pub(crate) mod grants;
pub(crate) mod json;
mod parse;
mod pattern;
mod principal;
mod request;
mod variables;
mod well_formed;

pub use context::{Context, KNOWN_KEYS, Values, folded_key};
pub use decision::{Asked, Decision, Effect, FailedCondition, Mismatch, Outcome, StatementOutcome};
pub use error::PolicyError;
pub use evaluate::evaluate;
pub use parse::{PolicyDocument, PolicyKind};
pub use principal::PrincipalIdentity;
pub use request::Request;
