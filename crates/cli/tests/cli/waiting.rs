//! Standard input that does not end, or is none.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::world::{Ran, World};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The body is read first; the time counts from then on.
#[test]
fn a_body_from_standard_input_may_take_longer_than_the_time_limit_as_in_curl() {
    let world = World::new("waiting-input");
    let server = Server::answering(OK);
    let limit = Duration::from_secs(2);
    let started = Instant::now();
    let mut processes = Vec::new();
    for body in [["-d", "@-"], ["--data-binary", "@-"], ["--json", "@-"], ["-F", "a=@-"]] {
        let line = [&["--max-time", "2"], &body[..], &[&server.url]].concat();
        let mut curl = Command::new("curl");
        curl.arg("-sS").args(&line);
        let ours = world.command(["call"].into_iter().chain(line.iter().copied()));
        processes.extend([("curl", body, start(curl)), ("ours", body, start(ours))]);
    }
    // Real time: a process has no other.
    sleep((limit + Duration::from_millis(200)).saturating_sub(started.elapsed()));
    for (who, body, mut process) in processes {
        assert_eq!(process.try_wait().unwrap(), None, "{who} {body:?}");
        drop(process.stdin.take().unwrap().write_all(b"late"));
        let ran: Ran = process.wait_with_output().unwrap().into();
        assert_eq!((ran.code, ran.text()), (Some(0), "ok"), "{who} {body:?}: {ran:?}");
    }
    let seen = server.take();
    assert_eq!((seen.len(), seen.iter().all(|seen| String::from_utf8_lossy(&seen.body).contains("late"))), (8, true));
}

#[test]
fn ctrl_c_while_standard_input_is_read_leaves_nothing() {
    let world = World::new("waiting-ctrl-c");
    let server = Server::answering(OK);
    let temporary = world.folder.join("tmp");
    fs::create_dir(&temporary).unwrap();
    // More than is kept in memory, so that it is on the disk.
    for (body, length) in [("-d", 9), ("--data-binary", 9), ("--data-binary", 9 << 20)] {
        let mut command = world.command(["call", "-o", "out", body, "@-", &server.url]);
        command.env("TMPDIR", &temporary);
        let mut process = start(command);
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(&vec![b'x'; length]).unwrap();
        assert_eq!(process.try_wait().unwrap(), None);
        assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
        assert_eq!(process.wait().unwrap().signal(), Some(2));
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
        assert!(!world.folder.join("out").exists());
    }
    assert_eq!(fs::read_dir(&world.folder).unwrap().count(), 2, "beside `home` and `tmp`");
    assert_eq!(server.take().len(), 0);
}

/// A closed descriptor is `/dev/null`, so that no file that is opened takes its number.
#[test]
fn standard_descriptors_that_are_closed_are_no_failure_as_in_git() {
    let world = World::new("waiting-closed");
    let server = Server::answering(OK);
    let shell = |redirections: &str, program: &str, arguments: &[&str]| -> Ran {
        let own = world.command([]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec \"$@\" {redirections}"), "sh", program]).args(arguments);
        shell.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(&world.folder).stdin(Stdio::null()).output().unwrap().into()
    };
    let ours = env!("CARGO_BIN_EXE_xacct-sign");
    for closed in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let git = shell(closed, "git", &["--version"]);
        assert_eq!(git.code, Some(0), "{closed}: {git:?}");
        for arguments in [&["--version"][..], &["call", &server.url], &["sign", &server.url], &["completions", "bash"]]
        {
            let ran = shell(closed, ours, arguments);
            assert_eq!(ran.code, Some(0), "{closed} {arguments:?}: {ran:?}");
        }
    }
    // What is read there is empty.
    let git = shell("<&-", "git", &["hash-object", "--stdin"]);
    assert_eq!(git.text().trim(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    server.take();
    assert_eq!(shell("<&-", ours, &["call", "-d", "@-", &server.url]).code, Some(0));
    assert_eq!(server.take()[0].body, b"");
}
