//! `xacct-sign emulator --as CALLER --stage STAGE`: a command in it, its environment, its end; and credentials.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::command::{Emulator, MANIFEST, command, demo, folder, run, run_words};

const AS_SHOP: [&str; 6] = ["emulator", "--as", "shop", "--stage", "stag", "--"];

fn in_emulator(words: &[&str]) -> Command {
    command(demo(), AS_SHOP.into_iter().chain(words.iter().copied()))
}

fn code(words: &[&str]) -> Option<i32> {
    in_emulator(words).output().unwrap().status.code()
}

fn ready(folder: &Path, arguments: &str) -> serde_json::Value {
    serde_json::from_str(&Emulator::spawn(folder, &format!("{arguments} --json")).line()).unwrap()
}

fn key_of(ready: &serde_json::Value, part: &str) -> String {
    ready["callers"][0]["credentials"][part].as_str().unwrap().to_owned()
}

#[test]
fn e9_a_command_runs_as_the_caller_and_nothing_leads_it_elsewhere() {
    let foreign = [
        ("AWS_PROFILE", "mine"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/Mine"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"),
        ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_ACCESS_KEY_ID", "AKIAMINE"),
        ("AWS_REGION", "eu-north-1"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("KEPT", "as it is"),
    ];
    let mut command = in_emulator(&["env"]);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).envs(foreign);
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success());
    assert_eq!(String::from_utf8(stderr).unwrap(), "", "what the command prints is its own");
    let stdout = String::from_utf8(stdout).unwrap();
    let variables: BTreeMap<&str, &str> = stdout.lines().filter_map(|line| line.split_once('=')).collect();
    let known: Vec<&str> =
        variables.keys().copied().filter(|name| name.starts_with("AWS_") || name.starts_with("XACCT_")).collect();
    assert_eq!(
        known,
        [
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_EC2_METADATA_DISABLED",
            "AWS_ENDPOINT_URL_STS",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "XACCT_ROLE_ARN",
            "XACCT_SERVICE",
            "XACCT_URL"
        ]
    );
    assert!(variables["AWS_ACCESS_KEY_ID"].starts_with("ASIA"));
    assert_eq!((variables["AWS_REGION"], variables["AWS_DEFAULT_REGION"]), ("ap-northeast-1", "ap-northeast-1"));
    assert_eq!(variables["XACCT_ROLE_ARN"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag");
    assert!(variables["XACCT_URL"].starts_with("http://127.0.0.1:"));
    assert_eq!((variables["NO_PROXY"], variables["KEPT"]), ("127.0.0.1,localhost", "as it is"));
}

#[test]
fn e9_the_exit_code_is_the_commands() {
    assert_eq!(code(&["true"]), Some(0));
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -KILL $$"]), Some(128 + 9));
    assert_eq!(code(&["/nonexistent/program"]), Some(127));
    assert_eq!(code(&["/"]), Some(126));
    let stderr = String::from_utf8(in_emulator(&["/nonexistent/program"]).output().unwrap().stderr).unwrap();
    assert!(stderr.starts_with("error[program_not_run]: cannot run `/nonexistent/program`: "), "{stderr}");
}

#[test]
fn e9_signals_are_passed_on_and_the_command_decides() {
    for signal in ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"] {
        // A builtin of the shell waits, so that the trap is run at once.
        let folder = folder(&format!("signal-{signal}"), MANIFEST);
        assert!(Command::new("mkfifo").arg(folder.join("never")).status().unwrap().success());
        let never = folder.join("never");
        let script = format!(
            "trap 'echo got {signal}; exit 9' {signal}; exec 3<>{}; echo up; while :; do read -r _ <&3; done",
            never.display()
        );
        let mut command = in_emulator(&["sh", "-c", &script]);
        // Away from a terminal whose foreground it may be in.
        command.process_group(0);
        let mut running = Emulator::spawn_command(command);
        assert_eq!(running.line(), "up\n");
        running.signal(&format!("-{signal}"));
        assert_eq!(running.end(), (Some(9), format!("got {signal}\n")));
    }
    // One that the command does nothing about ends it, and is what it ended by.
    let mut command = in_emulator(&["sh", "-c", "echo up; exec sleep 1000"]);
    command.process_group(0);
    let mut running = Emulator::spawn_command(command);
    running.line();
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(128 + 15));
}

