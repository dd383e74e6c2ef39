//! A proxy between a client and the emulator that fails as it is told, and keeps what came.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use socket2::SockRef;

use super::{Fault, Plan};

/// What a call carries to be known by.
const ID: &str = "x-call-id";
/// Between two bytes of what drips.
const DRIP: Duration = Duration::from_millis(20);
/// More than any client takes for a header.
const HUGE: usize = 300_000;

/// A request of which at least a byte came, in the order of their coming.
#[derive(Debug, Clone, Serialize)]
pub struct Came {
    /// Of the request line.
    pub method: String,
    /// Of the request line.
    pub target: String,
    /// The number of its connection.
    pub connection: usize,
    /// Which call it belongs to, if it says so.
    pub id: Option<String>,
    /// What was done to it.
    pub fault: Option<Fault>,
    /// How many bytes of it the emulator got.
    pub forwarded: usize,
    /// What the emulator answered.
    pub status: Option<u16>,
    /// Whether its connection has been closed by the proxy.
    pub is_closed: bool,
}

/// A listener on loopback. Its threads end with the test's process.
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// Host and port of the emulator.
    upstream: String,
    plan: Plan,
    is_calm: AtomicBool,
    came: Mutex<Vec<Came>>,
}

impl Proxy {
    /// Listens in front of a plain http URL without a path.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn start(upstream: &str, plan: Plan) -> Self {
        let upstream = upstream.strip_prefix("http://").expect("plain http").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { upstream, plan, is_calm: AtomicBool::new(false), came: Mutex::default() });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let shared = Arc::clone(&of_thread);
                // A client that goes away is none of the proxy's.
                thread::spawn(move || drop(shared.converse(connection, &stream)));
            }
        });
        Self { url, shared }
    }

    /// What came up to now.
    ///
    /// # Panics
    ///
    /// If a thread of the proxy did.
    #[must_use]
    pub fn came(&self) -> Vec<Came> {
        self.shared.came.lock().unwrap().clone()
    }

    /// From now on nothing fails.
    pub fn calm(&self) {
        self.shared.is_calm.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn converse(&self, connection: usize, stream: &TcpStream) -> io::Result<()> {
        // Without it the parts of an answer wait for each other.
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut start = [0; 1 << 14];
            let length = stream.peek(&mut start)?;
            if length == 0 {
                return Ok(());
            }
            let peeked = String::from_utf8_lossy(start.get(..length).unwrap_or_default()).into_owned();
            let (index, fault) = self.begin(connection, &peeked);
            let answered = self.answer(index, fault, &mut reader, stream);
            if !matches!(answered, Ok(true)) {
                self.note(index, |came| came.is_closed = true);
                return answered.map(drop);
            }
        }
    }

    /// Takes note of a request, and says what is done to it.
    fn begin(&self, connection: usize, head: &str) -> (usize, Option<Fault>) {
        let mut words = head.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let mut came = self.came.lock().unwrap();
        let index = came.len();
        let fault = if self.is_calm.load(Ordering::SeqCst) { None } else { self.plan.fault(index) };
        came.push(Came {
            method: word(),
            target: word(),
            connection,
            id: header(head, ID).map(str::to_owned),
            fault: fault.clone(),
            forwarded: 0,
            status: None,
            is_closed: false,
        });
        (index, fault)
    }

    fn note(&self, index: usize, change: impl FnOnce(&mut Came)) {
        self.came.lock().unwrap().get_mut(index).map(change);
    }

    /// Whether the connection stays.
    fn answer(
        &self,
        index: usize,
        fault: Option<Fault>,
        reader: &mut BufReader<&TcpStream>,
        mut to: &TcpStream,
    ) -> io::Result<bool> {
        match &fault {
            Some(Fault::ResetAtOnce) => return reset(to),
            // What the other side does is not seen where nothing is read.
            Some(Fault::NeverReads) => loop {
                thread::park();
            },
            _ => {}
        }
        let head = read_head(reader)?;
        let length: usize = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if header(&head, "transfer-encoding").is_some() {
            return Err(io::Error::other("a request in chunks"));
        }
        if let Some(Fault::EarlyAnswer { status, drains }) = &fault {
            let body = "early";
            write!(to, "HTTP/1.1 {status} Early\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
            if *drains {
                to.shutdown(Shutdown::Write)?;
                io::copy(reader, &mut io::sink())?;
            }
            return Ok(false);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if let Some(Fault::Status { status, body, headers }) = &fault {
            write!(to, "HTTP/1.1 {status} Told\r\n")?;
            headers.iter().try_for_each(|(name, value)| write!(to, "{name}: {value}\r\n"))?;
            write!(to, "content-length: {}\r\n\r\n", body.len())?;
            to.write_all(if head.starts_with("HEAD") { b"" } else { body.as_bytes() })?;
            return Ok(true);
        }
        let answer = self.forward(index, &head, &body)?;
        self.note(index, |came| came.status = Some(answer.status));
        match fault {
            None => answer.write(to).map(|()| true),
            Some(fault) => fail(&fault, answer, to),
        }
    }

    fn forward(&self, index: usize, head: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.upstream)?;
        let mut whole = head.trim_end().to_owned().into_bytes();
        // It is not signed, and says where the answer ends.
        whole.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
        whole.extend_from_slice(body);
        stream.write_all(&whole)?;
        self.note(index, |came| came.forwarded = whole.len());
        let mut reader = BufReader::new(stream);
        let mut head = read_head(&mut reader)?;
        head = head.lines().filter(|line| !line.eq_ignore_ascii_case("connection: close")).fold(
            String::new(),
            |mut head, line| {
                head.push_str(line);
                head.push_str("\r\n");
                head
            },
        );
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        Ok(Answer { status, head, body })
    }
}

