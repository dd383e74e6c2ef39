//! What is typed and would be dropped without a word, or done otherwise than it is meant.

use std::process::Command;

use crate::server::Server;
use crate::world::{ROLE, Ran, World, with_input};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The second reader would find it empty.
#[test]
fn standard_input_is_not_read_twice() {
    let world = World::new("typed-stdin-twice");
    for arguments in [
        &["-d", "@-", "-H", "@-"][..],
        &["-d", "@-", "--data-binary", "@-"],
        &["--json", "@-", "--json", "@-"],
        &["-H", "@-", "-H", "@-"],
        &["-G", "-d", "@-", "-H", "@-"],
        &["-F", "a=@-", "-F", "b=<-"],
        &["-F", "a=@-;type=text/csv", "-H", "@-"],
    ] {
        let ran = world.call_with(b"x: y", "/", arguments);
        assert_eq!((ran.code, ran.text()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error[wrong_usage]: standard input is to be read twice"), "{ran:?}");
    }
    assert_eq!(world.emulator.log().len(), 0);
    // What only looks like it is sent.
    for arguments in [&["-d", "@-", "--data-raw", "@-"][..], &["-F", "a=@-", "-F", "b=-"], &["-H", "@-", "-d", "x"]] {
        let ran = world.call_with(b"x: y", "/hoge", arguments);
        assert!(!ran.stderr.contains("error[wrong_usage]"), "{arguments:?}: {ran:?}");
    }
    assert!(!world.emulator.log().is_empty());
}

#[test]
fn the_canonical_request_goes_to_no_file_named_like_standard_output() {
    let world = World::new("typed-canonical");
    for more in [&[][..], &["--json"], &["--curl"]] {
        let ran = world.run(&[&["sign", "--canonical", "-", &world.url], more].concat());
        assert_eq!((ran.code, ran.text()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error[wrong_usage]: `--canonical` takes the name of a file"), "{ran:?}");
    }
    assert!(!world.folder.join("-").exists());
}

/// curl would send them as basic authorization, where the signature is.
#[test]
fn a_user_and_a_password_in_the_url_are_refused() {
    let world = World::new("typed-user");
    let server = Server::answering(OK);
    for user in ["user:hunter2@", "user@", "@"] {
        let url = server.url.replace("http://", &format!("http://{user}"));
        for command in ["call", "sign", "presign"] {
            let ran = world.run(&[command, &url]);
            assert_eq!((ran.code, ran.text()), (Some(3), ""), "{command} {user}: {ran:?}");
            assert!(ran.stderr.starts_with("error[invalid_url]: the URL has a user or a password"), "{ran:?}");
            assert!(ran.stderr.contains("\nhint: leave it out of the URL: requests are signed with AWS credentials"));
            assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
        }
        let doctor = world.run(&["doctor", &url]);
        assert_eq!(doctor.code, Some(1), "{doctor:?}");
        assert!(doctor.text().contains("the URL has a user or a password"), "{doctor:?}");
        assert!(!format!("{doctor:?}").contains("hunter2"), "{doctor:?}");
    }
    assert_eq!(server.take().len(), 0);
    // Elsewhere an `@` is a letter.
    assert_eq!(world.run(&["call", &format!("{}/a@b?c=d@e", server.url)]).code, Some(0));
}

#[test]
fn data_has_the_other_name_that_curl_gives_it() {
    let world = World::new("typed-ascii");
    let server = Server::answering(OK);
    assert_eq!(world.run(&["call", "--data-ascii", "a=b", "-d", "c", &server.url]).code, Some(0));
    let [seen] = server.take().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.body.as_slice()), ("POST", &b"a=b&c"[..]));
}

#[test]
fn a_time_limit_below_zero_is_told_as_what_it_is() {
    let world = World::new("typed-negative");
    for typed in ["-m", "--max-time"] {
        let ran = world.run(&["call", typed, "-1", &world.url]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("`-1` is no number of seconds"), "{ran:?}");
    }
}

#[test]
fn a_serial_number_that_is_none_is_told_before_a_terminal_is_looked_for() {
    let world = World::new("typed-serial");
    let ran = world.call("/", &["--mfa-serial", "bad"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with("error[invalid_mfa]: "), "{ran:?}");
    assert!(!ran.stderr.contains("terminal"), "{ran:?}");
}

#[test]
fn bash_and_zsh_read_what_every_posix_shell_reads() {
    let world = World::new("typed-shells");
    for shell in ["bash", "zsh"] {
        let ran = world.run(&["env", "--role", ROLE, "--shell", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.text().starts_with("export AWS_ACCESS_KEY_ID="), "{ran:?}");
    }
}

/// A shell that has the command write no file longer than a kilobyte: what it cannot write fails, as on a disk that is full.
#[cfg(target_os = "linux")]
fn short_of_room(world: &World, arguments: &[&str]) -> Command {
    let own = world.command(arguments.iter().copied());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]).arg(own.get_program()).args(own.get_args());
    shell.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(&world.folder);
    shell
}

#[cfg(target_os = "linux")]
#[test]
fn a_temporary_folder_without_room_is_not_told_as_standard_input() {
    let world = World::new("typed-temporary");
    let server = Server::answering(OK);
    let body = vec![b'x'; 9 << 20];
    let folder = world.folder.join("tmp");
    std::fs::create_dir(&folder).unwrap();
    let arguments = ["call", "--no-cache", "--data-binary", "@-", &server.url];
    let mut full = short_of_room(&world, &arguments);
    full.env("TMPDIR", &folder);
    let mut missing = world.command(arguments);
    missing.env("TMPDIR", world.folder.join("tmp/no"));
    for (command, folder) in [(full, folder.clone()), (missing, folder.join("no"))] {
        let ran = with_input(command, &body);
        assert_eq!(ran.code, Some(23), "{ran:?}");
        let sentence = format!("error[file_unwritable]: cannot write `{}`: ", folder.display());
        assert!(ran.stderr.starts_with(&sentence), "{ran:?}");
        assert!(!ran.stderr.contains("/.tmp"), "{ran:?}");
    }
    assert_eq!(server.take().len(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_room_is_told_by_the_name_that_was_typed() {
    let world = World::new("typed-room");
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{}", "x".repeat(9000)));
    let ran: Ran = short_of_room(&world, &["call", "-o", "answer", &server.url]).output().unwrap().into();
    assert_eq!(ran.code, Some(23), "{ran:?}");
    assert!(ran.stderr.contains("answer`: "), "{ran:?}");
    assert!(!ran.stderr.contains(".xacct-"), "{ran:?}");
    let header = format!("x-long: {}", "x".repeat(3000));
    let signed: Ran = short_of_room(&world, &["sign", "--canonical", "canonical", "-H", &header, &server.url])
        .output()
        .unwrap()
        .into();
    assert_eq!(signed.code, Some(23), "{signed:?}");
    assert!(signed.stderr.starts_with("error[file_unwritable]: cannot write `canonical`: "), "{signed:?}");
    assert!(!signed.stderr.contains(".xacct-"), "{signed:?}");
}
