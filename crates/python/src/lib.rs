//! The extension module `xacct_sign._native`: converts types and errors, and decides nothing.

mod asked;
mod beside;
mod collected;
mod convert;
mod credentials;
mod default_credentials;
mod environment;
mod errors;
mod explain;
mod file;
mod held;
mod http_hosts;
mod identity;
mod json;
mod log;
mod machine;
mod raised;
mod request;
mod role;
mod server;
mod session;
mod shutdown;
mod signer;
mod signing;
mod source;
mod stream;
mod trace;
mod url;
mod waiting;
mod warnings;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::convert::PyPayloadHash;
    #[pymodule_export]
    use crate::credentials::PyCredentials;
    #[pymodule_export]
    use crate::default_credentials::PyDefaultCredentials;
    #[pymodule_export]
    use crate::environment::PyEnvironment;
    #[pymodule_export]
    use crate::explain::{PyFinding, PySent, diagnose, explain};
    #[pymodule_export]
    use crate::http_hosts::PyHttpHosts;
    #[pymodule_export]
    use crate::identity::{PyBearing, PyIdentityProof, PyIdentityToken};
    #[pymodule_export]
    use crate::json::dumps;
    #[pymodule_export]
    use crate::role::PyAssumeRole;
    #[pymodule_export]
    use crate::server::{PyVerifier, refusal};
    #[pymodule_export]
    use crate::session::PySession;
    #[pymodule_export]
    use crate::signer::PySigner;
    #[pymodule_export]
    use crate::signing::{PyReady, PySigning};
    #[pymodule_export]
    use crate::stream::PyStream;
    #[pymodule_export]
    use crate::trace::trace;
    #[pymodule_export]
    use crate::url::{_within_origin, canonical_url};

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        crate::shutdown::register(module)
    }
}
