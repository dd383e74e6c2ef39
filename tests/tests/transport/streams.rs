//! Bodies that are read and sent piece by piece.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use xacct_sign::call::{BaseUrl, HttpHosts};
use xacct_sign::{Credentials, Error, Scope};
use xacct_sign_client::{Body, Event, Listener, Patience, Request, Session, Streamed};

use crate::world::{Server, head, sends};

const LARGE: usize = 200 << 20;
/// What a large body may take of memory, in kilobytes.
const MOST: i64 = 20 << 10;

fn session() -> Session {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    Session::new(credentials, Scope::new("ap-northeast-1", "execute-api").unwrap())
}

/// A server that answers each request on a connection, until there is no more.
fn serving(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |mut stream| {
        let mut heads = String::new();
        loop {
            let head = head(&mut stream);
            if head.is_empty() {
                return heads;
            }
            answer(&head, &mut stream);
            heads += &head;
        }
    })
}

fn length(head: &str) -> u64 {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap())
}

fn taken(arguments: &[&str]) -> (usize, i64) {
    let output = Command::new(env!("CARGO_BIN_EXE_stream")).args(arguments).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (count, memory) = said.trim().split_once(' ').unwrap();
    (count.parse().unwrap(), memory.parse().unwrap())
}

fn large_answers(is_coded: bool) -> Server {
    serving(move |head, stream| {
        if !head.starts_with("GET /large") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nsmall").unwrap();
        } else if is_coded {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n").unwrap();
            let mut encoder = GzEncoder::new(&mut *stream, Compression::fast());
            (0..LARGE >> 20).for_each(|_| encoder.write_all(&[b'x'; 1 << 20]).unwrap());
            encoder.finish().unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        } else {
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").as_bytes()).unwrap();
            (0..LARGE >> 20).for_each(|_| stream.write_all(&[b'x'; 1 << 20]).unwrap());
        }
    })
}

#[test]
fn a_large_answer_takes_little_memory() {
    for is_coded in [false, true] {
        let server = large_answers(is_coded);
        let (count, memory) = taken(&["read", &server.url()]);
        assert_eq!(count, LARGE);
        assert!(memory <= MOST, "{memory} kB, coded: {is_coded}");
    }
}

