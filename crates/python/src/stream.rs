//! The body of an answer, read as it comes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{Patience, Streamed};

use crate::convert::timeout;
use crate::errors::to_py;
use crate::waiting::wait;

/// How much is given at once.
const MOST: usize = 1 << 20;

#[pyclass(name = "Stream", module = "xacct_sign._native", frozen)]
pub(crate) struct PyStream {
    /// None once it is closed. Never waited for: who holds it may wait for Python's lock.
    streamed: Mutex<Option<Streamed>>,
    is_closed: AtomicBool,
}

impl PyStream {
    pub(crate) fn new(streamed: Streamed) -> Self {
        Self { streamed: Mutex::new(Some(streamed)), is_closed: AtomicBool::new(false) }
    }
}

#[pymethods]
impl PyStream {
    /// The next bytes, as soon as there are any, at most so many; none at the end.
    fn read<'py>(&self, py: Python<'py>, most: usize, seconds: Option<f64>) -> PyResult<Bound<'py, PyBytes>> {
        let closed = || to_py(Error::new(ErrorKind::Closed, "the answer is closed"));
        let Ok(mut held) = self.streamed.try_lock() else {
            return Err(to_py(Error::new(ErrorKind::InvalidOption, "the answer is being read by another thread")));
        };
        let mut buffer = vec![0; most.clamp(1, MOST)];
        let result = {
            let streamed = held.as_mut().ok_or_else(closed)?;
            let (streamed, buffer) = (&mut *streamed, &mut buffer);
            wait(py, Patience::of(timeout(seconds)?), |patience| streamed.read_within(buffer, patience))
        };
        // By a signal's handler, or another thread, meanwhile.
        if self.is_closed.load(Ordering::Acquire) {
            *held = None;
        }
        Ok(PyBytes::new(py, buffer.get(..result?).unwrap_or_default()))
    }

    /// Ends it: its connection is closed if there was more to read.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        if let Ok(mut held) = self.streamed.try_lock() {
            *held = None;
        }
    }
}
