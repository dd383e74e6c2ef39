//! The file with a caller's environment.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::failure::EmulatorFailure;
use crate::failure::Failure;

/// How such a file begins: only what begins so is replaced and deleted.
const MARK: &str = "# xacct-sign emulator: it deletes this file when it ends";

/// A file that is deleted when this is dropped.
pub(super) struct EnvFile(PathBuf);

impl EnvFile {
    /// Nothing is written yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes the file, which only its owner may read.
    ///
    /// # Errors
    ///
    /// [`EmulatorFailure::NotAnEnvFile`] where there is something else.
    pub(super) fn write(&self, variables: &[(&str, String)]) -> Result<(), Failure> {
        let path = self.0.as_path();
        let failed = |source| Failure::Unwritable { path: path.to_path_buf(), source };
        let is_there = match fs::symlink_metadata(path) {
            Ok(there) if there.is_file() && is_ours(path) => true,
            Ok(_) => return Err(EmulatorFailure::NotAnEnvFile(path.to_path_buf()).into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".xacct-").tempfile_in(folder).map_err(failed)?;
        writeln!(file, "{MARK}").map_err(failed)?;
        for (name, value) in variables {
            writeln!(file, "{name}={}", quoted(value)).map_err(failed)?;
        }
        let placed = if is_there { file.persist(path) } else { file.persist_noclobber(path) };
        placed.map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if is_ours(&self.0) {
            // What cannot be deleted leads nowhere, and the next start replaces it.
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn is_ours(path: &Path) -> bool {
    fs::read(path).is_ok_and(|content| content.starts_with(MARK.as_bytes()))
}

/// What docker's `--env-file` and a shell read alike, as everything is that the emulator makes; else as a shell reads it.
pub(super) fn quoted(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=.,:@_-".contains(&byte)) {
        return value.to_owned();
    }
    shlex::try_quote(value).unwrap_or_default().into_owned()
}
