//! `IdentityToken`, `IdentityProof`, and what a session and the adapters send of them.

use std::sync::Arc;

use http::HeaderName;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyString;
use xacct_sign::sts::{GetWebIdentityToken, TokenAlgorithm};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::host::Host;
use xacct_sign_client::{
    DefaultChain, Identity, IdentityProof, IdentityToken, Patience, TokenOptions, identity_header, sts_region,
};

use crate::beside;
use crate::convert::{Given, integer, optional_text, text, text_for};
use crate::errors::to_py;
use crate::held::Held;
use crate::log::listener;
use crate::machine::machine;
use crate::source::Source;
use crate::waiting::{here, wait};

/// Says to a server who calls, by a web identity token: made by STS when it is needed, and again before it expires.
///
/// The caller's account has to be an issuer, once: `aws iam enable-outbound-web-identity-federation`; and the caller's own policy has
/// to allow `sts:GetWebIdentityToken`. Where that cannot be, `IdentityProof` needs neither. Share one object among all threads and
/// clients: it makes one STS call per lifetime.
///
/// Args:
///     audience: the server's, as its provider wrote it, such as `https://api.example.com`.
///     region: the region whose STS makes the tokens: that where the program runs. None stands for that of a base that was given one,
///         as an `AssumeRole` is, else for `AWS_REGION` or `AWS_DEFAULT_REGION`, else for the profile's.
///     duration_seconds: 60 to 3600; of credentials that end sooner a token is made that ends with them.
///     algorithm: `ES384`, or `RS256` where the server takes no other.
///     base: what gives the credentials whose token it is, as that of `AssumeRole`: None stands for `DefaultCredentials()`.
///
/// Raises:
///     ValidationError: for any argument that STS would refuse; nothing is sent.
#[pyclass(name = "IdentityToken", module = "xacct_sign", frozen)]
pub(crate) struct PyIdentityToken {
    identity: IdentityToken,
    held: Held,
}

#[pymethods]
impl PyIdentityToken {
    #[new]
    #[pyo3(signature = (audience, *, region=None, duration_seconds=Given(None), algorithm=Given(None), base=None),
        text_signature = "(audience, *, region=None, duration_seconds=300, algorithm='ES384', base=None)")]
    fn new(
        py: Python<'_>,
        audience: &Bound<'_, PyAny>,
        region: Option<&Bound<'_, PyAny>>,
        duration_seconds: Given<'_>,
        algorithm: Given<'_>,
        base: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let host: Arc<dyn Host> = Arc::new(machine());
        let (base, held) = base.map_or_else(default, Source::base)?;
        let mut options = TokenOptions::new(audience_of(audience)?, region_of(py, &host, region, &base)?);
        if let Some(seconds) = duration_seconds.0 {
            // A role's are others.
            let refused =
                |message| Error::new(ErrorKind::InvalidDuration, message).with_hint(GetWebIdentityToken::DURATION_HINT);
            let seconds = integer(&seconds, "`duration_seconds`", refused)?;
            options.call.duration_seconds =
                u32::try_from(seconds).map_err(|_| to_py(GetWebIdentityToken::duration_refused(seconds)))?;
        }
        if let Some(name) = algorithm.0 {
            let name = option(&name, "`algorithm`", TokenAlgorithm::HINT)?;
            options.call.algorithm = TokenAlgorithm::named(name).map_err(to_py)?;
        }
        options.listener = Some(listener());
        let identity = here(py, || IdentityToken::on(host, options, base))?;
        Ok(Self { identity, held })
    }

    /// A token that is valid now, for a client that has no adapter: `authorization: Bearer ...`. It calls STS where that is needed.
    ///
    /// Raises:
    ///     CredentialsError: there are no base credentials, or they have expired.
    ///     StsError: STS refused or failed.
    ///     TransportError: the network failed; `TransportTimeout` if a time limit ran out.
    fn token<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        bearer(py, &self.identity)
    }

    #[getter]
    fn audience(&self) -> &str {
        self.identity.audience()
    }

    #[getter]
    fn region(&self) -> &str {
        self.identity.region()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, "IdentityToken", self.identity.audience(), self.identity.region())
    }
}

/// Says to a server who calls, by a signed `GetCallerIdentity` that the server has STS answer: no call is made here, the caller's
/// account need not be an issuer, and no permission is needed.
///
/// A proof is sent for two and a half minutes, or until the credentials change. Share one object among all threads and clients, since
/// each proof costs the server a call of STS.
///
/// Args:
///     audience: the server's, as its provider wrote it, such as `https://api.example.com`.
///     region: the region whose STS the server asks: one that it takes proofs of; None as for a token.
///     base: what gives the credentials that sign, those of a role; as that of `AssumeRole`: None stands for `DefaultCredentials()`.
///
/// Raises:
///     ValidationError: for an audience that is none, `invalid_region`, `unknown_partition`; when it is used, for credentials that no
///         proof can hold.
#[pyclass(name = "IdentityProof", module = "xacct_sign", frozen)]
pub(crate) struct PyIdentityProof {
    identity: IdentityProof,
    held: Held,
}

