//! Exit codes: each that the documentation lists, by a real failure.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;

use crate::command::MANIFEST;
use crate::server::Server;
use crate::world::{ROLE, Ran, World};

/// The codes that `call --help` lists.
fn listed(world: &World) -> BTreeSet<i32> {
    let help = world.run(&["call", "--help"]);
    let (_, codes) = help.text().split_once("Exit codes, curl's where it has one:\n").unwrap();
    codes.lines().map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// A server for TLS whose certificate nobody has signed.
pub(crate) fn untrusted() -> String {
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
pub(crate) fn plain() -> String {
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
    let empty = Server::start(|_, _| {});
    let short = Server::answering(format!("{ok}content-length: 9\r\n\r\nhalf"));
    let large = Server::answering(format!("{ok}content-length: 2000000\r\n\r\n{}", "x".repeat(2_000_000)));
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
    let shared = world.folder.join("home/.cache/xacct-sign");
    fs::create_dir_all(&shared).unwrap();
    fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    check(1, world.run(&["cache", "clear"]));
    fs::remove_dir_all(&shared).unwrap();
    check(2, world.run(&["call"]));
    check(2, world.run(&["call", "--role", "", &fine.url]));
    check(3, world.run(&["call", "foo"]));
    check(3, world.run(&["presign", "https://a b/"]));
    check(5, with("HTTPS_PROXY", "http://nowhere.invalid:1", &["call", "https://api.example.com/"]));
    check(6, world.run(&["call", "https://nowhere.invalid/"]));
    check(6, with("AWS_ENDPOINT_URL_STS", "https://nowhere.invalid/", &["whoami"]));
    check(7, world.run(&["call", "http://127.0.0.1:1/"]));
    check(7, with("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1/", &["call", "--role", ROLE, &fine.url]));
    check(7, with("HTTPS_PROXY", "http://127.0.0.1:1", &["call", "https://api.example.com/"]));
    // What came is written all the same.
    let ran = world.run(&["call", &short.url]);
    assert_eq!(ran.text(), "half");
    check(18, ran);
    check(22, world.run(&["call", "--fail", &missing.url]));
    check(23, to_full(&["call", &fine.url]));
    check(23, world.run(&["call", "-o", "no/file", &fine.url]));
    check(23, to_full(&["whoami"]));
    check(26, world.run(&["call", "-d", "@no", &fine.url]));
    check(26, world.run(&["doctor", "-d", "@no", &fine.url]));
    check(26, world.run(&["explain", "no"]));
    check(28, world.run(&["call", "--max-time", "0.2", &silent.url]));
    check(28, with("AWS_ENDPOINT_URL_STS", &silent.url, &["call", "-m", "0.2", "--role", ROLE, &fine.url]));
    let ran = world.run(&["call", "--max-time", "0.5", &slow.url]);
    assert_eq!(ran.text(), "begun");
    check(28, ran);
    check(35, world.run(&["call", &plain()]));
    check(47, world.run(&["call", "-L", &around.url]));
    check(52, world.run(&["call", &empty.url]));
    check(52, with("AWS_ENDPOINT_URL_STS", &empty.url, &["whoami"]));
    check(56, world.run(&["call", &endless.url]));
    check(56, with("HTTPS_PROXY", &missing.url, &["call", "https://api.example.com/"]));
    check(60, world.run(&["call", &untrusted()]));
    check(61, world.run(&["call", &coded.url]));
    check(63, with("AWS_ENDPOINT_URL_STS", &large.url, &["whoami"]));
    check(67, with("AWS_ACCESS_KEY_ID", "", &["call", &fine.url]));
    check(67, with("AWS_SECRET_ACCESS_KEY", "wrong", &["whoami"]));
    check(67, world.run(&["call", "--role", "arn:aws:iam::111111111111:role/Other", &fine.url]));
    check(77, with("AWS_CA_BUNDLE", "no", &["call", "https://127.0.0.1:1/"]));
    let sts = ("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1/");
    let mut whoami = world.command(["whoami"]);
    check(77, whoami.env(sts.0, sts.1).env("SSL_CERT_FILE", "no").output().unwrap().into());
    assert_eq!(reached, listed(&world));
}

#[test]
fn whatever_cannot_be_written_is_one_exit_code_of_all_commands_but_the_providers() {
    let world = World::new("exit-full");
    let fine = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    fs::write(world.folder.join("xacct.toml"), MANIFEST).unwrap();
    fs::write(world.folder.join("refused"), "{\"message\":\"Forbidden\"}").unwrap();
    let url = fine.url.as_str();
    let printing: [&[&str]; 13] = [
        &["call", url],
        &["credentials", "--role", ROLE],
        &["env", "--role", ROLE],
        &["sign", url],
        &["sign", "--json", url],
        &["sign", "--curl", url],
        &["presign", url],
        &["whoami"],
        &["whoami", "--json"],
        &["doctor", url],
        &["explain", "refused"],
        &["completions", "bash"],
        &["--help"],
    ];
    for arguments in printing {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran: Ran = world.command(arguments.iter().copied()).stdout(full).output().unwrap().into();
        assert_eq!(ran.code, Some(23), "{arguments:?}: {ran:?}");
        let code = if arguments[0] == "call" { "answer_unwritable" } else { "output_unwritable" };
        assert!(ran.stderr.lines().any(|line| line.starts_with(&format!("error[{code}]: "))), "{arguments:?}: {ran:?}");
    }
    for arguments in [
        &["man", "refused/man"][..],
        &["sign", "--canonical", "no/file", url],
        &["emulator", "--as", "shop", "--stage", "stag", "--env-file", "no/file", "--", "true"],
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, Some(23), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("error[file_unwritable]: "), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn every_code_of_the_commands_own_is_documented() {
    let docs = [include_str!("../../../../docs/errors.md"), include_str!("../../../../docs/provider.md")];
    // What an emulator cannot be made of has its codes there.
    let source = concat!(include_str!("../../src/failure.rs"), include_str!("../../../emulator/src/options.rs"));
    let codes: BTreeSet<&str> =
        source.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.contains("wrong_usage") && codes.len() > 20, "{codes:?}");
    for code in codes.into_iter().chain(["cache_unsafe", "cache_uncleared", "env_file_in_use", "not_an_env_file"]) {
        let is_in = |page: &&str| {
            let mut cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
            cells.any(|cell| cell.split(", ").any(|each| each == format!("`{code}`")))
        };
        assert!(docs.iter().any(is_in), "`{code}` is not documented");
    }
}

#[test]
fn commands_that_answer_by_findings_list_their_own_exit_codes() {
    let world = World::new("exit-doctor");
    for (command, codes) in [("doctor", &["0", "1", "2", "23", "26"][..]), ("explain", &["0", "2", "23", "26"])] {
        let help = world.run(&[command, "--help"]);
        let (_, listed) = help.text().split_once("\nExit codes:\n").unwrap();
        let listed: Vec<&str> = listed.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(listed, codes, "{command}");
    }
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
        assert_eq!(
            ran.stderr.starts_with(&format!("error[program_not_run]: cannot run `{}`: ", program[0])),
            code > 100,
            "{ran:?}"
        );
    }
    let mut command = world.command(["env", "--role", ROLE, "--", "sh", "-c", "echo begun; exec sleep 600"]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut BufReader::new(process.stdout.take().unwrap()), &mut line).unwrap();
    std::process::Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&process.wait().unwrap()), Some(15));
}
