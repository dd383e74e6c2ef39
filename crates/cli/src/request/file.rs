//! Files and standard input that are read twice: to sign, and to send.

use std::fs::File;
use std::io::{self, Read, Seek};
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
    io::copy(&mut file, &mut spooled).and_then(|_| spooled.rewind()).map_err(failed)?;
    Ok(Box::new(spooled))
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
