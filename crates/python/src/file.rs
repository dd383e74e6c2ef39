//! Open files of Python's as bodies.

use std::io::{self, Read, Seek, SeekFrom};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign::{Error, ErrorKind};

use crate::raised::interruption;

/// Its bytes are taken out of Python piece by piece.
pub(crate) struct PyFile(pub(crate) Py<PyAny>);

/// How much is asked for at once.
const PIECE: usize = 1 << 18;

impl PyFile {
    /// What the file raises comes out as it is.
    fn ask<T>(&self, question: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> io::Result<T> {
        Python::attach(|py| {
            // A long body does not keep Ctrl-C waiting.
            let answer = py.check_signals().and_then(|()| question(self.0.bind(py)));
            answer.map_err(|raised| io::Error::other(interruption(py, raised, ErrorKind::InvalidBody)))
        })
    }
}

impl Read for PyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ask(|file| {
            let read = file.call_method1("read", (buffer.len().min(PIECE),))?;
            Ok(read.cast::<PyBytes>().ok().and_then(|bytes| {
                let bytes = bytes.as_bytes();
                buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
                Some(bytes.len())
            }))
        })?
        .ok_or_else(|| {
            let message = "the body is a file that gives something else than the bytes it is asked for";
            io::Error::other(Error::new(ErrorKind::InvalidBody, message).with_hint("open it with mode `rb`"))
        })
    }
}

impl Seek for PyFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (offset, whence) = match to {
            SeekFrom::Start(at) => (i128::from(at), 0),
            SeekFrom::Current(by) => (i128::from(by), 1),
            SeekFrom::End(by) => (i128::from(by), 2),
        };
        self.ask(|file| {
            file.call_method1("seek", (offset, whence))?;
            file.call_method0("tell")?.extract()
        })
    }
}
