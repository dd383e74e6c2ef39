//! `xacct-sign call`: what becomes of the answer.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::server::Server;
use crate::world::{Ran, World};

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(&world.folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "home");
    names.sort();
    names
}

#[test]
fn a_file_takes_the_answer_and_keeps_its_permissions() {
    let world = World::new("answer-file");
    let server = Server::answering(format!("{OK}\r\n\0binary"));
    let path = world.folder.join("file");
    let run = |arguments: &[&str]| world.run(&[&["call", &server.url], arguments].concat());
    assert_eq!(run(&["-o", "file"]).code, Some(0));
    assert_eq!(fs::read(&path).unwrap(), b"\0binary");
    // As every new file.
    fs::write(world.folder.join("other"), "").unwrap();
    let mode = |name: &str| fs::metadata(world.folder.join(name)).unwrap().permissions().mode();
    assert_eq!(mode("file"), mode("other"));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(&path, "what was there before, and is longer").unwrap();
    symlink("file", world.folder.join("link")).unwrap();
    assert_eq!(run(&["-o", "link", "-i"]).code, Some(0));
    assert_eq!(fs::read(&path).unwrap(), b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\0binary");
    assert_eq!(mode("file") & 0o777, 0o640);
    assert!(fs::symlink_metadata(world.folder.join("link")).unwrap().is_symlink());
    assert_eq!(names(&world), ["file", "link", "other"]);
}

#[test]
fn what_fails_on_the_way_leaves_the_file_as_it_was() {
    let world = World::new("answer-partial");
    let partial = Server::answering(format!("{OK}content-length: 100\r\n\r\nhalf of it"));
    let refused = Server::answering("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno");
    fs::write(world.folder.join("there"), "before").unwrap();
    for name in ["there", "new"] {
        let ran = world.run(&["call", "-o", name, &partial.url]);
        assert_eq!(ran.code, Some(18), "{ran:?}");
        assert!(ran.stderr.starts_with("error[transport]: "), "{ran:?}");
        let ran = world.run(&["call", "--fail", "-o", name, &refused.url]);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (Some(22), "error[http_status]: the answer is 500 Internal Server Error\n")
        );
    }
    assert_eq!(fs::read_to_string(world.folder.join("there")).unwrap(), "before");
    assert_eq!(names(&world), ["there"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_is_told_as_curl_tells_it() {
    let world = World::new("answer-unwritable");
    let server = Server::answering(format!("{OK}\r\nhello"));
    for path in ["/dev/full", "missing/file", "home", "home/x/"] {
        let ran = world.run(&["call", "-o", path, &server.url]);
        assert_eq!(ran.code, Some(23), "{path}: {ran:?}");
        assert!(
            ran.stderr.starts_with(&format!("error[answer_unwritable]: the answer cannot be written to `{path}`: ")),
            "{ran:?}"
        );
        // Where nothing can be written at all, nothing is sent.
        assert_eq!(server.take().len(), usize::from(path == "/dev/full"), "{path}");
    }
    // What is no file is written as it is.
    assert_eq!(world.run(&["call", "-o", "/dev/null", &server.url]).code, Some(0));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran: Ran = world.command(["call", server.url.as_str()]).stdout(full).output().unwrap().into();
    assert_eq!(ran.code, Some(23));
    assert!(ran.stderr.starts_with("error[answer_unwritable]: the answer cannot be written: "), "{ran:?}");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let world = World::new("answer-pipe");
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(format!("{OK}\r\n").as_bytes());
        // Until the client is gone.
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
    });
    let mut process =
        world.command(["call", server.url.as_str()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 1000]).unwrap();
    drop(stdout);
    let output = process.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// Runs the command on a terminal, with more variables and none of the machine's (`CI` alone would ask for colours); gives its
/// exit code and what the terminal showed.
#[cfg(target_os = "linux")]
fn on_terminal(world: &World, variables: &[(&str, &str)], line: &str) -> (Option<i32>, String) {
    let mut script = Command::new("script");
    let own = world.command([]);
    script
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .envs(variables.iter().copied());
    script.args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_xacct-sign")), "/dev/null"]);
    let output = script.current_dir(&world.folder).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_text_does_not_go_to_a_terminal_unless_it_is_named() {
    let world = World::new("answer-terminal");
    let binary = Server::answering(format!("{OK}\r\na\0b"));
    let (code, shown) = on_terminal(&world, &[], &format!("call {}", binary.url));
    assert_eq!(code, Some(23), "{shown}");
    assert!(shown.contains("the answer is no text, and could upset the terminal"), "{shown}");
    assert!(shown.contains("--output FILE"), "{shown}");
    let (code, shown) = on_terminal(&world, &[], &format!("call -o - {}", binary.url));
    assert_eq!((code, shown.as_str()), (Some(0), "a\0b"));
    let text = Server::answering(format!("{OK}\r\ntext"));
    assert_eq!(on_terminal(&world, &[], &format!("call {}", text.url)), (Some(0), "text".to_owned()));
}

#[cfg(target_os = "linux")]
#[test]
fn colours_are_for_terminals_that_nobody_has_forbidden_them() {
    let world = World::new("answer-colours");
    let (_, shown) = on_terminal(&world, &[("TERM", "xterm")], "call foo");
    assert!(shown.contains("\u{1b}[31merror[invalid_url]:\u{1b}[0m"), "{shown:?}");
    for forbidden in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (_, shown) = on_terminal(&world, &[("TERM", "xterm"), forbidden], "call foo");
        assert!(shown.starts_with("error[invalid_url]: ") && !shown.contains('\u{1b}'), "{forbidden:?}: {shown:?}");
    }
    assert!(!world.run(&["call", "foo"]).stderr.contains('\u{1b}'));
}

#[cfg(target_os = "linux")]
#[test]
fn progress_is_for_long_transfers_to_files_on_a_terminal() {
    let world = World::new("answer-progress");
    // It goes on until the terminal has shown how far it is.
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(format!("{OK}content-length: 3000000\r\n\r\n").as_bytes());
        for _ in 0..30 {
            let _ = stream.write_all(&[b'x'; 100_000]);
            std::thread::sleep(std::time::Duration::from_millis(40));
        }
    });
    let (code, shown) = on_terminal(&world, &[], &format!("call -o file {}", server.url));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(" MB of 3.0 MB, "), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[K"), "{shown:?}");
    assert_eq!(on_terminal(&world, &[], &format!("call -s -o file {}", server.url)), (Some(0), String::new()));
    let ran = world.run(&["call", "-o", "file", &server.url]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_leaves_nothing_half_written() {
    let world = World::new("answer-interrupted");
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |_, stream| {
        let _ = stream.write_all(format!("{OK}\r\n").as_bytes());
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {
            let _ = sender.lock().unwrap().send(());
        }
    });
    fs::write(world.folder.join("there"), "before").unwrap();
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        for name in ["there", "new"] {
            let process = world.command(["call", "-o", name, &server.url]).stderr(Stdio::piped()).spawn().unwrap();
            // Until more was sent than the system keeps for the two of them: the command writes.
            while receiver.recv().is_ok()
                && !names(&world).iter().any(|name| {
                    name.starts_with(".xacct-")
                        && fs::metadata(world.folder.join(name)).is_ok_and(|file| file.len() > 0)
                })
            {}
            Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
            let output = process.wait_with_output().unwrap();
            assert_eq!((output.status.signal(), output.stderr), (Some(number), Vec::new()));
            assert_eq!(names(&world), ["there"], "{signal} {name}");
            assert_eq!(fs::read_to_string(world.folder.join("there")).unwrap(), "before");
            while receiver.try_recv().is_ok() {}
        }
    }
}

#[test]
fn ctrl_c_ends_it_while_it_reads_or_waits() {
    let world = World::new("answer-waiting");
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let silent = Server::start(move |_, stream| {
        let _ = sender.lock().unwrap().send(());
        let _ = stream.read(&mut [0]);
    });
    // Standard input that never ends: nothing is sent.
    let mut command = world.command(["call", "-d", "@-", &silent.url]);
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // More than a pipe holds: the command reads it.
    stdin.write_all(&[b'x'; 1 << 20]).unwrap();
    Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert_eq!(process.wait().unwrap().signal(), Some(2));
    assert_eq!(silent.take().len(), 0);

    let mut process = world.command(["call", &silent.url]).spawn().unwrap();
    receiver.recv().unwrap();
    Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert_eq!(process.wait().unwrap().signal(), Some(2));
}

#[test]
fn an_answer_is_passed_on_as_it_comes() {
    let world = World::new("answer-streamed");
    let (go_on, waits) = channel();
    let waits = Arc::new(Mutex::new(waits));
    let server = Server::start(move |_, stream| {
        let _ = stream.write_all(format!("{OK}\r\nfirst").as_bytes());
        let _ = waits.lock().unwrap().recv();
        let _ = stream.write_all(b"second");
    });
    let mut process = world.command(["call", server.url.as_str()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let mut first = [0; 5];
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"first");
    go_on.send(()).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn large_files_go_up_and_come_down_in_constant_memory() {
    const SIZE: u64 = 160 << 20;
    let world = World::new("answer-large");
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(format!("{OK}content-length: {SIZE}\r\n\r\n").as_bytes());
        for _ in 0..SIZE >> 20 {
            let _ = stream.write_all(&[b'x'; 1 << 20]);
        }
    });
    fs::File::create(world.folder.join("large")).unwrap().set_len(SIZE).unwrap();
    let program = env!("CARGO_BIN_EXE_xacct-sign");
    let own = world.command([]);
    // With 100 MB of memory in all.
    for body in ["--data-binary @large", "-F f=@large", "--data-binary @- < large", "--data-binary @- < <(cat large)"] {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("ulimit -v 100000; exec {program} call -X PUT {} -o down {body}", server.url)]);
        for (name, value) in own.get_envs() {
            shell.envs(value.map(|value| (name, value)));
        }
        let output = shell.current_dir(&world.folder).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{body}: {output:?}");
        assert_eq!(fs::metadata(world.folder.join("down")).unwrap().len(), SIZE);
        let [seen] = server.take().try_into().unwrap();
        assert!(seen.header("content-length").unwrap().parse::<u64>().unwrap() >= SIZE, "{body}: {seen:?}");
    }
    fs::remove_dir_all(&world.folder).unwrap();
}

#[test]
fn c7_a_coded_answer_is_decoded() {
    let world = World::new("answer-coded");
    let gzip: [u8; 25] =
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0];
    let server = Server::answering([format!("{OK}content-encoding: gzip\r\n\r\n").as_bytes(), &gzip].concat());
    let ran = world.run(&["call", &server.url]);
    assert_eq!((ran.code, ran.text()), (Some(0), "hello"));
}
