//! STS `AssumeRole`: the request, signed; the answer, read; every limit checked before anything is sent.
//!
//! Source: AWS STS API Reference, "AssumeRole" and "Common Errors".

mod endpoint;
mod limits;
mod response;

use std::time::SystemTime;

use http::header::{HOST, HeaderName};

pub use endpoint::{Endpoint, RoleArn};
pub use response::AssumedRole;

use crate::credentials::Credentials;
use crate::encode::push_encoded;
use crate::error::Error;
use crate::payload::Payload;
use crate::signer::{Request, Signer, sendable};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The parameters of an `AssumeRole` call.
///
/// # Defaults
///
/// [`AssumeRole::new`] asks for 3600 seconds and sets nothing else.
///
/// ```
/// use xacct_sign::sts::AssumeRole;
/// let mut call = AssumeRole::new("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", "shop");
/// call.duration_seconds = 899;
/// assert_eq!(call.validate().unwrap_err().code(), "invalid_duration");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role's ARN, `arn:{partition}:iam::{account}:role/{name}`; 20 to 2048 characters.
    pub role_arn: String,
    /// The name of the session, 2 to 64 of `[A-Za-z0-9_+=,.@-]`: how the other side's logs tell callers apart.
    pub session_name: String,
    /// How long the credentials live, 900 to 43200 seconds; at most the role's `MaxSessionDuration`, and at most 3600 where
    /// the caller's credentials are a role's themselves.
    pub duration_seconds: u32,
    /// The secret-free name that a third party gives its customer, 2 to 1224 of `[A-Za-z0-9_+=,.@:/-]`.
    pub external_id: Option<String>,
    /// A session policy as JSON, up to 2048 characters: the session may do what both it and the role allow.
    pub policy: Option<String>,
    /// Up to 10 ARNs of managed policies in the role's account, used like `policy`.
    pub policy_arns: Vec<String>,
    /// Up to 50 session tags: keys of 1 to 128, values of 0 to 256 characters.
    pub tags: Vec<(String, String)>,
    /// Keys of `tags` that go on to the next role of a chain.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity, 2 to 64 of `[A-Za-z0-9_+=,.@-]`, not beginning with `aws:`.
    pub source_identity: Option<String>,
    /// Multi-factor authentication.
    pub mfa: Option<Mfa>,
}

/// A one-time password of an MFA device. It works once: credentials got with it cannot be refreshed.
#[derive(Clone, PartialEq, Eq)]
pub struct Mfa {
    /// The device's serial number or ARN, 9 to 256 characters.
    pub serial_number: String,
    /// Six digits.
    pub token_code: String,
}

impl std::fmt::Debug for Mfa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mfa").field("serial_number", &self.serial_number).finish_non_exhaustive()
    }
}

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

impl AssumeRole {
    /// A call for this role under this session name, with defaults for the rest.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, session_name: impl Into<String>) -> Self {
        Self {
            role_arn: role_arn.into(),
            session_name: session_name.into(),
            duration_seconds: 3600,
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            mfa: None,
        }
    }

    /// Checks every parameter against STS's limits.
    ///
    /// # Errors
    ///
    /// A kind of its own for each parameter, [`crate::ErrorKind::InvalidRoleArn`] to [`crate::ErrorKind::InvalidMfa`].
    pub fn validate(&self) -> Result<(), Error> {
        limits::validate(self)
    }

    /// The signed request for this call: a `POST` to [`Endpoint::url`].
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::validate`]; [`crate::ErrorKind::InvalidTime`].
    pub fn request(
        &self,
        credentials: &Credentials,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        let parts = self.request_parts(credentials, endpoint, now)?;
        let unusable = |error| {
            Error::new(crate::ErrorKind::InvalidEndpoint, "the STS endpoint cannot be called").with_source(error)
        };
        let request = http::Request::post(endpoint.url()).header(HOST, endpoint.host());
        let mut request = request.body(parts.body).map_err(unusable)?;
        for (name, value) in parts.headers {
            request.headers_mut().insert(HeaderName::from_static(name), sendable(name, &value)?);
        }
        Ok(request)
    }

    /// As [`AssumeRole::request`], for clients that do not use the `http` crate.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::request`].
    pub fn request_parts(
        &self,
        credentials: &Credentials,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<RequestParts, Error> {
        self.validate()?;
        let signer = Signer::new(credentials.clone(), endpoint.region(), "sts")?;
        let body = self.form();
        // Without `accept` STS may answer in an undocumented JSON.
        let given = [("accept", "application/xml"), ("content-type", FORM)];
        let bytes = given.map(|(name, value)| (name, value.as_bytes()));
        let payload = Payload::Bytes(&body);
        let signed =
            signer.sign_parts(&Request { method: "POST", url: endpoint.url(), headers: &bytes, payload }, now)?;
        let headers = given.into_iter().chain(signed.headers()).map(|(name, value)| (name, value.to_owned())).collect();
        Ok(RequestParts { headers, body })
    }

    /// Reads STS's answer to this call. `credentials` are those that signed it: an error's text never shows their secrets,
    /// even if the answer repeats them.
    ///
    /// # Errors
    ///
    /// The kinds `AssumeRole*` with [`Error::aws`] where STS refused or failed; [`crate::ErrorKind::InvalidResponse`] where
    /// the answer is none of STS's.
    pub fn read_response<B: AsRef<[u8]>>(
        &self,
        credentials: &Credentials,
        response: &http::Response<B>,
    ) -> Result<AssumedRole, Error> {
        self.read_answer(credentials, response.status().as_u16(), response.body().as_ref())
    }

    /// As [`AssumeRole::read_response`], for clients that do not use the `http` crate.
    ///
    /// # Errors
    ///
    /// As [`AssumeRole::read_response`].
    pub fn read_answer(&self, credentials: &Credentials, status: u16, body: &[u8]) -> Result<AssumedRole, Error> {
        response::read(&self.role_arn, credentials, status, body)
    }

    /// The body: every value percent-encoded, so that `a+b` stays `a+b`.
    fn form(&self) -> Vec<u8> {
        let mut form = Form(b"Action=AssumeRole&Version=2011-06-15".to_vec());
        form.push("RoleArn", &self.role_arn);
        form.push("RoleSessionName", &self.session_name);
        form.push("DurationSeconds", &self.duration_seconds.to_string());
        form.push_some("ExternalId", self.external_id.as_deref());
        form.push_some("Policy", self.policy.as_deref());
        for (index, arn) in self.policy_arns.iter().enumerate() {
            form.push(&format!("PolicyArns.member.{}.arn", index + 1), arn);
        }
        for (index, (key, value)) in self.tags.iter().enumerate() {
            form.push(&format!("Tags.member.{}.Key", index + 1), key);
            form.push(&format!("Tags.member.{}.Value", index + 1), value);
        }
        for (index, key) in self.transitive_tag_keys.iter().enumerate() {
            form.push(&format!("TransitiveTagKeys.member.{}", index + 1), key);
        }
        form.push_some("SourceIdentity", self.source_identity.as_deref());
        if let Some(mfa) = &self.mfa {
            form.push("SerialNumber", &mfa.serial_number);
            form.push("TokenCode", &mfa.token_code);
        }
        form.0
    }
}

struct Form(Vec<u8>);

impl Form {
    #[inline(never)]
    fn push(&mut self, name: &str, value: &str) {
        self.0.push(b'&');
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        push_encoded(&mut self.0, value.as_bytes(), |_| false);
    }

    fn push_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }
}
