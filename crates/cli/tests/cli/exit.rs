//! Exit codes: each that the documentation lists, by a real failure.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;

use crate::server::Server;
use crate::world::{ROLE, Ran, World};

/// The codes that `call --help` lists.
fn listed(world: &World) -> BTreeSet<i32> {
    let help = world.run(&["call", "--help"]);
    let (_, codes) = help.text().split_once("Exit codes, curl's where it has one:\n").unwrap();
    codes.lines().map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// A server for TLS whose certificate nobody has signed.
fn untrusted() -> String {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = key.cert.der().clone();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = rustls::Stream::new(&mut connection, &mut stream).read(&mut [0]);
        }
    });
    format!("https://localhost:{port}/")
}

/// A server that knows no TLS.
fn plain() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1000]);
        }
    });
    format!("https://127.0.0.1:{port}/")
}

#[test]
fn each_exit_code_is_reached_by_what_it_means() {
    let world = World::new("exit-codes");
    let mut reached = BTreeSet::new();
    let mut check = |code: i32, ran: Ran| {
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.stderr.is_empty(), code == 0, "{ran:?}");
        reached.insert(code);
    };
    let ok = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
    let fine = Server::answering(format!("{ok}content-length: 2\r\n\r\nok"));
    let missing = Server::answering("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n");
    let silent = Server::start(|_, stream| drop(stream.read(&mut [0])));
    let slow = Server::start(move |_, stream| {
        let _ = stream.write_all(format!("{ok}\r\nbegun").as_bytes());
        let _ = stream.read(&mut [0]);
    });
    let broken = Server::start(|_, _| {});
    let around = Server::answering("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let coded = Server::answering(format!("{ok}content-encoding: gzip\r\n\r\nno gzip"));
    let endless = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(format!("x: {}\r\n", "y".repeat(1000)).as_bytes()).is_ok() {}
    });
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let to_full = |arguments: &[&str]| -> Ran {
        world.command(arguments.iter().copied()).stdout(full()).stderr(Stdio::piped()).output().unwrap().into()
    };
    let with = |name: &str, value: &str, arguments: &[&str]| -> Ran {
        world.command(arguments.iter().copied()).env(name, value).output().unwrap().into()
    };

    check(0, world.run(&["call", &fine.url]));
    check(0, world.run(&["call", &missing.url]));
    check(1, to_full(&["whoami"]));
    check(2, world.run(&["call"]));
    check(2, world.run(&["call", "--role", "", &fine.url]));
    check(3, world.run(&["call", "foo"]));
    check(3, world.run(&["presign", "https://a b/"]));
    check(5, with("HTTPS_PROXY", "http://nowhere.invalid:1", &["call", "https://api.example.com/"]));
    check(6, world.run(&["call", "https://nowhere.invalid/"]));
    check(6, with("AWS_ENDPOINT_URL_STS", "https://nowhere.invalid/", &["whoami"]));
    check(7, world.run(&["call", "http://127.0.0.1:1/"]));
    check(7, with("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1/", &["call", "--role", ROLE, &fine.url]));
    check(22, world.run(&["call", "--fail", &missing.url]));
    check(23, to_full(&["call", &fine.url]));
    check(23, world.run(&["call", "-o", "no/file", &fine.url]));
    check(26, world.run(&["call", "-d", "@no", &fine.url]));
    check(28, world.run(&["call", "--max-time", "0.2", &silent.url]));
    check(28, with("AWS_ENDPOINT_URL_STS", &silent.url, &["call", "-m", "0.2", "--role", ROLE, &fine.url]));
    // What came is written all the same.
    let ran = world.run(&["call", "--max-time", "0.5", &slow.url]);
    assert_eq!(ran.text(), "begun");
    check(28, ran);
    check(35, world.run(&["call", &plain()]));
    check(47, world.run(&["call", "-L", &around.url]));
    check(56, world.run(&["call", &broken.url]));
    check(60, world.run(&["call", &untrusted()]));
    check(61, world.run(&["call", &coded.url]));
    check(63, world.run(&["call", &endless.url]));
    check(67, with("AWS_ACCESS_KEY_ID", "", &["call", &fine.url]));
    check(67, with("AWS_SECRET_ACCESS_KEY", "wrong", &["whoami"]));
    check(67, world.run(&["call", "--role", "arn:aws:iam::111111111111:role/Other", &fine.url]));
    check(97, with("HTTPS_PROXY", "http://127.0.0.1:1", &["call", "https://api.example.com/"]));
    check(97, with("HTTPS_PROXY", &missing.url, &["call", "https://api.example.com/"]));
    assert_eq!(reached, listed(&world));
}

#[test]
fn the_documentation_lists_the_same_codes() {
    let world = World::new("exit-documented");
    let docs = include_str!("../../../../docs/command-line.md");
    let help = world.run(&["call", "--help"]);
    let (_, codes) = help.text().split_once("Exit codes, curl's where it has one:\n").unwrap();
    for line in codes.lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        let row = format!("| {code} | {meaning} |\n");
        assert!(docs.contains(&row), "docs/command-line.md lacks: {row}");
    }
    assert_eq!(
        docs.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()).count(),
        codes.lines().count()
    );
}

#[test]
fn a_program_that_env_runs_says_how_it_ends() {
    let world = World::new("exit-env");
    for (program, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["no-such-program"], 127),
        (&["home"], 127),
        (&["./home"], 126),
    ] {
        let ran = world.run(&[&["env", "--role", ROLE, "--"], program].concat());
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.stderr.starts_with(&format!("error: cannot run `{}`: ", program[0])), code > 100, "{ran:?}");
    }
    let mut command = world.command(["env", "--role", ROLE, "--", "sh", "-c", "echo begun; exec sleep 600"]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut BufReader::new(process.stdout.take().unwrap()), &mut line).unwrap();
    std::process::Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&process.wait().unwrap()), Some(15));
}
