//! How connections are made: ureq's connectors, with what failed told apart.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use http::Uri;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, Transport,
};
use xacct_sign_identity::is_public;

use super::socket::Sockets;
use super::told::Heads;
use super::waiting::Waiting;
use super::{Addresses, exchange};

/// How many addresses of a name are tried: ureq has room for sixteen.
const ADDRESSES: usize = 16;

pub(super) fn agent(config: Config) -> Agent {
    let connector = ().chain(ToProxy::default()).chain(Sockets).chain(Secure::default()).chain(Heads);
    Agent::with_parts(config, connector, Names)
}

/// What failed on the way to the proxy, or what the proxy refused.
#[derive(Debug)]
pub(super) struct ProxyFailed {
    /// Host and port.
    pub(super) proxy: String,
    pub(super) error: ureq::Error,
}

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy `{}`: {}", self.proxy, self.error)
    }
}

impl std::error::Error for ProxyFailed {}

/// A name that could not be looked up.
#[derive(Debug)]
pub(super) struct UnknownHost(pub(super) io::Error);

impl fmt::Display for UnknownHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for UnknownHost {}

/// A name of which no address is public, where it has to be.
#[derive(Debug)]
pub(super) struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address of the host is a public one")
    }
}

impl std::error::Error for NotPublic {}

/// A connection that ended while it was made secure.
#[derive(Debug)]
pub(super) struct HandshakeBroken(pub(super) io::Error);

impl fmt::Display for HandshakeBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::UnexpectedEof => f.write_str("the connection was closed while it was made"),
            _ => self.0.fmt(f),
        }
    }
}

impl std::error::Error for HandshakeBroken {}

/// TLS, which is agreed upon as soon as there is a connection: what breaks here is no request yet.
#[derive(Debug, Default)]
struct Secure(RustlsConnector);

impl<In: Transport> Connector<In> for Secure {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(&of_the_agent(details), chained).map_err(|error| {
            let tls = |io: &io::Error| io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned();
            let told = if let ureq::Error::Io(io) = &error { tls(io) } else { None };
            // Who shows a certificate took up no session.
            if !matches!(told, Some(rustls::Error::InvalidCertificate(_))) {
                exchange::broke_tls();
            }
            match error {
                ureq::Error::Io(io) if told.is_none() => ureq::Error::Other(Box::new(HandshakeBroken(io))),
                other => other,
            }
        })
    }
}

/// What is trusted is the agent's, whatever else a request says: it is made once, and TLS's sessions are kept with it, as long as
/// [`super::AGE`]. Of a request that says anything at all, ureq would make it again for each connection.
fn of_the_agent<'a>(details: &ConnectionDetails<'a>) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs: details.addrs.clone(),
        config: details.config,
        request_level: false,
        resolver: details.resolver,
        now: details.now,
        timeout: details.timeout,
        current_time: Arc::clone(&details.current_time),
        run_connector: Arc::clone(&details.run_connector),
        register_shutdown: Arc::clone(&details.register_shutdown),
    }
}

/// The way to the proxy, up to where it has connected to the host.
#[derive(Debug, Default)]
struct ToProxy(ConnectProxyConnector);

impl<In: Transport> Connector<In> for ToProxy {
    type Out = <ConnectProxyConnector as Connector<In>>::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(details, chained).map_err(|error| match details.config.proxy() {
            Some(proxy) => {
                let proxy = format!("{}:{}", proxy.host(), proxy.port());
                ureq::Error::Other(Box::new(ProxyFailed { proxy, error }))
            }
            None => error,
        })
    }
}

/// The system's names, but for `localhost` and what is in it: these are this machine, whatever a name server says (RFC 6761,
/// section 6.3). Plain http goes there.
#[derive(Debug)]
struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.look_up(uri, timeout)?;
        if exchange::addresses() == Addresses::Any {
            return Ok(found);
        }
        // Those that are looked at here are those that are connected to: the name is not looked up again.
        let mut public = self.empty();
        found.iter().filter(|address| is_public(address.ip())).for_each(|address| public.push(*address));
        if public.is_empty() { Err(ureq::Error::Other(Box::new(NotPublic))) } else { Ok(public) }
    }
}

impl Names {
    fn look_up(&self, uri: &Uri, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut addresses = self.empty();
        if is_localhost(host) {
            addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
            addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            return Ok(addresses);
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            addresses.push(SocketAddr::from((address, port)));
            return Ok(addresses);
        }
        let name = host.to_owned();
        let found = Waiting::new(timeout).beside(move || (name.as_str(), port).to_socket_addrs())?;
        let found = found.map_err(|error| ureq::Error::Other(Box::new(UnknownHost(error))))?;
        found.take(ADDRESSES).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

fn is_localhost(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
