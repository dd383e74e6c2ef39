//! The shell: real sockets, real bytes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the shell has sockets, threads and a clock")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::Request;
use tokio::sync::oneshot;
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign_emulator::server::{Running, Server};
use xacct_sign_emulator::{Options, Ready};
use xacct_sign_provider::{Lock, Manifest};

use crate::world::*;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn now() -> SystemTime {
    SystemTime::now()
}

fn start() -> Running {
    Running::start(world().emulator).unwrap()
}

fn connect(url: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(url.strip_prefix("http://").unwrap())
}

/// Sends bytes as they are, and reads until the other side closes.
fn raw(url: &str, bytes: &[u8]) -> String {
    let mut stream = connect(url).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn api(ready: &Ready) -> &str {
    &ready.addresses().stages["stag"]
}

fn wire(request: &Request<Bytes>) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri().path_and_query().unwrap());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body().len()));
    [head.as_bytes(), request.body()].concat()
}

fn assumed(ready: &Ready) -> xacct_sign::Credentials {
    let base = &ready.caller("shop", "stag").unwrap().credentials;
    let call = AssumeRole::new(STAG, "session-1");
    let sts = &ready.addresses().sts;
    let endpoint = Endpoint::new(REGION, Some(sts)).unwrap();
    let request = call.request(base, &endpoint, now()).unwrap().map(Bytes::from);
    let answer = raw(sts, &wire(&request));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let response = http::Response::builder().status(200).body(body.to_owned()).unwrap();
    call.read_response(base, &response, now()).unwrap().credentials
}

fn signed(credentials: &xacct_sign::Credentials, method: &str, target: &str, body: &str) -> Vec<u8> {
    let mut request = request(method, target, body);
    sign(&mut request, credentials, "execute-api", now());
    wire(&request)
}

#[test]
fn a_round_trip_keeps_path_and_query_as_they_were_sent() {
    let running = start();
    let credentials = assumed(running.ready());
    let answer = raw(api(running.ready()), &signed(&credentials, "PUT", "/a%2Fb/./%7e//x?b=2&a=%20&c", "hoge"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let echo: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&"/a%2Fb/./%7e//x".into(), &"b=2&a=%20&c".into()));
    assert_eq!(echo["body"], "hoge");
    let log: Vec<String> = running.log().iter().map(ToString::to_string).collect();
    assert_eq!(log.len(), 2);
    let assumed = " sts POST / 200 AssumeRole arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag as session-1 by ";
    assert!(log[0].contains(assumed), "{log:?}");
    assert!(log[1].contains(" stag PUT /a%2Fb/./%7e//x 200 by arn:aws:sts::111111111111:assumed-role/"), "{log:?}");
}

