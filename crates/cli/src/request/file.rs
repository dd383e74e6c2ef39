//! Files and standard input that are read twice: to sign, and to send.

use std::fs::File;
use std::io::{self, Read, Seek, Write as _};
use std::path::PathBuf;

use tempfile::SpooledTempFile;

use crate::failure::Failure;

/// How much of what cannot be rewound is kept in memory; the rest is on the disk, where no name leads to it.
const IN_MEMORY: usize = 8 << 20;

/// What can be read from where it stands, and again.
pub(crate) trait Rewind: Read + Seek + Send {}

impl<T: Read + Seek + Send> Rewind for T {}

/// Opens a file; `-` is standard input. A pipe is read to its end.
pub(super) fn open(name: &str) -> Result<Box<dyn Rewind>, Failure> {
    let opened = if name == "-" { standard_input() } else { File::open(name) };
    let failed = |source| unreadable(name, source);
    let mut file = opened.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if metadata.is_file() {
        return Ok(Box::new(file));
    }
    let mut spooled = SpooledTempFile::new(IN_MEMORY);
    copy(&mut file, &mut spooled, failed)?;
    Ok(Box::new(spooled))
}

/// All of it, and back to the start. What cannot be written is told of the folder, since the file itself has no name.
fn copy(from: &mut File, to: &mut SpooledTempFile, unreadable: impl Fn(io::Error) -> Failure) -> Result<(), Failure> {
    let unwritable = |error: io::Error| Failure::Unwritable { path: std::env::temp_dir(), source: error.kind().into() };
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return to.rewind().map_err(unwritable),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        to.write_all(buffer.get(..count).unwrap_or_default()).map_err(unwritable)?;
    }
}

/// All of a file.
pub(super) fn read(name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let opened = if name == "-" { standard_input() } else { File::open(name) };
    opened.and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|source| unreadable(name, source))?;
    Ok(bytes)
}

pub(super) fn unreadable(name: &str, source: io::Error) -> Failure {
    Failure::InputUnreadable { path: PathBuf::from(name), source }
}

#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}
