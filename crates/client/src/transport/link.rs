//! Which part of the way to a server failed.

use std::error::Error as StdError;
use std::io;

use xacct_sign::Error;

use super::connect::{HandshakeBroken, UnknownHost};
use super::failure::{AtProxy, Closed, is_long_head};
use super::socket::is_of_address;

/// A part of the way to a server and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Link {
    /// The look-up of the host's name.
    Name,
    /// The connection to it.
    Connection,
    /// The secure connection.
    Tls,
    /// The certificate in it: nobody who is trusted vouches for the host.
    Certificate,
    /// The look-up of the proxy's name.
    ProxyName,
    /// The connection to the proxy.
    ProxyConnection,
    /// The secure connection to a proxy that is asked over https.
    ProxyTls,
    /// The certificate in that.
    ProxyCertificate,
    /// The proxy, which was reached, and does not connect.
    Proxy,
    /// The answer's head: the connection was closed in good order before it was there, or it is too long.
    AnswerHead,
    /// The answer's body: the connection was closed in good order before its end.
    AnswerBody,
}

/// The part of the way that an error speaks of, whoever wanted to go it: a request of a session, of STS or of a source of
/// credentials. `None` where a connection broke in another way while it was used, and for errors of another kind.
#[must_use]
pub fn broken_link(error: &Error) -> Option<Link> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut is_proxy = false;
    let mut link = None;
    while let Some(error) = cause {
        is_proxy |= error.is::<AtProxy>();
        link = link.or_else(|| link_of(error));
        cause = error.source();
    }
    match link {
        Some(Link::Name) if is_proxy => Some(Link::ProxyName),
        Some(Link::Connection) if is_proxy => Some(Link::ProxyConnection),
        Some(Link::Tls) if is_proxy => Some(Link::ProxyTls),
        Some(Link::Certificate) if is_proxy => Some(Link::ProxyCertificate),
        _ if is_proxy => Some(Link::Proxy),
        link => link,
    }
}

fn link_of(error: &(dyn StdError + 'static)) -> Option<Link> {
    if error.is::<UnknownHost>() {
        return Some(Link::Name);
    }
    if let Some(closed) = error.downcast_ref::<Closed>() {
        return Some(match closed {
            Closed::InHead => Link::AnswerHead,
            Closed::InBody => Link::AnswerBody,
        });
    }
    if error.downcast_ref::<ureq::Error>().is_some_and(is_long_head) {
        return Some(Link::AnswerHead);
    }
    if error.is::<HandshakeBroken>() {
        return Some(Link::Tls);
    }
    let io = error.downcast_ref::<io::Error>()?;
    if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        let is_certificate = matches!(tls, rustls::Error::InvalidCertificate(_));
        return Some(if is_certificate { Link::Certificate } else { Link::Tls });
    }
    is_of_address(io).then_some(Link::Connection)
}
