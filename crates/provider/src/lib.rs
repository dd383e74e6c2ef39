//! The provider's side of a cross-account API.
//!
//! One file, the manifest (`xacct.toml`), says which roles of which AWS accounts may call which
//! stages of an API that stands behind API Gateway with IAM authorization. From it come the IAM
//! documents that get deployed, and those very documents can be evaluated here, before and without
//! any deployment.
//!
//! This crate opens no file and no socket and reads no clock: text goes in, values come out.
//!
//! ```
//! use xacct_sign_provider::{Lock, Manifest};
//! use xacct_sign_provider::iam::{
//!     Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate,
//! };
//!
//! let manifest = Manifest::parse(
//!     r#"
//!     [api]
//!     account = "111111111111"
//!     region = "ap-northeast-1"
//!
//!     [stages.stag]
//!     api_id = "f6g7h8i9j0"
//!
//!     [callers.shop]
//!     account = "000000000000"
//!     roles = { stag = "LambdaRoleDeve" }
//!     "#,
//!     "xacct.toml",
//! )?;
//!
//! // Without a lock file; with one, `Lock::parse(text, "xacct.lock.toml")?`.
//! let roles = manifest.plan(&Lock::default()).provider_roles();
//! let role = roles.first().ok_or("no role")?;
//! assert_eq!(role.arn, "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag");
//!
//! let trust = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust)?;
//! let caller = PrincipalIdentity::assumed_role(
//!     "arn:aws:iam::000000000000:role/LambdaRoleDeve",
//!     "orders",
//! )?;
//! let request =
//!     Request { principal: Some(caller), action: "sts:AssumeRole", resource: &role.arn, context: Context::new() };
//! let decision = evaluate(&[&trust], &request);
//! assert_eq!(decision.effect(), Effect::Allow);
//! assert_eq!(decision.to_string(), format!("statement 1: allows `sts:AssumeRole` on `{}`", role.arn));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod check;
mod deployed;
mod finding;
pub mod iam;
mod import;
pub mod limits;
mod manifest;
mod plan;
mod render;
pub mod targets;

pub use access::{
    AccessError, AccessRow, Answer, AskedCall, Asker, GrantedCall, Known, Refused, Side, Sides, Term, WhyNot,
    markdown_of_rows,
};
pub use check::report::{Reported, json_of_findings};
pub use deployed::{
    ConcreteRole, DeployedError, DeployedRole, DeployedServer, DeployedStage, Deployment, ResourceDiff, ResourceFault,
    RoleDiff, RoleFact, RolePart, RolePolicies, StageDiff, concrete_roles, read_roles,
};
pub use finding::{Finding, FindingCode, Level, Subject};
pub use iam::document::{Conditions, Document, OneOrMany, Statement};
pub use iam::grants::{Grant, GrantCondition, GrantSubject, GrantTerms};
pub use import::Imported;
pub use manifest::{
    Accepted, Access, Api, Caller, CallerPrincipals, Identity, JSON_SCHEMA, Lock, Manifest, ManifestError,
    ManifestErrorKind, Permissions, RolePattern, Route, RoutesEnforcedBy, Stage, StageTarget, TrustForm, WhichRole,
    names_there_are,
};
pub use plan::{CallerRole, Move, OpenedRoute, Permission, Plan, ProviderRole, ResourcePolicy, RoleChange, RoleKind};
pub use render::{CallersFile, Format, RenderError};
