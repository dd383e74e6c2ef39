//! The extension module `xacct_sign._native`: converts types and errors, and decides nothing.

mod convert;
mod credentials;
mod errors;
mod json;
mod role;
mod session;
mod signer;
mod trace;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::credentials::PyCredentials;
    #[pymodule_export]
    use crate::json::dumps;
    #[pymodule_export]
    use crate::role::PyAssumeRole;
    #[pymodule_export]
    use crate::session::PySession;
    #[pymodule_export]
    use crate::signer::{_check_private, PyPayloadHash, PySigner, canonical_url};
    #[pymodule_export]
    use crate::trace::trace;
}
