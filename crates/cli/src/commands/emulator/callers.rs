//! The callers that a command can be, and where their credentials come from.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::host::{Host, Output, Sending};
use xacct_sign_client::{CredentialSource as _, DefaultChain, Patience};
use xacct_sign_emulator::{CallerCredentials, credential_names};
use xacct_sign_provider::{CallerRole, Deployment};

use super::failure::EmulatorFailure;
use crate::arguments::EmulatorArguments;
use crate::failure::Failure;

/// That there is such a caller, and that it may assume a role of that stage, call it directly, or show it who it is.
pub(super) fn check(deployment: &Deployment, caller: &str, stage: &str) -> Result<(), Failure> {
    if !deployment.stages.contains_key(stage) && !deployment.servers.contains_key(stage) {
        let known = deployment.stages.keys().chain(deployment.servers.keys()).cloned().collect();
        return Err(Failure::NotInManifest { kind: "stage", name: stage.to_owned(), known });
    }
    let mut roles = deployment.callers.iter().filter(|role| role.caller == caller).peekable();
    if roles.peek().is_none() {
        let known: BTreeSet<String> = deployment.callers.iter().map(|role| role.caller.clone()).collect();
        let known = known.into_iter().collect();
        return Err(Failure::NotInManifest { kind: "caller", name: caller.to_owned(), known });
    }
    let known: BTreeSet<&str> = roles.flat_map(CallerRole::stages).collect();
    if !known.contains(stage) {
        let (caller, stage) = (caller.to_owned(), stage.to_owned());
        let known = known.into_iter().map(str::to_owned).collect();
        return Err(EmulatorFailure::NotOnStage { caller, stage, known }.into());
    }
    Ok(())
}

/// On loopback callers' credentials are the same at every start, since nobody else gets there; elsewhere they are drawn. A file
/// goes before both.
pub(super) fn credentials(
    arguments: &EmulatorArguments,
    deployment: &Deployment,
) -> Result<CallerCredentials, Failure> {
    let Some(path) = &arguments.credentials_file else {
        let derived = arguments.host.is_loopback();
        return Ok(if derived { CallerCredentials::Derived } else { CallerCredentials::Drawn });
    };
    let unreadable = |source| Failure::Unreadable { what: "the credentials file", path: path.clone(), source };
    std::fs::metadata(path).map_err(unreadable)?;
    let host: Arc<dyn Host> = Arc::new(OneFile(path.clone()));
    let mut given = BTreeMap::new();
    for name in deployment.callers.iter().flat_map(credential_names) {
        match DefaultChain::on(Arc::clone(&host), Some(name.clone())).credentials(&Patience::default()) {
            Ok(credentials) => drop(given.insert(name, credentials)),
            // Whether it has to be there, the emulator knows.
            Err(error) if error.kind() == ErrorKind::CredentialsNotFound => {}
            Err(source) => return Err(EmulatorFailure::Credentials { name, path: path.clone(), source }.into()),
        }
    }
    Ok(CallerCredentials::Given(given))
}

/// A machine that has one file with credentials, and nothing else to take some from.
#[derive(Debug)]
struct OneFile(PathBuf);

fn not_here() -> Error {
    Error::new(ErrorKind::InvalidConfig, "the credentials are not in the file itself")
}

impl Host for OneFile {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, _: Duration, _: &Patience) -> Result<(), Error> {
        Err(not_here())
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "AWS_SHARED_CREDENTIALS_FILE" => self.0.to_str().map(str::to_owned),
            "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
            _ => None,
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.0 { std::fs::read(path) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn replace(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn run(&self, _: &str, _: &[String], _: &Patience) -> Result<Output, Error> {
        Err(not_here())
    }

    fn send(&self, _: &http::Request<&[u8]>, _: Sending, _: &Patience) -> Result<http::Response<Vec<u8>>, Error> {
        Err(not_here())
    }
}
