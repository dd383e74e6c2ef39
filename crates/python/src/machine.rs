//! The machine as Python's programs have it.

use std::ffi::OsString;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping};
use xacct_sign::Error;
use xacct_sign_client::host::{Machine, Variables};

use crate::raised::raised;
use crate::shutdown;

/// The machine, whose variables are those of `os.environ`.
pub(crate) fn machine() -> Machine {
    Machine::with_variables(Environ)
}

/// `os.environ`, which is Python's own copy of the environment, read with the GIL: the system's has no lock, and another thread of
/// Python's may be changing it.
#[derive(Debug)]
struct Environ;

impl Variables for Environ {
    fn values(&self, names: &[&str]) -> Result<Vec<Option<OsString>>, Error> {
        shutdown::ask(|py| values(py, names).map_err(|exception| raised(py, exception)))
    }

    fn all(&self) -> Result<Option<Vec<(OsString, OsString)>>, Error> {
        shutdown::ask(|py| all(py).map(Some).map_err(|exception| raised(py, exception)))
    }

    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error> {
        // Python sets the system's while it has the GIL. A build without one has no lock for it, as it has none for C's libraries.
        shutdown::ask(|_| {
            reader();
            Ok(())
        })
    }
}

fn values(py: Python<'_>, names: &[&str]) -> PyResult<Vec<Option<OsString>>> {
    let environ = environ(py)?;
    let data = data(&environ)?;
    let value = |name: &&str| {
        let value = match &data {
            Some(data) => data.get_item(key(py, name))?,
            None => Some(environ.call_method1(intern!(py, "get"), (*name,))?).filter(|value| !value.is_none()),
        };
        value.map(|value| os_string(&value)).transpose()
    };
    names.iter().map(value).collect()
}

fn all(py: Python<'_>) -> PyResult<Vec<(OsString, OsString)>> {
    let environ = environ(py)?;
    let items = match data(&environ)? {
        Some(data) => data.items(),
        None => environ.cast::<PyMapping>()?.items()?,
    };
    items.iter().map(|item| Ok((os_string(&item.get_item(0)?)?, os_string(&item.get_item(1)?)?))).collect()
}

/// `os.environ` as it is now: a program may put another in its place.
fn environ(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static OS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let os = OS.get_or_try_init(py, || py.import("os").map(|os| os.into_any().unbind()))?;
    os.bind(py).getattr(intern!(py, "environ"))
}

/// What lies behind it, if it is Python's own. Its methods are Python's code, in which a signal's handler may run, and are slow.
fn data<'py>(environ: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let data = environ.getattr_opt(intern!(environ.py(), "_data"))?;
    Ok(data.and_then(|data| data.cast_into().ok()))
}

/// A name as it stands there.
#[cfg(not(windows))]
fn key<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyAny> {
    pyo3::types::PyBytes::new(py, name.as_bytes()).into_any()
}

/// A name as it stands there.
#[cfg(windows)]
fn key<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyAny> {
    pyo3::types::PyString::new(py, &name.to_uppercase()).into_any()
}

fn os_string(text: &Bound<'_, PyAny>) -> PyResult<OsString> {
    #[cfg(unix)]
    if let Ok(bytes) = text.cast::<pyo3::types::PyBytes>() {
        return Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes.as_bytes().to_vec()));
    }
    text.extract()
}
