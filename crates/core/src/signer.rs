//! Signing: into headers, and into the URL.

use std::time::{Duration, SystemTime};

use http::header::{HOST, HeaderName, HeaderValue};

use crate::aws::time::AmzDate;
use crate::canonical::{self, CanonicalRequest, Headers, Query, check_header, check_method};
use crate::credentials::Credentials;
use crate::encode::{HexDigest, push_encoded};
use crate::error::{Error, ErrorKind};
use crate::key::{ALGORITHM, KeyCache, SigningKey};
use crate::payload::Payload;
use crate::scope::Scope;
use crate::settings::{
    HeaderSelection, PayloadHeader, SessionToken, SigningSettings, UnsignedPayload, is_left_unsigned,
};
use crate::url::{Url, form_bytes};

pub(crate) const X_AMZ_DATE: &str = "x-amz-date";
pub(crate) const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";
pub(crate) const X_AMZ_CONTENT_SHA256: &str = "x-amz-content-sha256";

/// The query parameters of a presigned URL
/// ([SigV4 query parameters](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html)).
pub const QUERY_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// A presigned URL lives at most seven days.
pub(crate) const MAX_EXPIRES_IN: Duration = Duration::from_secs(604_800);

/// What is signed: the parts of a request, borrowed.
///
/// A `host` among the headers is signed instead of the URL's.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method as it will be sent.
    pub method: &'a str,
    /// The URL as it will be sent ([`crate::CanonicalUrl`] is one that every client leaves alone).
    pub url: Url<'a>,
    /// Names in any case, values as bytes on the wire.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body.
    pub payload: Payload<'a>,
}

/// Signs requests for one service in one region with one set of credentials.
///
/// The signing key is derived once per day (of the request, in UTC) and shared by all threads that use the signer.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign::{Credentials, Scope, Signer};
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None)?;
/// let signer = Signer::new(credentials, Scope::new("us-east-1", "execute-api")?);
/// let mut request = http::Request::put("https://api.example.com/hoge").body(r#"{"foo":"bar"}"#)?;
/// signer.sign(&mut request, UNIX_EPOCH + Duration::from_secs(1_440_938_160))?;
/// assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Signer {
    credentials: Credentials,
    scope: Scope,
    settings: SigningSettings,
    keys: KeyCache,
}

impl Signer {
    /// A signer with the settings that the service needs, see [`SigningSettings::for_service`].
    #[must_use]
    pub fn new(credentials: Credentials, scope: Scope) -> Self {
        let settings = SigningSettings::for_service(scope.service());
        Self::with_settings(credentials, scope, settings)
    }

    /// A signer with explicit settings.
    #[must_use]
    pub fn with_settings(credentials: Credentials, scope: Scope, settings: SigningSettings) -> Self {
        Self { credentials, scope, settings, keys: KeyCache::default() }
    }

    /// The credentials that sign.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What the signatures are for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Signs an [`http::Request`] in place: replaces `authorization`, `x-amz-date`, `x-amz-security-token` and, where the
    /// service wants it, `x-amz-content-sha256`. Headers that carry secrets are marked sensitive.
    ///
    /// # Errors
    ///
    /// As [`Signer::sign_parts`].
    pub fn sign<B: AsRef<[u8]>>(&self, request: &mut http::Request<B>, now: SystemTime) -> Result<(), Error> {
        let payload = Payload::Bytes(request.body().as_ref());
        let signed = self.sign_http(request.method(), request.uri(), request.headers(), payload, now)?;
        signed.apply(request.headers_mut())
    }

