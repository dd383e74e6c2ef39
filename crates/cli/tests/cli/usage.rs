//! What is typed and makes no sense, or would to curl, or to another command.

use std::fs;
use std::process::Command;

use crate::server::Server;
use crate::world::{ROLE, Ran, World};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn refused(world: &World, arguments: &[&str]) -> String {
    let ran = world.run(arguments);
    assert_eq!((ran.code, ran.text()), (Some(2), ""), "{arguments:?}: {ran:?}");
    ran.stderr
}

#[test]
fn curls_options_that_are_not_taken_say_what_to_do_instead() {
    let world = World::new("usage-curl");
    let url = "https://api.example.com/";
    // The shell has no part in it: a value that is a secret is not said back.
    for (typed, named) in [
        (&["-k"][..], "-k"),
        (&["--insecure"], "--insecure"),
        (&["-T", "file"], "-T"),
        (&["-w", "%{http_code}"], "-w"),
        (&["-O"], "-O"),
        (&["-u", "user:hunter2"], "-u"),
        (&["--user=user:hunter2"], "--user"),
        (&["-A", "me"], "-A"),
        (&["-x", "http://proxy"], "-x"),
        (&["-sk"], "-k"),
        (&["-b", "a=hunter2"], "-b"),
        (&["--compressed"], "--compressed"),
    ] {
        for command in ["call", "sign", "presign", "doctor"] {
            let said = refused(&world, &[&[command], typed, &[url]].concat());
            assert!(said.starts_with(&format!("error[wrong_usage]: `{named}` of curl's is not taken: ")), "{said}");
            assert_eq!((said.lines().count(), said.contains("hunter2")), (1, false), "{said}");
        }
    }
    // What is nobody's is told as before.
    let said = refused(&world, &["call", "--no-such", url]);
    assert!(said.starts_with("error[wrong_usage]: unexpected argument '--no-such' found\n"), "{said}");
    assert!(refused(&world, &["whoami", "-k"]).contains("unexpected argument '-k'"));
}

