//! Answers on their way through: in pieces as they come, and no longer or later than a front lets them be.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "these tests are about sockets")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use xacct_sign_emulator::server::Server;
use xacct_sign_emulator::{LogEntry, Options, Ready};

use crate::world::*;

/// An upstream that takes one request, and then does with the connection what it is told.
fn upstream(answer: impl FnOnce(TcpStream) + Send + 'static) -> http::Uri {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        answer(stream);
    });
    url.parse().unwrap()
}

/// The emulator of every front before an upstream.
struct Emulated {
    ready: Ready,
    log: Arc<Mutex<Vec<LogEntry>>>,
    more: Arc<Condvar>,
    _stop: oneshot::Sender<()>,
}

async fn emulated(upstream: http::Uri, timeout: Option<Duration>) -> Emulated {
    let options = Options { upstream: Some(upstream), ..Options::default() };
    let log = Arc::new(Mutex::new(Vec::new()));
    let more = Arc::new(Condvar::new());
    let (entries, written) = (Arc::clone(&log), Arc::clone(&more));
    let write = move |entry: &LogEntry| {
        entries.lock().unwrap().push(entry.clone());
        written.notify_all();
    };
    let mut server =
        Server::bind(world_of(FRONTS, options).emulator, "127.0.0.1:0".parse().unwrap(), write).await.unwrap();
    if let Some(timeout) = timeout {
        server = server.with_upstream_timeout(timeout);
    }
    let ready = server.ready().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.serve(async { drop(stopped.await) }));
    Emulated { ready, log, more, _stop: stop }
}

impl Emulated {
    /// A connection on which shop has sent a signed request.
    fn call(&self, stage: &str, service: &str) -> TcpStream {
        let path = if service == "lambda" { "/hoge" } else { "/v1/hoge" };
        let mut request = request("GET", path, "");
        let shop = &self.ready.callers()[0].credentials;
        sign(&mut request, shop, service, SystemTime::now());
        let url = &self.ready.addresses().stages[stage];
        let address = url.trim_start_matches("http://").trim_end_matches("/v1");
        let mut stream = TcpStream::connect(address).unwrap();
        let head: String =
            request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        write!(stream, "GET {path} HTTP/1.1\r\nconnection: close\r\n{head}\r\n").unwrap();
        stream
    }

    /// The first entry that is so, once it is there.
    fn when(&self, is_so: impl Fn(&LogEntry) -> bool) -> Option<LogEntry> {
        let log = self.log.lock().unwrap();
        let log = self.more.wait_while(log, |log| !log.iter().any(&is_so)).unwrap();
        log.iter().find(|entry| is_so(entry)).cloned()
    }

    /// The code of the reason of each entry in the log that is of an answer.
    fn reasons(&self) -> Vec<Option<&'static str>> {
        let log = self.log.lock().unwrap();
        assert!(log.iter().all(|entry| entry.number == 1));
        let answered = log.iter().filter(|entry| !entry.is_under_way());
        answered.map(|entry| entry.reason.as_ref().map(|reason| reason.code())).collect()
    }
}

