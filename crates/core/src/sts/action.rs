//! What the actions of STS share: a form is posted, signed, and XML comes back.

use std::time::SystemTime;

use http::header::{HOST, HeaderName};

use super::{Endpoint, fault};
use crate::credentials::Credentials;
use crate::encode::push_encoded;
use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use crate::signer::{Request, Signer, sendable};
use crate::small::xml::Elements;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The headers and the body of a signed `POST`.
pub struct RequestParts {
    /// Names in lower case, and values. `host` is left to the client, which sends [`Endpoint::url`]'s.
    pub headers: Vec<(&'static str, String)>,
    /// A form.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The headers hold the session token.
        f.debug_struct("RequestParts").finish_non_exhaustive()
    }
}

/// A call of STS. [`AssumeRole`](super::AssumeRole) and [`GetCallerIdentity`](super::GetCallerIdentity) are there.
pub trait Action: Parts {
    /// The action's name, as AWS has it.
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// The signed request for this call: a `POST` to [`Endpoint::url`].
    ///
    /// # Errors
    ///
    /// A kind of its own for each parameter that STS would refuse; [`ErrorKind::CredentialsExpired`];
    /// [`ErrorKind::InvalidTime`].
    fn request(
        &self,
        credentials: &Credentials,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        let parts = self.request_parts(credentials, endpoint, now)?;
        let unusable =
            |error| Error::new(ErrorKind::InvalidEndpoint, "the STS endpoint cannot be called").with_source(error);
        let request = http::Request::post(endpoint.url()).header(HOST, endpoint.host());
        let mut request = request.body(parts.body).map_err(unusable)?;
        for (name, value) in parts.headers {
            request.headers_mut().insert(HeaderName::from_static(name), sendable(name, &value)?);
        }
        Ok(request)
    }

    /// As [`Action::request`], for clients that do not use the `http` crate.
    ///
    /// # Errors
    ///
    /// As [`Action::request`].
    fn request_parts(
        &self,
        credentials: &Credentials,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<RequestParts, Error> {
        self.check()?;
        credentials.check_usable(now)?;
        let mut form = Form::new(Self::NAME);
        self.write(&mut form);
        // Without `accept` STS may answer in an undocumented JSON.
        let given = [("accept", "application/xml"), ("content-type", FORM)];
        let bytes = given.map(|(name, value)| (name, value.as_bytes()));
        let payload = Payload::Bytes(&form.0);
        let request = Request { method: "POST", url: endpoint.as_url(), headers: &bytes, payload };
        let signer = Signer::new(credentials.clone(), endpoint.scope().clone());
        let signed = signer.sign_parts(&request, now)?;
        let headers = given.into_iter().chain(signed.headers()).map(|(name, value)| (name, value.to_owned())).collect();
        Ok(RequestParts { headers, body: form.0 })
    }

    /// Reads STS's answer to this call, at `now`. `credentials` are those that signed it: an error's text never shows their
    /// secrets, even if the answer repeats them.
    ///
    /// # Errors
    ///
    /// The kinds `Sts*` with [`Error::action`] and [`Error::aws`] where STS refused or failed;
    /// [`ErrorKind::InvalidResponse`] where the answer is none of STS's, or gives credentials that have expired already.
    fn read_response<B: AsRef<[u8]>>(
        &self,
        credentials: &Credentials,
        response: &http::Response<B>,
        now: SystemTime,
    ) -> Result<Self::Output, Error> {
        self.read_answer(credentials, response.status().as_u16(), response.body().as_ref(), now)
    }

    /// As [`Action::read_response`], for clients that do not use the `http` crate.
    ///
    /// # Errors
    ///
    /// As [`Action::read_response`].
    fn read_answer(
        &self,
        credentials: &Credentials,
        status: u16,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Self::Output, Error> {
        let elements = Elements::read(body);
        if !(200..300).contains(&status) {
            return Err(fault::refusal(self, credentials, status, elements.as_ref()));
        }
        let elements = elements.ok_or_else(|| invalid(Self::NAME, "is not XML"))?;
        Self::read(&Answer { elements, action: Self::NAME }, now)
    }
}

/// What an action decides for itself. It seals [`Action`]: the actions are STS's.
pub trait Parts: Sized {
    /// As AWS has it.
    #[doc(hidden)]
    const NAME: &'static str;

    /// What STS gives.
    type Output;

    /// Refuses parameters that STS would refuse.
    #[doc(hidden)]
    fn check(&self) -> Result<(), Error>;

    /// Adds the parameters to the form.
    #[doc(hidden)]
    fn write(&self, form: &mut Form);

    /// Takes from an answer what it gives.
    #[doc(hidden)]
    fn read(answer: &Answer<'_>, now: SystemTime) -> Result<Self::Output, Error>;

    /// That STS does not let the caller do it.
    #[doc(hidden)]
    fn denied(&self, caller: &str) -> String;

    /// That STS did not do it.
    #[doc(hidden)]
    fn failed(&self) -> String;

    /// What STS was asked, where it did not even say why it failed.
    #[doc(hidden)]
    fn asked(&self) -> String;

    /// What to do about a refusal, where it differs from what its kind says.
    #[doc(hidden)]
    fn hint(kind: ErrorKind, message: &str) -> Option<&'static str>;
}

/// A form, every value percent-encoded, so that `a+b` stays `a+b`.
pub struct Form(Vec<u8>);

impl Form {
    fn new(action: &str) -> Self {
        let mut form = Self(b"Action=".to_vec());
        form.0.extend_from_slice(action.as_bytes());
        form.push("Version", "2011-06-15");
        form
    }

    #[inline(never)]
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push(b'&');
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        push_encoded(&mut self.0, value.as_bytes(), |_| false);
    }

    pub(super) fn push_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }
}

/// An answer of STS that says that the call was done.
pub struct Answer<'t> {
    elements: Elements<'t>,
    action: &'static str,
}

impl Answer<'_> {
    /// The text of the first element of this name in a parent of that; an empty one is none.
    pub(super) fn text(&self, parent: &str, name: &str) -> Option<&str> {
        self.elements.text(parent, name).filter(|text| !text.is_empty())
    }

    #[inline(never)]
    pub(super) fn needed(&self, parent: &str, name: &str) -> Result<&str, Error> {
        self.text(parent, name).ok_or_else(|| self.invalid(&format!("has no `{parent}/{name}`")))
    }

    pub(super) fn invalid(&self, what: &str) -> Error {
        invalid(self.action, what)
    }
}

fn invalid(action: &'static str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidResponse, format!("the answer of STS {what}")).with_action(action)
}
