//! Reading and writing files.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;
use xacct_sign::file_text;

use crate::failure::Failure;

/// How a file begins that is not in its place yet.
const UNFINISHED: &str = ".xacct-";

/// The text of a file; a failure calls it by `what`.
pub(crate) fn read_as(what: &'static str, path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|source| Failure::Unreadable { what, path: path.to_path_buf(), source })?;
    file_text(&bytes).ok_or_else(|| Failure::NotText { what, path: path.to_path_buf() })
}

/// The text of a file that has no name of its own.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    read_as("the file", path)
}

/// Of a file to write: `-`, which elsewhere is standard output, would become one of that name.
pub(crate) fn refuse_dash(path: Option<&Path>, option: &str, hint: &'static str) -> Result<(), Failure> {
    if path != Some(Path::new("-")) {
        return Ok(());
    }
    let text = format!("`{option}` takes the name of a file, and `-` is none");
    Err(Failure::Usage { text, hint: Some(hint) })
}

/// Puts a file in the place of one that may be there, with the permissions of that one. Whoever reads it sees the one or the
/// other, whatever happens on the way.
///
/// # Errors
///
/// [`Failure::NotAFile`] where a link is there, which is never followed.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    replacement(path, text)?.put()
}

/// A file that is written, and not yet in the place of the other. Deleted unless it is put there.
pub(crate) struct Replacement<'p> {
    path: &'p Path,
    file: NamedTempFile,
}

/// What [`replace`] puts in a file's place.
///
/// # Errors
///
/// As [`replace`] has them.
pub(crate) fn replacement<'p>(path: &'p Path, text: &str) -> Result<Replacement<'p>, Failure> {
    let failed = |source| Failure::Unwritable { path: path.to_path_buf(), source };
    let permissions = match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => return Err(Failure::NotAFile(path.to_path_buf())),
        Ok(there) if there.permissions().readonly() => return Err(failed(io::ErrorKind::PermissionDenied.into())),
        Ok(there) => Some(there.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let file = written_beside(path, text, permissions).map_err(|error| failed(unnamed(&error, path)))?;
    Ok(Replacement { path, file })
}

impl Replacement<'_> {
    pub(crate) fn put(self) -> Result<(), Failure> {
        let Self { path, file } = self;
        file.persist(path).map_err(|error| Failure::Unwritable { path: path.to_path_buf(), source: error.error })?;
        sync_folder(path);
        Ok(())
    }
}

/// Writes a file that was named, with the permissions of every new one: a link leads to what is meant, and what is no file, such as
/// `/dev/stderr`, is written as it is. What is there stays until all of the new one is.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_by(path, text, |real| beside(real, None))
}

/// As [`write`], with a file that nobody else can read, whatever was there before.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    write_by(path, text, |real| tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder(real)))
}

fn write_by(path: &Path, text: &str, make: impl FnOnce(&Path) -> io::Result<NamedTempFile>) -> Result<(), Failure> {
    let failed = |source| Failure::Unwritable { path: path.to_path_buf(), source };
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, text).map_err(failed);
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let unnamed = |error: io::Error| failed(unnamed(&error, &real));
    let mut file = make(&real).map_err(unnamed)?;
    file.write_all(text.as_bytes()).map_err(unnamed)?;
    file.persist(&real).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file where none is, nor a link.
///
/// # Errors
///
/// [`Failure::Exists`] where there is something.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::Exists(path.to_path_buf()),
        _ => Failure::Unwritable { path: path.to_path_buf(), source: unnamed(&source, path) },
    };
    let file = written_beside(path, text, None).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    sync_folder(path);
    Ok(())
}

/// The text in a file that stands beside `path`, written as far as the disk. Deleted unless it takes its place.
fn written_beside(path: &Path, text: &str, permissions: Option<fs::Permissions>) -> io::Result<NamedTempFile> {
    let mut file = beside(path, permissions)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// An empty file that stands beside `path`, with these permissions or those of every new file. Deleted unless it takes its place.
pub(crate) fn beside(path: &Path, permissions: Option<fs::Permissions>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // What every new file gets; the process's umask takes from it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder(path))?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(file)
}

/// Has the new name of a file written as well. Not every file system can; the file is there in any case.
fn sync_folder(path: &Path) {
    let _ = fs::File::open(folder(path)).and_then(|folder| folder.sync_all());
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The system's error about a file beside `path`, without the name of that file, of which the user knows nothing.
pub(crate) fn unnamed(error: &io::Error, path: &Path) -> io::Error {
    let of_folder = fs::read_dir(folder(path)).err().filter(|other| other.kind() == error.kind());
    of_folder.unwrap_or_else(|| error.kind().into())
}
