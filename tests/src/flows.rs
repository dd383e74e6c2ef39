//! `flows.toml`: its cases, the servers that a case needs, and what must have come over the wire.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use xacct_sign::aws::format_rfc3339;
use xacct_sign::verify::{Presented, Rules};
use xacct_sign::{Credentials, Scope};

use crate::data;

/// The region of every case.
pub const REGION: &str = "ap-northeast-1";
/// The role that is assumed.
pub const ROLE_ARN: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
/// The secret of every key.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// The session token of a role's credentials.
pub const TOKEN: &str = "role-token";

/// A row of the table; its header says what the columns mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Case {
    pub name: String,
    #[serde(default = "get")]
    pub method: String,
    #[serde(default = "start")]
    pub path: String,
    pub url: Option<String>,
    pub base_url: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    #[serde(default)]
    pub answers: Vec<Answer>,
    pub sent: Vec<Sent>,
    #[serde(default = "ok")]
    pub status: u16,
    pub error: Option<String>,
    pub given: Option<Key>,
    pub base: Option<Key>,
    #[serde(default)]
    pub sts: Vec<StsAnswer>,
    pub asked: Option<usize>,
    #[serde(default)]
    pub pauses: Vec<f64>,
    /// Whether `SigV4Auth` runs it: no concern of Rust's.
    #[serde(default)]
    pub requests: bool,
}

/// An answer of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Answer {
    #[serde(default = "ok")]
    pub status: u16,
    pub location: Option<String>,
    pub date: Option<i64>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    pub fault: Option<Fault>,
}

/// In place of an answer.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the table documents them")]
pub enum Fault {
    Reset,
    Half,
}

impl Fault {
    /// The connection ends after it.
    fn bytes(self) -> Vec<u8> {
        match self {
            Fault::Reset => Vec::new(),
            Fault::Half => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf".to_vec(),
        }
    }
}

/// A request that must come.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Sent {
    pub method: String,
    pub target: String,
    #[serde(default)]
    pub has: BTreeMap<String, String>,
    #[serde(default)]
    pub lacks: Vec<String>,
    #[serde(default)]
    pub body: String,
    pub key: Option<usize>,
    #[serde(default)]
    pub skew: i64,
}

/// Credentials that end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Key {
    pub expires_in: i64,
}

impl Key {
    /// When they end.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_now(self.expires_in)
    }
}

/// An answer of STS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct StsAnswer {
    pub lifetime: Option<i64>,
    #[serde(default)]
    pub hangs: bool,
    pub status: Option<u16>,
    #[serde(default)]
    pub code: String,
    pub clock: Option<i64>,
    pub date: Option<i64>,
    pub fault: Option<Fault>,
}

fn get() -> String {
    "GET".to_owned()
}

fn start() -> String {
    "/start".to_owned()
}

fn ok() -> u16 {
    200
}

fn from_now(seconds: i64) -> SystemTime {
    let now = SystemTime::now();
    let length = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { now - length } else { now + length }
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Table {
        case: Vec<Case>,
    }
    toml::from_str::<Table>(&data("flows.toml")).unwrap().case
}

/// Where a case's servers are.
pub struct Place {
    /// What is called.
    pub url: String,
    /// What it is appended to.
    pub base_url: Option<String>,
    /// STS.
    pub sts: String,
}

/// The outcome of one call: a status, or an error's code.
pub type Outcome = Result<u16, String>;

