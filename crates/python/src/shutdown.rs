//! The end of the interpreter, past which no thread of ours may run Python.
//!
//! Up to Python 3.13 a thread that runs Python while the interpreter ends is unwound by force, through Rust's frames, which aborts
//! the process. Threads that Python made are joined before that, or are the program's own risk; those of early refreshes are ours.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use xacct_sign::{Error, ErrorKind};

use crate::collected::is_collected;

// No lock, which a fork could leave locked.
static IS_OVER: AtomicBool = AtomicBool::new(false);
/// A process in the upper half, and how many threads it has inside in the lower: a forked child has none of its parent's.
static INSIDE: AtomicU64 = AtomicU64::new(0);

/// Runs Python, on whatever thread; none once the interpreter ends.
pub(crate) fn attach<T>(call: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    if is_collected() {
        // A thread of Python's that has called us.
        return Python::try_attach(call);
    }
    let _inside = Inside::enter()?;
    Python::try_attach(call)
}

/// As [`attach`]: an error, once the interpreter ends.
pub(crate) fn ask<T>(question: impl FnOnce(Python<'_>) -> Result<T, Error>) -> Result<T, Error> {
    attach(question).unwrap_or_else(|| Err(Error::new(ErrorKind::Interrupted, "the interpreter is shutting down")))
}

/// A thread of our own that may run Python.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        let none = u64::from(process::id()) << 32;
        // The closure always gives a value.
        let _ = INSIDE.fetch_update(SeqCst, SeqCst, |all| Some(if is_here(all) { all + 1 } else { none + 1 }));
        let inside = Self;
        (!IS_OVER.load(SeqCst)).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.fetch_update(SeqCst, SeqCst, |all| is_here(all).then(|| all.saturating_sub(1)));
    }
}

/// Whether a count is of this process.
fn is_here(all: u64) -> bool {
    all >> 32 == u64::from(process::id())
}

/// How many threads of this process are inside.
fn inside() -> u64 {
    let all = INSIDE.load(SeqCst);
    if is_here(all) { all & u64::from(u32::MAX) } else { 0 }
}

/// Waits until no thread of ours runs Python, as the interpreter waits for Python's threads, and lets none begin.
#[pyfunction]
fn _shut_down(py: Python<'_>) -> PyResult<()> {
    IS_OVER.store(true, SeqCst);
    while inside() > 0 {
        py.detach(|| thread::sleep(Duration::from_millis(1)));
        py.check_signals()?;
    }
    Ok(())
}

/// Has the interpreter wait for us at its end.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let function = wrap_pyfunction!(_shut_down, module)?;
    module.py().import("atexit")?.call_method1("register", (function,)).map(drop)
}
