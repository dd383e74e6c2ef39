//! Who this program is, as it says it to a server without API Gateway in front: by a token, or by a proof.

mod proof;
mod token;

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use xacct_sign::call::{CLIENT_HEADERS, HTTP_HEADERS};
use xacct_sign::{Error, ErrorKind};
use zeroize::Zeroizing;

use crate::patience::Patience;

pub use proof::IdentityProof;
pub use token::{IdentityToken, TokenOptions};

/// What says to one server, its audience, who calls.
pub trait Identity: fmt::Debug + Send + Sync {
    /// What serves now; it may block while that is fetched, as long as the patience lasts.
    ///
    /// # Errors
    ///
    /// Those of the base credentials, and of STS where it is asked.
    fn bearer(&self, patience: &Patience) -> Result<Bearer, Error>;

    /// The same, if nobody has to wait for it; an early refresh may begin beside.
    fn at_hand(&self) -> Option<Bearer>;
}

impl<I: Identity + ?Sized> Identity for Arc<I> {
    fn bearer(&self, patience: &Patience) -> Result<Bearer, Error> {
        (**self).bearer(patience)
    }

    fn at_hand(&self) -> Option<Bearer> {
        (**self).at_hand()
    }
}

/// The header in which an identity is to stand, given its name.
///
/// # Errors
///
/// [`ErrorKind::InvalidHeader`] for what is no name, for the [`HTTP_HEADERS`], for the [`CLIENT_HEADERS`], and for those that are a proxy's.
pub fn identity_header(name: &str) -> Result<HeaderName, Error> {
    let refused = |what: &str| {
        Error::new(ErrorKind::InvalidHeader, format!("the header for the identity {what}"))
            .with_hint("leave it out for `authorization`")
    };
    let name = HeaderName::try_from(name).map_err(|_| refused("has no name of letters, digits and `-`"))?;
    let is_kept = HTTP_HEADERS.contains(&name.as_str()) || CLIENT_HEADERS.contains(&name.as_str());
    // A proxy reads what begins so, and passes none of it on.
    if is_kept || name.as_str().starts_with("proxy-") {
        return Err(refused(&format!("is `{name}`, which HTTP clients and proxies keep for themselves")));
    }
    Ok(name)
}

/// A token or a proof: whoever has it is the caller, to the audience that it is for, until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The token or the proof itself, which goes out as `authorization: Bearer ...`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header's value, which no `Debug` shows.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let text = Zeroizing::new(format!("Bearer {}", self.as_str()));
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Error::new(ErrorKind::InvalidResponse, "the identity cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")
    }
}
