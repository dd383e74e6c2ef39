//! The emulator as a program drives it: its log as lines of JSON, its end with standard input, mapped headers.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::command::{Emulator, command, demo, folder, run};

/// What a request without a signature is answered with.
fn unsigned(url: &str) -> u16 {
    let done = std::process::Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", url]).output();
    String::from_utf8(done.unwrap().stdout).unwrap().parse().unwrap()
}

#[test]
fn the_log_is_a_line_of_json_for_each_request_before_its_answer() {
    let folder = folder("log", crate::command::MANIFEST);
    let log = folder.join("log.jsonl");
    fs::write(&log, "{}\n").unwrap();
    let mut emulator = Emulator::spawn(&folder, "--json --log log.jsonl");
    let ready: Value = serde_json::from_str(&emulator.line()).unwrap();
    let url = ready["stages"]["stag"]["url"].as_str().unwrap();
    for path in ["/a%20b?secret=1", "/c"] {
        let before = fs::read_to_string(&log).unwrap().lines().count();
        assert_eq!(unsigned(&format!("{url}{path}")), 403);
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), before + 1);
    }
    let text = fs::read_to_string(&log).unwrap();
    let mut entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.remove(0), json!({}), "what is in the file stays");
    assert!(entries[0]["at"].take().is_string());
    assert_eq!(
        entries[0],
        json!({
            "number": 1, "at": null, "target": "stag", "method": "GET", "path": "/a%20b", "status": 403,
            "caller": null, "principal": null, "done": null,
            "reason": {
                "code": "signature_missing",
                "detail": "the request has neither an `Authorization` header nor a signature in its query",
            },
        })
    );
    assert_eq!((&entries[1]["path"], &entries[1]["number"]), (&json!("/c"), &json!(2)));
    let (code, _, stderr) = run(&folder, "emulator --log missing/log");
    assert_eq!(code, 23, "{stderr}");
    assert!(stderr.starts_with("error[file_unwritable]: cannot write `missing/log`"), "{stderr}");
}

#[test]
fn it_ends_with_standard_input_if_it_is_told_so_and_not_else() {
    let ends = |arguments: &[&str], input: Stdio| {
        let mut command = command(demo(), ["emulator", "--json"].into_iter().chain(arguments.iter().copied()));
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    // Whoever has the other end of the pipe may write, and nobody reads it.
    let mut emulator = ends(&["--until-eof"], Stdio::piped());
    let mut input = emulator.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"noise\n").unwrap();
    let mut stdout = emulator.stdout.take().unwrap();
    let mut line = [0; 16];
    stdout.read_exact(&mut line).unwrap();
    assert!(emulator.try_wait().unwrap().is_none());
    drop(input);
    assert_eq!(emulator.wait().unwrap().code(), Some(0));
    assert_eq!(ends(&["--until-eof"], Stdio::null()).wait().unwrap().code(), Some(0));
    // Without the option nobody listens to it: it is still there when it has answered.
    let mut emulator = Emulator::spawn(demo(), "--json");
    let ready: Value = serde_json::from_str(&emulator.line()).unwrap();
    assert_eq!(unsigned(ready["stages"]["stag"]["url"].as_str().unwrap()), 403);
    let (code, _, stderr) = run(demo(), "emulator --until-eof --as shop --stage stag -- true");
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn headers_that_cannot_be_mapped_are_refused_with_code_and_hint() {
    for (given, expected) in [
        (
            "x-caller=identity.userArn",
            "error[unknown_variable]: there is no variable `identity.userArn` to map; there is `$context.accountId` or ",
        ),
        ("authorization=$context.stage", "error[header_unusable]: `authorization` is no header that a mapping may set"),
        (
            "x-caller=$context.stage --format lambda-event",
            "error[header_unusable]: no headers are mapped for a function",
        ),
        // One that would be lost without a word.
        (
            "X-A=$context.stage --header x-a=$context.apiId",
            "error[header_unusable]: the headers `X-A` and `x-a` are one: ",
        ),
        (
            "x_a=$context.stage --header x-a=$context.apiId",
            "error[header_unusable]: the headers `x-a` and `x_a` are one: ",
        ),
        ("x-a=$context.stage --header x-a=$context.apiId", "error[wrong_usage]: `--header` is given twice for `x-a`"),
    ] {
        let (code, stdout, stderr) = run(demo(), &format!("emulator --header {given}"));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
        assert!(stderr.contains("\nhint: "), "{stderr}");
    }
    assert_eq!(run(demo(), "emulator --header x-caller").0, 2);
}

#[test]
fn what_is_given_twice_by_one_name_is_refused() {
    for (option, value) in [
        ("--caller-policy", "shop=none.json"),
        ("--resource-policy", "stag=none.json"),
        ("--policy", "arn:aws:iam::111111111111:policy/x=none.json"),
        ("--vpc-endpoint", "stag=vpce-0123456789abcdef0"),
        ("--organization", "000000000000=o-a1b2c3d4e5"),
    ] {
        let (code, stdout, stderr) = run(demo(), &format!("emulator {option} {value} {option} {value}"));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.starts_with(&format!("error[wrong_usage]: `{option}` is given twice for `")), "{stderr}");
    }
}