#[pymethods]
impl PyIdentityProof {
    #[new]
    #[pyo3(signature = (audience, *, region=None, base=None))]
    fn new(
        py: Python<'_>,
        audience: &Bound<'_, PyAny>,
        region: Option<&Bound<'_, PyAny>>,
        base: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let host: Arc<dyn Host> = Arc::new(machine());
        let (base, held) = base.map_or_else(default, Source::signing)?;
        let (audience, region) = (audience_of(audience)?, region_of(py, &host, region, &base)?);
        let identity = here(py, || IdentityProof::on(host, audience, region, base))?;
        Ok(Self { identity, held })
    }

    /// A proof that serves now, for a client that has no adapter: `authorization: Bearer ...`. Nobody is called but for the
    /// credentials.
    ///
    /// Raises:
    ///     CredentialsError: there are no credentials, or they have expired.
    ///     ValidationError: the credentials are of a kind that no proof can hold.
    fn proof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        bearer(py, &self.identity)
    }

    #[getter]
    fn audience(&self) -> &str {
        self.identity.audience()
    }

    #[getter]
    fn region(&self) -> &str {
        self.identity.region()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, "IdentityProof", self.identity.audience(), self.identity.region())
    }
}

fn audience_of<'a>(audience: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    option(audience, "the audience", GetWebIdentityToken::AUDIENCE_HINT)
}

fn option<'a>(given: &'a Bound<'_, PyAny>, what: &str, hint: &'static str) -> PyResult<&'a str> {
    text_for(given, what, &|message| Error::new(ErrorKind::InvalidOption, message).with_hint(hint))
}

fn region_of(
    py: Python<'_>,
    host: &Arc<dyn Host>,
    given: Option<&Bound<'_, PyAny>>,
    base: &Source,
) -> PyResult<String> {
    let given = optional_text(given, ErrorKind::InvalidRegion, "the region")?;
    here(py, || sts_region(host, base, given.as_deref()))
}

fn default() -> PyResult<(Source, Held)> {
    Ok((Source::Default(DefaultChain::on(Arc::new(machine()), None)), Held::default()))
}

fn bearer<'py>(py: Python<'py>, identity: &dyn Identity) -> PyResult<Bound<'py, PyString>> {
    let bearer = wait(py, Patience::default(), |patience| identity.bearer(patience))?;
    Ok(PyString::new(py, bearer.as_str()))
}

fn shown(py: Python<'_>, class: &str, audience: &str, region: &str) -> PyResult<String> {
    let audience = PyString::new(py, audience).repr()?;
    Ok(format!("{class}({audience}, region='{region}')"))
}

/// What a session and the adapters send of an identity, and the header that it stands in.
#[pyclass(name = "Bearing", module = "xacct_sign._native", frozen)]
pub(crate) struct PyBearing {
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) name: HeaderName,
    /// The object itself, which holds what it asks.
    held: Held,
}

#[pymethods]
impl PyBearing {
    #[new]
    fn new(identity: &Bound<'_, PyAny>, header: &Bound<'_, PyAny>) -> PyResult<Self> {
        let held = Held::new(identity);
        let token = identity.cast::<PyIdentityToken>().map(|token| Arc::new(token.get().identity.clone()) as _);
        let proof = || identity.cast::<PyIdentityProof>().map(|proof| Arc::new(proof.get().identity.clone()) as _);
        let Ok(identity) = token.or_else(|_| proof()) else {
            let message = "what should say who calls is neither an IdentityToken nor an IdentityProof";
            let hint = "give `IdentityToken(audience, region=...)`";
            return Err(to_py(Error::new(ErrorKind::InvalidOption, message).with_hint(hint)));
        };
        let name = text(header, ErrorKind::InvalidHeader, "the header for the identity")?;
        let name = identity_header(name).map_err(to_py)?;
        Ok(Self { identity, name, held })
    }

    /// The header's name, in lower case.
    #[getter]
    fn header(&self) -> &str {
        self.name.as_str()
    }

    /// The token or proof that serves now; calls STS where that is needed.
    fn bearer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        bearer(py, &*self.identity)
    }

    /// The same, if nobody has to wait for it; else None. An early refresh goes on beside.
    fn at_hand(&self, py: Python<'_>) -> PyResult<Option<String>> {
        here(py, || Ok(self.identity.at_hand().map(|bearer| bearer.as_str().to_owned())))
    }

    /// The same on a thread beside, for which the program does not wait at its end. A `concurrent.futures.Future` is told what it
    /// gives, or raises.
    fn fetch(slf: Bound<'_, Self>, future: Bound<'_, PyAny>) -> PyResult<()> {
        let identity = Arc::clone(&slf.get().identity);
        // It holds what it fetches from.
        let bearing = slf.unbind();
        // The fetch is for all who wait: it has a time of its own, and nobody's Ctrl-C ends it.
        let fetch = move || identity.bearer(&Patience::default());
        beside::fetch(future, fetch, move |py, bearer| {
            drop(bearing);
            Ok(PyString::new(py, bearer.as_str()).into_any().unbind())
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }

    fn __clear__(&self) {
        self.held.clear();
    }
}
