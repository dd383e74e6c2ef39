//! Reading files.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// The text of a file; a failure calls it by `what`.
pub(crate) fn read_as(what: &'static str, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Unreadable { what, path: path.to_path_buf(), source })
}

/// The text of a file that has no name of its own.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    read_as("the file", path)
}
