//! Verifying a signature as a service does, with the reason of a refusal as a value.
//!
//! In two steps, because the secret is found by the access key id that the request names:
//!
//! ```
//! # use std::time::{Duration, UNIX_EPOCH};
//! # use xacct_sign::{Credentials, Scope, Signer, verify::{Presented, Rules}};
//! # let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None)?;
//! # let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
//! # let mut request = http::Request::put("https://api.example.com/hoge").header("host", "api.example.com").body("{}")?;
//! # Signer::new(credentials.clone(), Scope::new("us-east-1", "execute-api")?).sign(&mut request, now)?;
//! let presented = Presented::read(request.method().as_str(), "/hoge", None, request.headers())?;
//! assert_eq!(presented.access_key_id(), "AKIDEXAMPLE");
//! let rules = Rules::new(Scope::new("us-east-1", "execute-api")?, Duration::from_secs(300));
//! presented.check(&credentials, &rules, request.body().as_bytes(), now)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compare;
mod date;
mod difference;
mod refusal;
mod shown;

use std::fmt;
use std::time::{Duration, SystemTime};

pub use compare::{Deviation, Part, compare};
pub use difference::Difference;
pub use refusal::{Computed, Refusal};

use date::parse_date_header;
use difference::Tried;
use http::HeaderMap;
use refusal::Unredacted;

use crate::aws::time::{AmzDate, parse_amz_date};
use crate::canonical::{self, CanonicalRequest, Headers, Query};
use crate::credentials::Credentials;
use crate::key::{ALGORITHM, SigningKey};
use crate::payload::{Payload, sha256_hex};
use crate::scope::Scope;
use crate::settings::{SessionToken, SigningSettings, Strictness, UnsignedPayload};
use crate::signer::{MAX_EXPIRES_IN, QUERY_PARAMETERS, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN};
use crate::url::form_bytes;

/// What a verifier insists on.
#[derive(Debug, Clone)]
pub struct Rules {
    scope: Scope,
    window: Duration,
    settings: SigningSettings,
}

impl Rules {
    /// Rules of a service in a region that takes requests signed within `window` of its clock, on either side:
    /// 5 minutes at API Gateway, 15 at STS. Settings as [`SigningSettings::for_service`].
    #[must_use]
    pub fn new(scope: Scope, window: Duration) -> Self {
        let settings = SigningSettings::for_service(scope.service());
        Self { scope, window, settings }
    }

    /// With explicit settings.
    #[must_use]
    pub fn with_settings(mut self, settings: SigningSettings) -> Self {
        self.settings = settings;
        self
    }
}

/// A signature as a request presents it, read but not yet checked.
#[must_use = "a signature that was read is not yet checked"]
pub struct Presented<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    access_key_id: String,
    /// `20150830/us-east-1/execute-api/aws4_request`
    scope: String,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
    amz_date: String,
    signed_at: SystemTime,
    session_token: Option<String>,
    is_presigned: bool,
    /// For a presigned URL that says so: how long it lives.
    expires_in: Option<Duration>,
}

/// The parts of a signature as they stand in the header or the query.
struct Fields<'f> {
    credential: &'f str,
    signed_headers: &'f str,
    signature: &'f str,
    signed_at: SystemTime,
    session_token: Option<String>,
    is_presigned: bool,
    expires_in: Option<Duration>,
}

impl<'a> Presented<'a> {
    /// Reads the signature of a request from its header or its query. Path and query are as they stood on the wire.
    ///
    /// # Errors
    ///
    /// [`Refusal::Missing`], [`Refusal::Malformed`], [`Refusal::Algorithm`].
    pub fn read(
        method: &'a str,
        path: &'a str,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> Result<Self, Refusal> {
        let authorization = one_header(headers, "authorization")?;
        let in_query = parameter(query, "X-Amz-Signature")?.is_some() || parameter(query, "X-Amz-Algorithm")?.is_some();
        match (authorization, in_query) {
            (None, false) => Err(Refusal::Missing),
            (Some(_), true) => Err(malformed("the request is signed in its header and in its query")),
            (Some(authorization), false) => Self::from_header(method, path, query, headers, authorization),
            (None, true) => Self::from_query(method, path, query, headers),
        }
    }

