//! The emulator while its files change.

use std::fs;
use std::path::Path;

use crate::command::{Emulator, MANIFEST, command, folder};

fn start(folder: &Path) -> (Emulator, serde_json::Value) {
    let mut emulator = Emulator::spawn_command(command(folder, ["emulator", "--json"]));
    let ready = serde_json::from_str(&emulator.line()).unwrap();
    (emulator, ready)
}

#[test]
fn e9_an_edit_counts_without_a_restart() {
    let folder = folder("reload", MANIFEST);
    let (mut emulator, before) = start(&folder);
    // A stage, and a caller.
    let other = "[callers.other]\naccount = \"333333333333\"\nroles = { beta = \"Other\" }\n";
    let more = format!("{MANIFEST}[stages.beta]\napi_id = \"b1b2b3b4b5\"\n{other}");
    fs::write(folder.join("xacct.toml"), more).unwrap();
    assert_eq!(emulator.said("read again"), "`xacct.toml` was read again, and counts from now on\n");
    let after: serde_json::Value = serde_json::from_str(&emulator.line()).unwrap();
    assert_eq!(after["sts_url"], before["sts_url"]);
    assert_eq!(after["stages"]["stag"], before["stages"]["stag"]);
    assert_eq!(after["stages"]["beta"]["api_id"], "b1b2b3b4b5");
    let shop = after["callers"].as_array().unwrap().iter().find(|access| access["caller"] == "shop").unwrap();
    assert_eq!(shop, &before["callers"][0]);
    // What changes nothing that is told is not told again: the next line is about the change after it.
    fs::write(folder.join("xacct.toml"), format!("# a comment\n{MANIFEST}")).unwrap();
    emulator.said("read again");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&emulator.line()).unwrap(), before);
    fs::write(folder.join("xacct.toml"), format!("# another\n# comment\n{MANIFEST}")).unwrap();
    emulator.said("read again");
    assert_eq!(emulator.stop("-TERM"), "");
}

#[test]
fn e9_an_edit_that_is_wrong_is_told_and_changes_nothing() {
    let folder = folder("reload-wrong", MANIFEST);
    let (mut emulator, _) = start(&folder);
    let manifest = folder.join("xacct.toml");
    for (text, error) in [
        (MANIFEST.replace("\"111111111111\"", "1"), "error[invalid_account_id]: xacct.toml:2:11: "),
        (String::new(), "error["),
        ("[api".to_owned(), "error["),
    ] {
        fs::write(&manifest, text).unwrap();
        assert!(emulator.said("error").starts_with(error));
        assert_eq!(emulator.said("still counts"), "`xacct.toml` as it was before still counts\n");
    }
    fs::remove_file(&manifest).unwrap();
    assert!(emulator.said("error").starts_with("error[file_unreadable]: cannot read the manifest `xacct.toml`: "));
    // Put in its place by an editor that writes another file first.
    fs::write(folder.join("new"), MANIFEST).unwrap();
    fs::rename(folder.join("new"), &manifest).unwrap();
    emulator.said("read again");
    assert_eq!(emulator.stop("-INT"), "");
}

#[test]
fn e9_the_other_files_count_too() {
    let folder = folder("reload-others", MANIFEST);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    fs::write(folder.join("shop.json"), policy).unwrap();
    let arguments = ["emulator", "--json", "--caller-policy", "shop=shop.json"];
    let mut emulator = Emulator::spawn_command(command(&folder, arguments));
    emulator.line();
    fs::write(folder.join("shop.json"), "{}").unwrap();
    assert!(
        emulator
            .said("error")
            .starts_with("error[policy_unusable]: a policy of `arn:aws:iam::000000000000:role/LambdaRoleDeve` ")
    );
    fs::write(folder.join("shop.json"), policy).unwrap();
    emulator.said("read again");
    // The lock file beside the manifest.
    fs::write(folder.join("xacct.lock.toml"), "nonsense").unwrap();
    assert!(emulator.said("error").contains("xacct.lock.toml"));
}

#[test]
fn e9_the_file_with_the_environment_follows() {
    let folder = folder("reload-env", MANIFEST);
    let arguments = ["emulator", "--as", "shop", "--stage", "stag", "--env-file", "x.env"];
    let mut emulator = Emulator::spawn_command(command(&folder, arguments));
    let is_said = "The caller's environment is in `x.env`.\n";
    while emulator.line() != is_said {}
    // The caller gets routes, and with them a role of its own.
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}routes = [\"GET /hoge\"]\n")).unwrap();
    emulator.said("read again");
    while emulator.line() != is_said {}
    assert!(fs::read_to_string(folder.join("x.env")).unwrap().contains("role/ApiAllowByIamRoleStagShop\n"));
}