    /// Signs the parts of a request: the call under every face.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMethod`] also for `CONNECT`, [`ErrorKind::InvalidHeader`], [`ErrorKind::InvalidTime`],
    /// [`ErrorKind::AlreadySigned`] for a URL with a signature in its query,
    /// [`ErrorKind::InvalidBody`] for a malformed hash, [`ErrorKind::UnsignedPayload`] where the service refuses that.
    pub fn sign_parts(&self, request: &Request<'_>, now: SystemTime) -> Result<Signed<'_>, Error> {
        check(request)?;
        let headers = request.headers.iter().copied();
        self.sign_headers(request.method, &request.url, headers, request.payload, now, CanonicalRequest::signature)
    }

    /// Signs as [`Signer::sign_parts`] does, and keeps every stage on the way, to explain a refusal or to compare with
    /// another signer. The canonical request holds the session token: do not log it as it is.
    ///
    /// # Errors
    ///
    /// As [`Signer::sign_parts`].
    pub fn trace(&self, request: &Request<'_>, now: SystemTime) -> Result<(Signed<'_>, SigningTrace), Error> {
        check(request)?;
        let mut trace = SigningTrace::default();
        let headers = request.headers.iter().copied();
        let sign = |canonical, key: &SigningKey, date: &AmzDate| trace.keep(canonical, key, date);
        let signed = self.sign_headers(request.method, &request.url, headers, request.payload, now, sign)?;
        Ok((signed, trace))
    }

    /// The URL with the signature in its query, valid for `expires_in` from `now`.
    ///
    /// Whoever has the URL can send the request until then, with the same method and the same headers that were signed. Of those
    /// that [`Signer::sign_parts`] leaves out, `content-length` is signed where it is given: it binds the size of an upload. An
    /// earlier signature in the URL is replaced.
    ///
    /// # Errors
    ///
    /// As [`Signer::sign_parts`], but for [`ErrorKind::AlreadySigned`]; [`ErrorKind::InvalidExpiresIn`] outside 1 second to 7
    /// days.
    pub fn presign(&self, request: &Request<'_>, expires_in: Duration, now: SystemTime) -> Result<String, Error> {
        self.presign_with(request, expires_in, now, CanonicalRequest::signature)
    }

    /// Presigns as [`Signer::presign`] does, and keeps every stage on the way. See [`Signer::trace`].
    ///
    /// # Errors
    ///
    /// As [`Signer::presign`].
    pub fn trace_presign(
        &self,
        request: &Request<'_>,
        expires_in: Duration,
        now: SystemTime,
    ) -> Result<(String, SigningTrace), Error> {
        let mut trace = SigningTrace::default();
        let sign = |canonical, key: &SigningKey, date: &AmzDate| trace.keep(canonical, key, date);
        let url = self.presign_with(request, expires_in, now, sign)?;
        Ok((url, trace))
    }

    fn sign_http(
        &self,
        method: &http::Method,
        uri: &http::Uri,
        headers: &http::HeaderMap,
        payload: Payload<'_>,
        now: SystemTime,
    ) -> Result<Signed<'_>, Error> {
        let url = Url::from_http(uri, headers.contains_key(HOST))?;
        self.sign_url(method, &url, headers, payload, now)
    }

