//! A machine that is a folder: its environment, its files, what programs print and what servers answer.
//!
//! ```text
//! tests/credentials/NAME/
//!   env.json        variables; HOME is /home unless it is here
//!   fs/             files, as if it were the root
//!   http.json       what is sent, in this order, and what comes back
//!   processes.json  what is run, in this order, and what it leaves
//!   expected.json   what comes of it
//! ```
//!
//! `http.json`: `[{"request": {"method", "url", "headers", "body", "route"}, "response": {"status", "headers", "body"}}]`. Headers
//! that are listed must be there so (`null`: must not be there), others may be. A body that is text must be the same; one that is
//! an object lists fields of the form or of the JSON document that was sent, `null` for those that must not be there; a response's
//! body that is an object or a list is sent as JSON. `"route": "direct"` means past every proxy. In place of a response `"failure"`
//! may be `transport` or `timeout`.
//!
//! `processes.json`: `[{"program", "arguments", "code", "stdout", "stderr"}]`, the last three by default 0 and empty; standard
//! output that is an object is JSON; `"failure": "not_found"` is a program that is not there.
//!
//! The clock stands at [`NOW`]: expiries are long before or long after, so that a peer with another clock agrees.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::Patience;
use xacct_sign_client::host::{Host, Output, Route, Sending};

/// When everything happens.
pub const NOW: &str = "2026-06-01T00:00:00Z";

/// The machine.
#[derive(Debug)]
pub struct Folder {
    variables: BTreeMap<String, String>,
    files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    http: Mutex<VecDeque<Exchange>>,
    processes: Mutex<VecDeque<Process>>,
    /// What should not have happened.
    complaints: Mutex<Vec<String>>,
    now: Mutex<SystemTime>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    request: Request,
    response: Option<Response>,
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<Value>,
    route: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    program: String,
    arguments: Vec<String>,
    #[serde(default)]
    code: i32,
    #[serde(default)]
    stdout: Value,
    #[serde(default)]
    stderr: String,
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Failure {
    Transport,
    Timeout,
    NotFound,
}

impl Folder {
    /// Reads a folder. Files of these names may be missing.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let file = |name: &str| json(&folder.join(name)).unwrap_or_default();
        let mut files = BTreeMap::new();
        let root = folder.join("fs");
        if root.exists() {
            read_files(&root, &root, &mut files);
        }
        Self::of(file("env.json"), files, file("http.json"), file("processes.json"))
    }

    /// The same from the content of such files.
    #[must_use]
    pub fn of(variables: Value, files: BTreeMap<PathBuf, Vec<u8>>, http: Value, processes: Value) -> Self {
        let mut variables: BTreeMap<String, String> = parsed("env.json", variables);
        variables.entry("HOME".to_owned()).or_insert_with(|| "/home".to_owned());
        Self {
            variables,
            files: Mutex::new(files),
            http: Mutex::new(parsed("http.json", http)),
            processes: Mutex::new(parsed("processes.json", processes)),
            complaints: Mutex::default(),
            now: Mutex::new(parse_rfc3339(NOW).expect("an instant")),
        }
    }

    /// A file as it is now.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        lock(&self.files).get(Path::new(path)).cloned()
    }

    /// Puts a file there, as another program would.
    pub fn put(&self, path: &str, content: &str) {
        lock(&self.files).insert(path.into(), content.into());
    }

    /// Moves the clock.
    pub fn wait(&self, duration: Duration) {
        *lock(&self.now) += duration;
    }

    /// What was asked for besides what the folder has, and what of it was not asked for.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = lock(&self.complaints).clone();
        complaints.extend(lock(&self.http).iter().map(|left| format!("not sent: {:?}", left.request)));
        complaints.extend(lock(&self.processes).iter().map(|left| format!("not run: {left:?}")));
        complaints
    }

    fn complain(&self, complaint: String) -> Error {
        lock(&self.complaints).push(complaint.clone());
        Error::new(ErrorKind::Transport, complaint)
    }
}