/// Runs a case: `face` makes its calls, and gives the outcome of each.
///
/// # Panics
///
/// If anything is not as the table has it.
pub fn run(case: &Case, face: impl FnOnce(&Case, &Place) -> Vec<Outcome>) {
    let over = Arc::new(Gate::default());
    let other = Site::serve(|_, _| text_answer("200 OK", ""));
    let hanging = Arc::clone(&over);
    let sts_answers = case.sts.clone();
    let sts = Site::serve(move |index, _| match sts_answers.get(index) {
        Some(answer) if !answer.hangs => answer.bytes(index + 1),
        _ => {
            hanging.wait();
            text_answer("503 Service Unavailable", "")
        }
    });
    let answers = case.answers.clone();
    let elsewhere = other.url.clone();
    let api = Site::serve(move |index, origin| match answers.get(index) {
        Some(answer) => answer.bytes(origin, &elsewhere),
        None => text_answer("200 OK", ""),
    });
    let (_, port) = api.url.rsplit_once(':').unwrap();
    let here =
        |text: &String| text.replace("{origin}", &api.url).replace("{other}", &other.url).replace("{port}", port);
    let url = case.url.as_ref().map_or_else(|| format!("{}{}", api.url, case.path), here);
    let outcomes = face(case, &Place { url, base_url: case.base_url.as_ref().map(here), sts: sts.url.clone() });
    over.open();

    let name = &case.name;
    let expected: Outcome = case.error.clone().map_or(Ok(case.status), Err);
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == expected), "{name}: {outcomes:?}");
    if expected.is_ok() {
        assert_eq!(outcomes.len(), case.pauses.len() + 1, "{name}");
    }
    assert_eq!(other.taken().len(), 0, "{name}: the second server was asked");
    if let Some(asked) = case.asked {
        assert_eq!(sts.taken().len(), asked, "{name}: how often STS was asked");
    }
    let taken = api.taken();
    let lines: Vec<String> = taken.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
    let wanted: Vec<String> = case.sent.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
    assert_eq!(lines, wanted, "{name}");
    for (came, wanted) in taken.iter().zip(&case.sent) {
        for (header, value) in &wanted.has {
            let found = came.headers.get(header).map(HeaderValue::as_bytes);
            assert_eq!(found, Some(value.as_bytes()), "{name}: {header} of {}", wanted.target);
        }
        for header in &wanted.lacks {
            assert!(!came.headers.contains_key(header), "{name}: {header} of {} is still there", wanted.target);
        }
        assert_eq!(String::from_utf8_lossy(&came.body), wanted.body, "{name}: the body of {}", wanted.target);
        let key = came.is_signed(name, wanted.skew);
        if let Some(number) = wanted.key {
            assert_eq!(key, format!("ASIAROLE{number}"), "{name}: the key");
        }
    }
}

impl Answer {
    fn bytes(&self, origin: &str, elsewhere: &str) -> Vec<u8> {
        if let Some(fault) = self.fault {
            return fault.bytes();
        }
        let mut head = format!("HTTP/1.1 {} Answer\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(location) = &self.location {
            let (_, port) = origin.rsplit_once(':').unwrap();
            let location = location.replace("{origin}", origin).replace("{other}", elsewhere).replace("{port}", port);
            head += &format!("location: {location}\r\n");
        }
        if let Some(seconds) = self.date {
            head += &format!("date: {}\r\n", httpdate::fmt_http_date(from_now(seconds)));
        }
        format!("{head}\r\n{}", self.body).into_bytes()
    }
}

impl StsAnswer {
    fn bytes(&self, number: usize) -> Vec<u8> {
        if let Some(fault) = self.fault {
            return fault.bytes();
        }
        if let Some(lifetime) = self.lifetime {
            let date = self.date.map(|by| format!("\r\ndate: {}", httpdate::fmt_http_date(from_now(by))));
            return text_answer(&format!("200 OK{}", date.unwrap_or_default()), &sts_answer(number, lifetime));
        }
        let amz = |at| format_rfc3339(at).unwrap().replace(['-', ':'], "");
        let message = self.clock.map_or_else(
            || "no".to_owned(),
            |clock| {
                let (ours, theirs) = (amz(SystemTime::now()), amz(from_now(clock)));
                format!("Signature expired: {ours} is now earlier than {theirs} ({theirs} - 15 min.)")
            },
        );
        let body = format!(
            "<ErrorResponse><Error><Code>{}</Code><Message>{message}</Message></Error></ErrorResponse>",
            self.code
        );
        text_answer(&format!("{} Refused", self.status.unwrap_or(403)), &body)
    }
}