/// A table of options that curl does not have would be of no use to its users; nor one of those that are taken.
#[test]
fn every_option_of_that_table_is_curls_and_is_not_taken() {
    let world = World::new("usage-table");
    let help = Command::new("curl").args(["--help", "all"]).output().unwrap();
    let curls: Vec<String> = String::from_utf8(help.stdout).unwrap().lines().map(str::to_owned).collect();
    let table = include_str!("../../src/usage/curl.rs");
    let rows = table.lines().filter_map(|line| line.trim().strip_prefix("(\"--")?.split_once("\", \""));
    let mut count = 0;
    for (name, rest) in rows {
        let letter = rest.split('"').next().unwrap();
        // `-k, --insecure  Allow insecure...`, or without a letter.
        let is_it = |line: &String| {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default().trim_end_matches(',');
            let long = if first.starts_with("--") { first } else { words.next().unwrap_or_default() };
            long == format!("--{name}") && (letter.is_empty() || first == letter)
        };
        assert!(curls.iter().any(is_it), "curl has no `--{name}` with `{letter}`");
        for option in [format!("--{name}"), letter.to_owned()].iter().filter(|option| !option.is_empty()) {
            let said = refused(&world, &["call", option, "https://api.example.com/"]);
            assert!(said.starts_with(&format!("error[wrong_usage]: `{option}` of curl's is not taken: ")), "{said}");
        }
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn data_behind_the_json_of_sign_and_doctor_is_told_as_what_it_is() {
    let world = World::new("usage-json");
    for command in ["sign", "doctor"] {
        for typed in [
            &["--json", "{\"a\":1}", "https://api.example.com/"][..],
            &["https://api.example.com/", "--json", "@file"],
            &["--json={}", "https://api.example.com/"],
        ] {
            let said = refused(&world, &[&[command], typed].concat());
            let sentence =
                format!("error[wrong_usage]: `--json` of `{command}` takes no data: it says that JSON is printed\n");
            assert!(
                said.starts_with(&sentence) && said.contains("\nhint: give the body with `--data-binary`"),
                "{said}"
            );
        }
    }
    // `presign` prints no JSON: there it is curl's.
    let ran = world.run(&["presign", "--json", "{}", &world.url]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("it is for POST alone\nit is for the body that was given alone"), "{ran:?}");
}

#[test]
fn json_beside_other_data_is_told_in_one_sentence() {
    let world = World::new("usage-json-data");
    for other in ["-d", "--data-binary", "--data-raw"] {
        let said = refused(&world, &["call", "--json", "{}", other, "x", "https://api.example.com/"]);
        assert!(
            said.starts_with("error[wrong_usage]: the argument '--json <DATA>' cannot be used with '--data"),
            "{said}"
        );
        assert!(!said.contains("\n\n\n"), "{said:?}");
    }
}

#[test]
fn a_line_that_was_typed_for_call_serves_the_other_commands() {
    let world = World::new("usage-up-arrow");
    let server = Server::answering(OK);
    let line = ["-v", "-i", "-o", "file", "-f", "-L", "-m", "5", "-S", "-X", "PUT", "-d", "x=y", &server.url];
    for command in ["call", "sign", "presign", "doctor"] {
        let ran = world.run(&[&[command], &line[..]].concat());
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
        let note = format!(
            "without effect in `{command}`: `--output`, `--include`, `--verbose`, `--show-error`, `--fail`, `--location`, `--max-time`\n"
        );
        assert_eq!(ran.stderr.contains(&note), command != "call", "{ran:?}");
        let silent = world.run(&[&[command, "-s"], &line[..]].concat());
        assert_eq!(world.folder.join("file").exists(), command == "call");
        let _ = fs::remove_file(world.folder.join("file"));
        assert!(!silent.stderr.contains("without effect"), "{silent:?}");
    }
    assert!(server.take().iter().all(|seen| seen.method == "PUT"), "the doctor calls as it is told to");
}

#[test]
fn headers_alone_are_asked_for_by_every_command_with_a_request() {
    let world = World::new("usage-head");
    let signed = world.run(&["sign", "-I", "--json", &world.url]);
    assert_eq!(signed.json()["method"], "HEAD");
    let presigned = world.run(&["presign", "-I", &world.url]);
    assert!(presigned.stderr.contains("it is for HEAD alone"), "{presigned:?}");
}

/// curl sends `put` as it was typed, and API Gateway knows no such method.
#[test]
fn a_method_is_sent_in_upper_case() {
    let world = World::new("usage-method");
    let server = Server::answering(OK);
    assert_eq!(world.run(&["call", "-X", "put", &server.url]).code, Some(0));
    assert_eq!(server.take()[0].method, "PUT");
    assert_eq!(world.run(&["sign", "-X", "put", "--json", &server.url]).json()["method"], "PUT");
}

#[test]
fn an_empty_profile_is_an_unset_variable_and_no_wish() {
    let world = World::new("usage-profile");
    for command in [&["call", &world.url][..], &["whoami"], &["credentials", "--role", ROLE], &["doctor", &world.url]] {
        for profile in ["", " "] {
            let said = refused(&world, &[command, &["--profile", profile]].concat());
            assert!(
                said.starts_with("error[invalid_option]: `--profile` is empty\nhint: give the profile's name"),
                "{said}"
            );
        }
    }
}

#[test]
fn what_stands_around_an_arn_is_named() {
    let world = World::new("usage-arn");
    let around = [(" ", ""), ("\"", "\""), ("'", "'"), ("", "\""), ("", " "), ("", "\n"), ("", "\r\n")];
    for typed in around.map(|(before, after)| format!("{before}{ROLE}{after}")) {
        let said = refused(&world, &["call", "--role", &typed, &world.url]);
        // It is shown as it was typed.
        let shown = xacct_sign::escaped(&typed);
        let sentence = "is not a role's ARN: a quote, a space or a line break stands around it";
        assert!(
            said.starts_with(&format!("error[invalid_role_arn]: `{shown}` {sentence}\nhint: ")),
            "{typed:?}: {said}"
        );
    }
}

#[test]
fn hints_are_what_somebody_at_a_command_can_do() {
    let world = World::new("usage-hints");
    let hint = |ran: &Ran| ran.stderr.lines().find_map(|line| line.strip_prefix("hint: ").map(str::to_owned)).unwrap();
    let expired: Ran =
        world.command(["whoami"]).env("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z").output().unwrap().into();
    assert!(expired.stderr.starts_with("error[credentials_expired]: "), "{expired:?}");
    assert!(hint(&expired).contains("`--profile`"), "{expired:?}");
    let nobody: Ran = world.command(["whoami"]).env_remove("AWS_ACCESS_KEY_ID").output().unwrap().into();
    assert!(nobody.stderr.starts_with("error[credentials_not_found]: "), "{nobody:?}");
    assert!(hint(&nobody).starts_with("name a profile with `--profile` or AWS_PROFILE, "), "{nobody:?}");
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>It has expired</Message></Error></ErrorResponse>";
    let sts = Server::answering(format!("HTTP/1.1 403 No\r\ncontent-length: {}\r\n\r\n{refusal}", refusal.len()));
    let ended: Ran = world.command(["whoami"]).env("AWS_ENDPOINT_URL_STS", &sts.url).output().unwrap().into();
    assert!(ended.stderr.starts_with("error[sts_expired]: "), "{ended:?}");
    assert_eq!(
        hint(&ended),
        "log in anew, or set new ones; a profile that fetches them itself is named with `--profile`"
    );
    // Without a region.
    let nowhere: Ran = world.command(["whoami"]).env_remove("AWS_REGION").output().unwrap().into();
    assert!(hint(&nowhere).contains("`--region ap-northeast-1`"), "{nowhere:?}");
}

#[test]
fn a_temporary_key_without_its_token_is_told_before_anything_is_sent() {
    let world = World::new("usage-token");
    let sts = Server::answering(OK);
    let run = |arguments: &[&str]| -> Ran {
        let mut command = world.command(arguments.iter().copied());
        command.env("AWS_ENDPOINT_URL_STS", &sts.url).env_remove("AWS_SESSION_TOKEN");
        command.output().unwrap().into()
    };
    let sentence =
        "an access key id that begins with ASIA is of temporary credentials, whose session token is missing\n";
    for arguments in [&["call", &sts.url][..], &["whoami"], &["credentials", "--role", ROLE], &["sign", &sts.url]] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(67), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with(&format!("error[invalid_credentials]: {sentence}")), "{ran:?}");
        assert!(ran.stderr.contains("hint: set AWS_SESSION_TOKEN, too"), "{ran:?}");
    }
    let aws = world.folder.join("home/.aws");
    fs::create_dir_all(&aws).unwrap();
    let keys = "aws_access_key_id = ASIAKEY\naws_secret_access_key = secret\n";
    fs::write(aws.join("credentials"), format!("[keys]\n{keys}[whole]\n{keys}aws_session_token = token\n")).unwrap();
    let said = r#"{"Version":1,"AccessKeyId":"ASIAKEY","SecretAccessKey":"secret"}"#;
    fs::write(world.folder.join("said.json"), said).unwrap();
    fs::write(aws.join("config"), "[profile program]\ncredential_process = cat said.json\n").unwrap();
    let keys = run(&["whoami", "--profile", "keys"]);
    assert!(
        keys.stderr.starts_with(&format!("error[invalid_credentials]: the profile `keys`: {sentence}")),
        "{keys:?}"
    );
    assert!(keys.stderr.contains("hint: add `aws_session_token` to the profile"), "{keys:?}");
    let program = run(&["whoami", "--profile", "program"]);
    assert_eq!(program.code, Some(67), "{program:?}");
    assert!(program.stderr.contains(sentence.trim()), "{program:?}");
    assert_eq!(sts.take().len(), 0);
    assert_eq!(run(&["sign", "--profile", "whole", &sts.url]).code, Some(0));
}
