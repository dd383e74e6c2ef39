//! What is said with each exit code that a call can have.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use super::{Kept, is_kept};
use crate::exit::{plain, untrusted};
use crate::server::Server;
use crate::world::{ROLE, World};

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

#[test]
fn every_exit_code_is_said_in_a_line_and_a_hint() {
    let world = World::new("snapshots-codes");
    let answering = |answer: &str| Server::answering(answer).url;
    let fine = answering(&format!("{OK}content-length: 2\r\n\r\nok"));
    let missing = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    let refusing = answering("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let empty = answering("");
    let short = answering(&format!("{OK}content-length: 9\r\n\r\nhalf"));
    let around = answering("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let coded = answering(&format!("{OK}content-encoding: gzip\r\n\r\nno gzip"));
    let no_http = answering("220 mail.example.com ESMTP\r\n\r\n");
    let long = answering(&format!("{OK}{}\r\n", format!("x: {}\r\n", "y".repeat(1000)).repeat(400)));
    let large = answering(&format!("{OK}content-length: 2000000\r\n\r\n{}", "x".repeat(2_000_000)));
    let silent = Server::start(|_, stream| drop(stream.read(&mut [0])));
    let slow = Server::start(move |_, stream| {
        let _ = stream.write_all(format!("{OK}\r\nbegun").as_bytes());
        let _ = stream.read(&mut [0]);
    });
    fs::write(world.folder.join("no-program"), "").unwrap();
    let shared = world.folder.join("home/.cache/xacct-sign");
    fs::create_dir_all(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let api = "https://api.example.com/";
    let mut kept = Kept::new(&world);

    kept.run(&["call", &fine]);
    kept.run(&["call", &missing]);
    kept.run(&["cache", "clear"]);
    kept.run(&["call", "--role", ROLE, &fine]);
    fs::remove_dir_all(&shared).unwrap();
    kept.run(&["call", "foo"]);
    kept.run(&["call", "https://a b/"]);
    kept.run(&["call", "https://user:password@api.example.com/"]);
    kept.run_in(&[("HTTPS_PROXY", "http://nowhere.invalid:1")], &["call", api]);
    kept.run(&["call", "https://nowhere.invalid/"]);
    kept.run_in(&[("AWS_ENDPOINT_URL_STS", "https://nowhere.invalid/")], &["whoami"]);
    kept.run(&["call", "http://127.0.0.1:1/"]);
    kept.run_in(&[("HTTPS_PROXY", "http://127.0.0.1:1")], &["call", api]);
    kept.run(&["call", &short]);
    kept.run(&["call", "-s", &short]);
    kept.run(&["call", "--fail", &missing]);
    kept.run(&["call", "--output", "no/file", &fine]);
    kept.run(&["call", "--data", "@no", &fine]);
    kept.run(&["explain", "no"]);
    kept.run(&["call", "--max-time", "0.2", &silent.url]);
    kept.run(&["call", "--max-time", "0.5", &slow.url]);
    kept.run(&["call", &plain()]);
    kept.run(&["call", "--location", &around]);
    kept.run(&["call", &empty]);
    kept.run_in(&[("AWS_ENDPOINT_URL_STS", &empty)], &["whoami"]);
    kept.run(&["call", &no_http]);
    kept.run(&["call", &long]);
    kept.run_in(&[("HTTPS_PROXY", &refusing)], &["call", api]);
    kept.run_in(&[("HTTPS_PROXY", &no_http)], &["call", api]);
    kept.run(&["call", &untrusted()]);
    kept.run_in(&[("HTTPS_PROXY", &untrusted())], &["call", api]);
    kept.run(&["call", &coded]);
    kept.run_in(&[("AWS_ENDPOINT_URL_STS", &large)], &["whoami"]);
    kept.run_in(&[("AWS_ACCESS_KEY_ID", "")], &["call", &fine]);
    kept.run_in(&[("AWS_SECRET_ACCESS_KEY", "wrong")], &["whoami"]);
    kept.run_in(&[("AWS_SESSION_TOKEN", "")], &["whoami"]);
    kept.run_in(&[("AWS_CA_BUNDLE", "no")], &["call", "https://127.0.0.1:1/"]);
    kept.run(&["env", "--role", ROLE, "--", "./no-program"]);
    kept.run(&["env", "--role", ROLE, "--", "no-such-program"]);
    is_kept("codes", &kept.text);
}
