//! What is deployed: read back, compared with the manifest, and as the emulator takes it.

mod deployment;
mod diff;
mod error;
mod form;
mod read;
mod role;
mod terraform;

pub use deployment::{DeployedStage, Deployment, RolePolicies};
pub use diff::{RoleDiff, RoleFact};
pub use error::DeployedError;
pub use read::read_roles;
pub use role::{DeployedRole, RolePart};
