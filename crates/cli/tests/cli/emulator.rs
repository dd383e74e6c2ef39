//! `xacct-sign emulator`: its output, its exit codes, its end.

#[cfg(unix)]
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[cfg(unix)]
use crate::command::{Emulator, sixty_callers};
use crate::command::{MANIFEST, demo, folder, run};

#[cfg(unix)]
#[test]
fn one_line_of_json_then_it_serves_until_it_is_told_to_stop() {
    for signal in ["-INT", "-TERM"] {
        let mut emulator = Emulator::spawn(demo(), "--json --explain");
        let line = emulator.line();
        for part in [
            r#""region":"ap-northeast-1""#,
            r#""sts_url":"http://127.0.0.1:"#,
            r#""api_id":"f6g7h8i9j0""#,
            r#""outsider":{"#,
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(emulator.stop(signal), "");
    }
}

#[cfg(unix)]
#[test]
fn the_banner_is_for_people() {
    let mut emulator = Emulator::spawn(demo(), "");
    let mut banner = String::new();
    // The caller has two roles; the last line is the outsider's token.
    while banner.matches("export AWS_SESSION_TOKEN='").count() < 3 {
        banner.push_str(&emulator.line());
    }
    assert_eq!(emulator.stop("-TERM"), "");
    assert!(banner.contains("(stage stag)"), "{banner}");
    assert!(banner.contains("may assume for stag: arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag"), "{banner}");
}

#[test]
fn errors_have_a_place_a_hint_and_an_exit_code() {
    let (code, _, stderr) = run(demo(), "emulator --manifest /nonexistent/xacct.toml");
    assert_eq!(code, 2);
    assert!(
        stderr.starts_with("error[file_unreadable]: cannot read the manifest `/nonexistent/xacct.toml`: "),
        "{stderr}"
    );
    assert!(stderr.contains("\nhint: "), "{stderr}");

    let bad = folder("bad", &MANIFEST.replace("\"111111111111\"", "111111111111"));
    let (code, _, stderr) = run(&bad, "emulator");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[invalid_account_id]: xacct.toml:2:11: "), "{stderr}");
    assert!(stderr.contains("\nhint: write the account id as a string"), "{stderr}");

    for (wrong, expected) in [
        ("--vpc-endpoint none=vpce-01234567", "error[unknown_stage]: there is no stage `none`\nhint: "),
        (
            "--vpc-endpoint stag=vpce-01234567",
            "error[not_of_target]: stage `stag` has the target `http_api`, which has no VPC endpoint\nhint: ",
        ),
    ] {
        let (code, _, stderr) = run(demo(), &format!("emulator {wrong}"));
        assert_eq!(code, 2, "{wrong}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }

    for wrong in [
        "--upstream ftp://example.com",
        "--credential-lifetime 0",
        "--credential-lifetime 15x",
        "--host example.com",
        "--port 65536",
        "--format json",
        "--resource-policy stag",
        "--allow-origin https://app.example.com/",
    ] {
        assert_eq!(run(demo(), &format!("emulator {wrong}")).0, 2, "{wrong}");
    }
    // No manifest is here.
    assert_eq!(run(Path::new(env!("CARGO_TARGET_TMPDIR")), "emulator").0, 2);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, stderr) = run(demo(), &format!("emulator --port {port}"));
    assert_eq!(code, 1);
    assert!(stderr.starts_with(&format!("error[port_unusable]: cannot listen on 127.0.0.1:{port}: ")), "{stderr}");
}

#[test]
fn the_emulator_takes_a_template_and_no_manifest_beside_it() {
    let folder = folder("template", MANIFEST);
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("roles.json"), template).unwrap();
    assert_eq!(run(&folder, "emulator --template roles.json --manifest xacct.toml").0, 2);
    assert_eq!(run(&folder, "emulator --template xacct.toml").0, 2);
    assert_eq!(run(&folder, "emulator --caller-policy shop").0, 2);
    for (member, part) in [("1=o-a1b2c3d4e5", "`1` is not an account id"), ("000000000000=o-a", "`o-a` is not the id")]
    {
        let (code, _, stderr) = run(&folder, &format!("emulator --template roles.json --organization {member}"));
        assert_eq!(code, 2);
        assert!(stderr.contains(part), "{stderr}");
    }
    let (code, _, stderr) = run(&folder, "emulator --template roles.json --caller-policy shop=roles.json");
    assert_eq!(code, 2);
    assert!(stderr.contains("there is no caller `shop`"), "{stderr}");
}

/// What a running emulator says when it is ready.
#[cfg(unix)]
fn ready(folder: &Path, arguments: &str) -> serde_json::Value {
    serde_json::from_str(&Emulator::spawn(folder, &format!("{arguments} --json")).line()).unwrap()
}

#[cfg(unix)]
#[test]
fn the_emulator_runs_from_a_template_and_from_a_manifest_with_its_lock_file() {
    let callers = sixty_callers();
    let folder = folder("emulated", &format!("{MANIFEST}{callers}"));
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("roles.json"), template).unwrap();
    let by_role = |ready: &serde_json::Value| -> BTreeMap<String, String> {
        let callers = ready["callers"].as_array().unwrap().iter();
        callers.map(|c| (c["role"].to_string(), c["may_assume"]["stag"].to_string())).collect()
    };
    let from_template = ready(&folder, "--template roles.json");
    assert_eq!(from_template["stages"]["stag"]["api_id"], "f6g7h8i9j0");
    let from_manifest = ready(&folder, "--manifest xacct.toml --organization 000000000001=o-a1b2c3d4e5");
    assert_eq!(by_role(&from_template), by_role(&from_manifest));
    assert_eq!(by_role(&from_manifest).len(), 61);

    // The lock file decides which role a caller has, here as everywhere.
    let lock = fs::read_to_string(folder.join("xacct.lock.toml")).unwrap();
    fs::write(folder.join("xacct.lock.toml"), lock.replace("c00 = 1", "c00 = 2")).unwrap();
    let moved = by_role(&ready(&folder, "--manifest xacct.toml"));
    let role = &moved["\"arn:aws:iam::000000000001:role/LambdaRole\""];
    assert_eq!(role, "\"arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag-2\"");
}