    fn from_header(
        method: &'a str,
        path: &'a str,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
        authorization: &str,
    ) -> Result<Self, Refusal> {
        // What has no space behind its first word may be a bare key: it is not shown.
        let (algorithm, fields) = authorization.split_once(' ').unwrap_or(("?", ""));
        if algorithm.strip_suffix(',') == Some(ALGORITHM) {
            return Err(malformed("in `Authorization` a comma stands behind the algorithm"));
        }
        if algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(algorithm.chars().take(32).collect()));
        }
        if fields.split(',').any(|field| field.trim().contains([' ', '\t'])) {
            return Err(malformed("the parts of `Authorization` are not separated by commas"));
        }
        let field = |name: &'static str| {
            let mut found = fields
                .split(',')
                .filter_map(|field| field.trim().split_once('='))
                .filter_map(|(key, value)| (key == name).then_some(value));
            match (found.next(), found.next()) {
                (Some(value), None) => Ok(value),
                (None, _) => Err(malformed(format!("`Authorization` has no `{name}`"))),
                (Some(_), Some(_)) => Err(malformed(format!("`Authorization` has `{name}` twice"))),
            }
        };
        let signed_at = match one_header(headers, X_AMZ_DATE)? {
            Some(text) => parse_amz_date(text).ok_or_else(not_a_date)?,
            None => {
                let text = one_header(headers, "date")?;
                let text = text.ok_or_else(|| malformed("there is neither an `x-amz-date` nor a `date` header"))?;
                parse_date_header(text).ok_or_else(|| malformed("the `date` header is no date of HTTP"))?
            }
        };
        let session_token = one_header(headers, X_AMZ_SECURITY_TOKEN)?.map(str::to_owned);
        Self::from_fields(
            (method, path, query, headers),
            Fields {
                credential: field("Credential")?,
                signed_headers: field("SignedHeaders")?,
                signature: field("Signature")?,
                signed_at,
                session_token,
                is_presigned: false,
                expires_in: None,
            },
        )
    }

    fn from_query(
        method: &'a str,
        path: &'a str,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> Result<Self, Refusal> {
        let field =
            |name: &'static str| parameter(query, name)?.ok_or_else(|| malformed(format!("the query has no `{name}`")));
        let algorithm = field("X-Amz-Algorithm")?;
        if algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(algorithm.chars().take(32).collect()));
        }
        let lifetime = |text: String| {
            let lifetime = text.parse().ok().map(Duration::from_secs);
            lifetime
                .filter(|expires_in| *expires_in <= MAX_EXPIRES_IN && !expires_in.is_zero())
                .ok_or_else(|| malformed("`X-Amz-Expires` is not 1 to 604800 seconds"))
        };
        let expires_in = parameter(query, "X-Amz-Expires")?.map(lifetime).transpose()?;
        Self::from_fields(
            (method, path, query, headers),
            Fields {
                credential: &field("X-Amz-Credential")?,
                signed_headers: &field("X-Amz-SignedHeaders")?,
                signature: &field("X-Amz-Signature")?,
                signed_at: parse_amz_date(&field("X-Amz-Date")?).ok_or_else(not_a_date)?,
                session_token: parameter(query, "X-Amz-Security-Token")?,
                is_presigned: true,
                expires_in,
            },
        )
    }

    fn from_fields(
        (method, path, query, headers): (&'a str, &'a str, Option<&'a str>, &'a HeaderMap),
        fields: Fields<'_>,
    ) -> Result<Self, Refusal> {
        let Fields { credential, signed_headers, signature, signed_at, session_token, is_presigned, expires_in } =
            fields;
        let (access_key_id, scope) = credential
            .split_once('/')
            .filter(|(key, scope)| !key.is_empty() && scope.split('/').count() == 4)
            .ok_or_else(|| malformed("`Credential` is not `key/date/region/service/aws4_request`"))?;
        let amz_date = AmzDate::new(signed_at).map_err(|error| malformed(error.to_string()))?;
        let signature = decode_hex(signature).ok_or_else(|| malformed("`Signature` is not 64 hexadecimal digits"))?;
        Ok(Self {
            method,
            path,
            query,
            headers,
            access_key_id: access_key_id.to_owned(),
            scope: scope.to_owned(),
            signed_headers: read_signed_headers(signed_headers)?,
            signature,
            amz_date: amz_date.as_str().to_owned(),
            signed_at,
            session_token,
            is_presigned,
            expires_in,
        })
    }

    /// The access key id that signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The session token that came with the request.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Whether the signature stands in the query.
    #[must_use]
    pub fn is_presigned(&self) -> bool {
        self.is_presigned
    }

    /// Checks the signature against the credentials that its access key id stands for.
    ///
    /// The session token is compared with that of `credentials`; whether these have expired is the caller's to know.
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] found: those of [`Presented::check_head`], then body, signature.
    pub fn check(&self, credentials: &Credentials, rules: &Rules, body: &[u8], now: SystemTime) -> Result<(), Refusal> {
        self.check_head(credentials, rules, now)?;
        let payload = self.payload(rules, body)?;
        self.check_signature(credentials, rules, &payload)
    }

    /// Checks what can be checked before the body is there, so that nobody has to read the body of a request that is refused
    /// anyway. A request that passes has shown the session token, but not yet that it knows the secret.
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] found, in this order: scope, headers that must be signed, time, session token.
    pub fn check_head(&self, credentials: &Credentials, rules: &Rules, now: SystemTime) -> Result<(), Refusal> {
        self.check_scope(rules)?;
        self.check_signed_headers(rules)?;
        self.check_time(rules, now)?;
        self.check_token(credentials)
    }

    fn check_scope(&self, rules: &Rules) -> Result<(), Refusal> {
        let date = self.amz_date.get(..8).unwrap_or_default();
        let expected = format!("{date}/{}/{}/aws4_request", rules.scope.region(), rules.scope.service());
        if self.scope == expected {
            return Ok(());
        }
        Err(Refusal::Scope { expected, presented: self.scope.clone() })
    }

    fn check_signed_headers(&self, rules: &Rules) -> Result<(), Refusal> {
        // The names are sorted.
        let is_signed = |name: &str| self.signed_headers.binary_search_by(|signed| signed.as_str().cmp(name)).is_ok();
        if !is_signed("host") {
            return Err(Refusal::UnsignedHeader("host".to_owned()));
        }
        if rules.settings.strictness == Strictness::EveryAmzHeader {
            let token_after = rules.settings.session_token == SessionToken::AddedAfterSigning;
            let must_be_signed =
                |name: &&str| name.starts_with("x-amz-") && !(token_after && *name == X_AMZ_SECURITY_TOKEN);
            let mut names = self.headers.keys().map(http::HeaderName::as_str).filter(must_be_signed);
            if let Some(name) = names.find(|name| !is_signed(name)) {
                return Err(Refusal::UnsignedHeader(name.to_owned()));
            }
            if self.is_presigned && self.expires_in.is_none() {
                return Err(malformed("the query has no `X-Amz-Expires`"));
            }
        }
        match self.signed_headers.iter().find(|name| !self.headers.contains_key(name.as_str())) {
            Some(name) => Err(Refusal::MissingHeader(name.clone())),
            None => Ok(()),
        }
    }

    fn check_time(&self, rules: &Rules, now: SystemTime) -> Result<(), Refusal> {
        let show = |at: SystemTime| AmzDate::new(at).map_or_else(|_| "?".to_owned(), |date| date.as_str().to_owned());
        let skewed =
            |behind| Refusal::Skewed { signed_at: self.amz_date.clone(), now: show(now), window: rules.window, behind };
        if self.signed_at.duration_since(now).is_ok_and(|ahead| ahead > rules.window) {
            return Err(skewed(false));
        }
        let age = now.duration_since(self.signed_at).unwrap_or_default();
        match self.expires_in {
            Some(expires_in) if age > expires_in => Err(Refusal::Expired {
                expired_at: show(self.signed_at.checked_add(expires_in).unwrap_or(self.signed_at)),
                now: show(now),
            }),
            None if age > rules.window => Err(skewed(true)),
            _ => Ok(()),
        }
    }

    /// The last line of the canonical request, as the verifier sees it.
    fn payload(&self, rules: &Rules, body: &[u8]) -> Result<String, Refusal> {
        let unsigned = || Payload::Unsigned.hash().map(|hash| hash.as_str().to_owned()).unwrap_or_default();
        let settings = rules.settings.unsigned_payload;
        let header = one_header(self.headers, X_AMZ_CONTENT_SHA256)?;
        match header {
            Some(value) if value == unsigned() => match settings {
                UnsignedPayload::Refused => Err(Refusal::UnsignedPayload),
                _ => Ok(unsigned()),
            },
            None if self.is_presigned()
                && matches!(settings, UnsignedPayload::AllowedAlwaysPresigned | UnsignedPayload::Always) =>
            {
                Ok(unsigned())
            }
            Some(presented) => {
                let computed = sha256_hex(body);
                if presented == computed {
                    Ok(computed)
                } else {
                    Err(Refusal::Body { presented: presented.chars().take(64).collect(), computed })
                }
            }
            None => Ok(sha256_hex(body)),
        }
    }

    fn check_token(&self, credentials: &Credentials) -> Result<(), Refusal> {
        match (credentials.session_token(), self.session_token()) {
            (None, None) => Ok(()),
            (Some(expected), Some(presented)) if same(expected.as_bytes(), presented.as_bytes()) => Ok(()),
            (Some(_), Some(_)) => Err(Refusal::Token("is not the one of these credentials")),
            (Some(_), None) => Err(Refusal::Token("is missing: temporary credentials come with one")),
            (None, Some(_)) => Err(Refusal::Token("belongs to no long-term credentials")),
        }
    }

    fn check_signature(&self, credentials: &Credentials, rules: &Rules, payload: &str) -> Result<(), Refusal> {
        let date = AmzDate::new(self.signed_at).map_err(|error| malformed(error.to_string()))?;
        let mut headers = Headers::new();
        for name in &self.signed_headers {
            headers.extend(self.headers.get_all(name).iter().map(|value| (name.as_str(), value.as_bytes())));
        }
        canonical::sort(&mut headers);
        let token_after = rules.settings.session_token == SessionToken::AddedAfterSigning;
        let skip: &[&str] = match (self.is_presigned(), token_after) {
            (false, _) => &[],
            (true, false) => &["X-Amz-Signature"],
            (true, true) => &["X-Amz-Signature", "X-Amz-Security-Token"],
        };
        let query = Query { raw: self.query, skip, extra: &[] };
        let mut names = String::new();
        canonical::push_names(&mut names, &headers);
        let (method, path, hash) = (self.method, self.path, payload.as_bytes());
        let canonical = CanonicalRequest::write(&rules.settings, method, path, &query, &headers, &names, hash);
        let key = SigningKey::derive(credentials, &rules.scope, &date);
        let shown = canonical.text.clone();
        let mut buffer = canonical.text;
        if key.verify(&date, &mut buffer, &self.signature) {
            return Ok(());
        }
        let (settings, canonical) = (&rules.settings, shown.as_slice());
        let tried = Tried { key: &key, date: &date, settings, query: &query, headers: &headers, canonical };
        let whole = String::from_utf8_lossy(&shown).into_owned();
        Err(Refusal::Mismatch(Box::new(Computed {
            difference: tried.difference(self),
            canonical_request: shown::shown(&whole),
            unredacted: Unredacted(whole),
            string_to_sign: String::from_utf8_lossy(&buffer).into_owned(),
        })))
    }
}

