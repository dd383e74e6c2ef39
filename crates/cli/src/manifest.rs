//! The manifest and its lock file, and what is named in it.

use std::io;
use std::path::{Path, PathBuf};

use xacct_sign_provider::{Caller, Lock, Manifest, Stage};

use crate::failure::Failure;
use crate::files;

pub(crate) fn read(path: &Path) -> Result<Manifest, Failure> {
    let text = files::read_as("the manifest", path)?;
    Ok(Manifest::parse(&text, &path.to_string_lossy())?)
}

/// `xacct.toml` has `xacct.lock.toml` beside it.
pub(crate) fn lock_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("lock.toml")
}

/// The lock file of a manifest; an empty one if there is none.
pub(crate) fn read_lock(manifest: &Path) -> Result<Lock, Failure> {
    let path = lock_path(manifest);
    match files::read_as("the lock file", &path) {
        Ok(text) => Ok(Lock::parse(&text, &path.to_string_lossy())?),
        Err(Failure::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(failure) => Err(failure),
    }
}

pub(crate) fn stage<'m>(manifest: &'m Manifest, name: &str) -> Result<&'m Stage, Failure> {
    let known = || manifest.stages.keys().cloned().collect();
    manifest.stages.get(name).ok_or_else(|| Failure::NotInManifest {
        kind: "stage",
        name: name.to_owned(),
        known: known(),
    })
}

pub(crate) fn caller<'m>(manifest: &'m Manifest, name: &str) -> Result<&'m Caller, Failure> {
    let known = || manifest.callers.keys().cloned().collect();
    let missing = || Failure::NotInManifest { kind: "caller", name: name.to_owned(), known: known() };
    manifest.callers.get(name).ok_or_else(missing)
}
