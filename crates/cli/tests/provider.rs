//! `render`, `check`, `diff`, `init`, `schema` and `policy note` as a user runs them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MANIFEST: &str = r#"[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve" }
"#;

/// A folder of the test's own, with a manifest in it.
fn folder(name: &str, manifest: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("xacct.toml"), manifest).unwrap();
    path
}

fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xacct-sign"));
    let Output { status, stdout, stderr } = command.current_dir(folder).args(arguments.split(' ')).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn render_writes_the_lock_file_once() {
    let folder = folder("render", MANIFEST);
    let lock = folder.join("xacct.lock.toml");
    let (code, stdout, stderr) = run(&folder, "render cloudformation --stage stag --locked");
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("`xacct.lock.toml` is outdated") && stderr.contains("hint: "), "{stderr}");
    assert!(!lock.exists());

    let (code, first, stderr) = run(&folder, "render cloudformation --stage stag");
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("wrote `xacct.lock.toml`"), "{stderr}");
    assert!(fs::read_to_string(&lock).unwrap().ends_with("[stages.stag]\nshop = 1\n"));
    let template: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(template["Resources"]["SharedRole"]["Properties"]["RoleName"], "ApiAllowByIamRoleStag");

    let again = run(&folder, "render cloudformation --stage stag --locked");
    assert_eq!(again, (0, first, String::new()), "the same bytes, and nothing to write");
    for (format, key) in [("terraform", "resource"), ("json", "roles")] {
        let (code, stdout, stderr) = run(&folder, &format!("render {format} --stage stag"));
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap().get(key).is_some());
    }

    fs::write(&lock, "version = 9").unwrap();
    let (code, _, stderr) = run(&folder, "render json --stage stag");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[invalid_lock]: xacct.lock.toml:1:11: "), "{stderr}");
}

#[test]
fn nothing_is_rendered_that_aws_would_refuse() {
    let routes: Vec<String> = (0..150).map(|i| format!("\"GET /items/{i}\"")).collect();
    let folder = folder("refused", &format!("{MANIFEST}routes = [{}]\n", routes.join(", ")));
    let (code, stdout, stderr) = run(&folder, "render terraform --stage stag");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("xacct.toml:6: error[invoke_policy_too_large] [callers.shop]: "), "{stderr}");
    assert!(stderr.contains("error: 1 error: nothing is printed"), "{stderr}");
    assert!(!folder.join("xacct.lock.toml").exists());
    for command in ["trust --stage stag", "invoke --stage stag", "caller --caller shop", "note --caller shop"] {
        let (code, stdout, stderr) = run(&folder, &format!("policy {command}"));
        assert_eq!((code, stdout.as_str()), (1, ""), "{command}");
        assert!(stderr.contains("error[invoke_policy_too_large] [callers.shop]: "), "{stderr}");
    }
}

#[test]
fn open_warnings_are_said_on_whatever_is_printed() {
    let text = format!("{MANIFEST}third_party = true\n");
    let folder = folder("warned", &text);
    let commands = [
        "render cloudformation --stage stag",
        "policy trust --stage stag",
        "policy invoke --stage stag",
        "policy caller --caller shop",
        "policy note --caller shop",
    ];
    for command in commands {
        let (code, stdout, stderr) = run(&folder, command);
        assert_eq!(code, 0, "{command}: {stderr}");
        assert!(!stdout.is_empty(), "{command}");
        let warning = "xacct.toml:6: warning[third_party_without_external_id] [callers.shop]: ";
        assert!(stderr.starts_with(warning) && stderr.contains("\n  hint: "), "{command}: {stderr}");
    }
    let accept = "accept = { third_party_without_external_id = \"until June\" }\n";
    fs::write(folder.join("xacct.toml"), format!("{text}{accept}")).unwrap();
    for command in commands {
        let (code, _, stderr) = run(&folder, command);
        assert_eq!((code, stderr.as_str()), (0, ""), "{command}");
    }
}

#[test]
fn a_move_is_said() {
    let callers: String = (0..60)
        .map(|i| format!("[callers.c{i}]\naccount = \"{:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n", i + 1))
        .collect();
    let head = MANIFEST.replace("[stages", "role_trust_policy_length = 4096\n[stages");
    let text = format!("{head}{callers}");
    let folder = folder("moves", &text);
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    fs::write(folder.join("xacct.toml"), text.replace("role_trust_policy_length = 4096\n", "")).unwrap();
    let (code, _, stderr) = run(&folder, "render json --stage stag");
    assert_eq!(code, 0);
    assert!(stderr.contains("on stage `stag` moves from role 1 to role 2: its note has changed"), "{stderr}");
}

#[test]
fn check_ends_with_one_until_its_findings_are_accepted() {
    let text = format!("{MANIFEST}third_party = true\n");
    let folder = folder("check", &text);
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!(code, 1);
    let first = "xacct.toml:6: warning[third_party_without_external_id] [callers.shop]: it is a third party and has no `external_id`\n  reason: ";
    assert!(stdout.starts_with(first), "{stdout}");
    assert!(stdout.contains("\n  hint: "), "{stdout}");
    assert!(
        stdout.ends_with("1 stage, 1 caller, 1 role; the longest trust policy has 151 of 2048 characters\n"),
        "{stdout}"
    );
    assert!(stderr.contains("1 finding is not accepted"), "{stderr}");

    let accept = "accept = { third_party_without_external_id = \"until June\" }\n";
    fs::write(folder.join("xacct.toml"), format!("{text}{accept}")).unwrap();
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("\n  accepted: until June\n"), "{stdout}");

    // Several roles that no lock file records.
    let callers: String = (0..60)
        .map(|i| format!("[callers.c{i}]\naccount = \"{:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n", i + 1))
        .collect();
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}{callers}")).unwrap();
    let (code, stdout, _) = run(&folder, "check");
    assert_eq!(code, 1);
    assert!(stdout.contains("warning[lock_outdated] [api]") && stdout.contains("note[roles_split]"), "{stdout}");
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    let (code, stdout, _) = run(&folder, "check");
    assert_eq!(code, 0, "{stdout}");
}

