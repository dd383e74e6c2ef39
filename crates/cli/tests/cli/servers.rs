//! Stages that are servers: what is printed of them, and a caller before one at the emulator.

use std::fs;
use std::path::Path;

use serde_json::Value;
use xacct_sign_client::server::{CALLERS_SCHEMA, Callers, Development};

use crate::command::{MANIFEST, command, folder, run, run_words};

const SERVER: &str = r#"[api]
account = "111111111111"
region = "ap-northeast-1"
[identity]
audience = "https://api.example.com"
[stages.stag]
target = "server"
[stages.http]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve", http = "LambdaRoleDeve" }
routes = ["GET /items/1"]
[callers.batch]
account = "222222222222"
roles = { stag = "Batch", http = "Batch" }
[callers.other]
account = "333333333333"
roles = { http = "Other" }
"#;

#[test]
fn render_callers_prints_what_a_verifier_takes_and_writes_nothing() {
    let folder = folder("callers", SERVER);
    for (stage, target) in [("stag", "server"), ("http", "http_api")] {
        let (code, stdout, stderr) = run(&folder, &format!("render callers --stage {stage}"));
        assert_eq!(code, 0, "{stderr}");
        let file: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((file["target"].as_str(), file["stage"].as_str()), (Some(target), Some(stage)));
        assert_eq!(Callers::parse(stdout.as_bytes(), Development::No).unwrap().stage(), stage);
        let is_said = stderr.contains("note[callers_not_told_apart] [stages.http]: callers `batch` and `other` share");
        assert_eq!(is_said, stage == "http", "{stderr}");
        assert_eq!(stderr.is_empty(), stage == "stag", "{stderr}");
    }
    assert!(!folder.join("xacct.lock.toml").exists());
    // Whether or not `check` looks for it: here a verifier is made.
    let usual = format!("{MANIFEST}[callers.batch]\naccount = \"222222222222\"\nroles = {{ stag = \"Batch\" }}\n");
    fs::write(folder.join("xacct.toml"), &usual).unwrap();
    let (_, _, stderr) = run(&folder, "render callers --stage stag");
    assert!(
        stderr.starts_with("xacct.toml:4: note[callers_not_told_apart]") && stderr.contains("  hint: give"),
        "{stderr}"
    );
    assert!(!run(&folder, "check").1.contains("callers_not_told_apart"));
    let accepted = usual.replace("[callers.shop]", "accept = { callers_not_told_apart = \"x\" }\n[callers.shop]");
    fs::write(folder.join("xacct.toml"), accepted).unwrap();
    assert_eq!(run(&folder, "render callers --stage stag").2, "");
    let shared = SERVER.replace("[stages.http]", "[stages.two]\ntarget = \"server\"\n[stages.http]");
    fs::write(folder.join("xacct.toml"), shared).unwrap();
    let (code, _, stderr) = run(&folder, "render callers --stage two");
    assert!(code == 0 && stderr.contains("warning[audience_is_shared] [stages.two]: "), "{stderr}");
}

#[test]
fn no_verifier_is_made_of_what_lets_nobody_in() {
    let folder = folder("callers-refused", &SERVER.replace("[stages.stag]", "regions = []\n[stages.stag]"));
    let (code, stdout, stderr) = run(&folder, "render callers --stage stag");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("error[issuer_missing] [callers.shop]: ") && stderr.contains("error[not_accepted]: "),
        "{stderr}"
    );
}

#[test]
fn whatever_would_be_deployed_of_a_server_is_an_error_that_says_so() {
    let folder = folder("server-nothing", SERVER);
    for words in [
        "render cloudformation",
        "render terraform --import",
        "render json",
        "policy trust",
        "policy invoke",
        "policy resource",
    ] {
        let (code, stdout, stderr) = run(&folder, &format!("{words} --stage stag"));
        assert_eq!((code, stdout.as_str()), (1, ""), "{words}: {stderr}");
        let said = "error[nothing_to_render]: stage `stag` is a server, of which nothing is deployed in AWS\nhint: `xacct-sign render callers --stage stag";
        assert!(stderr.contains(said), "{words}: {stderr}");
    }
    fs::write(folder.join("deployed.json"), "{}").unwrap();
    let (code, stdout, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.starts_with("error[nothing_deployed]: "), "{stderr}");
    assert!(!folder.join("xacct.lock.toml").exists());
}

#[test]
fn the_schema_of_callers_json_is_printed() {
    let folder = folder("callers-schema", MANIFEST);
    assert_eq!(run(&folder, "schema callers"), (0, CALLERS_SCHEMA.to_owned(), String::new()));
    assert_eq!(run(&folder, "schema manifest"), run(&folder, "schema"));
}

