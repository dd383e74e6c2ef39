//! A proof: the values of one signed `GetCallerIdentity`, which the server builds and sends itself.
//!
//! A caller that signs a request and has the server send it lets the server learn from STS who signed. Whoever took the caller's URL,
//! headers or body for it was led astray (CVE-2020-16250, CVE-2022-2385, CVE-2025-49827): so the wire carries values alone, and both
//! sides build the same request of them, here. The server's own audience is among its signed headers: what was made for another server
//! STS refuses.

mod answer;
mod xml;

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xacct_sign::aws::parse_amz_date;
use xacct_sign::sts::{Endpoint, GetWebIdentityToken};
use xacct_sign::{Credentials, Error, ErrorKind, Payload, Request, Signer, Url};

use crate::json::Object;
use crate::refusal::{Refusal, RefusalKind as Kind};

pub(crate) use answer::{Session, read as read_answer, session_of};

/// What a proof begins with.
pub(crate) const PREFIX: &str = "xacct1.";
/// How long it may be, in bytes.
pub(crate) const LONGEST: usize = 8192;
/// How far its date may lie from the server's, either way. STS itself takes fifteen minutes.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const SIGNED_HEADERS: &str = "accept;content-type;host;x-amz-date;x-amz-security-token;x-xacct-audience";
/// The members, in the order in which they stand.
const MEMBERS: [&str; 5] = ["region", "key", "date", "token", "signature"];

/// A proof's values.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    region: String,
    key: String,
    date: String,
    token: String,
    signature: String,
    pub(crate) signed_at: SystemTime,
}

/// The one request that is sent to STS for a proof.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StsRequest {
    /// `POST` goes to this URL: the region's real endpoint. A verifier for development may be told to send it elsewhere, with this
    /// `host`.
    pub url: String,
    /// Names in lower case, and values; `host` is among them.
    pub headers: Vec<(&'static str, String)>,
    /// A form.
    pub body: &'static str,
}

impl fmt::Debug for StsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers hold the session token and the signature.
        f.debug_struct("StsRequest").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Makes a proof for the server of an audience: what its caller sends as `authorization: Bearer`. Nobody is called for it, and no
/// permission is needed. It serves for 300 seconds from `now`, as often as wanted; it holds the session token, and not the secret key.
///
/// # Errors
///
/// [`ErrorKind::InvalidRegion`]; [`ErrorKind::InvalidOption`] for an audience that is none; [`ErrorKind::InvalidCredentials`]
/// for credentials that are not a role's, or that no proof can hold; [`ErrorKind::CredentialsExpired`], [`ErrorKind::InvalidTime`].
pub fn make_proof(credentials: &Credentials, region: &str, audience: &str, now: SystemTime) -> Result<String, Error> {
    credentials.check_usable(now)?;
    GetWebIdentityToken::new(audience).validate()?;
    let Some(token) = credentials.session_token() else {
        return Err(Error::new(ErrorKind::InvalidCredentials, "the credentials have no session token")
            .with_hint("callers are roles: give the credentials of a role's session"));
    };
    if !is_key(credentials.access_key_id()) || !is_token(token) {
        return Err(Error::new(
            ErrorKind::InvalidCredentials,
            "the credentials hold a character that those of AWS have not",
        ));
    }
    let endpoint = Endpoint::new(region, None)?;
    let signer = Signer::new(credentials.clone(), endpoint.scope().clone());
    let given = given(audience);
    let given = given.each_ref().map(|(name, value)| (*name, value.as_bytes()));
    let request = Request {
        method: "POST",
        url: Url::parse(endpoint.url())?,
        headers: &given,
        payload: Payload::Bytes(BODY.as_bytes()),
    };
    let signed = signer.sign_parts(&request, now)?;
    let header = |wanted: &str| signed.headers().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let (authorization, date) = header("authorization").zip(header("x-amz-date")).unwrap_or_default();
    let signature = authorization.rsplit_once("Signature=").map(|(_, signature)| signature).unwrap_or_default();
    let values = [region, credentials.access_key_id(), date, token, signature];
    let proof = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json(values)));
    if proof.len() > LONGEST {
        return Err(Error::new(
            ErrorKind::InvalidCredentials,
            format!("the session token makes a proof of more than {LONGEST} bytes"),
        )
        .with_hint("send a token instead, or take fewer session tags"));
    }
    Ok(proof)
}

