//! What the actions of STS share: a form is posted, signed, and XML comes back.

use std::time::SystemTime;

use http::header::{HOST, HeaderName};

use super::Endpoint;
use super::fault::{self, Secrets};
use super::parts::{Answer, Form, Parts, invalid};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use crate::signer::{Request, Signer, sendable};
use crate::small::xml::Elements;

/// What every request has. Without `accept` STS may answer in an undocumented JSON.
pub(super) const GIVEN: [(&str, &str); 2] =
    [("accept", "application/xml"), ("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

/// The headers and the body of a signed `POST`.
#[non_exhaustive]
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

/// A call of STS that credentials sign. [`AssumeRole`](super::AssumeRole), [`GetCallerIdentity`](super::GetCallerIdentity) and
/// [`GetWebIdentityToken`](super::GetWebIdentityToken) are there; [`AssumeRoleWithWebIdentity`](super::AssumeRoleWithWebIdentity) needs none, and is apart.
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
        let mut request = post(endpoint, parts.body)?;
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
        let form = form(self);
        let bytes = GIVEN.map(|(name, value)| (name, value.as_bytes()));
        let payload = Payload::Bytes(form.as_bytes());
        let request = Request { method: "POST", url: endpoint.as_url(), headers: &bytes, payload };
        let signer = Signer::new(credentials.clone(), endpoint.scope().clone());
        let signed = signer.sign_parts(&request, now)?;
        let headers = GIVEN.into_iter().chain(signed.headers()).map(|(name, value)| (name, value.to_owned())).collect();
        Ok(RequestParts { headers, body: form.into_bytes() })
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
        read(self, [Some(credentials.secret_access_key()), credentials.session_token()], status, body, now)
    }
}

/// The form of a call.
pub(super) fn form<A: Parts>(call: &A) -> Form {
    let mut form = Form::new(A::NAME);
    call.write(&mut form);
    form
}

/// A `POST` to the endpoint, without [`GIVEN`].
pub(super) fn post(endpoint: &Endpoint, body: Vec<u8>) -> Result<http::Request<Vec<u8>>, Error> {
    http::Request::post(endpoint.url())
        .header(HOST, endpoint.host())
        .body(body)
        .map_err(|error| Error::new(ErrorKind::InvalidEndpoint, "the STS endpoint cannot be called").with_source(error))
}

/// Reads STS's answer. No error shows the `secrets` that the request held.
pub(super) fn read<A: Parts>(
    call: &A,
    secrets: Secrets<'_>,
    status: u16,
    body: &[u8],
    now: SystemTime,
) -> Result<A::Output, Error> {
    let elements = Elements::read(body);
    if !(200..300).contains(&status) {
        return Err(fault::refusal(call, secrets, status, elements.as_ref()));
    }
    let elements = elements.ok_or_else(|| invalid(A::NAME, "is not XML"))?;
    A::read(&Answer::new(elements, A::NAME), now)
}
