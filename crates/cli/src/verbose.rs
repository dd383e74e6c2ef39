//! What `--verbose` says: what is sent and answered, as curl shows it, without the secrets.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use xacct_sign::Error;
use xacct_sign_client::host::{Content, Host, Incoming, Output, Sending, heads_told};
use xacct_sign_client::{Event, Listener, Patience};

use crate::answer::status_line;
use crate::output;

/// Headers whose values are secrets, or let somebody in.
const SECRET: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-amz-security-token", "x-api-key"];

/// Says what becomes of the credentials.
pub(crate) fn listener() -> Listener {
    Listener::new(|event| {
        let line = match event {
            Event::Refreshed { role, .. } => format!("* assumed the role {role}"),
            Event::RefreshFailed { role, .. } => format!("* could not assume the role {role}"),
            Event::ClockSkew { seconds, .. } => {
                format!("* this machine's clock is off by {seconds} seconds: taken into account")
            }
            Event::PlainHttp { host, .. } => format!("* {host} is reached over plain http"),
            _ => return,
        };
        output::note(&[line]);
    })
}

/// The host, which says what passes.
pub(crate) fn host(host: Arc<dyn Host>) -> Arc<dyn Host> {
    Arc::new(Shown(host))
}

#[derive(Debug)]
struct Shown(Arc<dyn Host>);

impl Host for Shown {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        self.0.sleep(duration, patience)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variable(name)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.0.replace(path, content)
    }

    fn run(&self, program: &str, arguments: &[String], patience: &Patience) -> Result<Output, Error> {
        self.0.run(program, arguments, patience)
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let answer = heads_told(Arc::new(sent), || self.0.send(request, sending, patience))?;
        answered(request.headers(), answer.status().as_u16(), answer.headers());
        Ok(answer)
    }

    fn open(
        &self,
        request: &http::Request<&[u8]>,
        content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Incoming>, Error> {
        let answer = heads_told(Arc::new(sent), || self.0.open(request, content, sending, patience))?;
        answered(request.headers(), answer.status().as_u16(), answer.headers());
        Ok(answer)
    }

    fn close(&self) {
        self.0.close();
    }
}

/// A head as it left, with the headers that the transport adds and without those that it takes away.
fn sent(head: &[u8]) {
    let head = String::from_utf8_lossy(head);
    let line = |line: &str| match line.split_once(": ") {
        // The first line has a space before whatever else it has.
        Some((name, value)) if !name.contains(' ') => {
            format!("> {name}: {}", shown(&name.to_ascii_lowercase(), value))
        }
        _ => format!("> {line}"),
    };
    let mut lines: Vec<String> = head.trim_end().lines().map(line).collect();
    lines.push(">".to_owned());
    output::note(&lines);
}

fn answered(sent: &HeaderMap, status: u16, headers: &HeaderMap) {
    let token = sent.get("x-amz-security-token").map(text).filter(|token| !token.is_empty());
    let mut lines = vec![format!("< HTTP/1.1 {}", status_line(status))];
    for (name, value) in headers {
        let value = shown(name.as_str(), &text(value));
        // A server may say back what it was sent.
        let value = token.as_ref().map_or(value.clone(), |token| value.replace(token.as_str(), "…"));
        lines.push(format!("< {name}: {value}"));
    }
    lines.push("<".to_owned());
    output::note(&lines);
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn shown(name: &str, value: &str) -> String {
    if !SECRET.contains(&name) {
        return value.to_owned();
    }
    // Who signed what for which service is no secret, and what one wants to see.
    match value.rsplit_once("Signature=") {
        Some((before, _)) if value.starts_with("AWS4-HMAC-SHA256 ") => format!("{before}Signature=…"),
        _ => "…".to_owned(),
    }
}
