//! What breaks on the way has curl's exit code: each is met by both.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use crate::exit::untrusted;
use crate::server::Server;
use crate::world::{Ran, World};

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// Answers, and closes the connection with a part of the request unread: the system resets it.
fn resetting(answer: &str) -> String {
    let (listener, answer) = (TcpListener::bind("127.0.0.1:0").unwrap(), answer.to_owned());
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.read_exact(&mut [0]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

/// By curl, and by the command.
fn both(world: &World, proxy: Option<&str>, url: &str) -> [Ran; 2] {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--output", "out", url]).current_dir(&world.folder).env_clear();
    let mut ours = world.command(["call", "--output", "out", url]);
    [&mut curl, &mut ours]
        .map(|command| command.envs(proxy.map(|proxy| ("HTTPS_PROXY", proxy))).output().unwrap().into())
}

#[test]
fn an_answer_that_breaks_off_has_curls_exit_code() {
    let world = World::new("broken-answers");
    let with_length = format!("{OK}content-length: 9\r\n\r\nhalf");
    let chunked = format!("{OK}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    let long_head = format!("{OK}{}\r\n", format!("x: {}\r\n", "y".repeat(1000)).repeat(400));
    let closing = |answer: &str| Server::answering(answer).url;
    for (what, url, code) in [
        ("nothing", closing(""), 52),
        ("a part of the status", closing("HTTP/1.1 2"), 52),
        ("half a body", closing(&with_length), 18),
        ("no body", closing(&format!("{OK}content-length: 9\r\n\r\n")), 18),
        ("a body without its last chunk", closing(&chunked), 18),
        (
            "a coded body, cut short",
            closing(&format!("{OK}content-encoding: gzip\r\ncontent-length: 9\r\n\r\n\x1f")),
            18,
        ),
        ("a chunk that is none", closing(&format!("{OK}transfer-encoding: chunked\r\n\r\nzz\r\n")), 56),
        ("nothing, reset", resetting(""), 56),
        ("half a head, reset", resetting(&format!("{OK}x: y\r\n")), 56),
        ("half a body, reset", resetting(&with_length), 56),
        ("a body without a length, reset", resetting(&format!("{OK}\r\nhalf")), 56),
        ("a head that is too long", closing(&long_head), 56),
    ] {
        let [curl, ours] = both(&world, None, &url);
        assert_eq!((curl.code, ours.code), (Some(code), Some(code)), "{what}: {curl:?}, {ours:?}");
    }
    // What the documents say of both.
    let [curl, ours] = both(&world, None, &closing("220 mail.example.com ESMTP\r\n\r\n"));
    assert_eq!((curl.code, ours.code), (Some(1), Some(56)), "{curl:?}, {ours:?}");
    let [curl, ours] = both(&world, None, &closing(&format!("{OK}x: y\r\n")));
    assert_eq!((curl.code, ours.code), (Some(0), Some(52)), "{curl:?}, {ours:?}");
}

#[test]
fn a_proxy_that_does_not_connect_has_curls_exit_code() {
    let world = World::new("broken-proxies");
    let answering = |status: &str| Server::answering(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).url;
    let plain = Server::answering("hello\r\n\r\n").url;
    for (what, proxy, code) in [
        ("a name that nobody knows", "http://nowhere.invalid:1".to_owned(), 5),
        ("a port where nobody listens", "http://127.0.0.1:1".to_owned(), 7),
        ("the same over https", "https://127.0.0.1:1".to_owned(), 7),
        ("one that asks for a password", answering("407 Proxy Authentication Required"), 56),
        ("one that refuses", answering("403 Forbidden"), 56),
        ("one that is no proxy", plain.clone(), 56),
        ("one that knows no TLS", plain.replace("http:", "https:"), 35),
        ("one whose certificate nobody trusts", untrusted(), 60),
        ("one behind which the connection is closed", answering("200 OK"), 35),
    ] {
        let [curl, ours] = both(&world, Some(&proxy), "https://api.example.com/");
        assert_eq!((curl.code, ours.code), (Some(code), Some(code)), "{what}: {curl:?}, {ours:?}");
    }
}

#[test]
fn an_answer_of_sts_that_breaks_off_is_told_as_such_with_curls_exit_code() {
    let world = World::new("broken-sts");
    for (answer, code) in [("", 52), ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", 18)] {
        let sts = Server::answering(answer);
        for arguments in [&["whoami"][..], &["token", "https://api.example.com"], &["doctor", "http://127.0.0.1:1/"]] {
            let ran: Ran =
                world.command(arguments.iter().copied()).env("AWS_ENDPOINT_URL_STS", &sts.url).output().unwrap().into();
            let is_doctor = arguments[0] == "doctor";
            assert_eq!(ran.code, Some(if is_doctor { 1 } else { code }), "{ran:?}");
            let said = format!("{}{}", ran.text(), ran.stderr);
            assert!(said.contains("STS did not answer whole: the connection to `127.0.0.1` broke: "), "{said}");
            assert!(!said.contains("VPC") && !said.contains("reached"), "{said}");
            assert_eq!(said.contains("answer_cut (network): "), is_doctor, "{said}");
        }
    }
}
