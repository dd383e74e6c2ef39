//! What ends a wait, and what is sent once more.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use xacct_sign::{Error, ErrorKind, Scope};
use xacct_sign_client::{CredentialSource, Patience, Request, RoleOptions, RoleProvider, Session};
use xacct_sign_tests::example_credentials;

use crate::world::{Server, head};

const ROLE: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";

fn session(source: impl CredentialSource + 'static) -> Session {
    Session::new(source, Scope::new("us-east-1", "execute-api").unwrap())
}

/// A role whose STS is this server.
fn role(sts: &Server) -> RoleProvider {
    let mut options = RoleOptions::new(ROLE, "us-east-1");
    options.sts_endpoint = Some(sts.url());
    RoleProvider::new(options, example_credentials(None)).unwrap()
}

fn get(url: String, timeout: Duration) -> Request {
    let mut request = Request::new("GET", url);
    request.timeout = Some(timeout);
    request
}

/// A server that reads the head, and answers with a byte now and then, without end.
fn drips(start: &'static [u8]) -> Server {
    Server::start(move |mut stream| {
        let asked = head(&mut stream);
        let mut alive = stream.write_all(start);
        while alive.is_ok() {
            thread::sleep(Duration::from_millis(5));
            alive = stream.write_all(b"x");
        }
        asked
    })
}

/// A server that reads what is sent until the other side ends it, and says nothing.
fn hangs() -> Server {
    Server::start(|mut stream| {
        let mut asked = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut asked);
        String::from_utf8_lossy(&asked).into_owned()
    })
}

#[test]
fn c3_an_answer_that_drips_has_an_end() {
    for start in [b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".as_slice(), b"HTTP/1.1 200 OK\r\nx-drip: "] {
        let server = drips(start);
        let answer = session(example_credentials(None)).send(get(server.url(), Duration::from_millis(300)));
        assert_eq!(answer.unwrap_err().code(), "timeout");
        assert_eq!(server.seen().len(), 1, "it is not sent again");
    }
}

#[test]
fn c3_a_callers_timeout_bounds_sts_and_the_call_together() {
    for sts in [hangs(), drips(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")] {
        let api = hangs();
        let error = session(role(&sts)).send(get(api.url(), Duration::from_millis(300))).unwrap_err();
        assert_eq!((error.code(), error.action()), ("timeout", Some("AssumeRole")), "{error}");
        assert!(error.to_string().contains("STS"), "{error}");
        assert_eq!(sts.seen().len(), 1, "a deadline is no reason to try again");
        assert_eq!(api.connections(), 0);
    }
}

/// A watch that ends the wait as soon as the server was reached.
fn watched(reached: &Arc<AtomicBool>) -> Patience {
    let reached = Arc::clone(reached);
    Patience::of(None).watched(Arc::new(move || {
        if reached.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Interrupted, "somebody pressed a key"));
        }
        Ok(())
    }))
}

/// Waits for the head, says that it came, and then for the end of the connection.
fn holds(reached: &Arc<AtomicBool>) -> Server {
    let reached = Arc::clone(reached);
    Server::start(move |mut stream| {
        let asked = head(&mut stream);
        reached.store(true, Ordering::SeqCst);
        let mut after = Vec::new();
        let _ = stream.read_to_end(&mut after);
        format!("{asked}{}", String::from_utf8_lossy(&after))
    })
}

#[test]
fn c3_whoever_watches_ends_the_wait_and_nothing_is_sent_afterwards() {
    let reached = Arc::default();
    let api = holds(&reached);
    let error = session(example_credentials(None)).send_within(Request::new("GET", api.url()), &watched(&reached));
    assert_eq!(error.unwrap_err().code(), "interrupted");
    let seen = api.seen();
    assert!(seen.len() == 1 && seen[0].ends_with("\r\n\r\n"), "{seen:?}");

    let reached = Arc::default();
    let (sts, api) = (holds(&reached), hangs());
    let error = session(role(&sts)).send_within(Request::new("GET", api.url()), &watched(&reached)).unwrap_err();
    assert_eq!((error.code(), sts.seen().len(), api.connections()), ("interrupted", 1, 0));
}

/// A body that the server does not read is no place to hang either.
#[test]
fn c3_whoever_watches_ends_a_body_that_nobody_reads() {
    let reached = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&reached);
    let (ended, end) = channel::<()>();
    let end = Mutex::new(end);
    let api = Server::start(move |mut stream| {
        let asked = head(&mut stream);
        told.store(true, Ordering::SeqCst);
        let _ = end.lock().unwrap().recv();
        asked
    });
    let mut request = Request::new("PUT", api.url());
    request.body = vec![b'x'; 64 << 20].into();
    let error = session(example_credentials(None)).send_within(request, &watched(&reached)).unwrap_err();
    assert_eq!(error.code(), "interrupted");
    ended.send(()).unwrap();
}