#[test]
fn can_and_list_answer_for_a_server() {
    let folder = folder("server-asked", SERVER);
    let can = |caller: &str, call: &str| {
        let (code, stdout, _) = run_words(&folder, &["can", caller, "stag", call]);
        (code, stdout)
    };
    assert_eq!(
        can("shop", "GET /items/1"),
        (0, "yes\n  role: none, the caller shows the server who it is\n".to_owned())
    );
    assert_eq!(can("shop", "GET /"), (1, "no\n  caller `shop` has no such route: the server refuses it\n".to_owned()));
    assert_eq!(can("other", "GET /").0, 1);
    let (_, stdout, _) = run(&folder, "list --json");
    let rows: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    let row = rows.iter().find(|row| row["caller"] == "batch" && row["stage"] == "stag").unwrap();
    assert_eq!((&row["role"], &row["terms"]["audience"]), (&Value::Null, &Value::from("https://api.example.com")));
}

/// The command as a caller of a server's, in a shell.
fn at_server(folder: &Path, caller: &str, script: &str) -> (i32, String, String) {
    let script = script.replace("xacct-sign", env!("CARGO_BIN_EXE_xacct-sign"));
    let words = ["emulator", "--explain", "--as", caller, "--stage", "stag", "--", "sh", "-c", &script];
    let done = command(folder, words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_caller_comes_into_a_server_at_the_emulator_by_token_and_by_proof() {
    // Who sends tokens has an issuer in the manifest, here as where it is deployed.
    let issuer = "issuer = \"https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws\"\n[callers.batch]";
    let folder = folder("server-emulated", &SERVER.replace("[callers.batch]", issuer));
    for proof in ["", " --proof"] {
        let script = format!("xacct-sign call --identity \"$XACCT_AUDIENCE\"{proof} \"$XACCT_URL/items/1\"");
        let (code, stdout, stderr) = at_server(&folder, "shop", &script);
        assert_eq!(code, 0, "{stderr}");
        let answer: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
        assert_eq!(answer["caller"]["name"], "shop");
        assert_eq!(answer["caller"]["via"], if proof.is_empty() { "token" } else { "proof" });
    }
    let (code, _, stderr) =
        at_server(&folder, "shop", "xacct-sign call --fail --identity \"$XACCT_AUDIENCE\" \"$XACCT_URL/admin\"");
    assert_eq!(code, 22, "{stderr}");
    assert!(stderr.contains("route_refused") && stderr.contains(" 403 "), "{stderr}");
    // A signature is no identity, and nobody leads the command elsewhere.
    let (code, stdout, stderr) = at_server(
        &folder,
        "batch",
        "echo \"${XACCT_ROLE_ARN-none} ${XACCT_SERVICE-none}\"; xacct-sign call --fail --region ap-northeast-1 --service execute-api \"$XACCT_URL/\"",
    );
    assert_eq!((code, stdout.lines().next()), (22, Some("none none")), "{stderr}");
    assert!(stderr.contains("authorization_malformed"), "{stderr}");
    let (code, _, stderr) = at_server(&folder, "other", "true");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("stag"), "{stderr}");
}

/// The path of a server's URL is taken away before the server sees it: the note calls below it, `can` and the emulator do not
/// know it, and who asks with it is told.
#[test]
fn routes_of_a_server_are_below_the_path_of_its_url() {
    let text = SERVER.replace("target = \"server\"", "target = \"server\"\nurl = \"https://api.example.com/v1\"");
    let folder = folder("server-below", &text);
    let (code, note, _) = run(&folder, "policy note --caller shop");
    assert_eq!(code, 0);
    assert!(
        note.contains("- URL: `https://api.example.com/v1`") && note.contains("https://api.example.com/v1/items/1")
    );
    let can = |call: &str| run_words(&folder, &["can", "shop", "stag", call]);
    assert_eq!(can("GET /items/1").0, 0);
    let no = |call: &str| {
        let (code, stdout, stderr) = can(call);
        assert!(code == 1 && stdout.starts_with("no\n"), "{stdout}");
        stderr
    };
    let said = "routes are below the path of the stage's URL: did you mean `GET /items/1`?\n";
    assert_eq!(no("GET /v1/items/1?x=1"), said);
    assert_eq!(no("GET /v1"), said.replace("/items/1", "/"));
    assert_eq!(no("GET /v10/items/1"), "");
    assert_eq!(no("GET /items/2"), "");
    let script = "for path in /items/1 /v1/items/1; do
        xacct-sign call -o answer --fail --identity \"$XACCT_AUDIENCE\" --proof \"$XACCT_URL$path\"; echo $?; done";
    let (_, stdout, stderr) = at_server(&folder, "shop", script);
    assert_eq!(stdout, "0\n22\n", "{stderr}");
}