    /// As [`Signer::sign_parts`], where method and headers are known to be sound: those of the `http` crate.
    pub(crate) fn sign_url<'a>(
        &self,
        method: &http::Method,
        url: &Url<'a>,
        headers: &'a http::HeaderMap,
        payload: Payload<'_>,
        now: SystemTime,
    ) -> Result<Signed<'_>, Error> {
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        self.sign_headers(method.as_str(), url, headers, payload, now, CanonicalRequest::signature)
    }

    fn sign_headers<'a>(
        &self,
        method: &str,
        url: &Url<'a>,
        given: impl Iterator<Item = (&'a str, &'a [u8])>,
        payload: Payload<'_>,
        now: SystemTime,
        sign: impl FnOnce(CanonicalRequest, &SigningKey, &AmzDate) -> HexDigest,
    ) -> Result<Signed<'_>, Error> {
        check_has_path(method)?;
        let date = AmzDate::new(now)?;
        let payload = self.accepted(payload)?;
        let hash = payload.hash()?;
        let mut headers = Headers::with_capacity(16);
        let given_payload_header = self.select(url.host(), given, false, &mut headers);
        let adds_payload_header = given_payload_header
            || payload == Payload::Unsigned
            || self.settings.payload_header == PayloadHeader::Always;
        headers.push((X_AMZ_DATE, date.as_bytes()));
        if let (Some(token), SessionToken::Signed) = (self.credentials.session_token(), self.settings.session_token) {
            headers.push((X_AMZ_SECURITY_TOKEN, token.as_bytes()));
        }
        if adds_payload_header {
            headers.push((X_AMZ_CONTENT_SHA256, hash.as_bytes()));
        }
        canonical::sort(&mut headers);

        let query = Query { raw: url.query(), skip: &[], extra: &[] };
        let authorization = self.with_key(&date, |key| {
            let start = key.authorization.len();
            let mut text = String::with_capacity(start + 256);
            text.push_str(&key.authorization);
            canonical::push_names(&mut text, &headers);
            let (path, names, hash) = (url.path(), text.get(start..).unwrap_or_default(), hash.as_bytes());
            let canonical = CanonicalRequest::write(&self.settings, method, path, &query, &headers, names, hash);
            check_unsigned(canonical.is_signed)?;
            text.push_str(", Signature=");
            text.push_str(sign(canonical, key, &date).as_str());
            Ok(text)
        })?;
        Ok(Signed {
            authorization,
            date,
            session_token: self.credentials.session_token(),
            content_sha256: adds_payload_header.then(|| hash.as_str().to_owned()),
        })
    }

    fn presign_with(
        &self,
        request: &Request<'_>,
        expires_in: Duration,
        now: SystemTime,
        sign: impl FnOnce(CanonicalRequest, &SigningKey, &AmzDate) -> HexDigest,
    ) -> Result<String, Error> {
        check(request)?;
        check_has_path(request.method)?;
        let seconds = expires_in.as_secs();
        if seconds == 0 || expires_in > MAX_EXPIRES_IN {
            let much = if seconds == 0 { "less than a second" } else { "longer than 604800 seconds" };
            return Err(Error::new(ErrorKind::InvalidExpiresIn, format!("a presigned URL cannot live {much}")));
        }
        let date = AmzDate::new(now)?;
        let payload = match self.settings.unsigned_payload {
            UnsignedPayload::AllowedAlwaysPresigned => Payload::Unsigned,
            // A URL has no header in which the service could be told.
            UnsignedPayload::Allowed if request.payload == Payload::Unsigned => return Err(self.refuses_unsigned()),
            _ => self.accepted(request.payload)?,
        };
        let hash = payload.hash()?;
        let mut headers = Headers::with_capacity(16);
        if self.select(request.url.host(), request.headers.iter().copied(), true, &mut headers) {
            headers.push((X_AMZ_CONTENT_SHA256, hash.as_bytes()));
        }
        canonical::sort(&mut headers);

        Ok(self.with_key(&date, |key| {
            let credential = format!("{}/{}", self.credentials.access_key_id(), key.scope);
            let seconds = seconds.to_string();
            let mut names = String::new();
            canonical::push_names(&mut names, &headers);
            let token = self.credentials.session_token().map(|token| ("X-Amz-Security-Token", token));
            let signs_token = self.settings.session_token == SessionToken::Signed;
            let mut parameters = vec![
                ("X-Amz-Algorithm", ALGORITHM),
                ("X-Amz-Credential", &credential),
                ("X-Amz-Date", date.as_str()),
                ("X-Amz-Expires", &seconds),
            ];
            parameters.extend(token.filter(|_| signs_token));
            parameters.push(("X-Amz-SignedHeaders", &names));

            let (method, url, hash) = (request.method, &request.url, hash.as_bytes());
            let query = Query { raw: url.query(), skip: &QUERY_PARAMETERS, extra: &parameters };
            let canonical = CanonicalRequest::write(&self.settings, method, url.path(), &query, &headers, &names, hash);
            let signature = sign(canonical, key, &date);

            parameters.extend(token.filter(|_| !signs_token));
            parameters.push(("X-Amz-Signature", signature.as_str()));
            with_query(url, &parameters)
        }))
    }

    fn with_key<T>(&self, date: &AmzDate, with: impl FnOnce(&SigningKey) -> T) -> T {
        self.keys.with_key(&self.credentials, &self.scope, date, with)
    }

    /// Collects the given headers that are signed, and the host; says whether `x-amz-content-sha256` was among them.
    ///
    /// Into a URL goes the length, too: whoever gets it would send one of its own otherwise.
    ///
    /// What an earlier signature left behind is dropped.
    fn select<'a, 'given: 'a>(
        &self,
        host: &'given str,
        given: impl Iterator<Item = (&'given str, &'given [u8])>,
        is_for_url: bool,
        headers: &mut Headers<'a>,
    ) -> bool {
        let mut has_host = false;
        let mut has_payload_header = false;
        for (name, value) in given {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is(X_AMZ_CONTENT_SHA256) {
                has_payload_header = true;
                continue;
            }
            if is(X_AMZ_DATE) || is(X_AMZ_SECURITY_TOKEN) || is("authorization") {
                continue;
            }
            let is_bound = is_for_url && is("content-length");
            if self.settings.header_selection == HeaderSelection::Standard && is_left_unsigned(name) && !is_bound {
                continue;
            }
            has_host |= is("host");
            headers.push((name, value));
        }
        if !has_host {
            headers.push(("host", host.as_bytes()));
        }
        has_payload_header
    }

    /// The payload as the service takes it.
    fn accepted<'a>(&self, payload: Payload<'a>) -> Result<Payload<'a>, Error> {
        match (payload, self.settings.unsigned_payload) {
            (_, UnsignedPayload::Always) => Ok(Payload::Unsigned),
            (Payload::Unsigned, UnsignedPayload::Refused) => Err(self.refuses_unsigned()),
            _ => Ok(payload),
        }
    }

    fn refuses_unsigned(&self) -> Error {
        Error::new(
            ErrorKind::UnsignedPayload,
            format!("the service `{}` does not take an unsigned payload here", self.scope.service()),
        )
    }
}

impl CanonicalRequest {
    fn signature(self, key: &SigningKey, date: &AmzDate) -> HexDigest {
        let mut buffer = self.text;
        key.sign(date, &mut buffer)
    }
}

