//! Who is calling, driven on a machine of a test's and on sockets: what is fetched from where, once, and what an outage does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "the rules' own tests use the rest of it")]
#[path = "../../identity/tests/identity/world.rs"]
mod world;

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use world::{AUDIENCE, SHOP, credentials, good, good_token, identity_xml, key_set, merge, now, table, token_of};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::host::{Addresses, Host, Machine, Output, Sending};
use xacct_sign_client::server::{Callers, CheckError, Development, Verifier, Via};
use xacct_sign_client::{Event, Listener, Patience};
use xacct_sign_identity::make_proof;

type Answer = Result<(u16, Vec<u8>), Error>;
type Answers = dyn Fn(&http::Request<&[u8]>) -> Answer + Send + Sync;

/// A machine that a test answers for, whose clock stands where the test puts it.
struct Fake {
    answers: Box<Answers>,
    time: Mutex<SystemTime>,
    sent: Mutex<Vec<String>>,
    addresses: Mutex<Vec<Addresses>>,
    variables: Vec<(&'static str, String)>,
}

impl Fake {
    fn new(answers: impl Fn(&http::Request<&[u8]>) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            answers: Box::new(answers),
            time: Mutex::new(now()),
            sent: Mutex::default(),
            addresses: Mutex::default(),
            variables: Vec::new(),
        }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    fn pass(&self, seconds: u64) {
        *self.time.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Host for Fake {
    fn now(&self) -> SystemTime {
        *self.time.lock().unwrap()
    }

    fn sleep(&self, _: Duration, patience: &Patience) -> Result<(), Error> {
        patience.check()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn replace(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn run(&self, program: &str, _: &[String], _: &Patience) -> Result<Output, Error> {
        panic!("there is no program `{program}`")
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        patience.check()?;
        self.sent.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        self.addresses.lock().unwrap().push(sending.addresses);
        assert!(sending.limit <= 1 << 20, "an answer is bounded");
        let (status, body) = (self.answers)(request)?;
        Ok(http::Response::builder().status(status).body(body).unwrap())
    }
}

fn server(host: &Arc<Fake>) -> Verifier {
    server_of(&table()["world"], Development::No, host)
}

fn server_of(callers: &Value, development: Development, host: &Arc<Fake>) -> Verifier {
    let callers = Callers::parse(callers.to_string().as_bytes(), development).unwrap();
    Verifier::with_host(callers, Arc::clone(host) as Arc<dyn Host>).unwrap()
}

fn check(verifier: &Verifier, bearer: &str) -> Result<String, String> {
    let header = format!("Bearer {bearer}");
    match verifier.check(&[header.as_bytes()], &["GET"], &["/items"], &Patience::default()) {
        Ok(caller) => Ok(caller.name.clone()),
        Err(CheckError::Refused(refusal)) => Err(refusal.code().to_owned()),
        Err(CheckError::GivenUp(error)) => Err(error.code().to_owned()),
    }
}

fn shop() -> Result<String, String> {
    Ok("shop".to_owned())
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

fn transport() -> Error {
    Error::new(ErrorKind::Transport, "nobody is there")
}

#[test]
fn keys_come_from_the_issuer_at_public_addresses() {
    let host = Arc::new(Fake::new(|_| Ok((200, key_set(&["shop_ec"])))));
    let verifier = server(&host);
    assert_eq!(check(&verifier, &good_token(now())), shop());
    assert_eq!(check(&verifier, &good_token(now())), shop());
    assert_eq!(host.sent(), [format!("GET {SHOP}/.well-known/jwks.json")]);
    assert_eq!(*host.addresses.lock().unwrap(), [Addresses::Public]);
    let (header, mut claims) = good(now());
    claims["jti"] = "other".into();
    let forged = token_of(&header.to_string(), &claims.to_string(), "ES384", "next_ec");
    assert_eq!(check(&verifier, &forged), refused("signature_wrong"));
}

#[test]
fn rs256_is_verified_too() {
    let host = Arc::new(Fake::new(|_| Ok((200, key_set(&["shop_rsa"])))));
    let mut callers = table()["world"].clone();
    merge(&mut callers, &json!({ "algorithm": "RS256" }));
    let verifier = server_of(&callers, Development::No, &host);
    let (_, claims) = good(now());
    let header = json!({ "alg": "RS256", "kid": "RSA_0", "typ": "JWT" }).to_string();
    let token = token_of(&header, &claims.to_string(), "RS256", "shop_rsa");
    assert_eq!(check(&verifier, &token), shop());
    let (head, signature) = token.rsplit_once('.').unwrap();
    let mut other = world::decode(signature);
    other[0] ^= 1;
    assert_eq!(check(&verifier, &format!("{head}.{}", world::encode(other))), refused("signature_wrong"));
}

#[test]
fn a_redirect_or_an_error_is_no_set_of_keys() {
    for status in [301, 302, 307, 404, 500] {
        let host = Arc::new(Fake::new(move |_| Ok((status, key_set(&["shop_ec"])))));
        assert_eq!(check(&server(&host), &good_token(now())), refused("keys_unavailable"), "{status}");
        assert_eq!(host.sent().len(), 1, "{status}");
    }
}

fn sentence(verifier: &Verifier, bearer: &str) -> String {
    let header = format!("Bearer {bearer}");
    let checked = verifier.check(&[header.as_bytes()], &["GET"], &["/items"], &Patience::default());
    checked.map_or_else(|error| error.to_string(), |caller| panic!("{} came in", caller.name))
}

#[test]
fn an_outage_says_in_the_log_what_it_comes_from() {
    let outage = |answer: fn() -> Answer| server(&Arc::new(Fake::new(move |_| answer())));
    let of_keys = format!("the issuer's keys could not be had: `{SHOP}`: ");
    let name =
        || Error::new(ErrorKind::Transport, "the host is not known").with_source(io::Error::other("no\nsuch name"));
    for (verifier, why) in [
        (outage(|| Ok((500, Vec::new()))), "the answer has status 500"),
        (outage(|| Ok((302, Vec::new()))), "the answer has status 302, which is not followed"),
        (outage(|| Ok((200, b"{}".to_vec()))), "the answer is no set of keys"),
        (outage(|| Err(transport())), "nobody is there"),
        (server(&Arc::new(Fake::new(move |_| Err(name())))), r"the host is not known: no\nsuch name"),
    ] {
        let said = format!("{of_keys}{why}");
        assert_eq!(sentence(&verifier, &good_token(now())), said);
        // Whoever comes meanwhile, and asks nobody, is told the same.
        assert_eq!(sentence(&verifier, &good_token(now())), said);
    }
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let verifier = outage(|| Err(transport()));
    assert_eq!(sentence(&verifier, &proof), "STS could not be asked, or failed: nobody is there");
    assert_eq!(sentence(&verifier, &proof), "STS could not be asked, or failed: nobody is there");
    let verifier = outage(|| Ok((503, Vec::new())));
    assert_eq!(sentence(&verifier, &proof), "STS could not be asked, or failed: status 503");
}

#[test]
fn a_connection_that_breaks_is_tried_again_and_an_outage_is_503() {
    let tries = AtomicUsize::new(0);
    let host = Arc::new(Fake::new(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Err(transport()),
        _ => Ok((200, key_set(&["shop_ec"]))),
    }));
    assert_eq!(check(&server(&host), &good_token(now())), shop());

    let host = Arc::new(Fake::new(|_| Err(transport())));
    let verifier = server(&host);
    assert_eq!(check(&verifier, &good_token(now())), refused("keys_unavailable"));
    let tried = host.sent().len();
    assert!((2..=3).contains(&tried), "{tried}");
    // For ten seconds nobody tries again.
    assert_eq!(check(&verifier, &good_token(now())), refused("keys_unavailable"));
    assert_eq!(host.sent().len(), tried);
    host.pass(10);
    assert_eq!(check(&verifier, &good_token(now())), refused("keys_unavailable"));
    assert_eq!(host.sent().len(), 2 * tried);
}

#[test]
fn a_hundred_threads_fetch_once() {
    let host = Arc::new(Fake::new(|_| {
        thread::yield_now();
        Ok((200, key_set(&["shop_ec"])))
    }));
    let verifier = server(&host);
    let token = good_token(now());
    thread::scope(|scope| {
        let checks: Vec<_> = (0..100).map(|_| scope.spawn(|| check(&verifier, &token))).collect();
        for each in checks {
            assert_eq!(each.join().unwrap(), shop());
        }
    });
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn keys_are_fetched_anew_beside_and_nobody_waits() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (held, fetches) = (Mutex::new(held), AtomicUsize::new(0));
    let (done, finished) = std::sync::mpsc::channel();
    let host = Arc::new(Fake::new(move |_| {
        if fetches.fetch_add(1, Ordering::Relaxed) == 0 {
            return Ok((200, key_set(&["shop_ec"])));
        }
        // The issuer answers when the test lets it.
        held.lock().unwrap().recv().unwrap();
        done.send(()).unwrap();
        Ok((200, key_set(&["next_ec"])))
    }));
    let verifier = server(&host);
    assert_eq!(check(&verifier, &good_token(now())), shop());
    host.pass(3600);
    let token = good_token(host.now());
    assert_eq!(check(&verifier, &token), shop());
    assert_eq!(check(&verifier, &token), shop());
    release.send(()).unwrap();
    finished.recv().unwrap();
    // Now and then the thread has its answer, and has not yet said so.
    while check(&verifier, &token) == shop() {
        thread::yield_now();
    }
    assert_eq!(check(&verifier, &token), refused("signature_wrong"));
    assert_eq!(host.sent().len(), 2);
}

#[test]
fn keys_that_are_not_had_anew_are_told_of_once_with_the_issuer_and_the_cause() {
    told_of_once(404, b"", "the answer has status 404");
    told_of_once(200, b"<html>", "the answer is no set of keys");
}

/// What is answered where keys were before, and the cause that is told.
fn told_of_once(status: u16, body: &'static [u8], cause: &str) {
    let fetches = AtomicUsize::new(0);
    let host = Arc::new(Fake::new(move |_| match fetches.fetch_add(1, Ordering::Relaxed) {
        0 => Ok((200, key_set(&["shop_ec"]))),
        _ => Ok((status, body.to_vec())),
    }));
    let (tell, told) = std::sync::mpsc::channel();
    let verifier = server(&host).with_listener(Listener::new(move |event| {
        let Event::KeysFailed { url, is_early, error, .. } = event else { panic!("{event:?}") };
        tell.send(format!("{url} {is_early} {}: {error}", error.code())).unwrap();
    }));
    assert_eq!(check(&verifier, &good_token(now())), shop());
    host.pass(3600);
    let token = good_token(host.now());
    assert_eq!(check(&verifier, &token), shop());
    // It is told of by the thread that fetched, which nobody waits for.
    let of_shop = format!("{SHOP}/.well-known/jwks.json");
    assert_eq!(told.recv().unwrap(), format!("{of_shop} true transport: {cause}"));
    assert_eq!(check(&verifier, &token), shop());
    // A day later there are none that serve, and whoever is refused is told, too.
    host.pass(86_400);
    assert_eq!(check(&verifier, &good_token(host.now())), refused("keys_unavailable"));
    assert_eq!(told.recv().unwrap(), format!("{of_shop} false transport: {cause}"));
    assert_eq!(told.try_iter().count(), 0);
}

#[test]
fn sts_is_asked_once_of_a_proof_that_a_hundred_threads_present() {
    let host = Arc::new(Fake::new(|request| {
        thread::yield_now();
        assert_eq!(request.headers()["host"], "sts.us-east-1.amazonaws.com");
        assert_eq!(request.headers()["x-xacct-audience"], AUDIENCE);
        let arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
        Ok((200, identity_xml(arn, "000000000000").into_bytes()))
    }));
    let verifier = server(&host);
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let authorization = format!("Bearer {proof}");
    thread::scope(|scope| {
        let check =
            || verifier.check(&[authorization.as_bytes()], &["GET"], &["/items"], &Patience::default()).unwrap();
        let checks: Vec<_> = (0..100).map(|_| scope.spawn(check)).collect();
        for each in checks {
            let caller = each.join().unwrap();
            assert_eq!(
                (caller.name.as_str(), caller.session.as_deref(), caller.via),
                ("shop", Some("orders"), Via::Proof)
            );
        }
    });
    assert_eq!(host.sent(), ["POST https://sts.us-east-1.amazonaws.com/"]);
    assert_eq!(*host.addresses.lock().unwrap(), [Addresses::Any], "STS may be an endpoint in a VPC");
}

#[test]
fn what_is_at_hand_makes_nobody_wait() {
    let host = Arc::new(Fake::new(|_| Ok((200, key_set(&["shop_ec"])))));
    let verifier = server(&host);
    let header = format!("Bearer {}", good_token(now()));
    let at_hand = |header: &str| {
        let settled = verifier.check_at_hand(&[header.as_bytes()], &["GET"], &["/items"]);
        settled.map(|settled| settled.map(|caller| caller.name.clone()).map_err(|error| error.to_string()))
    };
    assert_eq!(at_hand(&header), None);
    assert!(host.sent().is_empty());
    assert!(at_hand("Bearer x").is_some_and(|settled| settled.is_err()));
    assert_eq!(check(&verifier, header.strip_prefix("Bearer ").unwrap()), shop());
    assert_eq!(at_hand(&header), Some(Ok("shop".to_owned())));
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    assert_eq!(at_hand(&format!("Bearer {proof}")), None);
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn who_gives_up_is_told_so_and_lets_the_others_go_on() {
    let host = Arc::new(Fake::new(|_| Ok((200, key_set(&["shop_ec"])))));
    let verifier = server(&host);
    let token = good_token(now());
    let header = format!("Bearer {token}");
    let over = Patience::default().watched(Arc::new(|| Err(Error::new(ErrorKind::Interrupted, "Ctrl-C"))));
    let Err(CheckError::GivenUp(error)) = verifier.check(&[header.as_bytes()], &["GET"], &["/"], &over) else {
        panic!("it was given up")
    };
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(check(&verifier, &token), shop());
    assert_eq!(host.sent().len(), 1);
}

/// Answers requests on a port of loopback: the path's answer, and the head that was sent.
fn listen(answers: Vec<(&'static str, Vec<u8>)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let body = answers.iter().find(|(start, _)| head.starts_with(start)).map(|(_, body)| body.clone());
            let body = body.unwrap_or_default();
            // A form that was sent is read, so that closing does not reset the connection.
            let length = head.to_lowercase().split_once("content-length: ").map(|(_, rest)| rest.to_owned());
            let length =
                length.and_then(|rest| rest.lines().next().and_then(|length| length.parse().ok())).unwrap_or(0);
            let mut form = vec![0; length];
            stream.read_exact(&mut form).unwrap();
            seen.lock().unwrap().push(head);
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    (url, heads)
}

#[test]
fn issuers_on_this_machine_and_a_moved_sts_are_for_development_alone() {
    let arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
    let (url, heads) = listen(vec![
        ("GET /issuers/000000000000/.well-known/jwks.json ", key_set(&["shop_ec"])),
        ("POST / ", identity_xml(arn, "000000000000").into_bytes()),
    ]);
    let issuer = format!("{url}/issuers/000000000000");
    let mut callers = table()["world"].clone();
    merge(
        &mut callers,
        &json!({
            "dev_issuers": [issuer],
            "callers": [{ "name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": issuer }],
        }),
    );
    let machine = Machine::with_variables(Moved(url.clone()));
    let callers = Callers::parse(callers.to_string().as_bytes(), Development::Yes).unwrap();
    let verifier = Verifier::with_host(callers, Arc::new(machine)).unwrap();
    let at = SystemTime::now();
    let (header, mut claims) = good(at);
    claims["iss"] = issuer.into();
    let token = token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec");
    assert_eq!(check(&verifier, &token), shop());
    let proof = make_proof(&credentials(), "ap-northeast-1", AUDIENCE, at).unwrap();
    assert_eq!(check(&verifier, &proof), shop());
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(heads[1].to_lowercase().contains("\r\nhost: sts.ap-northeast-1.amazonaws.com\r\n"), "{}", heads[1]);

    // Where callers are real nothing moves STS.
    let real = Fake { variables: vec![("AWS_ENDPOINT_URL_STS", url)], ..Fake::new(|_| Err(transport())) };
    let real = Arc::new(real);
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    assert_eq!(check(&server(&real), &proof), refused("sts_unavailable"));
    assert!(real.sent().iter().all(|sent| sent == "POST https://sts.us-east-1.amazonaws.com/"), "{:?}", real.sent());
}

#[derive(Debug)]
struct Moved(String);

impl xacct_sign_client::host::Variables for Moved {
    fn values(&self, names: &[&str]) -> Result<Vec<Option<std::ffi::OsString>>, Error> {
        Ok(names.iter().map(|name| (*name == "AWS_ENDPOINT_URL_STS").then(|| self.0.clone().into())).collect())
    }

    fn all(&self) -> Result<Option<Vec<(std::ffi::OsString, std::ffi::OsString)>>, Error> {
        Ok(None)
    }

    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error> {
        reader();
        Ok(())
    }
}

#[test]
fn where_addresses_have_to_be_public_nothing_is_sent_to_this_machine() {
    let (url, heads) = listen(Vec::new());
    let machine = Machine::default();
    let send = |url: &str, addresses: Addresses| {
        let request = http::Request::get(url).body([].as_slice()).unwrap();
        let mut sending = Sending::default();
        sending.addresses = addresses;
        machine.send(&request, sending, &Patience::default())
    };
    assert!(send(&url, Addresses::Any).is_ok());
    for url in [url.clone(), url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "[::ffff:127.0.0.1]")] {
        let error = send(&url, Addresses::Public).unwrap_err();
        assert_eq!(error.code(), "transport", "{url}");
        assert!(error.to_string().contains("no public address"), "{url}: {error}");
    }
    assert_eq!(heads.lock().unwrap().len(), 1);
}