impl Host for Folder {
    fn now(&self) -> SystemTime {
        *lock(&self.now)
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        patience.check()?;
        self.wait(duration);
        Ok(())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        lock(&self.files).get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        lock(&self.files).insert(path.to_owned(), content.to_owned());
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[String], _: &Patience) -> Result<Output, Error> {
        let Some(process) = lock(&self.processes).pop_front() else {
            return Err(self.complain(format!("run, which is not in processes.json: {program} {arguments:?}")));
        };
        if (process.program.as_str(), &*process.arguments) != (program, arguments) {
            return Err(self.complain(format!("run: {program} {arguments:?}, and not {process:?}")));
        }
        if process.failure.is_some() {
            return Err(Error::new(ErrorKind::CredentialsNotFound, "it cannot be run: No such file or directory"));
        }
        let mut output = Output::default();
        output.code = Some(process.code);
        output.stdout = bytes(&process.stdout);
        output.stderr = process.stderr.into_bytes();
        Ok(output)
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        _: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let Some(exchange) = lock(&self.http).pop_front() else {
            return Err(self.complain(format!(
                "sent, which is not in http.json: {} {}",
                request.method(),
                request.uri()
            )));
        };
        for difference in differences(&exchange.request, request, sending) {
            self.complain(difference);
        }
        match (exchange.response, exchange.failure) {
            (Some(response), None) => {
                let mut answer = http::Response::builder().status(response.status);
                for (name, value) in &response.headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(bytes(&response.body)).expect("a response"))
            }
            (None, Some(Failure::Timeout)) => Err(Error::new(ErrorKind::Timeout, "nobody answered in time")),
            (None, Some(Failure::Transport)) => Err(Error::new(ErrorKind::Transport, "the connection was refused")),
            _ => panic!("http.json: neither a response nor a failure"),
        }
    }
}

fn differences(wanted: &Request, sent: &http::Request<&[u8]>, sending: Sending) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, wanted: Option<&str>, sent: Option<&str>| {
        if wanted != sent {
            differences.push(format!("{what}: {wanted:?} is to be sent, {sent:?} was"));
        }
    };
    compare("method", Some(&wanted.method), Some(sent.method().as_str()));
    compare("url", Some(&wanted.url), Some(&sent.uri().to_string()));
    if let Some(route) = &wanted.route {
        compare("route", Some(route), Some(if sending.route == Route::Direct { "direct" } else { "environment" }));
    }
    for (name, value) in &wanted.headers {
        let sent = sent.headers().get(name).map(|value| value.to_str().expect("ASCII"));
        compare(name, value.as_deref(), sent);
    }
    match &wanted.body {
        None => {}
        Some(Value::String(text)) => compare("body", Some(text), std::str::from_utf8(sent.body()).ok()),
        Some(Value::Object(fields)) => {
            let sent = sent_fields(sent.body());
            for (name, value) in fields {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let wanted = (!value.is_null()).then(|| text(value));
                compare(name, wanted.as_deref(), sent.get(name).map(text).as_deref());
            }
        }
        Some(other) => panic!("http.json: a body is text or fields, not {other}"),
    }
    differences
}

/// The fields of a JSON document, or of a form.
fn sent_fields(body: &[u8]) -> Map<String, Value> {
    if let Ok(fields) = serde_json::from_slice(body) {
        return fields;
    }
    let text = std::str::from_utf8(body).expect("a form is ASCII");
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), Value::String(decoded(value)))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                u8::from_str_radix(std::str::from_utf8(&digits).expect("digits"), 16).expect("digits")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// What is not there is as empty as its kind can be.
fn parsed<T: serde::de::DeserializeOwned + Default>(what: &str, value: Value) -> T {
    if value.is_null() {
        return T::default();
    }
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn json(path: &Path) -> Option<Value> {
    let text = fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn read_files(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let inside = Path::new("/").join(path.strip_prefix(root).expect("a path below"));
            files.insert(inside, fs::read(&path).expect("a file"));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
