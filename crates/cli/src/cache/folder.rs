//! The folder of the cache.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use xacct_sign_client::host::Host;

use super::failure::CacheFailure;

/// The longest life of a role's credentials, and some more.
const FORGOTTEN: Duration = Duration::from_secs(13 * 3_600);

/// How a file begins that is not in its place yet.
pub(super) const UNFINISHED: &str = ".xacct-";

/// A folder of this user's, in which nobody else can read or write.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Where it is: `xacct-sign` in the platform's folder for caches. `None` for a user who has none.
    pub(crate) fn place(host: &dyn Host) -> Option<PathBuf> {
        let absolute = |name: &str| host.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = if cfg!(windows) {
            absolute("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            absolute("HOME").map(|home| home.join("Library").join("Caches"))
        } else {
            // https://specifications.freedesktop.org/basedir-spec/latest/: a path that is not absolute does not count.
            absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        };
        caches.map(|caches| caches.join("xacct-sign"))
    }

    /// The folder, which is made where it is missing. `None` where it cannot be: then there is no cache.
    ///
    /// # Errors
    ///
    /// [`CacheFailure::Unsafe`] for one that is somebody else's too.
    pub(super) fn open(path: PathBuf) -> Result<Option<Self>, CacheFailure> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&path) {
            // A link that leads nowhere is there, too.
            Err(_) if fs::symlink_metadata(&path).is_err() => return Ok(None),
            _ => {}
        }
        check(&path)?;
        Ok(Some(Self(path)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes what has expired long ago, and what a kill left behind.
    pub(super) fn tidy(&self, now: SystemTime) {
        let is_old = |path: &Path| {
            let written = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
            written.is_ok_and(|written| now.duration_since(written).is_ok_and(|age| age > FORGOTTEN))
        };
        // What cannot be removed now may be the next time.
        let _ = files(&self.0).map(|files| {
            for path in files.iter().filter(|path| is_old(path)) {
                let _ = fs::remove_file(path);
            }
        });
    }

    /// Removes everything that the cache has written; says how many credentials there were.
    ///
    /// # Errors
    ///
    /// [`CacheFailure::Unsafe`], [`CacheFailure::Uncleared`].
    pub(crate) fn clear(path: &Path) -> Result<usize, CacheFailure> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            _ => check(path)?,
        }
        let uncleared = |source| CacheFailure::Uncleared { path: path.to_path_buf(), source };
        let mut credentials = 0;
        for file in files(path).map_err(uncleared)? {
            match fs::remove_file(&file) {
                Ok(()) if file.extension().is_some_and(|extension| extension == "json") => credentials += 1,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(uncleared(error)),
                _ => {}
            }
        }
        Ok(credentials)
    }
}

/// What the cache has written into a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| is_ours(path)).collect())
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_key = |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.starts_with(UNFINISHED) || name.strip_suffix(".json").or(name.strip_suffix(".lock")).is_some_and(is_key)
}

/// That the folder is one, this user's, and nobody else's. That others could look into it is set right.
#[cfg(unix)]
fn check(path: &Path) -> Result<(), CacheFailure> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let refuse = |what| Err(CacheFailure::Unsafe { path: path.to_path_buf(), what });
    let Ok(metadata) = fs::symlink_metadata(path) else { return refuse("cannot be looked at") };
    if !metadata.is_dir() {
        return refuse("is a link, or something else that is no folder");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refuse("belongs to somebody else");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("can be written by others");
    }
    if metadata.mode() & 0o077 != 0 && fs::set_permissions(path, fs::Permissions::from_mode(0o700)).is_err() {
        return refuse("can be read by others");
    }
    Ok(())
}

/// A user's folder for local data is that user's.
#[cfg(not(unix))]
fn check(path: &Path) -> Result<(), CacheFailure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        _ => Err(CacheFailure::Unsafe {
            path: path.to_path_buf(),
            what: "is a link, or something else that is no folder",
        }),
    }
}