/// What the emulator answered.
struct Answer {
    status: u16,
    /// With the empty line.
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn write(&self, mut to: &TcpStream) -> io::Result<()> {
        to.write_all(self.head.as_bytes())?;
        to.write_all(&self.body)
    }

    /// Drops a header, and puts a line in its place.
    fn replace(&mut self, name: &str, line: Option<&str>) {
        let is_other = |line: &&str| !line.split(':').next().is_some_and(|given| given.eq_ignore_ascii_case(name));
        let kept: Vec<&str> = self.head.trim_end().lines().filter(is_other).chain(line).collect();
        self.head = kept.join("\r\n") + "\r\n\r\n";
    }
}

/// Whether the connection stays.
fn fail(fault: &Fault, mut answer: Answer, mut to: &TcpStream) -> io::Result<bool> {
    match fault {
        Fault::ResetAfterRequest => return reset(to),
        Fault::CloseAfterRequest => return Ok(false),
        Fault::CloseAfterAnswer => {
            answer.write(to)?;
            // Here, because whoever asks whether it is closed may rely on it.
            to.shutdown(Shutdown::Both)?;
            return Ok(false);
        }
        Fault::CutHead => {
            to.write_all(b"HTTP/1.1 200 OK\r\nconte")?;
            return Ok(false);
        }
        Fault::CutBody { resets } => {
            to.write_all(answer.head.as_bytes())?;
            to.write_all(answer.body.get(..answer.body.len() / 2).unwrap_or_default())?;
            return if *resets { reset(to) } else { Ok(false) };
        }
        Fault::CutChunks => {
            answer.replace("content-length", Some("transfer-encoding: chunked"));
            to.write_all(answer.head.as_bytes())?;
            write!(to, "{:x}\r\n", answer.body.len())?;
            to.write_all(&answer.body)?;
            to.write_all(b"\r\n")?;
            return Ok(false);
        }
        Fault::Late { seconds } => {
            thread::sleep(Duration::from_secs_f64(*seconds));
            answer.write(to)?;
        }
        Fault::Hold => {
            // Until the other side has had enough.
            while !is_gone(to)? {
                thread::sleep(DRIP);
            }
            return Ok(false);
        }
        Fault::DripHead { seconds } => {
            let (line, rest) = answer.head.split_once("\r\n").unwrap_or_default();
            write!(to, "{line}\r\nx-drip: ")?;
            for _ in 0..drops(*seconds) {
                thread::sleep(DRIP);
                to.write_all(b"x")?;
            }
            write!(to, "\r\n{rest}")?;
            to.write_all(&answer.body)?;
        }
        Fault::DripBody { seconds } => {
            to.write_all(answer.head.as_bytes())?;
            let (dripping, rest) = answer.body.split_at(drops(*seconds).min(answer.body.len()));
            for byte in dripping {
                thread::sleep(DRIP);
                to.write_all(&[*byte])?;
            }
            to.write_all(rest)?;
        }
        Fault::Garbage => {
            to.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")?;
            return Ok(false);
        }
        Fault::HugeHeader => {
            answer.replace("x-huge", Some(&format!("x-huge: {}", "x".repeat(HUGE))));
            answer.write(to)?;
        }
        Fault::Unasked => {
            let mut both = answer.head.clone().into_bytes();
            both.extend_from_slice(&answer.body);
            both.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nunasked");
            to.write_all(&both)?;
        }
        Fault::Interim => {
            to.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")?;
            answer.write(to)?;
        }
        Fault::Date { seconds, text, status } => {
            let date = match (seconds, text) {
                (Some(seconds), _) => Some(format!("date: {}", httpdate::fmt_http_date(shifted(*seconds)))),
                (None, text) => text.as_ref().map(|text| format!("date: {text}")),
            };
            answer.replace("date", date.as_deref());
            if let Some(status) = status {
                let (_, rest) = answer.head.split_once("\r\n").unwrap_or_default();
                answer.head = format!("HTTP/1.1 {status} Told\r\n{rest}");
            }
            answer.write(to)?;
        }
        Fault::ResetAtOnce | Fault::NeverReads | Fault::EarlyAnswer { .. } | Fault::Status { .. } => {
            return Err(io::Error::other("a fault that comes before"));
        }
    }
    Ok(true)
}

fn shifted(seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
}

fn drops(seconds: f64) -> usize {
    usize::try_from(Duration::from_secs_f64(seconds).as_millis() / DRIP.as_millis()).unwrap()
}

/// Ends the connection with a reset, whatever was read.
fn reset(stream: &TcpStream) -> io::Result<bool> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(false)
}

/// Whether the other side has closed the connection.
fn is_gone(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    match peeked {
        Ok(length) => Ok(length == 0),
        Err(error) => Ok(error.kind() != io::ErrorKind::WouldBlock),
    }
}

/// Everything up to the empty line, and with it.
///
/// # Errors
///
/// If it ends before.
pub fn read_head(reader: &mut impl io::BufRead) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A header's value.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().skip(1).map_while(|line| line.split_once(':'));
    pairs.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
