//! What is deployed: read back, compared with the manifest, and as the emulator takes it.

mod deployment;
mod diff;
mod error;
mod read;

pub use deployment::{DeployedStage, Deployment, RolePolicies};
pub use diff::RoleDiff;
pub use error::DeployedError;
pub use read::{DeployedRole, read_roles};
