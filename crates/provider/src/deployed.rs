//! What is deployed: read back, compared with the manifest, and as the emulator takes it.

mod compare;
mod concrete;
mod configuration;
mod deployment;
mod diff;
mod error;
mod fault;
mod form;
pub(crate) mod intrinsic;
mod mention;
pub(crate) mod opens;
mod permission;
mod policy;
pub(crate) mod read;
mod resource;
mod role;
mod template;
mod terraform;

pub use compare::StageDiff;
pub use concrete::{ConcreteRole, concrete_roles};
pub use deployment::{DeployedServer, DeployedStage, Deployment, RolePolicies};
pub use diff::{RoleDiff, RoleFact};
pub use error::DeployedError;
pub(crate) use error::listed;
pub use fault::ResourceFault;
pub use read::read_roles;
pub use resource::ResourceDiff;
pub use role::{DeployedRole, RolePart};
