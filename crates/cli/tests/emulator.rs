//! `xacct-sign emulator` as a program: its output, its exit codes, its end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve" }
"#;

fn manifest(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xacct-sign"));
    command.arg("emulator").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ends(arguments: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = command().args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[cfg(unix)]
fn stop(mut child: Child, signal: &str) {
    let started = Instant::now();
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[cfg(unix)]
#[test]
fn one_line_of_json_then_it_serves_until_it_is_told_to_stop() {
    let path = manifest("json.toml", MANIFEST);
    for signal in ["-INT", "-TERM"] {
        let mut child = command().arg("--manifest").arg(&path).args(["--json", "--explain"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        for part in [
            r#""region":"ap-northeast-1""#,
            r#""sts_url":"http://127.0.0.1:"#,
            r#""api_id":"f6g7h8i9j0""#,
            r#""outsider":{"#,
        ] {
            assert!(line.contains(part), "{line}");
        }
        stop(child, signal);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[cfg(unix)]
#[test]
fn the_banner_is_for_people() {
    let path = manifest("banner.toml", MANIFEST);
    let mut child = command().arg("--manifest").arg(path).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut banner = String::new();
    // The last line is the outsider's token.
    while banner.matches("export AWS_SESSION_TOKEN='").count() < 2 {
        assert_ne!(stdout.read_line(&mut banner).unwrap(), 0, "{banner}");
    }
    stop(child, "-TERM");
    assert!(banner.contains("(stage stag)"), "{banner}");
    assert!(banner.contains("may assume for stag: arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag"), "{banner}");
}

#[test]
fn errors_have_a_place_a_hint_and_an_exit_code() {
    let (code, stderr) = ends(&["--manifest", "/nonexistent/xacct.toml"]);
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error: cannot read the manifest `/nonexistent/xacct.toml`: "), "{stderr}");
    assert!(stderr.contains("\nhint: "), "{stderr}");

    let bad = manifest("bad.toml", &MANIFEST.replace("\"111111111111\"", "111111111111"));
    let bad = bad.to_str().unwrap();
    let (code, stderr) = ends(&["--manifest", bad]);
    assert_eq!(code, 2);
    assert!(stderr.starts_with(&format!("error[invalid_account_id]: {bad}:3:11: ")), "{stderr}");
    assert!(stderr.contains("\nhint: write the account id as a string"), "{stderr}");

    let good = manifest("good.toml", MANIFEST);
    let good = good.to_str().unwrap();
    for wrong in [
        ["--upstream", "https://example.com"],
        ["--credential-lifetime", "0"],
        ["--port", "65536"],
        ["--allow-origin", "https://app.example.com/"],
    ] {
        assert_eq!(ends(&["--manifest", good, wrong[0], wrong[1]]).0, 2, "{wrong:?}");
    }
    assert_eq!(ends(&[]).0, 2);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, stderr) = ends(&["--manifest", good, "--port", &port]);
    assert_eq!(code, 1);
    assert!(stderr.starts_with(&format!("error: cannot listen on 127.0.0.1:{port}: ")), "{stderr}");
}
