//! Whether files have changed.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How often they are looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// Files, and how they were when they were last looked at.
pub(super) struct Watched {
    files: Vec<PathBuf>,
    /// What whoever asks has been told of.
    known: Vec<Stamp>,
    seen: Vec<Stamp>,
}

/// What changes with a file; nothing of one that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64, u64)>);

impl Watched {
    /// As they are now: what is read afterwards is not older than that.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        let known: Vec<Stamp> = files.iter().map(stamp).collect();
        Self { files, seen: known.clone(), known }
    }

    /// The file that gives the others their meaning.
    pub(super) fn first(&self) -> Option<&PathBuf> {
        self.files.first()
    }

    /// Whether one has changed since this last said so, and none since the last look: an editor may not be done with it.
    pub(super) fn have_changed(&mut self) -> bool {
        let now: Vec<Stamp> = self.files.iter().map(stamp).collect();
        let is_settled = std::mem::replace(&mut self.seen, now) == self.seen;
        let have_changed = is_settled && self.seen != self.known;
        if have_changed {
            self.known.clone_from(&self.seen);
        }
        have_changed
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    // What is no file, such as a pipe, is read once.
    let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file);
    Stamp(metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len(), identity(&metadata)))))
}

/// An editor that writes another file and renames it may keep time and length.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_when_it_is_settled() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::write(&one, "1")?;
        let mut watched = Watched::new(vec![one.clone(), other.clone()]);
        assert!(!watched.have_changed());
        fs::write(&one, "12")?;
        assert!(!watched.have_changed(), "it may not be done");
        assert!(watched.have_changed());
        assert!(!watched.have_changed());
        // What was not there, what goes away, and what takes the place of another.
        for change in [fs::write(&other, "3"), fs::remove_file(&one), fs::rename(&other, &one)] {
            change?;
        }
        assert!(!watched.have_changed());
        assert!(watched.have_changed());
        assert!(!watched.have_changed());
        Ok(())
    }
}