#[test]
fn a_large_file_takes_little_memory() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large");
    File::create(&path).unwrap().set_len(LARGE as u64).unwrap();
    let server = serving(|head, stream| {
        let count = std::io::copy(&mut stream.take(length(head)), &mut std::io::sink()).unwrap().to_string();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{count}", count.len());
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let (count, memory) = taken(&["send", &server.url(), path.to_str().unwrap()]);
    assert_eq!(count, LARGE);
    assert!(memory <= MOST, "{memory} kB");
}

#[test]
fn an_answer_to_a_file_may_be_as_long_as_one_to_bytes() {
    const LONG: usize = 257 << 20;
    let server = serving(|_, stream| {
        stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {LONG}\r\n\r\n").as_bytes()).unwrap();
        (0..LONG >> 20).for_each(|_| stream.write_all(&[b'x'; 1 << 20]).unwrap());
    });
    for body in [b"x".to_vec().into(), Body::file(Cursor::new(b"x")).unwrap()] {
        let mut request = Request::new("POST", server.url());
        request.body = body;
        assert_eq!(session().send(request).unwrap().body.len(), LONG);
    }
}

fn streamed(server: &Server) -> Result<Streamed, Error> {
    session().send_streamed(Request::new("GET", server.url()))
}

fn in_pieces(answer: &mut Streamed, size: usize) -> Result<Vec<u8>, Error> {
    let (mut all, mut piece) = (Vec::new(), vec![0; size]);
    loop {
        match answer.read_within(&mut piece, &Patience::default())? {
            0 => return Ok(all),
            count => all.extend_from_slice(&piece[..count]),
        }
    }
}

#[test]
fn codings_are_undone_in_pieces_of_any_size() {
    let text: Vec<u8> = (0..9000_u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&text).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
    bare.write_all(&text).unwrap();
    for (coding, body) in [
        ("gzip", gzip(&text)),
        ("gzip", [gzip(&text[..99]), gzip(&text[99..])].concat()),
        ("gzip", [gzip(&text), b"what is no member".to_vec()].concat()),
        // Nor does half of how one begins.
        ("gzip", [gzip(&text), b"\x1fjunk".to_vec()].concat()),
        ("gzip", [gzip(&text), b"\x1f".to_vec()].concat()),
        ("gzip", [gzip(&text[..99]), gzip(&text[99..200]), gzip(&text[200..]), b"\x1f".to_vec()].concat()),
        ("deflate", zlib.clone()),
        ("deflate", bare.finish().unwrap()),
        ("deflate, gzip", gzip(&zlib)),
        ("identity", text.clone()),
        ("unheard-of", text.clone()),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", body.len());
        let server = sends([head.as_bytes(), &body].concat());
        for size in [1, 7, 1 << 16] {
            assert!(in_pieces(&mut streamed(&server).unwrap(), size).unwrap() == text, "{coding} by {size}");
        }
        let whole = session().send(Request::new("GET", server.url())).unwrap();
        assert!(whole.body == text, "{coding} at once");
    }
    let none = sends("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n");
    assert!(in_pieces(&mut streamed(&none).unwrap(), 9).unwrap().is_empty());
}

#[test]
fn what_breaks_or_cannot_be_decoded_is_an_error_and_then_the_end() {
    for (answer, code) in [
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\ntrue", "invalid_response"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "transport"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "transport"),
    ] {
        let mut answer = streamed(&sends(answer)).unwrap();
        assert_eq!(in_pieces(&mut answer, 9).unwrap_err().code(), code);
        assert_eq!(answer.read_within(&mut [0; 9], &Patience::default()).unwrap(), 0);
    }
}

#[test]
fn a_connection_goes_back_at_the_end_and_is_closed_before_it() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"text").unwrap();
    let coded = encoder.finish().unwrap();
    let server = serving(move |_, stream| {
        // In chunks, whose end stands behind the coding's.
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut answer = format!("{head}{:x}\r\n", coded.len()).into_bytes();
        answer.extend_from_slice(&coded);
        answer.extend_from_slice(b"\r\n0\r\n\r\n");
        // Who drops an answer unread has closed the connection, maybe before this is written.
        let _ = stream.write_all(&answer);
    });
    let session = session();
    let call = || session.send_streamed(Request::new("GET", server.url())).unwrap();
    for _ in 0..3 {
        assert_eq!(in_pieces(&mut call(), 1).unwrap(), b"text");
    }
    assert_eq!(server.connections(), 1);
    drop(call());
    assert_eq!(in_pieces(&mut call(), 99).unwrap(), b"text");
    assert_eq!(server.connections(), 2);
    session.close();
    let error = session.send(Request::new("GET", server.url())).unwrap_err();
    assert_eq!(error.code(), "closed");
    // Nothing holds a connection any more: the server sees the end of each.
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn the_time_is_for_the_head_and_then_for_each_piece() {
    // It sends half of a body and then nothing.
    let server = serving(|_, stream| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").unwrap());
    let mut request = Request::new("GET", server.url());
    request.timeout = Some(Duration::from_millis(300));
    let mut answer = session().send_streamed(request).unwrap();
    let mut piece = [0; 8];
    // However long nobody reads.
    assert_eq!(answer.read_within(&mut piece, &Patience::of(None)).unwrap(), 4);
    let error = answer.read(&mut piece).unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref::<Error>().unwrap().code(), "timeout");

    let silent = serving(|_, _| {});
    let mut request = Request::new("GET", silent.url());
    request.timeout = Some(Duration::from_millis(300));
    assert_eq!(session().send_streamed(request).unwrap_err().code(), "timeout");
}

#[test]
fn a_file_goes_out_from_where_it_stands_and_again_after_a_redirect() {
    let server = serving(|head, stream| {
        let mut body = String::new();
        stream.take(length(head)).read_to_string(&mut body).unwrap();
        let redirect = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
        let other = "HTTP/1.1 303 See Other\r\nlocation: /get\r\ncontent-length: 0\r\n\r\n";
        let answer = match head.split(' ').nth(1).unwrap() {
            "/" => redirect.to_owned(),
            "/again" => {
                assert_eq!(body, "sent");
                other.to_owned()
            }
            _ => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", 4 + body.len(), "gone".to_owned() + &body),
        };
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let mut file = Cursor::new(b"not sent".to_vec());
    file.seek(SeekFrom::Start(4)).unwrap();
    let mut request = Request::new("PUT", server.url());
    request.body = Body::file(file).unwrap();
    // The bytes behind the blank.
    if let Body::File(content) = &request.body {
        assert_eq!((content.len(), content.is_empty()), (4, false));
    }
    assert_eq!(session().send(request).unwrap().body, b"gone");
    assert_eq!(server.connections(), 1);
}

/// A file that loses its end after it was hashed.
struct Shrinks(Cursor<Vec<u8>>, bool);

impl Read for Shrinks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1 { Ok(0) } else { self.0.read(buffer) }
    }
}

