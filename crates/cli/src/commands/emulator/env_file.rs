//! The file with a caller's environment.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::failure::EmulatorFailure;
use crate::failure::Failure;
use crate::files;

/// How such a file begins: only what begins so is replaced and deleted.
const MARK: &str = "# xacct-sign emulator: it deletes this file when it ends";

/// A file that is deleted when this is dropped, if it is still the one that was written.
pub(super) struct EnvFile {
    path: PathBuf,
    /// What was written last. Open, it is locked: so another emulator knows that somebody lives by it.
    written: Option<(String, File)>,
}

impl EnvFile {
    /// Nothing is written yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, written: None }
    }

    /// Writes the file, which only its owner may read.
    ///
    /// # Errors
    ///
    /// [`EmulatorFailure::NotAnEnvFile`] where there is something else, [`EmulatorFailure::EnvFileInUse`] where it is that of another
    /// emulator which runs.
    pub(super) fn write(&mut self, variables: &[(&str, String)]) -> Result<(), Failure> {
        let path = self.path.as_path();
        let failed = |source| Failure::Unwritable { path: path.to_path_buf(), source };
        let is_there = match fs::symlink_metadata(path) {
            Ok(there) if there.is_file() && is_of_an_emulator(path) => true,
            Ok(_) => return Err(EmulatorFailure::NotAnEnvFile(path.to_path_buf()).into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        if is_there && !self.is_own() && is_in_use(path) {
            return Err(EmulatorFailure::EnvFileInUse(path.to_path_buf()).into());
        }
        let mut content = format!("{MARK}\n");
        for (name, value) in variables {
            content.push_str(&format!("{name}={}\n", quoted(value)));
        }
        let unnamed = |error: io::Error| failed(files::unnamed(&error, path));
        let file = tempfile::Builder::new().prefix(".xacct-").tempfile_in(files::folder(path));
        let mut file = file.map_err(unnamed)?;
        file.write_all(content.as_bytes()).map_err(unnamed)?;
        lock(file.as_file());
        let placed = if is_there { file.persist(path) } else { file.persist_noclobber(path) };
        self.written = Some((content, placed.map_err(|error| failed(error.error))?));
        Ok(())
    }

    /// Whether what is there was written here.
    fn is_own(&self) -> bool {
        let Some((content, _)) = &self.written else { return false };
        fs::read(&self.path).is_ok_and(|there| there == content.as_bytes())
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if self.is_own() {
            // What cannot be deleted leads nowhere, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_of_an_emulator(path: &Path) -> bool {
    fs::read(path).is_ok_and(|content| content.starts_with(MARK.as_bytes()))
}

/// Held as long as the file is open; a file system without locks has none.
#[cfg(unix)]
fn lock(file: &File) {
    let _ = file.try_lock();
}

/// Whether an emulator that runs has it open; one that was killed has not.
#[cfg(unix)]
fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

/// Elsewhere a lock would keep others from reading the file, which is there to be read.
#[cfg(not(unix))]
fn lock(_: &File) {}

#[cfg(not(unix))]
fn is_in_use(_: &Path) -> bool {
    false
}

/// What docker's `--env-file` and a shell read alike, as everything is that the emulator makes; else as a shell reads it.
pub(super) fn quoted(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=.,:@_-".contains(&byte)) {
        return value.to_owned();
    }
    shlex::try_quote(value).unwrap_or_default().into_owned()
}
