//! The metadata of an EC2 instance, version 2
//! ([IMDS](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html)). Version 1 is not
//! asked, since whatever can make a program send a GET can read what it answers.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, Uri};
use xacct_sign::aws::is_role_name;
use xacct_sign::{Credentials, Error, ErrorKind, Url};
use zeroize::Zeroizing;

use super::endpoint::is_true;
use super::found::Found;
use super::metadata::{Answer, Metadata, is_transient, text};
use crate::clock::Clock;
use crate::host::Host;
use crate::patience::Patience;

const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Where there is no instance nobody answers, and whoever is to be told that nothing was found waits for it.
const SHORT: Duration = Duration::from_secs(1);

/// How long credentials serve on that the service gives out although they have expired: it does that while it cannot get new ones,
/// and AWS takes them then.
const EXTENSION: Duration = Duration::from_secs(600);

/// The credentials of the role that is attached to the instance.
pub(super) fn load(clock: &Clock, patience: &Patience) -> Result<Found, Error> {
    let host = &**clock.host();
    if is_true(host, DISABLED)? {
        return Ok(Found::Nothing(format!("{DISABLED} is true")));
    }
    let (base, is_given) = base(host)?;
    let name = format!("the instance metadata service `{base}`");
    let metadata = Metadata { host, name, connect: SHORT, each: SHORT };
    let service = Service { metadata, clock, base, is_given, patience };
    let token = match service.token()? {
        Ok(token) => token,
        Err(why) => return Ok(Found::Nothing(why)),
    };
    let Some(role) = service.role(&token)? else {
        return Ok(Found::Nothing(format!("{} knows of no role for this instance", service.metadata.name)));
    };
    service.credentials(&role, &token).map(Found::Credentials)
}

/// Where the service is, without a slash at the end, and whether it was named.
fn base(host: &dyn Host) -> Result<(String, bool), Error> {
    if let Some(given) = host.variable(ENDPOINT) {
        let unusable = || {
            Error::new(ErrorKind::InvalidEndpoint, format!("the environment variable `{ENDPOINT}` is no usable URL"))
                .with_hint("give one such as `http://169.254.169.254`, without a query or user info")
        };
        let is_web = Url::parse(&given).is_ok_and(|url| matches!(url.origin().scheme(), "http" | "https"));
        if !is_web || given.contains(['?', '#', '@']) {
            return Err(unusable());
        }
        return Ok((given.trim_end_matches('/').to_owned(), true));
    }
    let mode = host.variable(MODE).unwrap_or_default();
    match mode.to_ascii_lowercase().as_str() {
        "" | "ipv4" => Ok((IPV4.to_owned(), false)),
        "ipv6" => Ok((IPV6.to_owned(), false)),
        _ => {
            let message = format!("the environment variable `{MODE}` is neither `IPv4` nor `IPv6`");
            Err(Error::new(ErrorKind::InvalidOption, message))
        }
    }
}

struct Service<'a> {
    metadata: Metadata<'a>,
    clock: &'a Clock,
    base: String,
    /// Whether the environment says where it is: then it is there.
    is_given: bool,
    patience: &'a Patience,
}

/// What goes with every further request.
struct Token {
    header: HeaderValue,
    text: Zeroizing<String>,
}

impl Service<'_> {
    fn request(
        &self,
        method: Method,
        path: &str,
        name: &'static str,
        value: &HeaderValue,
    ) -> Result<http::Request<&'static [u8]>, Error> {
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|error| {
            Error::new(ErrorKind::InvalidEndpoint, format!("{} cannot be called", self.metadata.name))
                .with_source(error)
        })?;
        let mut request = http::Request::new(&[][..]);
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        request.headers_mut().insert(name, value.clone());
        Ok(request)
    }

    /// The token, or why there is none to be had.
    fn token(&self) -> Result<Result<Token, String>, Error> {
        let ttl = HeaderValue::from_static("21600");
        let request = self.request(Method::PUT, "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds", &ttl)?;
        let answer = match self.metadata.send(&request, self.patience) {
            // Elsewhere there is no such service, and that is no failure.
            Err(error) if !self.is_given && error.is_retryable() && !self.patience.is_over_with(&error) => {
                let is_late = error.kind() == ErrorKind::Timeout;
                let why = if is_late { " (on EC2, containers need a hop limit of 2 to be answered)" } else { "" };
                return Ok(Err(format!("{error}{why}")));
            }
            answer => answer?,
        };
        match answer.status() {
            StatusCode::OK => {}
            status if is_transient(status) => return Err(self.metadata.refused(&answer, None)),
            StatusCode::FORBIDDEN => {
                let name = &self.metadata.name;
                return Ok(Err(format!("{name} gives no token, as where it is turned off (status 403)")));
            }
            // Other clouds have something else at this address.
            status => {
                let name = &self.metadata.name;
                return Ok(Err(format!("{name} gives no token of version 2 (status {})", status.as_u16())));
            }
        }
        let text = text(&answer).map(str::trim).unwrap_or_default();
        let Some(mut header) = HeaderValue::from_str(text).ok().filter(|_| !text.is_empty()) else {
            return Err(self.invalid("is no token"));
        };
        header.set_sensitive(true);
        Ok(Ok(Token { header, text: Zeroizing::new(text.to_owned()) }))
    }

    fn get(&self, path: &str, token: &Token) -> Result<Answer, Error> {
        let request = self.request(Method::GET, path, "x-aws-ec2-metadata-token", &token.header)?;
        // It has given a token: it is there.
        self.metadata.insist(&request, Some(&token.text), self.patience)
    }

    /// The role that is attached, if there is one.
    fn role(&self, token: &Token) -> Result<Option<String>, Error> {
        let answer = self.get(ROLES, token)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.metadata.refused(&answer, Some(&token.text))),
        }
        // There is one at most, whose name becomes a part of the next path.
        match text(&answer).unwrap_or("not UTF-8").trim() {
            "" => Ok(None),
            role if is_role_name(role) => Ok(Some(role.to_owned())),
            _ => Err(self.invalid("is no role's name")),
        }
    }

    fn credentials(&self, role: &str, token: &Token) -> Result<Credentials, Error> {
        let answer = self.get(&format!("{ROLES}{role}"), token)?;
        if answer.status() != StatusCode::OK {
            return Err(self.metadata.refused(&answer, Some(&token.text)));
        }
        let found = self.metadata.credentials(&answer).map_err(|error| match error.kind() {
            ErrorKind::CredentialsRefused => {
                error.with_hint("check the role that is attached: its trust policy must name `ec2.amazonaws.com`")
            }
            _ => error,
        })?;
        let now = self.clock.now();
        if found.check_usable(now).is_ok() {
            return Ok(found);
        }
        let token = found.session_token().map(str::to_owned);
        Credentials::new(found.access_key_id(), found.secret_access_key(), token, now.checked_add(EXTENSION))
    }

    fn invalid(&self, what: &str) -> Error {
        Error::new(ErrorKind::CredentialsRefused, format!("the answer of {} {what}", self.metadata.name))
            .with_hint("something else may have answered there")
    }
}