impl SigningTrace {
    fn keep(&mut self, canonical: CanonicalRequest, key: &SigningKey, date: &AmzDate) -> HexDigest {
        self.canonical_request = String::from_utf8_lossy(&canonical.text).into_owned();
        let mut buffer = canonical.text;
        let signature = key.sign(date, &mut buffer);
        self.string_to_sign = String::from_utf8_lossy(&buffer).into_owned();
        self.signature = signature.as_str().to_owned();
        signature
    }
}

/// Refuses `CONNECT`, whose request line has host and port in place of what is signed (RFC 9110, section 9.3.6).
pub(crate) fn check_has_path(method: &str) -> Result<(), Error> {
    if method != "CONNECT" {
        return Ok(());
    }
    let message = "a `CONNECT` has no path that could be signed";
    Err(Error::new(ErrorKind::InvalidMethod, message))
}

/// Refuses a URL that has a signature: with two of them AWS takes neither.
pub(crate) fn check_unsigned(is_signed: bool) -> Result<(), Error> {
    if !is_signed {
        return Ok(());
    }
    let message = "the URL is signed already: its query has `X-Amz-Signature`";
    Err(Error::new(ErrorKind::AlreadySigned, message))
}

/// Checks what is not known by its type.
fn check(request: &Request<'_>) -> Result<(), Error> {
    check_method(request.method)?;
    request.headers.iter().try_for_each(|header| check_header(*header))
}

/// The URL with `parameters` behind its query, less those that an earlier signature left there.
fn with_query(url: &Url<'_>, parameters: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(url.base().len() + url.path().len() + 512).into_bytes();
    out.extend_from_slice(url.base().as_bytes());
    out.extend_from_slice(url.path().as_bytes());
    let kept = url.query().into_iter().flat_map(|query| query.split('&')).filter(|piece| {
        let key = piece.split('=').next().unwrap_or_default();
        !piece.is_empty() && !QUERY_PARAMETERS.iter().any(|name| form_bytes(key.as_bytes()).eq(name.bytes()))
    });
    let mut delimiter = b'?';
    for piece in kept {
        out.push(delimiter);
        out.extend_from_slice(piece.as_bytes());
        delimiter = b'&';
    }
    for (name, value) in parameters {
        out.push(delimiter);
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        push_encoded(&mut out, value.as_bytes(), |_| false);
        delimiter = b'&';
    }
    // The parts are ASCII: the URL was checked, the rest is encoded.
    String::from_utf8(out).unwrap_or_default()
}

/// The headers that a signature adds to a request.
#[derive(Clone)]
#[must_use = "a request is signed only when these headers are on it"]
pub struct Signed<'s> {
    authorization: String,
    date: AmzDate,
    session_token: Option<&'s str>,
    content_sha256: Option<String>,
}

impl Signed<'_> {
    /// Names in lower case and values: `authorization`, `x-amz-date`, and where they apply `x-amz-security-token` and
    /// `x-amz-content-sha256`. They replace what the request has under these names.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            Some(("authorization", self.authorization.as_str())),
            Some((X_AMZ_DATE, self.date.as_str())),
            self.session_token.map(|token| (X_AMZ_SECURITY_TOKEN, token)),
            self.content_sha256.as_deref().map(|hash| (X_AMZ_CONTENT_SHA256, hash)),
        ]
        .into_iter()
        .flatten()
    }

    /// Puts the headers on a request, in place of what it has under their names.
    pub(crate) fn apply(&self, headers: &mut http::HeaderMap) -> Result<(), Error> {
        headers.remove(X_AMZ_SECURITY_TOKEN);
        for (name, value) in self.headers() {
            headers.insert(HeaderName::from_static(name), sendable(name, value)?);
        }
        Ok(())
    }
}

/// A header's value for the `http` crate, marked if it carries a secret.
pub(crate) fn sendable(name: &'static str, value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Error::new(ErrorKind::InvalidHeader, format!("the header `{name}` cannot be sent")))?;
    value.set_sensitive(matches!(name, "authorization" | X_AMZ_SECURITY_TOKEN));
    Ok(value)
}

impl std::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed").field("x-amz-date", &self.date.as_str()).finish_non_exhaustive()
    }
}

/// Every stage of one signature.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningTrace {
    /// The canonical request. Bytes that are no UTF-8 are shown as replacement characters.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The signature, 64 hexadecimal digits.
    pub signature: String,
}

impl std::fmt::Debug for SigningTrace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The canonical request holds the session token.
        f.debug_struct("SigningTrace").field("string_to_sign", &self.string_to_sign).finish_non_exhaustive()
    }
}
