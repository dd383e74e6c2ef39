//! Reading the manifest and its lock file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xacct_sign_provider::{Caller, Lock, Manifest, Stage};

use crate::failure::Failure;

pub(crate) fn read(path: &Path) -> Result<Manifest, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::Unreadable {
        what: "the manifest",
        path: path.to_path_buf(),
        source,
    })?;
    Ok(Manifest::parse(&text, &path.to_string_lossy())?)
}

/// Any other file.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Unreadable {
        what: "the file",
        path: path.to_path_buf(),
        source,
    })
}

/// `xacct.toml` has `xacct.lock.toml` beside it.
pub(crate) fn lock_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("lock.toml")
}

/// The lock file of a manifest; an empty one if there is none.
pub(crate) fn read_lock(manifest: &Path) -> Result<Lock, Failure> {
    let path = lock_path(manifest);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Lock::parse(&text, &path.to_string_lossy())?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(source) => Err(Failure::Unreadable { what: "the lock file", path, source }),
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
