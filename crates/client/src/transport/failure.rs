//! What ureq's errors mean.

use std::fmt;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use ureq::Error as U;
use xacct_sign::aws::format_rfc3339;
use xacct_sign::{Error, ErrorKind};

use super::connect::{HandshakeBroken, NotPublic, ProxyFailed, UnknownHost};
use super::waiting::GivenUp;

/// The error of a request to `host`, whose answer may be `limit` bytes long.
pub(super) fn failed(error: U, host: &str, limit: u64) -> Error {
    match error {
        U::Timeout(_) => Error::new(ErrorKind::Timeout, format!("`{host}` did not answer in time"))
            .with_hint("a connection that cannot be made points to the network; of an API, API Gateway itself gives up after 30 s")
            .with_source(error),
        U::BodyExceedsLimit(_) => too_large(host, &format!("more than {limit} bytes")).with_source(error),
        error if is_long_head(&error) => too_large(host, "headers that are too long").with_source(error),
        U::ConnectProxyFailed(reason) => refused_by_proxy(host, &reason),
        U::Io(io) => own(io).unwrap_or_else(|io| broken(io, host)),
        U::Other(other) => match other.downcast::<ProxyFailed>() {
            Ok(failure) => on_the_way(*failure, host, limit),
            Err(other) => match other.downcast::<UnknownHost>() {
                Ok(unknown) => transport(format!("the host `{host}` is not known"))
                    .with_hint("check the URL and the region; a name that resolves only in a VPC needs a route to it")
                    .with_source(*unknown),
                Err(other) if other.is::<NotPublic>() => {
                    transport(format!("the host `{host}` has no public address, and may be at no other"))
                        .with_hint("an issuer of STS is reached by public addresses: check the name, and what looks it up")
                }
                Err(other) => match other.downcast::<HandshakeBroken>() {
                    Ok(broken) => transport(format!("no secure connection to `{host}`: {broken}")).with_source(*broken),
                    Err(other) => match other.downcast::<GivenUp>() {
                        Ok(given_up) => given_up.0,
                        Err(other) => without_a_word(U::Other(other), host),
                    },
                },
            },
        },
        other => without_a_word(other, host),
    }
}

/// The error of an answer's body, whose head has come.
pub(super) fn failed_in_body(error: io::Error, host: &str, limit: u64) -> Error {
    match U::from(error) {
        U::Io(io) if io.kind() == io::ErrorKind::UnexpectedEof => closed(Closed::InBody, host),
        other => failed(other, host, limit),
    }
}

/// Whether an answer's head is too long: its bytes and its lines are both limited, and which limit is met first depends on how the
/// pieces come.
pub(super) fn is_long_head(error: &U) -> bool {
    matches!(error, U::LargeResponseHeader(..) | U::Protocol(ureq_proto::Error::HttpParseTooManyHeaders))
}

/// An error of ours that went through a reader.
pub(super) fn own(error: io::Error) -> Result<Error, io::Error> {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(own) => Ok(own.clone()),
        None => Err(error),
    }
}

fn transport(message: String) -> Error {
    Error::new(ErrorKind::Transport, message)
}

fn without_a_word(error: U, host: &str) -> Error {
    transport(format!("the request to `{host}` failed: {error}")).with_source(error)
}

fn closed(closed: Closed, host: &str) -> Error {
    transport(format!("the connection to `{host}` broke: {closed}")).with_source(closed)
}

fn too_large(host: &str, what: &str) -> Error {
    Error::new(ErrorKind::ResponseTooLarge, format!("`{host}` answered with {what}"))
}

fn broken(error: io::Error, host: &str) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return closed(Closed::InHead, host);
    }
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let told = if let Some(tls) = tls {
        let told = transport(format!("no secure connection to `{host}`: {}", in_words(tls)));
        match hint(tls) {
            Some(hint) => told.with_hint(hint),
            None => told,
        }
    } else if error.kind() == io::ErrorKind::ConnectionRefused {
        transport(format!("`{host}` refused the connection")).with_hint("is it running, and is the port right?")
    } else {
        transport(format!("the connection to `{host}` broke: {error}"))
    };
    told.with_source(error)
}

/// What the certificate's own verifier has no kind of error for.
fn is_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

fn in_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) if is_authority(error) => {
            "its certificate is an authority's (CA:TRUE), and no server's".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            format!("a certificate of its expired {}", on(*not_after))
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            format!("a certificate of its is not valid before {}", on(*not_before))
        }
        other => other.to_string(),
    }
}

fn on(time: UnixTime) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    at.and_then(format_rfc3339).unwrap_or_else(|| "at a time that no clock has".to_owned())
}

fn hint(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(error) if is_authority(error) => Some(
            "give the server a certificate without CA:TRUE, such as one that the authority has issued, and name the authority's \
             file in AWS_CA_BUNDLE",
        ),
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some("call the server by a name that its certificate has, or give it a certificate for this name")
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                Some("the server needs another certificate, if the clock of this machine is right")
            }
            // Of an authority that has another's name the signature is wrong.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Some(
                "if a proxy or an authority of your own signs certificates here, name its CA file in AWS_CA_BUNDLE",
            ),
            _ => None,
        },
        rustls::Error::InvalidMessage(_) => {
            Some("does the server speak plain http there? check the scheme and the port")
        }
        _ => None,
    }
}

/// What a proxy answered to `CONNECT`.
fn refused_by_proxy(proxy: &str, reason: &str) -> Error {
    // ureq says `proxy server responded 403/403`.
    match reason.rsplit_once('/') {
        Some((_, status)) => transport(format!("`{proxy}` answered {status}")),
        None => transport(format!("`{proxy}` did not answer")),
    }
}

/// The proxy failed, and not the host.
fn on_the_way(failure: ProxyFailed, host: &str, limit: u64) -> Error {
    if matches!(&failure.error, U::Other(other) if other.is::<GivenUp>()) {
        return failed(failure.error, host, limit);
    }
    let wants_password = matches!(&failure.error, U::ConnectProxyFailed(reason) if reason.ends_with("/407"));
    let cause = AtProxy { cause: failed(failure.error, &failure.proxy, limit), proxy: failure.proxy }.told();
    Error::new(cause.kind(), format!("the proxy does not connect to `{host}`: {cause}"))
        .with_hint(if wants_password {
            "the proxy wants a user and a password that it knows: HTTPS_PROXY=`http://user:password@host:port`"
        } else {
            "check HTTPS_PROXY (or ALL_PROXY), or list the host in NO_PROXY"
        })
        .with_source(cause)
}

/// The server closed a connection in good order, and its answer is not whole.
#[derive(Debug)]
pub(super) enum Closed {
    InHead,
    InBody,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closed::InHead => "it was closed before there was an answer",
            Closed::InBody => "it was closed before the answer's end",
        })
    }
}

impl std::error::Error for Closed {}

/// Stands in the chain of an error's causes where the proxy's begin.
#[derive(Debug)]
pub(super) struct AtProxy {
    proxy: String,
    cause: Error,
}

impl AtProxy {
    fn told(self) -> Error {
        Error::new(self.cause.kind(), self.cause.to_string()).with_source(self)
    }
}

impl fmt::Display for AtProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on the way to the proxy `{}`", self.proxy)
    }
}

impl std::error::Error for AtProxy {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}
