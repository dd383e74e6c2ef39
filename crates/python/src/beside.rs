//! Fetching in a thread beside, for which the program does not wait at its end.

use pyo3::prelude::*;
use xacct_sign::Error;
use xacct_sign_client::host::begin;

use crate::errors::to_py;
use crate::shutdown;

/// A `concurrent.futures.Future` is told what is fetched, or raises it. `given` makes Python's object of it, and holds whatever has to
/// live until then.
pub(crate) fn fetch<T: Send + 'static>(
    future: Bound<'_, PyAny>,
    fetch: impl FnOnce() -> Result<T, Error> + Send + 'static,
    given: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<()> {
    let future = future.unbind();
    let work = move || {
        let fetched = fetch();
        shutdown::attach(|py| {
            let told = match fetched.map_err(to_py).and_then(|fetched| given(py, fetched)) {
                Ok(object) => future.call_method1(py, "set_result", (object,)),
                Err(error) => future.call_method1(py, "set_exception", (error.into_value(py),)),
            };
            if let Err(error) = told {
                error.write_unraisable(py, Some(future.bind(py)));
            }
            drop(future);
        });
    };
    Ok(begin(work)?)
}