/// What is told on a change, and that the new ports answer.
#[tokio::test(flavor = "multi_thread")]
async fn e9_a_stage_that_is_new_gets_a_port_while_the_others_keep_theirs() {
    let deployment = |text: &str| Manifest::parse(text, "xacct.toml").unwrap().plan(&Lock::default()).deployment();
    let server = Server::bind(world().emulator, ANY_PORT, |_| ()).await.unwrap();
    let (before, mut control) = (server.ready().clone(), server.control());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
    let with_beta = DEMO.replace("[stages.prod]", "[stages.beta]\napi_id = \"b1b2b3b4b5\"\n[stages.prod]");

    let ready = control.redeploy(&deployment(&with_beta), Options::default()).await.unwrap();
    let addresses = ready.addresses();
    assert_eq!((addresses.stages.len(), before.addresses().stages.len()), (4, 3));
    assert!(before.addresses().stages.iter().all(|(name, url)| addresses.stages.get(name) == Some(url)));
    let unsigned = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    assert!(raw(&addresses.stages["beta"], unsigned).starts_with("HTTP/1.1 403 "));

    // A stage that is gone has a port that says so, and the same one when it is back.
    let gone = control.redeploy(&deployment(DEMO), Options::default()).await.unwrap();
    assert_eq!(gone.addresses(), before.addresses());
    assert!(raw(&addresses.stages["beta"], unsigned).starts_with("HTTP/1.1 404 "));
    let back = control.redeploy(&deployment(&with_beta), Options::default()).await.unwrap();
    assert_eq!(back.addresses(), addresses);

    let credentials = assumed(&back);
    let answer = raw(api(&back), &signed(&credentials, "PUT", "/hoge", ""));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn e9_all_addresses_are_told_as_one_that_this_machine_reaches() {
    for (host, told) in [("0.0.0.0:0", "http://127.0.0.1:"), ("127.0.0.2:0", "http://127.0.0.2:")] {
        let server = Server::bind(world().emulator, host.parse().unwrap(), |_| ()).await.unwrap();
        assert!(server.ready().addresses().sts.starts_with(told), "{host}");
    }
}

#[test]
fn an_endless_body_is_answered_with_413() {
    let running = start();
    let mut request = b"PUT /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 10485761\r\n\r\n".to_vec();
    request.resize(request.len() + 10_485_761, b'x');
    let answer = raw(api(running.ready()), &request);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with(r#"{"message":"Request Entity Too Large"}"#), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_answers_or_the_gateway_does() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", upstream.local_addr().unwrap());
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let seen = thread::spawn(move || {
        let (mut stream, _) = upstream.accept().unwrap();
        let mut seen = vec![0; 8_192];
        let length = stream.read(&mut seen).unwrap();
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok").unwrap();
        // The second connection is taken and never answered; then nobody listens.
        let held = upstream.accept().unwrap();
        let _ = is_done.recv();
        drop((held, upstream));
        String::from_utf8(seen[..length].to_vec()).unwrap()
    });
    // In a runtime of the test's own, as the wait is shorter than the gateway's.
    let emulator = world_with(Options { upstream: Some(url.parse().unwrap()), ..Options::default() }).emulator;
    let server =
        Server::bind(emulator, ANY_PORT, |_| ()).await.unwrap().with_upstream_timeout(Duration::from_millis(200));
    let ready = server.ready().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
    let credentials = assumed(&ready);

    let answer = raw(api(&ready), &signed(&credentials, "GET", "/items/%7e?x=1", ""));
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with("ok"), "{answer}");
    let answer = raw(api(&ready), &signed(&credentials, "GET", "/hoge", ""));
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with(r#"{"message":"Service Unavailable"}"#),
        "{answer}"
    );
    done.send(()).unwrap();
    let seen = seen.join().unwrap();
    assert!(seen.starts_with("GET /items/%7e?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(!seen.contains(credentials.session_token().unwrap()) && !seen.contains("Signature="), "{seen}");
    let answer = raw(api(&ready), &signed(&credentials, "GET", "/hoge", ""));
    assert!(
        answer.starts_with("HTTP/1.1 500 ") && answer.ends_with(r#"{"message":"Internal Server Error"}"#),
        "{answer}"
    );
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn it_starts_inside_another_runtime() {
    let running = start();
    assert!(raw(api(running.ready()), b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").contains(" 403 "));
}

#[test]
fn it_stops_though_a_connection_is_open() {
    let running = start();
    let ready = running.ready().clone();
    let mut stream = connect(api(&ready)).unwrap();
    stream.write_all(b"PUT /x HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf").unwrap();
    thread::sleep(Duration::from_millis(50));
    let stopped_at = Instant::now();
    drop(running);
    assert!(stopped_at.elapsed() < Duration::from_millis(1_500));
    assert!(connect(api(&ready)).is_err());
}

/// A server in a runtime of the test's own, which waits for heads and bodies for so long.
async fn impatient(patience: Duration) -> (Ready, oneshot::Sender<()>) {
    let server = Server::bind(explaining().emulator, ANY_PORT, |_| ()).await.unwrap().with_read_timeout(patience);
    let ready = server.ready().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.serve(async { drop(stopped.await) }));
    (ready, stop)
}

/// Reads what comes until the other side closes, or nothing more comes for a long while.
fn rest(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map(|_| answer)
}

/// A signed head of a request whose body has the length of the longest and is sent only when the other side wants it.
fn awaited(credentials: &xacct_sign::Credentials) -> Vec<u8> {
    let head = String::from_utf8(signed(credentials, "PUT", "/hoge", "")).unwrap();
    head.replace("content-length: 0", "expect: 100-continue\r\ncontent-length: 10485760").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_half_open_head_and_a_half_sent_body_are_dropped() {
    let (ready, _stop) = impatient(Duration::from_secs(2)).await;
    let mut head = connect(&ready.addresses().sts).unwrap();
    head.write_all(b"POST / HTTP/1.1\r\nhost: h\r\nx-half").unwrap();
    let mut silent = connect(api(&ready)).unwrap();
    let credentials = assumed(&ready);
    let mut body = connect(api(&ready)).unwrap();
    body.write_all(&awaited(&credentials)).unwrap();
    let answer = rest(&mut body).unwrap();
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("x-xacct-reason: body_too_slow: "), "{answer}");
    // Closed, with or without a word; not held until the test's own wait ends.
    assert!(!rest(&mut head).unwrap().contains("HTTP/1.1 200 "));
    assert_eq!(rest(&mut silent).unwrap(), "");
}

#[test]
fn e6_what_needs_no_body_is_refused_before_the_body_is_read() {
    let running = start();
    let expecting = |url: &str, head: &str| {
        let mut stream = connect(url).unwrap();
        stream.write_all(head.replace('\n', "\r\n").as_bytes()).unwrap();
        rest(&mut stream).unwrap()
    };
    // Nobody is told to go on and send.
    let head = "PUT /x HTTP/1.1\nhost: h\nconnection: close\nexpect: 100-continue\n";
    let answer = expecting(api(running.ready()), &format!("{head}content-length: 10485760\n\n"));
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let answer = expecting(api(running.ready()), &format!("{head}transfer-encoding: chunked\n\n"));
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let answer = expecting(&running.ready().addresses().sts, &format!("{head}content-length: 300000\n\n"));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // A stranger that sends on gets its answer all the same.
    let mut request = b"PUT /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 9000000\r\n\r\n".to_vec();
    request.resize(request.len() + 9_000_000, b'x');
    assert!(raw(api(running.ready()), &request).starts_with("HTTP/1.1 403 "));
    assert_eq!(running.log().len(), 4);
}

#[test]
fn e6_only_so_many_bodies_are_held() {
    let running = start();
    let credentials = assumed(running.ready());
    let open = || {
        let mut stream = connect(api(running.ready())).unwrap();
        stream.write_all(&awaited(&credentials)).unwrap();
        stream
    };
    let is_told_to_go_on = |stream: &mut TcpStream| {
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).map(|()| assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n"))
    };
    let mut held: Vec<TcpStream> = (0..16).map(|_| open()).collect();
    for stream in &mut held {
        is_told_to_go_on(stream).unwrap();
    }
    let mut waiting = open();
    waiting.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(is_told_to_go_on(&mut waiting).is_err());
    // Short ones still come through, and the long one when another is gone.
    assert!(raw(api(running.ready()), &signed(&credentials, "PUT", "/hoge", "")).starts_with("HTTP/1.1 200 "));
    drop(held.pop());
    waiting.set_read_timeout(None).unwrap();
    is_told_to_go_on(&mut waiting).unwrap();
}

/// Nobody knows how long a body in chunks will be; once it is there, it takes the room that it needs.
#[test]
fn e6_a_short_body_in_chunks_gives_its_room_back() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", upstream.local_addr().unwrap()).parse().unwrap();
    let options = Options { upstream: Some(uri), ..Options::default() };
    let running = Running::start(world_with(options).emulator).unwrap();
    let (arrived, waiting) = mpsc::channel();
    thread::spawn(move || upstream.incoming().try_for_each(|stream| arrived.send(stream)));
    let credentials = assumed(running.ready());
    let mut request = request("PUT", "/hoge", "hi");
    sign(&mut request, &credentials, "execute-api", now());
    let request = String::from_utf8(wire(&request)).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.replace("content-length: 2", "transfer-encoding: chunked");
    // More than there is room for, were each as long as it may be. The upstream answers none of them.
    let send = |_| {
        let mut stream = connect(api(running.ready())).unwrap();
        stream.write_all(format!("{head}\r\n\r\n2\r\n{body}\r\n0\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let sent: Vec<TcpStream> = (0..20).map(send).collect();
    let held: Vec<_> = sent.iter().map(|_| waiting.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    assert_eq!(held.len(), sent.len());
}

#[test]
fn e6_only_so_many_connections_are_open() {
    let running = start();
    let idle: Vec<TcpStream> = (0..256).map(|_| connect(api(running.ready())).unwrap()).collect();
    let mut waiting = connect(api(running.ready())).unwrap();
    waiting.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err());
    drop(idle);
    assert!(rest(&mut waiting).unwrap().starts_with("HTTP/1.1 403 "));
}

#[test]
fn e6_heads_have_a_limit() {
    let running = start();
    let sts = &running.ready().addresses().sts;
    let of = |bytes: usize| {
        let mut stream = connect(sts).unwrap();
        let head = format!("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx: {}\r\n\r\n", "x".repeat(bytes));
        // The other side may have closed before all was written.
        let _ = stream.write_all(head.as_bytes());
        rest(&mut stream).unwrap_or_default()
    };
    assert!(of(30_000).starts_with("HTTP/1.1 400 "));
    let answer = of(40_000);
    assert!(
        answer.starts_with("HTTP/1.1 431 ") && answer.contains("<Code>RequestHeaderSectionTooLarge</Code>"),
        "{answer}"
    );
    // This one the emulator does not even see.
    assert!(!of(1_000_000).contains("RequestId"));
    assert_eq!(running.log().len(), 2);
}
