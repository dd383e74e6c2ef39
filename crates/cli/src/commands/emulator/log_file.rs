//! The log as a file for programs.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use xacct_sign_emulator::LogEntry;

use crate::failure::Failure;

/// A file that gets a line of JSON for each request.
pub(super) struct LogFile(Mutex<File>);

impl LogFile {
    /// A file that may have lines already.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let failed = |source| Failure::Unwritable { path: path.to_path_buf(), source };
        Ok(Self(Mutex::new(file.map_err(failed)?)))
    }

    /// Writes one in one piece. If there is no room for it, the emulator goes on.
    pub(super) fn write(&self, entry: &LogEntry) {
        let line = format!("{}\n", entry.to_json());
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}
