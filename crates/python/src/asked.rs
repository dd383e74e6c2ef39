//! Python's objects that give credentials: callables, and what botocore has.

use std::fmt;

use pyo3::prelude::*;
use xacct_sign::{Credentials, Error, ErrorKind};
use xacct_sign_client::{CredentialSource, Patience};

use crate::convert::{optional_text, text, type_name};
use crate::credentials::PyCredentials;
use crate::held::{Handle, Held};
use crate::raised::raised;
use crate::shutdown;

/// An object that is asked anew each time, on whatever thread that is.
pub(crate) struct Asked {
    object: Handle,
    is_called: bool,
}

impl Asked {
    /// A callable, a session or credentials of botocore's. Neither boto3 nor botocore is imported: their objects are known by
    /// their methods.
    pub(crate) fn of(object: &Bound<'_, PyAny>, held: &Held) -> Option<Self> {
        let is_called = Shape::of(object).is_none();
        let is_known = !is_called || object.is_callable();
        is_known.then(|| Self { object: held.handle(), is_called })
    }

    /// Whether it is a callable, which may take long and keep nothing. What botocore has keeps its credentials itself.
    pub(crate) fn is_called(&self) -> bool {
        self.is_called
    }

    fn ask(&self, py: Python<'_>) -> PyResult<Result<Credentials, Error>> {
        let Some(object) = self.object.object(py) else {
            return Ok(Err(Error::new(ErrorKind::Interrupted, "what gave the credentials is gone")));
        };
        read(if self.is_called { object.call0()? } else { object })
    }
}

impl CredentialSource for Asked {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        shutdown::ask(|py| self.ask(py).unwrap_or_else(|exception| Err(raised(py, exception))))
    }

    fn usual_region(&self) -> Option<String> {
        // A callable may be anything, with any attributes.
        if self.is_called {
            return None;
        }
        shutdown::attach(|py| self.object.object(py).and_then(|object| region_of(&object)))?
    }
}

/// The region of a session of boto3's, or of botocore's. What it raises is told where credentials are asked for.
fn region_of(session: &Bound<'_, PyAny>) -> Option<String> {
    let of_boto3 = session.getattr("region_name").and_then(|region| region.extract::<String>());
    let of_botocore = || session.call_method1("get_config_variable", ("region",)).and_then(|region| region.extract());
    of_boto3.or_else(|_| of_botocore()).ok().filter(|region| !region.is_empty())
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the object says of itself may be a secret.
        f.write_str("Asked")
    }
}

/// What botocore has.
enum Shape {
    /// `boto3.Session`, `botocore.session.Session`.
    Session,
    /// `botocore.credentials.Credentials` and its kinds, whose parts are read together.
    Refreshed,
    /// `botocore.credentials.ReadOnlyCredentials`.
    Frozen,
}

impl Shape {
    /// By what the type has, since an instance of `unittest.mock` has everything.
    fn of(object: &Bound<'_, PyAny>) -> Option<Self> {
        let class = object.get_type();
        let has = |name: &str| class.hasattr(name).unwrap_or_default();
        if has("get_frozen_credentials") {
            return Some(Self::Refreshed);
        }
        if has("get_credentials") {
            return Some(Self::Session);
        }
        let is_frozen = ["access_key", "secret_key", "token"].into_iter().all(has);
        is_frozen.then_some(Self::Frozen)
    }
}

/// The credentials that a value is, or has.
fn read(mut value: Bound<'_, PyAny>) -> PyResult<Result<Credentials, Error>> {
    loop {
        if let Ok(credentials) = value.cast::<PyCredentials>() {
            return Ok(Ok(credentials.get().0.clone()));
        }
        value = match Shape::of(&value) {
            Some(Shape::Session) => value.call_method0("get_credentials")?,
            Some(Shape::Refreshed) => value.call_method0("get_frozen_credentials")?,
            Some(Shape::Frozen) => return frozen(&value).map(Ok),
            None => return nonsense(&value).map(Err),
        };
        if value.is_none() {
            let error = Error::new(ErrorKind::CredentialsNotFound, "botocore's session has no credentials");
            return Ok(Err(error.with_hint("see where botocore looks for them, or leave `base` out")));
        }
    }
}

fn frozen(value: &Bound<'_, PyAny>) -> PyResult<Credentials> {
    let kind = ErrorKind::InvalidCredentials;
    let (key, secret, token) = (value.getattr("access_key")?, value.getattr("secret_key")?, value.getattr("token")?);
    let token = optional_text((!token.is_none()).then_some(&token), kind, "the session token")?;
    let (key, secret) = (text(&key, kind, "the access key id")?, text(&secret, kind, "the secret access key")?);
    Credentials::new(key, secret, token, None).map_err(crate::errors::to_py)
}

fn nonsense(value: &Bound<'_, PyAny>) -> PyResult<Error> {
    let message = format!("what gives the credentials gave a `{}`", type_name(value));
    let error = Error::new(ErrorKind::InvalidCredentials, message);
    if !value.get_type().hasattr("__await__")? {
        return Ok(error.with_hint("return Credentials of xacct_sign, or credentials of botocore"));
    }
    // A coroutine that nobody awaits would be complained of.
    if value.hasattr("close")? {
        value.call_method0("close")?;
    }
    Ok(error.with_hint("it is asked from threads without an event loop: give what does not have to be awaited"))
}
