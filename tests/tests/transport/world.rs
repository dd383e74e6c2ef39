//! Servers on loopback, and the call.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// A host that nobody can look up (RFC 6761, section 6.4).
pub(crate) const HOST: &str = "api.example.invalid";

/// The call in this environment and no other.
pub(crate) fn call(arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_call"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A server of TCP that gives each connection to a function in a thread of its own.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(TcpStream) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let (seen, answer) = (Arc::clone(&server.seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let index = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(None);
                    seen.len() - 1
                };
                thread::spawn(move || {
                    let told = answer(stream.unwrap());
                    seen.lock().unwrap()[index] = Some(told);
                });
            }
        });
        server
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// What each connection brought, once all are over.
    pub(crate) fn seen(&self) -> Vec<String> {
        loop {
            let seen: Option<Vec<String>> = self.seen.lock().unwrap().iter().cloned().collect();
            match seen {
                Some(seen) => return seen,
                None => thread::yield_now(),
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Everything up to the empty line.
pub(crate) fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A server that sends these bytes, whatever it is asked, and closes.
pub(crate) fn sends(answer: impl Into<Vec<u8>>) -> Server {
    let answer = answer.into();
    Server::start(move |mut stream| {
        // Of a handshake (RFC 8446, section 5.1) there is no head.
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        let asked = if first == [22] { String::new() } else { char::from(first[0]).to_string() + &head(&mut stream) };
        stream.write_all(&answer).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        // What is left unread would break the connection before the answer is read.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        asked
    })
}

/// A proxy that connects each caller to this port.
pub(crate) fn proxy_to(port: u16) -> Server {
    Server::start(move |mut caller| {
        let head = head(&mut caller);
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        caller.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut from_caller, mut to_server) = (caller.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from_caller, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut server, &mut caller);
        let _ = caller.shutdown(Shutdown::Both);
        head
    })
}

/// An authority for tests.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    /// Its certificate lies in a file of this name. It is called so itself, up to a `-`.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name.split('-').next().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// The file with its certificate.
    pub(crate) fn bundle(&self) -> &str {
        self.file.to_str().unwrap()
    }

    /// A server with a certificate for [`HOST`] and `localhost`, which may be changed first.
    pub(crate) fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> Server {
        let mut params = CertificateParams::new(vec![HOST.to_owned(), "localhost".to_owned()]).unwrap();
        change(&mut params);
        serve_tls(params, &self.issuer)
    }
}

fn serve_tls(params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Server {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let config = Arc::new(config);
    Server::start(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let head = head(&mut stream);
        if !head.is_empty() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntrue");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        head
    })
}
