//! From a manifest and its lock file to the roles on both sides: who shares one, what it is named, which documents hang on it.

mod invoke;
mod roles;
mod sharing;
mod told;
mod trust;

pub use invoke::OpenedRoute;
pub use roles::{CallerRole, ProviderRole, RoleKind};
pub use sharing::{Move, Plan};
pub use told::RoleChange;