#[test]
fn e9_bad_names_are_told_before_anything_runs() {
    let manifest = format!("{MANIFEST}[stages.prod]\napi_id = \"k1l2m3n4o5\"\n");
    let folder = folder("names", &manifest);
    for (arguments, code, part) in [
        (
            "--as nobody --stage stag -- touch ran",
            2,
            "error[unknown_caller]: the manifest has no caller `nobody`; it has shop",
        ),
        (
            "--as shop --stage nowhere -- touch ran",
            2,
            "error[unknown_stage]: the manifest has no stage `nowhere`; it has prod, stag",
        ),
        (
            "--as shop --stage prod -- touch ran",
            2,
            "error[caller_not_on_stage]: the caller `shop` is not on the stage `prod`; it is on stag",
        ),
        ("--as shop -- touch ran", 2, "--stage <NAME>"),
        ("-- touch ran", 2, "--as <CALLER>"),
        ("--env-file x.env", 2, "--as <CALLER>"),
        ("--as shop --stage stag --json -- touch ran", 2, "--json"),
    ] {
        let (exit, _, stderr) = run(&folder, &format!("emulator {arguments}"));
        assert_eq!(exit, code, "{arguments}");
        assert!(stderr.contains(part), "{stderr}");
    }
    assert!(!folder.join("ran").exists());
}

/// A stage that is called directly has no role, whatever was in the environment before.
#[test]
fn a_command_that_calls_directly_is_told_the_service_and_no_role() {
    let manifest = "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.prod]\ntarget = \"function_url\"\naccess = \"direct\"\nfunction = \"orders\"\nurl_id = \"abc\"\n[callers.shop]\naccount = \"000000000000\"\nroles = { prod = \"Shop\" }\n";
    let folder = folder("direct", manifest);
    let told = |more: &[&str]| {
        let arguments = ["emulator", "--as", "shop", "--stage", "prod"].into_iter().chain(more.iter().copied());
        let script = r#"echo "$XACCT_SERVICE ${XACCT_ROLE_ARN-none} $XACCT_URL""#;
        let mut command = command(&folder, arguments.chain(["--", "sh", "-c", script]));
        let Output { stdout, .. } = command.env("XACCT_ROLE_ARN", "stale").output().unwrap();
        String::from_utf8(stdout).unwrap()
    };
    assert!(told(&[]).starts_with("lambda none http://127.0.0.1:"), "{}", told(&[]));
    // What hangs on the function can be given, and is read.
    fs::write(folder.join("policy.json"), "{}").unwrap();
    let (code, _, stderr) = run(&folder, "emulator --resource-policy prod=policy.json");
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.starts_with(
            "error[policy_unusable]: a policy of `arn:aws:lambda:eu-west-1:111111111111:function:orders` cannot"
        ),
        "{stderr}"
    );
    assert!(stderr.contains("\nhint: give the document in JSON as IAM takes it"), "{stderr}");
}

#[test]
fn e9_the_environment_is_a_file_as_long_as_the_emulator_runs() {
    let folder = folder("env-file", MANIFEST);
    let file = folder.join("emulator.env");
    // What a kill left behind is replaced.
    fs::write(&file, "# xacct-sign emulator: it deletes this file when it ends\nold=1\n").unwrap();
    let arguments = ["emulator", "--as", "shop", "--stage", "stag", "--env-file", "emulator.env"];
    let mut running = Emulator::spawn_command(command(&folder, arguments));
    // There they are, and nowhere else.
    running.line();
    assert_eq!([running.line(), running.line()], ["\n", "The caller's environment is in `emulator.env`.\n"]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("old") && !text.contains(['\'', '"', '$', '`']), "{text}");
    let sourced = "set -a; . ./emulator.env; exec env";
    let Output { stdout, .. } = Command::new("sh").args(["-c", sourced]).current_dir(&folder).output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    for line in text.lines().skip(1) {
        assert!(stdout.lines().any(|sourced| sourced == line), "{line}");
    }
    assert_eq!(text.lines().count(), 11);
    assert_eq!(running.stop("-TERM"), "");
    assert!(!file.exists());
}

