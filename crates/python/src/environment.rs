//! `Environment`.

use pyo3::prelude::*;

/// The credentials of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read again whenever they are asked
/// for: what a Lambda function has.
///
/// Stands wherever `Credentials` do that a session or an adapter keeps: `Session(credentials=Environment(), ...)` signs as the
/// program itself.
#[pyclass(name = "Environment", module = "xacct_sign", frozen)]
pub(crate) struct PyEnvironment;

#[pymethods]
impl PyEnvironment {
    #[new]
    fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __repr__(&self) -> &'static str {
        "Environment()"
    }
}