#[test]
fn diff_says_what_each_side_grants_alone() {
    let folder = folder("diff", MANIFEST);
    let (_, deployed, _) = run(&folder, "policy trust --stage stag");
    fs::write(folder.join("deployed.json"), &deployed).unwrap();
    let same = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(same, (0, "ApiAllowByIamRoleStag: the same\n".to_owned(), String::new()));

    fs::write(folder.join("deployed.json"), deployed.replace("LambdaRoleDeve", "Other")).unwrap();
    let (code, stdout, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    let expected = "ApiAllowByIamRoleStag\n- `arn:aws:iam::000000000000:role/Other` may sts:AssumeRole\n+ `arn:aws:iam::000000000000:role/LambdaRoleDeve` may sts:AssumeRole\n";
    assert_eq!((code, stdout.as_str()), (1, expected));
    assert!(stderr.contains("1 role differs"), "{stderr}");

    fs::write(folder.join("deployed.json"), "{}").unwrap();
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(code, 2);
    assert!(stderr.contains("`deployed.json` cannot be used: ") && stderr.contains("hint: "), "{stderr}");
    assert_eq!(run(&folder, "diff --stage stag --deployed none.json").0, 2);
    assert_eq!(run(&folder, "diff --stage x --deployed deployed.json").0, 2);
}

#[test]
fn init_writes_a_manifest_that_is_valid_and_keeps_what_is_there() {
    let folder = folder("init", MANIFEST);
    let (code, _, stderr) = run(&folder, "init");
    assert_eq!(code, 2);
    assert!(stderr.contains("`xacct.toml` is there already"), "{stderr}");
    assert_eq!(fs::read_to_string(folder.join("xacct.toml")).unwrap(), MANIFEST);

    fs::remove_file(folder.join("xacct.toml")).unwrap();
    let (code, stdout, stderr) = run(&folder, "init --account 222222222222 --region eu-west-1");
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let text = fs::read_to_string(folder.join("xacct.toml")).unwrap();
    assert!(text.starts_with("#:schema ./xacct.schema.json\n"), "{text}");
    assert!(text.contains("account = \"222222222222\"") && text.contains("region = \"eu-west-1\""), "{text}");
    assert_eq!(run(&folder, "check").0, 0);

    // Whatever is commented out is right too, but for what cannot stand together.
    let key = |line: &&str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
    let uncommented: String = text
        .lines()
        .map(|line| if key(&line) { line[2..].to_owned() } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(folder.join("xacct.toml"), uncommented).unwrap();
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!(code, 1, "{stderr}");
    assert!(stdout.contains("unused_acceptance") && !stdout.contains("error["), "{stdout}");

    let (code, _, stderr) = run(&folder, "init --account 1 --manifest other.toml");
    assert_eq!(code, 2);
    assert!(stderr.contains("`1` is not an account id"), "{stderr}");
    assert!(!folder.join("other.toml").exists());
}

#[test]
fn schema_is_json() {
    let (code, stdout, _) = run(Path::new("."), "schema");
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
}

#[test]
fn a_note_says_all_that_a_caller_needs() {
    let folder = folder(
        "note",
        &format!(
            "{MANIFEST}external_id = \"b3c7\"\nsession_names = [\"shop-*\"]\nroutes = [\"GET /items/{{proxy+}}\"]\n"
        ),
    );
    let (code, stdout, stderr) = run(&folder, "policy note --caller shop");
    assert_eq!((code, stderr.as_str()), (0, ""));
    for part in [
        "# Calling the API as shop\n",
        "- Role: `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop`\n",
        "- Region: `ap-northeast-1`\n",
        "- URL: `https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com`\n",
        "- External id: `b3c7`",
        "- Routes: `GET /items/{proxy+}`\n",
        "- Session name, one of: `shop-*`\n",
        "    external_id=\"b3c7\",\n",
        "  externalId: \"b3c7\",\n",
        "--external-id 'b3c7'",
        "\"Resource\": \"arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop\"",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
    assert_eq!(run(&folder, "policy note --caller x").0, 2);

    // What it shows is a call that is allowed.
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}routes = [\"PUT /hoge\", \"GET /a\"]\n")).unwrap();
    let (_, stdout, _) = run(&folder, "policy note --caller shop");
    let url = "https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com/hoge";
    for part in [
        "api.put(\"/hoge\")".to_owned(),
        format!("api(\"{url}\", {{ method: \"PUT\" }})"),
        "\ncurl --request PUT --aws-sigv4 ".to_owned(),
        format!(" '{url}'\n"),
    ] {
        assert!(stdout.contains(&part), "{part} is not in:\n{stdout}");
    }
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_xacct-sign"));
    command.current_dir(folder).arg("emulator").args(arguments.split(' ')).arg("--json").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    serde_json::from_str(&line).unwrap()
}

#[cfg(unix)]
#[test]
fn the_emulator_runs_from_a_template_and_from_a_manifest_with_its_lock_file() {
    let callers: String = (0..60)
        .map(|i| format!("[callers.c{i:02}]\naccount = \"{:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n", i + 1))
        .collect();
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