/// Who has a server of its own on the emulator's issuers needs both.
#[test]
fn a_line_of_json_and_a_callers_file_go_together() {
    let folder = folder("env-file-json", MANIFEST);
    let arguments = ["emulator", "--as", "shop", "--stage", "stag", "--env-file", "emulator.env", "--json"];
    let mut running = Emulator::spawn_command(command(&folder, arguments));
    let ready: serde_json::Value = serde_json::from_str(&running.line()).unwrap();
    let text = fs::read_to_string(folder.join("emulator.env")).unwrap();
    let url = ready["stages"]["stag"]["url"].as_str().unwrap();
    assert!(text.lines().any(|line| line == format!("XACCT_URL={url}")), "{text}");
    assert_eq!(running.stop("-TERM"), "");
}

#[test]
fn e9_no_file_of_somebody_else_is_written_or_deleted() {
    let folder = folder("env-file-foreign", MANIFEST);
    fs::write(folder.join("mine.env"), "MINE=1\n").unwrap();
    std::os::unix::fs::symlink("mine.env", folder.join("link.env")).unwrap();
    for file in ["mine.env", "link.env", "."] {
        let (code, _, stderr) = run(&folder, &format!("emulator --as shop --stage stag --env-file {file} -- true"));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.starts_with("error[not_an_env_file]: "), "{stderr}");
    }
    let (code, _, stderr) = run(&folder, "emulator --as shop --stage stag --env-file nowhere/x.env -- true");
    assert_eq!(code, 23, "{stderr}");
    assert!(!stderr.contains(".xacct-"), "the name of a file that nobody has asked for: {stderr}");
    assert_eq!(fs::read_to_string(folder.join("mine.env")).unwrap(), "MINE=1\n");
}

