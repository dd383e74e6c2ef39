//! Credentials of roles, kept between one command and the next, and shared by those that run at once.
//!
//! A file for each, which nobody but its owner may read, in the platform's folder for caches. Whoever finds none that serves takes the
//! file's lock, looks again, and asks STS; so many at once ask once. Where there is no such folder, or none that is safe, everything
//! works without.

mod cached;
mod entry;
pub(crate) mod failure;
mod folder;
mod key;

use std::sync::Arc;

use xacct_sign::sts::AssumeRole;
use xacct_sign_client::host::Host;
use xacct_sign_client::{CredentialSource, DefaultChain, RoleProvider};

pub(crate) use folder::Folder;

use cached::Cached;

/// The credentials of a role from the cache, else from `source`, which fetches them. `role` is the same role, with its base: what it
/// says of the endpoint is part of the key, as `call` is. Where a cache cannot be used, `warns` says so.
pub(crate) fn cached(
    host: &Arc<dyn Host>,
    call: AssumeRole,
    role: RoleProvider,
    base: DefaultChain,
    source: Arc<dyn CredentialSource>,
    warns: bool,
) -> Arc<dyn CredentialSource> {
    Arc::new(Cached::new(Arc::clone(host), call, role, base, source, warns))
}