/// The STS that stands in AWS's place, for development, as `AWS_ENDPOINT_URL_STS` names it: proofs are sent there, with the `host`
/// that was signed.
///
/// # Errors
///
/// As [`Endpoint::new`] for a URL.
pub fn sts_in_place(url: &str) -> Result<Endpoint, Error> {
    // The region is that of no signature: each proof has its own.
    Endpoint::new("us-east-1", Some(url)).map_err(|error| {
        let named = Error::new(error.kind(), format!("AWS_ENDPOINT_URL_STS names no usable STS: {error}"));
        let hint = "give it a URL of https, or of this machine, such as `http://127.0.0.1:4100`, or remove it";
        named.with_hint(hint).with_source(error)
    })
}

/// The headers that are given to be signed, beside those that every signature has.
fn given(audience: &str) -> [(&'static str, &str); 3] {
    [
        ("accept", "application/xml"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("x-xacct-audience", audience),
    ]
}

/// The one text that these values have. None of them holds what JSON would escape.
fn json(values: [&str; 5]) -> String {
    let members: Vec<String> =
        MEMBERS.iter().zip(values).map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    format!("{{{}}}", members.join(","))
}

/// Reads a proof, and judges all that needs no call.
pub(crate) fn read(text: &str, regions: &[String], now: SystemTime) -> Result<Proof, Refusal> {
    let malformed = |what: &'static str| Refusal::with(Kind::ProofMalformed, what);
    let encoded = text.strip_prefix(PREFIX).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| malformed("it is no base64url"))?;
    let object = Object::read(&bytes).ok_or_else(|| malformed("it is no strict JSON"))?;
    let values = MEMBERS.map(|name| object.text(name).unwrap_or_default());
    let [region, key, date, token, signature] = values;
    let is_signature = signature.len() == 64 && signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let signed_at = parse_amz_date(date).ok_or_else(|| malformed("its date is none"))?;
    if !is_key(key) || !is_token(token) || !is_signature {
        return Err(malformed("its key, token or signature is none"));
    }
    // What the operator configured decides where a request goes; a region from outside is compared, and goes into no host.
    if !regions.iter().any(|known| known == region) {
        return Err(Refusal::about(Kind::ProofRegionRefused, region));
    }
    // Its one form, byte by byte: another member, another order or an escape would be another proof of the same request.
    if json(values).as_bytes() != bytes {
        return Err(malformed("it is not written in its one form"));
    }
    match (now.duration_since(signed_at), signed_at.duration_since(now)) {
        (Ok(age), _) if age > WINDOW => return Err(Refusal::new(Kind::ProofExpired)),
        (_, Ok(ahead)) if ahead > WINDOW => return Err(Refusal::new(Kind::ProofAhead)),
        _ => {}
    }
    let [region, key, date, token, signature] = values.map(str::to_owned);
    Ok(Proof { region, key, date, token, signature, signed_at })
}

impl Proof {
    /// The credentials' session, as one text: their key's id, which anybody may have seen in a log, and their token, which nobody has.
    pub(crate) fn session(&self) -> String {
        [&self.key, " ", &self.token].concat()
    }

    /// The request that the proof's maker signed, if it made it for this audience.
    pub(crate) fn request(&self, audience: &str) -> Option<StsRequest> {
        let endpoint = Endpoint::new(&self.region, None).ok()?;
        let day = self.date.get(..8)?;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{day}/{}/sts/aws4_request, SignedHeaders={SIGNED_HEADERS}, Signature={}",
            self.key, self.region, self.signature
        );
        let [accept, content_type, audience] = given(audience).map(|(name, value)| (name, value.to_owned()));
        let headers = vec![
            accept,
            content_type,
            ("host", endpoint.host().to_owned()),
            ("x-amz-date", self.date.clone()),
            ("x-amz-security-token", self.token.clone()),
            audience,
            ("authorization", authorization),
        ];
        Some(StsRequest { url: endpoint.url().to_owned(), headers, body: BODY })
    }

    /// The instant from which on it is too old.
    pub(crate) fn expires_at(&self) -> SystemTime {
        self.signed_at.checked_add(WINDOW).unwrap_or(self.signed_at)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("region", &self.region).field("key", &self.key).finish_non_exhaustive()
    }
}

fn is_key(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether it may be a session token: base 64 in either alphabet.
fn is_token(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_' | b'.'))
}
