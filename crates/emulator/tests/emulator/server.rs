//! The shell: real sockets, real bytes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use xacct_sign::sts::{AssumeRole, Endpoint};
use xacct_sign_emulator::server::Server;
use xacct_sign_emulator::{Options, Ready};

use crate::world::*;

struct Running {
    ready: Ready,
    log: Arc<Mutex<Vec<String>>>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

#[allow(clippy::disallowed_methods, reason = "the server has the system's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

async fn start(options: Options) -> Running {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let emulator = world_with(options).emulator;
    let server = Server::bind(emulator, 0, move |entry| lines.lock().unwrap().push(entry.to_string())).await.unwrap();
    let server = server.with_upstream_timeout(Duration::from_millis(200));
    let ready = server.ready().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));
    Running { ready, log, stop, served }
}

/// Sends bytes as they are, and reads until the other side closes.
async fn raw(url: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn wire(request: &Request<Bytes>) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri().path_and_query().unwrap());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body().len()));
    [head.as_bytes(), request.body()].concat()
}

async fn assumed(running: &Running) -> xacct_sign::Credentials {
    let base = world().shop();
    let call = AssumeRole::new(STAG, "session-1");
    let sts = running.ready.addresses().sts.clone();
    let endpoint = Endpoint::new(STAG, REGION, Some(&sts)).unwrap();
    let request = call.request(&base, &endpoint, now()).unwrap().map(Bytes::from);
    let answer = raw(&sts, &wire(&request)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let response = http::Response::builder().status(200).body(body.to_owned()).unwrap();
    call.read_response(&base, &response).unwrap().credentials
}

fn signed(credentials: &xacct_sign::Credentials, method: &str, target: &str, body: &str) -> Vec<u8> {
    let mut request = request(method, target, body);
    sign(&mut request, credentials, "execute-api", now());
    wire(&request)
}

#[tokio::test]
async fn a_round_trip_keeps_path_and_query_as_they_were_sent() {
    let running = start(Options::default()).await;
    let credentials = assumed(&running).await;
    let api = running.ready.addresses().stages["stag"].clone();
    let answer = raw(&api, &signed(&credentials, "PUT", "/a%2Fb/./%7e//x?b=2&a=%20&c", "hoge")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let echo: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&"/a%2Fb/./%7e//x".into(), &"b=2&a=%20&c".into()));
    assert_eq!(echo["body"], "hoge");
    let log = running.log.lock().unwrap().join("\n");
    assert!(
        log.contains(
            " sts POST / 200 AssumeRole arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag as session-1 by "
        ),
        "{log}"
    );
    assert!(log.contains(" stag PUT /a%2Fb/./%7e//x 200 by arn:aws:sts::111111111111:assumed-role/"), "{log}");
}

#[tokio::test]
async fn an_endless_body_is_answered_with_413() {
    let running = start(Options::default()).await;
    let api = running.ready.addresses().stages["stag"].clone();
    let mut request = b"PUT /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 10485761\r\n\r\n".to_vec();
    request.resize(request.len() + 10_485_761, b'x');
    let answer = raw(&api, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with(r#"{"message":"Request Entity Too Large"}"#), "{answer}");
}

#[tokio::test]
async fn the_upstream_answers_or_the_gateway_does() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", upstream.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        let mut seen = vec![0; 8_192];
        let length = stream.read(&mut seen).await.unwrap();
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        // The second connection is taken and never answered; then nobody listens.
        let (held, _) = upstream.accept().await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        drop((held, upstream));
        String::from_utf8(seen[..length].to_vec()).unwrap()
    });
    let running = start(Options { upstream: Some(url.parse().unwrap()), ..Options::default() }).await;
    let credentials = assumed(&running).await;
    let api = running.ready.addresses().stages["stag"].clone();

    let answer = raw(&api, &signed(&credentials, "GET", "/items/%7e?x=1", "")).await;
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with("ok"), "{answer}");
    let answer = raw(&api, &signed(&credentials, "GET", "/hoge", "")).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with(r#"{"message":"Service Unavailable"}"#),
        "{answer}"
    );
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("GET /items/%7e?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(!seen.contains(credentials.session_token().unwrap()) && !seen.contains("Signature="), "{seen}");
    let answer = raw(&api, &signed(&credentials, "GET", "/hoge", "")).await;
    assert!(
        answer.starts_with("HTTP/1.1 500 ") && answer.ends_with(r#"{"message":"Internal Server Error"}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn it_stops_though_a_connection_is_open() {
    let running = start(Options::default()).await;
    let api = running.ready.addresses().stages["stag"].clone();
    let mut stream = TcpStream::connect(api.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"PUT /x HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_millis(1_500), running.served).await.unwrap().unwrap();
}
