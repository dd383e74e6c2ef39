//! An answer that becomes a file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf, is_separator};

use tempfile::NamedTempFile;

use super::progress::Progress;
use crate::failure::Failure;
use crate::{files, unfinished};

/// A file that takes its place once all of it is there. What is no file, such as a pipe or `/dev/null`, is written as it is.
pub(super) struct Target {
    path: PathBuf,
    file: Open,
    progress: Option<Progress>,
}

enum Open {
    Beside(NamedTempFile),
    AsItIs(File),
}

impl Target {
    pub(super) fn open(path: &Path, shows_progress: bool) -> Result<Self, Failure> {
        // A link leads to what is meant.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let failed = |source| Failure::AnswerFile { path: path.to_path_buf(), source };
        let unnamed = |error: io::Error| failed(files::unnamed(&error, &real));
        let file = match fs::metadata(&real) {
            Ok(there) if there.is_file() => {
                if there.permissions().readonly() {
                    return Err(failed(io::ErrorKind::PermissionDenied.into()));
                }
                Open::Beside(files::beside(&real, Some(there.permissions())).map_err(unnamed)?)
            }
            Ok(_) => Open::AsItIs(File::options().write(true).open(&real).map_err(failed)?),
            Err(_) if path.to_string_lossy().ends_with(is_separator) => {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Open::Beside(files::beside(&real, None).map_err(unnamed)?)
            }
            Err(error) => return Err(failed(error)),
        };
        if let Open::Beside(file) = &file {
            unfinished::remove_on_signal(file.path()).map_err(failed)?;
        }
        let progress = matches!(file, Open::Beside(_)).then(|| Progress::on_terminal(shows_progress)).flatten();
        Ok(Self { path: real, file, progress })
    }

    /// Takes note of how long it will be, if that is known.
    pub(super) fn expect(&mut self, length: Option<u64>) {
        if let Some(progress) = &mut self.progress {
            progress.expect(length);
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.file {
            Open::Beside(file) => file.write_all(bytes).map_err(|error| files::unnamed(&error, &self.path)),
            Open::AsItIs(file) => file.write_all(bytes),
        };
        written.map_err(|source| Failure::AnswerFile { path: self.path.clone(), source })?;
        if let Some(progress) = &mut self.progress {
            progress.add(bytes.len());
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        let failed = |source| Failure::AnswerFile { path: self.path.clone(), source };
        drop(self.progress);
        if let Open::Beside(file) = self.file {
            file.persist(&self.path).map_err(|error| failed(error.error))?;
        }
        Ok(())
    }
}
