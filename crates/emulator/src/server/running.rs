//! An emulator in a test's own process.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::emulator::Emulator;
use crate::log::LogEntry;
use crate::ready::Ready;
use crate::server::error::ServerError;
use crate::server::serve::Server;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An emulator that answers on free loopback ports, on a thread and with a runtime of its own, until it is dropped.
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use xacct_sign_emulator::server::{Running, seed};
/// use xacct_sign_emulator::{Emulator, Options, Reason};
/// use xacct_sign_provider::Manifest;
///
/// # let text = r#"
/// # [api]
/// # account = "111111111111"
/// # region = "ap-northeast-1"
/// # [stages.stag]
/// # api_id = "f6g7h8i9j0"
/// # [callers.shop]
/// # account = "000000000000"
/// # roles = { stag = "LambdaRoleDeve" }
/// # "#;
/// let manifest = Manifest::parse(text, "xacct.toml")?;
/// let running = Running::start(Emulator::new(&manifest, Options::default(), seed()?)?)?;
///
/// // What a program under test needs: where STS and the API are, and the credentials of its role.
/// let ready = running.ready();
/// let (sts, api) = (&ready.addresses().sts, &ready.addresses().stages["stag"]);
/// let shop = ready.caller("shop", "stag").ok_or("no such caller")?;
/// assert!(shop.credentials.access_key_id().starts_with("ASIA"));
/// assert_eq!(shop.may_assume["stag"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag");
///
/// let mut stream = std::net::TcpStream::connect(api.trim_start_matches("http://"))?;
/// stream.write_all(b"GET /hoge HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer)?;
/// assert!(answer.ends_with(r#"{"message":"Forbidden"}"#));
/// assert_eq!(running.log()[0].reason.as_ref().map(Reason::code), Some("signature_missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it stops when it is dropped"]
pub struct Running {
    ready: Ready,
    log: Arc<Mutex<Vec<LogEntry>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Opens the ports and answers from now on. It may be called inside another runtime.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if there is no thread, runtime or port to be had.
    pub fn start(emulator: Emulator) -> Result<Self, ServerError> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let entries = Arc::clone(&log);
        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::channel();
        let serve = move || {
            let server = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ServerError::Start)
                .and_then(|runtime| {
                    let log = move |entry: &LogEntry| note(&mut lock(&entries), entry);
                    Ok((runtime.block_on(Server::bind(emulator, ANY_PORT, log))?, runtime))
                });
            match server {
                Ok((server, runtime)) => {
                    let _ = started.send(Ok(server.ready().clone()));
                    // A sender that is gone stops it as well.
                    runtime.block_on(server.serve(async { drop(stopped.await) }));
                    runtime.shutdown_background();
                }
                Err(error) => drop(started.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(serve).map_err(ServerError::Start)?;
        let gone = |gone| Err(ServerError::Start(io::Error::other(gone)));
        let ready = start.recv().unwrap_or_else(gone)?;
        Ok(Self { ready, log, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, and the credentials to call it with.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The log so far, in the order in which requests came. The entry of a request is in it before the request is answered; one that
    /// is [under way](LogEntry::is_under_way) has no status yet.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        lock(&self.log).clone()
    }
}

/// Stops answering, gives requests under way a second, and frees the ports.
impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, the message is on stderr.
            let _ = thread.join();
        }
    }
}

/// What is noted of a request takes the place of what was noted of it before.
fn note(log: &mut Vec<LogEntry>, entry: &LogEntry) {
    let index = log.partition_point(|known| known.number < entry.number);
    match log.get_mut(index) {
        Some(known) if known.number == entry.number => known.clone_from(entry),
        _ => log.insert(index, entry.clone()),
    }
}

fn lock(log: &Mutex<Vec<LogEntry>>) -> MutexGuard<'_, Vec<LogEntry>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