fn text_answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn sts_answer(number: usize, lifetime: i64) -> String {
    let at = from_now(lifetime);
    // To the millisecond: a case depends on parts of a second.
    let millis = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_millis();
    let expires_at = format_rfc3339(at).unwrap().replace('Z', &format!(".{millis:03}Z"));
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROA:xacct-sign</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/R/xacct-sign</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASIAROLE{number}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{TOKEN}</SessionToken><Expiration>{expires_at}</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    )
}

/// What came over the wire.
struct Came {
    method: String,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Came {
    /// The access key id with which it is signed as it should be, by a clock that is so many seconds ahead.
    fn is_signed(&self, name: &str, skew: i64) -> String {
        let (path, query) =
            self.target.split_once('?').map_or((&*self.target, None), |(path, query)| (path, Some(query)));
        let presented = Presented::read(&self.method, path, query, &self.headers);
        let presented = presented.unwrap_or_else(|refusal| panic!("{name}: {}: {refusal}", self.target));
        let key = presented.access_key_id();
        let token = key.starts_with("ASIAROLE").then(|| TOKEN.to_owned());
        let credentials = Credentials::new(key, SECRET, token, None).unwrap();
        let rules = Rules::new(Scope::new(REGION, "execute-api").unwrap(), Duration::from_secs(300));
        let checked = presented.check(&credentials, &rules, &self.body, from_now(skew));
        checked.unwrap_or_else(|refusal| panic!("{name}: {}: {refusal}", self.target));
        key.to_owned()
    }
}

/// Something to wait for.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// A server on loopback that keeps what it was asked. Its threads end with the test's process.
struct Site {
    url: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Site {
    fn serve(answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept, origin) = (Arc::new(answer), Arc::clone(&came), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, kept, origin) = (Arc::clone(&answer), Arc::clone(&kept), origin.clone());
                // A client that goes away is none of the test's.
                thread::spawn(move || converse(&stream, &kept, |index| answer(index, &origin)));
            }
        });
        Self { url, came }
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Vec<Came>> {
        self.came.lock().unwrap()
    }
}

fn converse(stream: &TcpStream, kept: &Mutex<Vec<Came>>, answer: impl Fn(usize) -> Vec<u8>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = HeaderMap::new();
        loop {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line).ok()?;
            let line = line.trim_ascii_end();
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
            headers.append(name, HeaderValue::from_bytes(line.get(colon + 1..)?.trim_ascii_start()).ok()?);
        }
        let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let index = {
            let mut kept = kept.lock().unwrap();
            kept.push(Came { method, target, headers, body });
            kept.len() - 1
        };
        let mut stream = stream;
        let answer = answer(index);
        stream.write_all(&answer).ok()?;
        // After a fault there is nothing more.
        (!answer.is_empty() && !answer.ends_with(b"half")).then_some(())?;
    }
}

/// The cases that a face does not pass, each with what it says: all of them at once. Those that pause do so beside each other.
///
/// # Panics
///
/// If there is one.
pub fn run_all(face: impl Fn(&Case, &Place) -> Vec<Outcome> + Sync) {
    let (pausing, others): (Vec<Case>, Vec<Case>) = cases().into_iter().partition(|case| !case.pauses.is_empty());
    let failure = |case: &Case| {
        let panic = catch_unwind(AssertUnwindSafe(|| run(case, &face))).err()?;
        Some(panic.downcast_ref::<String>().map_or_else(|| format!("{}: ?", case.name), Clone::clone))
    };
    let failed: Vec<String> = thread::scope(|scope| {
        let beside: Vec<_> = pausing.iter().map(|case| scope.spawn(|| failure(case))).collect();
        let failed: Vec<Option<String>> = others.iter().map(failure).collect();
        failed.into_iter().chain(beside.into_iter().map(|thread| thread.join().unwrap())).flatten().collect()
    });
    assert!(failed.is_empty(), "rows of flows.toml that fail:\n{}", failed.join("\n"));
}