#[test]
fn e9_credentials_stay_on_loopback_and_are_drawn_elsewhere() {
    let secret = |arguments: &str| key_of(&ready(demo(), arguments), "secret_access_key");
    let known = secret("");
    assert_eq!(secret("--host localhost"), known);
    assert_eq!(secret("--host 127.0.0.2"), known);
    let drawn = secret("--host 0.0.0.0");
    assert_ne!(drawn, known);
    assert_ne!(secret("--host 0.0.0.0"), drawn);
    let everywhere = ready(demo(), "--host 0.0.0.0");
    assert!(everywhere["sts_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let (code, _, stderr) = run(demo(), "emulator --host 192.0.2.1");
    assert_eq!(code, 1);
    assert!(stderr.starts_with("error[port_unusable]: cannot listen on 192.0.2.1:0: "), "{stderr}");
}

#[test]
fn e9_credentials_come_from_a_file() {
    let folder = folder("credentials-file", MANIFEST);
    let write = |text: &str| fs::write(folder.join("callers"), text).unwrap();
    write(
        "[shop]\naws_access_key_id = AKIAGIVEN\naws_secret_access_key = given/secret\n[other]\naws_access_key_id = x\n",
    );
    let given = ready(&folder, "--credentials-file callers --host 0.0.0.0");
    assert_eq!(key_of(&given, "access_key_id"), "AKIAGIVEN");
    assert_eq!(key_of(&given, "secret_access_key"), "given/secret");
    for (text, code, part) in [
        (
            "[other]\n",
            2,
            "error[credentials_missing]: no credentials are given for the caller `shop`, by the name of `shop-LambdaRoleDeve` or `shop-stag` or `shop`\nhint: ",
        ),
        (
            "[shop]\naws_access_key_id = AKIAGIVEN\n",
            2,
            "error[invalid_config]: the credentials `shop` in `callers` cannot be used: ",
        ),
        (
            "[shop]\ncredential_process = touch ran\n",
            2,
            "error[invalid_config]: the credentials `shop` in `callers` cannot be used: ",
        ),
    ] {
        write(text);
        let (exit, _, stderr) = run(&folder, "emulator --credentials-file callers");
        assert_eq!(exit, code, "{stderr}");
        assert!(stderr.starts_with(part), "{stderr}");
    }
    assert!(!folder.join("ran").exists());
    let (code, _, stderr) = run(&folder, "emulator --credentials-file nowhere");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[file_unreadable]: cannot read the credentials file `nowhere`: "), "{stderr}");
}

#[test]
fn the_environment_file_of_an_emulator_that_runs_is_left_alone() {
    let folder = folder("env-file-shared", MANIFEST);
    let path = folder.join("env");
    let arguments = "--as shop --stage stag --env-file env";
    let mut first = Emulator::spawn(&folder, arguments);
    first.line();
    let written = fs::read_to_string(&path).unwrap();
    let (code, _, stderr) = run(&folder, &format!("emulator {arguments} -- true"));
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.contains("error[env_file_in_use]: `env` is that of another emulator, which runs\nhint: "),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    // What somebody else has put there meanwhile is not deleted with it.
    let others = written.replace("shop", "other") + "OTHER=1\n";
    fs::remove_file(&path).unwrap();
    fs::write(&path, &others).unwrap();
    first.stop("-TERM");
    assert_eq!(fs::read_to_string(&path).unwrap(), others);
    // Whoever wrote it runs no more: the next one takes its place, and its own is deleted.
    let mut second = Emulator::spawn(&folder, arguments);
    second.line();
    assert_ne!(fs::read_to_string(&path).unwrap(), others);
    second.stop("-INT");
    assert!(!path.exists());
}

#[test]
fn a_permissions_boundary_is_said_unless_its_document_is_given() {
    let arn = "arn:aws:iam::111111111111:policy/Limits";
    let text = MANIFEST.replacen("[api]", &format!("[api]\npermissions_boundary = \"{arn}\""), 1);
    let folder = folder("beside-boundary", &text);
    let said = format!(
        "the permissions boundary `{arn}` is not known here and limits nobody: give it with `--policy ARN=FILE`"
    );
    let (code, _, stderr) = run(&folder, "emulator --as shop --stage stag -- true");
    assert_eq!((code, stderr.contains(&said)), (0, true), "{stderr}");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    fs::write(folder.join("limits.json"), policy).unwrap();
    let (code, _, stderr) =
        run(&folder, &format!("emulator --policy {arn}=limits.json --as shop --stage stag -- true"));
    assert_eq!((code, stderr.contains(&said)), (0, false), "{stderr}");
    // What it does not allow, nobody may, whatever the role's own policy says.
    let call = format!(
        r#"'{}' call --no-cache --silent --fail --role "$XACCT_ROLE_ARN" "$XACCT_URL/hoge""#,
        env!("CARGO_BIN_EXE_xacct-sign")
    );
    let given = format!("{arn}=limits.json");
    let arguments = ["emulator", "--policy", &given, "--as", "shop", "--stage", "stag", "--", "sh", "-c", &call];
    let (code, _, stderr) = run_words(&folder, &arguments);
    assert_eq!(code, 0, "{stderr}");
    fs::write(folder.join("limits.json"), policy.replace("\"*\",\"R", "\"s3:*\",\"R")).unwrap();
    let (code, _, stderr) = run_words(&folder, &arguments);
    assert_eq!(code, 22, "{stderr}");
    let (code, stdout, stderr) =
        run(&folder, "emulator --policy arn:aws:iam::aws:policy/Other=limits.json --as shop --stage stag -- true");
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("\nerror[unknown_policy]: ") && stderr.contains("\nhint: "), "{stderr}");
}
