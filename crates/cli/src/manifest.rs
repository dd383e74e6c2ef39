//! Reading the manifest.

use std::fs;
use std::path::Path;

use xacct_sign_provider::Manifest;

use crate::failure::Failure;

pub(crate) fn read(path: &Path) -> Result<Manifest, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::Unreadable { path: path.to_path_buf(), source })?;
    Ok(Manifest::parse(&text, &path.to_string_lossy())?)
}
