//! Waiting as Python waits: others run meanwhile, and signal handlers run at once.

use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{Patience, Watch};

use crate::collected::{Line, collect, take_loud};
use crate::errors::to_py;
use crate::log;
use crate::raised::interruption;

/// Makes a call that may wait: without the GIL, and until a signal handler raises an exception.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    patience: Patience,
    call: impl FnOnce(&Patience) -> Result<T, Error> + Send,
) -> PyResult<T> {
    waited(py, patience, call)?.map_err(to_py)
}

/// The same for a call that says otherwise how it ended. What a signal handler raises is its error, too.
pub(crate) fn waited<T: Send>(
    py: Python<'_>,
    patience: Patience,
    call: impl FnOnce(&Patience) -> T + Send,
) -> PyResult<T> {
    let patience = patience.watched(watch());
    let (result, told) = collect(|| py.detach(|| call(&patience)));
    tell(py, &told)?;
    Ok(result)
}

/// Makes a call that waits for nothing, with the GIL.
pub(crate) fn here<T>(py: Python<'_>, call: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    let (result, told) = collect(call);
    tell(py, &told)?;
    result.map_err(to_py)
}

/// Tells what has happened meanwhile. What is loud still was told of by what sent nothing: it may raise. Of what is done a log that
/// fails takes nothing back.
pub(crate) fn tell(py: Python<'_>, told: &[Line]) -> PyResult<()> {
    if told.is_empty() {
        return Ok(());
    }
    // What a signal's handler raises goes first, and is not the log's.
    py.check_signals()?;
    log::warn_of(py, told)?;
    match log::write(py, told) {
        Err(error) if error.is_instance_of::<PyException>(py) => {
            error.write_unraisable(py, None);
            Ok(())
        }
        done => done,
    }
}

/// Runs the handlers of signals that have arrived. What one raises ends the waiting, and is what the call raises.
fn watch() -> Arc<Watch> {
    let runs_handlers = OnceLock::new();
    let raised: OnceLock<Error> = OnceLock::new();
    Arc::new(move || {
        if let Some(error) = raised.get() {
            return Err(error.clone());
        }
        // Told before anything is sent: whoever looks asks here first.
        let loud = take_loud();
        if loud.is_empty() && runs_handlers.get() == Some(&false) {
            return Ok(());
        }
        let check = |py: Python<'_>| {
            log::warn_of(py, &loud)?;
            // Asked for once somebody waits, as most calls do not wait at all. It runs Python, and so the handlers of signals, too.
            let is_main = runs_handlers.get().map_or_else(|| is_main(py), |is_main| Ok(*is_main))?;
            if *runs_handlers.get_or_init(|| is_main) { py.check_signals() } else { Ok(()) }
        };
        let checked =
            Python::try_attach(|py| check(py).map_err(|exception| interruption(py, exception, ErrorKind::Interrupted)));
        let Some(Err(error)) = checked else { return Ok(()) };
        Err(raised.get_or_init(|| error).clone())
    })
}

/// Whether this is the thread that runs Python's signal handlers. Without the module `threading` there is hardly another.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let Some(threading) = log::imported(py, "threading")? else { return Ok(true) };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}
