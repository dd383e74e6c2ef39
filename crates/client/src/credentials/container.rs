//! The endpoint that a container has its credentials from: ECS, EKS Pod Identity, Lambda SnapStart, and whoever speaks like them
//! ([container credential provider](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{StatusCode, Uri};
use xacct_sign::{Error, ErrorKind, Url};
use zeroize::Zeroizing;

use super::found::Found;
use super::metadata::{Metadata, token_of_file};
use crate::clock::Clock;
use crate::host::Host;
use crate::patience::Patience;

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Where ECS's agent is, whose relative URIs are meant.
const ECS: &str = "http://169.254.170.2";

/// What plain http may reach besides this machine: the agents of ECS, and of EKS.
const AGENTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// The credentials of the endpoint that the environment names.
pub(super) fn load(clock: &Clock, patience: &Patience) -> Result<Found, Error> {
    let host = &**clock.host();
    let Some(uri) = uri(host)? else {
        return Ok(Found::Nothing(format!("neither {RELATIVE_URI} nor {FULL_URI} is set")));
    };
    let name = format!("the container's endpoint for credentials `{}`", origin(&uri));
    let endpoint = Metadata { host, name, connect: Duration::from_secs(2), each: Duration::from_secs(5) };
    let mut request = http::Request::new(&[][..]);
    *request.uri_mut() = uri;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let token = authorization(host)?;
    if let Some((header, _)) = &token {
        request.headers_mut().insert(AUTHORIZATION, header.clone());
    }
    let secret = token.as_ref().map(|(_, text)| text.as_str());
    let answer = endpoint.insist(&request, secret, patience)?;
    if answer.status() != StatusCode::OK {
        return Err(endpoint.refused(&answer, secret));
    }
    let credentials = endpoint.credentials(&answer)?;
    if credentials.check_usable(clock.now()).is_err() {
        let message = format!("{} gave credentials that have expired already", endpoint.name);
        return Err(Error::new(ErrorKind::CredentialsExpired, message).with_hint("check the clock of this machine"));
    }
    Ok(Found::Credentials(credentials))
}

/// Where to ask; `None` where the environment names nothing. The relative URI counts before the full one.
fn uri(host: &dyn Host) -> Result<Option<Uri>, Error> {
    let relative = host.variable(RELATIVE_URI).map(|path| (RELATIVE_URI, path));
    let Some((name, given)) = relative.or_else(|| host.variable(FULL_URI).map(|url| (FULL_URI, url))) else {
        return Ok(None);
    };
    // The value is not shown: it may hold a secret.
    let unusable =
        |what: &str| Error::new(ErrorKind::InvalidEndpoint, format!("the environment variable `{name}` {what}"));
    let text = match name {
        // What does not begin with a slash would be a part of the host.
        RELATIVE_URI if !given.starts_with('/') => return Err(unusable("does not begin with a slash")),
        RELATIVE_URI => format!("{ECS}{given}"),
        _ => given,
    };
    let no_url = || unusable("is no URL").with_hint("give one such as `http://169.254.170.23/v1/credentials`");
    Url::parse(&text).map_err(|_| no_url())?;
    // What is checked is what is sent.
    let uri: Uri = text.parse().map_err(|_| no_url())?;
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(unusable("has user info"));
    }
    match uri.scheme_str() {
        Some("https") => Ok(Some(uri)),
        Some("http") if is_near(&uri) => Ok(Some(uri)),
        Some("http") => {
            let message =
                format!("the environment variable `{name}` names `{}`, which plain http must not reach", origin(&uri));
            Err(Error::new(ErrorKind::InsecureUrl, message).with_hint(
                "use https; plain http is for loopback and for the agents at 169.254.170.2, 169.254.170.23 and [fd00:ec2::23], by \
                 their addresses",
            ))
        }
        _ => Err(no_url()),
    }
}

/// Whether the host is this machine or an agent. Names but `localhost` are not: whoever answers for them decides where they lead.
fn is_near(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_loopback = Url::parse(&uri.to_string()).is_ok_and(|url| url.origin().is_loopback());
    is_loopback || address.parse().is_ok_and(|address| AGENTS.contains(&address))
}

fn origin(uri: &Uri) -> String {
    Url::parse(&uri.to_string()).map(|url| url.origin().to_string()).unwrap_or_default()
}

/// The header of that name and its text, if the environment has one. A file counts before the variable, and is read each time: it
/// changes.
fn authorization(host: &dyn Host) -> Result<Option<(HeaderValue, Zeroizing<String>)>, Error> {
    let (name, token) = if let Some(path) = host.variable(TOKEN_FILE) {
        (TOKEN_FILE, token_of_file(host, &format!("file that {TOKEN_FILE} names,"), &path)?)
    } else if let Some(token) = host.variable(TOKEN) {
        (TOKEN, Zeroizing::new(token))
    } else {
        return Ok(None);
    };
    let mut header = HeaderValue::from_str(&token).map_err(|_| {
        let message = format!("the authorization token of `{name}` holds a line break or another control character");
        Error::new(ErrorKind::InvalidHeader, message).with_hint("write it without a line break at its end")
    })?;
    header.set_sensitive(true);
    Ok(Some((header, token)))
}
