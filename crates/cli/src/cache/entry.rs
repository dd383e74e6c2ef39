//! One role's credentials in the cache.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use xacct_sign::aws::{format_rfc3339, parse_rfc3339};
use xacct_sign::refresh::{Poll, Refresh};
use xacct_sign::{Credentials, Error};
use xacct_sign_client::Patience;
use zeroize::Zeroizing;

use super::failure::CacheFailure;
use super::folder::{Folder, UNFINISHED};

/// More than credentials take: nothing is read beyond.
const LIMIT: u64 = 64 * 1024;

/// How far the clock may have been set back since credentials were fetched: more makes no sense of their expiry.
const SET_BACK: Duration = Duration::from_secs(3_600);

/// How often whoever waits for a lock looks whether to go on waiting.
const SLICE: Duration = Duration::from_millis(25);

/// A file of the cache, and its lock beside it.
pub(super) struct Entry {
    folder: Folder,
    key: String,
}

/// Credentials, and when they were fetched.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) credentials: Credentials,
    fetched_at: SystemTime,
}

/// The lock, until it is dropped, or the process ends in whatever way. `None` where the file system knows none: then it may be that
/// two ask at once.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held")] Option<File>);

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct Stored {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Zeroizing<String>,
    fetched_at: String,
    expires_at: String,
}

impl Kept {
    /// What to do with them at `now`: by the rule that is everywhere for credentials in memory.
    pub(super) fn poll(&self, now: SystemTime) -> Poll {
        if self.fetched_at.duration_since(now).is_ok_and(|ahead| ahead > SET_BACK) {
            return Poll::Refresh;
        }
        // One seed for all: the first who comes in the early window fetches, and the others take what it leaves.
        let mut refresh = Refresh::new(0);
        refresh.succeeded(self.credentials.expires_at(), self.fetched_at);
        refresh.poll(now)
    }
}

impl Entry {
    pub(super) fn new(folder: Folder, key: String) -> Self {
        Self { folder, key }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.json", self.key))
    }

    /// What is there. `None` where there is nothing, and for what makes no sense: cut short, no JSON, a link, readable by others.
    ///
    /// # Errors
    ///
    /// [`CacheFailure::Unsafe`] for a file of somebody else.
    pub(super) fn read(&self) -> Result<Option<Kept>, CacheFailure> {
        let path = self.file();
        let mut options = OpenOptions::new();
        options.read(true);
        not_through_links(&mut options);
        let Ok(file) = options.open(&path) else {
            let is_foreign = fs::symlink_metadata(&path).is_ok_and(|metadata| is_foreign(&metadata));
            return if is_foreign { Err(foreign(path)) } else { Ok(None) };
        };
        let Ok(metadata) = file.metadata() else { return Ok(None) };
        if is_foreign(&metadata) {
            return Err(foreign(path));
        }
        if !metadata.is_file() || is_open_to_others(&metadata) {
            return Ok(None);
        }
        let mut content = Zeroizing::new(Vec::new());
        let read = file.take(LIMIT).read_to_end(&mut content);
        Ok(read.ok().and_then(|_| kept(&content)))
    }

    /// Puts credentials in the place of what is there: whoever reads sees the one or the other, whatever happens on the way.
    pub(super) fn write(&self, credentials: &Credentials, fetched_at: SystemTime) -> io::Result<()> {
        let text = |at: Option<SystemTime>| at.and_then(format_rfc3339);
        let (Some(fetched_at), Some(expires_at), Some(token)) =
            (text(Some(fetched_at)), text(credentials.expires_at()), credentials.session_token())
        else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let stored = Stored {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: Zeroizing::new(credentials.secret_access_key().to_owned()),
            session_token: Zeroizing::new(token.to_owned()),
            fetched_at,
            expires_at,
        };
        let content = Zeroizing::new(serde_json::to_vec(&stored)?);
        // For its owner alone from the beginning, as tempfile makes them.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(self.folder.path())?;
        file.write_all(&content)?;
        file.persist(self.file())?;
        Ok(())
    }

    /// Removes what was forgotten in the folder.
    pub(super) fn tidy(&self, now: SystemTime) {
        self.folder.tidy(now);
    }

    /// The lock, if nobody has it.
    pub(super) fn try_lock(&self) -> Option<Lock> {
        let file = self.lock_file().ok()?;
        file.try_lock().ok().filter(|()| self.is_in_place(&file)).map(|()| Lock(Some(file)))
    }

    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// The patience's.
    pub(super) fn lock(&self, patience: &Patience) -> Result<Lock, Error> {
        loop {
            let Ok(file) = self.lock_file() else { return Ok(Lock(None)) };
            let Some(file) = locked(file, patience)? else { return Ok(Lock(None)) };
            // Who clears the cache takes the file away from those who hold it.
            if self.is_in_place(&file) {
                return Ok(Lock(Some(file)));
            }
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.path().join(format!("{}.lock", self.key))
    }

    fn lock_file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        not_through_links(&mut options);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.lock_path())
    }

    /// Whether this is the file that others would take the lock of.
    #[cfg(unix)]
    fn is_in_place(&self, file: &File) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let (there, here) = (fs::symlink_metadata(self.lock_path()), file.metadata());
        matches!((there, here), (Ok(there), Ok(here)) if (there.dev(), there.ino()) == (here.dev(), here.ino()))
    }

    /// An open file stays.
    #[cfg(not(unix))]
    fn is_in_place(&self, _: &File) -> bool {
        true
    }
}

/// The file, once it is locked; `None` where it cannot be. The system's wait knows no end: it is made in a thread that is left behind.
fn locked(file: File, patience: &Patience) -> Result<Option<File>, Error> {
    if file.try_lock().is_ok() {
        return Ok(Some(file));
    }
    let (sender, receiver) = channel();
    let wait = move || {
        let locked = file.lock().map(|()| file);
        // Whoever waited may be gone, and the lock with the file.
        let _ = sender.send(locked);
    };
    if thread::Builder::new().spawn(wait).is_err() {
        return Ok(None);
    }
    loop {
        match receiver.recv_timeout(SLICE) {
            Ok(locked) => return Ok(locked.ok()),
            Err(RecvTimeoutError::Timeout) => patience.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

fn kept(content: &[u8]) -> Option<Kept> {
    let Stored { access_key_id, secret_access_key, session_token, fetched_at, expires_at } =
        serde_json::from_slice(content).ok()?;
    let (fetched_at, expires_at) = (parse_rfc3339(&fetched_at)?, parse_rfc3339(&expires_at)?);
    let (secret, token) = (secret_access_key.as_str(), session_token.as_str().to_owned());
    let credentials = Credentials::new(access_key_id, secret, Some(token), Some(expires_at)).ok()?;
    Some(Kept { credentials, fetched_at })
}

fn foreign(path: PathBuf) -> CacheFailure {
    CacheFailure::Unsafe { path, what: "belongs to somebody else" }
}

#[cfg(unix)]
fn not_through_links(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    // What is no file, such as a pipe, does not keep anybody waiting.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, i32::try_from(flags).unwrap_or_default());
}

#[cfg(not(unix))]
fn not_through_links(_: &mut OpenOptions) {}

#[cfg(unix)]
fn is_foreign(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) != rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_foreign(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}