/// Who waits for another's refresh is let go alike; the other goes on.
#[test]
fn c3_whoever_watches_ends_the_wait_for_another_thread() {
    let reached = Arc::default();
    let sts = holds(&reached);
    let role = role(&sts);
    let fetching = role.clone();
    let patience = Patience::of(Some(Duration::from_secs(2)));
    let fetching = thread::spawn(move || CredentialSource::credentials(&fetching, &patience).unwrap_err());
    let error = loop {
        // Until the other has the turn, this one would fetch.
        if reached.load(Ordering::SeqCst) {
            break CredentialSource::credentials(&role, &watched(&reached)).unwrap_err();
        }
        thread::yield_now();
    };
    assert_eq!(error.code(), "interrupted");
    assert_eq!(fetching.join().unwrap().code(), "timeout", "the other one waited as long as it would");
    assert_eq!(sts.seen().len(), 1);
}

/// What a server does with a connection's second request.
#[derive(Clone, Copy)]
enum Second {
    /// It has closed the connection.
    Closed,
    /// It reads the request, and closes.
    Reads,
}

/// Each first connection answers once and keeps the connection; the second request on it gets nothing. Later connections answer.
fn forgets(second: Second) -> (Server, Arc<AtomicUsize>) {
    let heads = Arc::new(AtomicUsize::new(0));
    let (count, connections) = (Arc::clone(&heads), AtomicUsize::new(0));
    let server = Server::start(move |mut stream| {
        let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
        let mut asked = String::new();
        loop {
            let head = whole(&mut stream);
            if head.is_empty() {
                return asked;
            }
            count.fetch_add(1, Ordering::SeqCst);
            asked += &head;
            if is_first && asked != head {
                return asked;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            if is_first && matches!(second, Second::Closed) {
                let _ = stream.shutdown(Shutdown::Both);
                return asked;
            }
        }
    });
    (server, heads)
}

/// A head with its body.
fn whole(stream: &mut TcpStream) -> String {
    let head = head(stream);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return String::new();
    }
    head
}

/// What may be repeated goes out again over a new connection. A POST or a PATCH that was written does not: it may have been done.
#[test]
fn c4_what_may_have_been_done_is_not_sent_twice() {
    for (method, is_repeated) in [
        ("GET", true),
        ("HEAD", true),
        ("PUT", true),
        ("DELETE", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PATCH", false),
    ] {
        let (server, heads) = forgets(Second::Reads);
        let session = session(example_credentials(None));
        assert_eq!(session.send(Request::new("GET", server.url())).unwrap().status, 200);
        let mut request = Request::new(method, server.url());
        request.body = if is_repeated { Vec::new() } else { b"order".to_vec() }.into();
        let answer = session.send(request).map(|answer| answer.status).map_err(|error| error.code());
        assert_eq!(answer, if is_repeated { Ok(200) } else { Err("transport") }, "{method}");
        // The first one, and the second once or twice.
        assert_eq!(heads.load(Ordering::SeqCst), if is_repeated { 3 } else { 2 }, "{method}");
    }
}

/// A connection that the server has closed already is not used at all, whatever the method.
#[test]
fn c4_a_closed_connection_is_not_used() {
    for method in ["GET", "POST", "PATCH"] {
        let (server, heads) = forgets(Second::Closed);
        let session = session(example_credentials(None));
        for _ in 0..2 {
            assert_eq!(session.send(Request::new(method, server.url())).unwrap().status, 200, "{method}");
            if server.connections() == 1 {
                // Until the server has closed it.
                server.seen();
            }
        }
        assert_eq!((heads.load(Ordering::SeqCst), server.connections()), (2, 2), "{method}");
    }
}

/// A new connection that breaks is no idle one: nothing is repeated.
#[test]
fn c4_a_new_connection_that_breaks_is_the_callers_error() {
    let server = Server::start(|mut stream| head(&mut stream));
    for method in ["GET", "POST"] {
        let session = session(example_credentials(None));
        let error = session.send(Request::new(method, server.url())).unwrap_err();
        assert_eq!(error.code(), "transport");
    }
    assert_eq!(server.connections(), 2);
}

/// The watch may use the same thread for a call of its own, as a signal handler does.
#[test]
fn a_watch_may_call_by_itself() {
    let reached: Arc<AtomicBool> = Arc::default();
    let (api, other) = (holds(&reached), forgets(Second::Closed).0);
    let (told, tells): (Sender<u16>, _) = channel();
    let url = other.url();
    let patience = Patience::of(None).watched(Arc::new(move || {
        if reached.load(Ordering::SeqCst) {
            let answer = session(example_credentials(None)).send(Request::new("GET", url.clone()))?;
            told.send(answer.status).unwrap();
            return Err(Error::new(ErrorKind::Interrupted, "enough"));
        }
        Ok(())
    }));
    let error = session(example_credentials(None)).send_within(Request::new("GET", api.url()), &patience).unwrap_err();
    assert_eq!((error.code(), tells.recv()), ("interrupted", Ok(200)));
}
