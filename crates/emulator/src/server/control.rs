//! Another deployment for a server that runs.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use xacct_sign_provider::Deployment;

use crate::emulator::{Emulator, Target};
use crate::options::Options;
use crate::ready::{Addresses, Ready};
use crate::server::error::ServerError;

/// A port, and what answers there.
pub(super) type Listening = (Target, TcpListener);

/// Gives a [`Server`](crate::server::Server) that runs another deployment, as [`Emulator::redeploy`] does.
///
/// A stage that is new gets a port of its own, the next one after those that are there. One that is gone keeps its port, in case it
/// comes back: until then it answers that there is no such stage.
pub struct Control {
    pub(super) emulator: Arc<Mutex<Emulator>>,
    pub(super) ports: Ports,
    pub(super) more: UnboundedSender<Listening>,
}

impl Control {
    /// Puts another deployment in the place of the one that is there.
    ///
    /// # Errors
    ///
    /// [`ServerError::Setup`], [`ServerError::Bind`], [`ServerError::Ports`]; then everything stays as it is.
    pub async fn redeploy(&mut self, deployment: &Deployment, options: Options) -> Result<Ready, ServerError> {
        let mut ports = self.ports.clone();
        let mut new = Vec::new();
        for stage in deployment
            .stages
            .keys()
            .chain(deployment.servers.keys())
            .filter(|stage| !self.ports.addresses.stages.contains_key(*stage))
        {
            new.push(ports.open(Target::Stage(stage.clone())).await?);
        }
        let ready = {
            let mut emulator = self.emulator.lock().unwrap_or_else(PoisonError::into_inner);
            emulator.redeploy(deployment, options)?;
            ports.ready(&emulator)
        };
        self.ports = ports;
        for listening in new {
            // A server that has stopped takes none.
            let _ = self.more.send(listening);
        }
        Ok(ready)
    }
}

/// The ports that are open.
#[derive(Clone)]
pub(super) struct Ports {
    host: IpAddr,
    /// Of the next port to be opened; `None` for any free one.
    next: Option<u16>,
    first: u16,
    addresses: Addresses,
}

impl Ports {
    /// None yet. Port 0 takes any free ones.
    pub(super) fn new(at: SocketAddr) -> Self {
        let next = (at.port() != 0).then_some(at.port());
        let addresses = Addresses { sts: String::new(), stages: BTreeMap::new() };
        Self { host: at.ip(), next, first: at.port(), addresses }
    }

    /// Opens the next one.
    pub(super) async fn open(&mut self, target: Target) -> Result<Listening, ServerError> {
        let wanted = match self.next {
            // Port 0 is what follows the last there is.
            Some(0) => return Err(ServerError::Ports(self.first)),
            Some(port) => port,
            None => 0,
        };
        let wanted = SocketAddr::new(self.host, wanted);
        let failed = |source| ServerError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        self.next = self.next.map(|port| port.wrapping_add(1));
        let url = format!("http://{}", SocketAddr::new(reachable(self.host), port));
        match &target {
            Target::Sts => self.addresses.sts = url,
            Target::Stage(name) => drop(self.addresses.stages.insert(name.clone(), url)),
        }
        Ok((target, listener))
    }

    /// What is told of an emulator on these ports.
    pub(super) fn ready(&self, emulator: &Emulator) -> Ready {
        let mut addresses = self.addresses.clone();
        addresses.stages.retain(|name, _| emulator.stage_names().contains(name.as_str()));
        Ready::new(emulator, addresses)
    }
}

/// The address by which this machine reaches itself, where it listens on all that it has.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}
