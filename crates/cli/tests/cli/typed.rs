//! What is typed and would be dropped without a word, or done otherwise than it is meant.

use crate::server::Server;
use crate::world::{ROLE, World};

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
            assert!(ran.stderr.contains("\nhint: leave it out of the URL: AWS credentials say who calls"));
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

/// A server's log would have it, and who made the token would not know.
#[test]
fn a_user_and_a_password_in_an_audience_are_refused() {
    let world = World::new("typed-audience");
    let audience = "https://user:hunter2@api.example.com";
    for arguments in [
        &["token", audience][..],
        &["token", "--proof", audience],
        &["call", "--identity", audience, &world.url],
        &["call", "--identity", audience, "--proof", &world.url],
    ] {
        let ran = world.run(arguments);
        assert_eq!((ran.code, ran.text()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error[invalid_option]: the audience has a user"), "{ran:?}");
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    }
    assert_eq!(world.emulator.log().len(), 0);
    // What is no URL may have an `@` in it.
    assert_eq!(world.run(&["token", "--proof", "team@example.com"]).code, Some(0));
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