impl Seek for Shrinks {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.1 = matches!(to, SeekFrom::Start(_));
        self.0.seek(to)
    }
}

#[test]
fn a_file_that_becomes_shorter_is_an_error() {
    let server = serving(|_, _| {});
    let mut request = Request::new("PUT", server.url());
    request.body = Body::file(Shrinks(Cursor::new(vec![0; 9]), false)).unwrap();
    assert_eq!(session().send(request).unwrap_err().code(), "invalid_body");
}

#[test]
fn redirects_can_be_left_alone() {
    let server = sends("HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n");
    let mut request = Request::new("GET", server.url());
    request.follows_redirects = false;
    assert_eq!(session().send(request).unwrap().status, 302);
    assert_eq!(server.connections(), 1);
}

#[test]
fn headers_of_the_session_give_way_to_those_of_a_request() {
    let server = serving(|_, stream| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap());
    let session = session().with_headers(vec![("x-a".into(), b"1".to_vec()), ("X-B".into(), b"2".to_vec())]);
    let mut request = Request::new("GET", server.url());
    request.headers.push(("X-A".into(), b"3".to_vec()));
    session.send(request).unwrap();
    session.close();
    let head = server.seen().remove(0).to_lowercase();
    assert!(head.contains("\r\nx-a: 3\r\n") && head.contains("\r\nx-b: 2\r\n") && !head.contains("x-a: 1"), "{head}");
    assert!(head.contains("signedheaders=host;x-a;x-amz-date;x-b"), "{head}");
}

#[test]
fn c12_plain_http_goes_to_a_named_host_loudly() {
    let server = serving(|_, stream| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap());
    // It leads here, and is no loopback address.
    let url = format!("http://0.0.0.0:{}/", server.port);
    assert_eq!(session().send(Request::new("GET", &url)).unwrap_err().code(), "insecure_url");
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listening = std::sync::Arc::clone(&told);
    let hosts = HttpHosts::new(["0.0.0.0"]).unwrap();
    let session = session()
        .with_base_url(BaseUrl::parse_with(&url, &hosts).unwrap())
        .with_http_hosts(hosts)
        .with_listener(Listener::new(move |event| {
            if let Event::PlainHttp { host, .. } = event {
                listening.lock().unwrap().push((*host).to_owned());
            }
        }));
    for _ in 0..2 {
        assert_eq!(session.send(Request::new("GET", "/a")).unwrap().status, 200);
    }
    assert_eq!(*told.lock().unwrap(), [format!("0.0.0.0:{}", server.port)]);
}

/// A server may answer before it has all of the body, and close: what it says is the answer, and not that it closed.
#[test]
fn an_answer_that_comes_before_the_body_is_read_is_the_answer() {
    let server = Server::start(|mut stream| {
        let head = head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 5\r\n\r\nlarge");
        head
    });
    let session = session();
    for _ in 0..3 {
        let mut request = Request::new("PUT", server.url());
        request.body = Body::file(Cursor::new(vec![0; 8 << 20])).unwrap();
        let answer = session.send(request).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (413, &b"large"[..]));
        let mut request = Request::new("PUT", server.url());
        request.body = vec![0; 8 << 20].into();
        assert_eq!(session.send(request).unwrap().status, 413);
    }
    // No connection serves another call.
    assert_eq!(server.connections(), 6);
    // One that closes without a word has broken.
    let silent = Server::start(|mut stream| head(&mut stream));
    let mut request = Request::new("PUT", silent.url());
    request.body = vec![0; 8 << 20].into();
    assert_eq!(session.send(request).unwrap_err().code(), "transport");
}
