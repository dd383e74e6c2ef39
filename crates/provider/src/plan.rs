//! From a manifest and its lock file to the roles on both sides: who shares one, what it is named, which documents hang on it.

mod invoke;
mod principals;
mod resource;
mod roles;
mod sharing;
pub(crate) mod told;
mod trust;

pub use invoke::OpenedRoute;
pub use resource::{Permission, ResourcePolicy};
pub use roles::{CallerRole, ProviderRole, RoleKind};
pub use sharing::{Move, Plan, RoleChange};

use crate::manifest::{Lock, Manifest};

impl Manifest {
    /// Gives each caller a role. [`Lock::default`] is no lock file.
    #[must_use]
    pub fn plan(&self, lock: &Lock) -> Plan<'_> {
        let mut plan = self.share(lock);
        plan.tell(lock);
        plan.compare_with(lock);
        plan
    }
}
