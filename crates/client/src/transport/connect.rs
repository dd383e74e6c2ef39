//! How connections are made: ureq's connectors, with what failed told apart.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};

pub(super) fn agent(config: Config) -> Agent {
    let connector = ().chain(ToProxy::default()).chain(TcpConnector::default()).chain(RustlsConnector::default());
    Agent::with_parts(config, connector, Names::default())
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
#[derive(Debug, Default)]
struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if is_localhost(uri.host().unwrap_or_default()) {
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
            let mut addresses = self.empty();
            addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
            addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            return Ok(addresses);
        }
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Io(error) => ureq::Error::Other(Box::new(UnknownHost(error))),
            other => other,
        })
    }
}

fn is_localhost(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