/// Reads up to and with this text.
fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_is_passed_on_before_there_is_more() {
    for (stage, service) in [("urld", "lambda"), ("restd", "execute-api")] {
        let (go_on, more) = mpsc::channel();
        let uri = upstream(move |mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").unwrap();
            more.recv().unwrap();
            stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").unwrap();
        });
        let emulated = emulated(uri, None).await;
        let mut stream = emulated.call(stage, service);
        // Nothing else is sent until this has come through.
        let first = until(&mut stream, "first");
        assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
        go_on.send(()).unwrap();
        until(&mut stream, "second");
        assert_eq!(emulated.reasons(), [None]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_longer_than_the_fronts_is_not_begun_or_broken_off() {
    // It says that it is too long.
    let uri = upstream(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10485761\r\n\r\n").unwrap();
    });
    let announced = emulated(uri, None).await;
    let mut answer = String::new();
    announced.call("restd", "execute-api").read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 502 ") && answer.ends_with(r#"{"message":"Internal server error"}"#),
        "{answer}"
    );
    assert_eq!(announced.reasons(), [Some("upstream_too_large")]);

    // It does not: it ends where it may not go on.
    let chunks = |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
        for _ in 0..11 {
            // Who has heard enough is gone.
            let _ = stream.write_all(chunk.as_bytes());
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    };
    let emulated = emulated(upstream(chunks), None).await;
    let mut answer = Vec::new();
    let _ = emulated.call("restd", "execute-api").read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && !answer.ends_with(b"\r\n0\r\n\r\n"), "{}", answer.len());
    assert_eq!(emulated.reasons(), [None, Some("upstream_too_large")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_url_takes_what_is_too_long_for_an_api() {
    let uri = upstream(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12582912\r\n\r\n").unwrap();
        stream.write_all(&vec![b'x'; 12 << 20]).unwrap();
    });
    let emulated = emulated(uri, None).await;
    let mut answer = Vec::new();
    emulated.call("urld", "lambda").read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    assert_eq!(answer.len() - head - 4, 12 << 20);
    assert_eq!(emulated.reasons(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_or_breaks_off_is_broken_off_and_in_the_log() {
    for (holds, code) in [(true, "upstream_timeout"), (false, "upstream_failed")] {
        let (done, is_done) = mpsc::channel::<()>();
        let uri = upstream(move |mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
            if holds {
                let _ = is_done.recv();
            }
        });
        let emulated = emulated(uri, Some(Duration::from_millis(300))).await;
        let mut answer = Vec::new();
        let _ = emulated.call("urld", "lambda").read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.len() < 400, "{}", String::from_utf8_lossy(&answer));
        assert_eq!(emulated.reasons(), [None, Some(code)]);
        drop(done);
    }
}

/// How long a client takes to read is not how long the API takes to answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_its_time_gets_its_answer() {
    let (all_sent, is_sent) = mpsc::channel();
    let uri = upstream(move |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 33554432\r\n\r\n").unwrap();
        stream.write_all(&vec![b'x'; 32 << 20]).unwrap();
        all_sent.send(()).unwrap();
    });
    let emulated = emulated(uri, Some(Duration::from_millis(500))).await;
    let mut stream = emulated.call("urld", "lambda");
    until(&mut stream, "\r\n\r\n");
    // More than fits between: the upstream is held up meanwhile.
    assert!(is_sent.recv_timeout(Duration::from_millis(800)).is_err());
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!((answer.len(), emulated.reasons()), (32 << 20, vec![None]));
}

/// As its client sees it that has waited long enough; and as one does that goes away before it has sent all.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_breaks_off_is_in_the_log_from_when_it_came_and_has_no_status() {
    let (came, is_there) = mpsc::channel();
    let (done, is_done) = mpsc::channel::<()>();
    let uri = upstream(move |_open| {
        came.send(()).unwrap();
        let _ = is_done.recv();
    });
    let emulated = emulated(uri, None).await;
    let waiting = emulated.call("urld", "lambda");
    is_there.recv().unwrap();
    let known = |entry: &LogEntry| {
        (entry.number, entry.status, entry.caller.clone(), entry.reason.as_ref().map(|reason| reason.code()))
    };
    let shop = Some("shop".to_owned());
    assert_eq!(emulated.log.lock().unwrap().last().map(known), Some((1, None, shop.clone(), None)));
    drop(waiting);
    assert_eq!(
        emulated.when(|entry| !entry.is_under_way()).as_ref().map(known),
        Some((1, None, shop, Some("broken_off")))
    );

    let url = &emulated.ready.addresses().stages["urld"];
    let mut half = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(half, "PUT /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    let coming = emulated.when(|entry| entry.number == 2);
    assert_eq!(coming.as_ref().map(known), Some((2, None, None, None)));
    drop(half);
    let broken = emulated.when(|entry| entry.number == 2 && !entry.is_under_way());
    assert_eq!(broken.as_ref().map(known), Some((2, None, None, Some("broken_off"))));
    drop(done);
}