/// The names of the signed headers, in the form that AWS documents: in lower case, sorted, each once.
///
/// A verifier that took a name twice would copy the header's value twice: work that grows faster than the request.
fn read_signed_headers(text: &str) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    if names.iter().any(|name| name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return Err(malformed("`SignedHeaders` is not a list of names in lower case, joined by `;`"));
    }
    for pair in names.windows(2) {
        match pair {
            [first, second] if first == second => {
                return Err(malformed(format!("`SignedHeaders` names `{first}` twice")));
            }
            [first, second] if first > second => {
                return Err(malformed(format!("`SignedHeaders` is not sorted: `{second}` stands behind `{first}`")));
            }
            _ => {}
        }
    }
    Ok(names)
}

fn not_a_date() -> Refusal {
    malformed("the date is not like `20150830T123600Z`")
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and query hold the session token.
        f.debug_struct("Presented")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signed_headers", &self.signed_headers)
            .field("amz_date", &self.amz_date)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The value of a header that may stand once.
fn one_header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(malformed(format!("the header `{name}` is not ASCII"))),
        },
        (Some(_), Some(_)) => Err(malformed(format!("the header `{name}` stands twice"))),
    }
}

/// The decoded value of a query parameter that may stand once.
fn parameter(query: Option<&str>, name: &str) -> Result<Option<String>, Refusal> {
    debug_assert!(QUERY_PARAMETERS.contains(&name), "only the signature's own parameters are read");
    let mut values = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| form_bytes(key.as_bytes()).eq(name.bytes()))
        .map(|(_, value)| form_bytes(value.as_bytes()).collect());
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            String::from_utf8(value).map(Some).map_err(|_| malformed(format!("`{name}` is not text")))
        }
        (Some(_), Some(_)) => Err(malformed(format!("`{name}` stands twice in the query"))),
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 || bytes.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    bytes
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(crate::encode::nibble(*high)? << 4 | crate::encode::nibble(*low)?),
            _ => None,
        })
        .collect()
}

/// Compares in a time that depends on the lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b))) == 0
}
