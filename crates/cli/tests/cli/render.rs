//! `xacct-sign render`.

use std::fs;

use crate::command::{MANIFEST, folder, run, sixty_callers};

#[test]
fn render_writes_the_lock_file_once() {
    let folder = folder("render", MANIFEST);
    let lock = folder.join("xacct.lock.toml");
    let (code, stdout, stderr) = run(&folder, "render cloudformation --stage stag --locked");
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("`xacct.lock.toml` is not there") && stderr.contains("hint: "), "{stderr}");
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
    assert!(stderr.contains("error[not_accepted]: 1 error: nothing is printed"), "{stderr}");
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
    let callers = sixty_callers();
    let head = MANIFEST.replace("[stages", "role_trust_policy_length = 4096\n[stages");
    let text = format!("{head}{callers}");
    let folder = folder("moves", &text);
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    fs::write(folder.join("xacct.toml"), text.replace("role_trust_policy_length = 4096\n", "")).unwrap();
    let (code, _, stderr) = run(&folder, "render json --stage stag");
    assert_eq!(code, 0);
    let part = "on stage `stag` its role is now `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag-2`, and was";
    assert!(stderr.contains("warning[role_arn_changed] [callers.") && stderr.contains(part), "{stderr}");
}

#[test]
fn render_takes_in_what_is_deployed() {
    let folder = folder("render-import", MANIFEST);
    let (code, stdout, _) = run(&folder, "render terraform --stage stag --import");
    let configuration: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    assert_eq!(configuration["import"][0]["to"], "aws_iam_role.shared_stag");
    let (code, stdout, _) = run(&folder, "render cloudformation --stage stag --import");
    let to_import: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let role = serde_json::json!([{
        "ResourceType": "AWS::IAM::Role",
        "LogicalResourceId": "SharedRole",
        "ResourceIdentifier": {"RoleName": "ApiAllowByIamRoleStag"}
    }]);
    assert_eq!((code, to_import), (0, role));
    // Of the documents alone nothing is taken in.
    assert_eq!(run(&folder, "render json --stage stag --import").0, 2);
}

/// Whoever got nothing has been told no role, and is told of a change again.
#[cfg(target_os = "linux")]
#[test]
fn the_lock_file_is_written_after_the_output_is_out() {
    let folder = folder("render-full", MANIFEST);
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    let before = fs::read_to_string(folder.join("xacct.lock.toml")).unwrap();
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}routes = [\"GET /a\"]\n")).unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = crate::command::command(&folder, ["render", "json", "--stage", "stag"]);
    assert_eq!(command.stdout(full).output().unwrap().status.code(), Some(2));
    assert_eq!(fs::read_to_string(folder.join("xacct.lock.toml")).unwrap(), before);
    let there: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(there.len(), 2, "{there:?}");
    let (code, _, stderr) = run(&folder, "render json --stage stag");
    assert!(code == 0 && stderr.contains("warning[role_arn_changed]"), "{stderr}");
}

#[test]
fn an_outdated_lock_file_cannot_be_accepted() {
    let accepted = MANIFEST.replace("[api]\n", "[api]\naccept = { lock_outdated = \"later\" }\n");
    let folder = folder("lock-accepted", &accepted);
    let (code, _, stderr) = run(&folder, "check");
    assert!(code == 2 && stderr.starts_with("error[unknown_finding]"), "{code} {stderr}");
}
