//! `xacct-sign policy` as a user runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::process::{Command, Output};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/xacct.toml");

fn policy(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xacct-sign")).arg("policy").args(arguments).output().unwrap()
}

fn document(arguments: &[&str]) -> serde_json::Value {
    let output = policy(arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn trust_names_the_callers_role() {
    let trust = document(&["trust", "--manifest", MANIFEST, "--stage", "prod"]);
    assert_eq!(trust["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::000000000000:role/LambdaRoleProd");
    assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRole");
}

#[test]
fn invoke_opens_the_api_of_the_stage() {
    let invoke = document(&["invoke", "--manifest", MANIFEST, "--stage", "stag"]);
    let resource = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*";
    assert_eq!(invoke["Statement"][0]["Resource"], resource);
}

#[test]
fn several_roles_are_an_object_by_arn() {
    let caller = document(&["caller", "--manifest", MANIFEST, "--caller", "shop"]);
    let prod = &caller["arn:aws:iam::000000000000:role/LambdaRoleProd"];
    assert_eq!(prod["Statement"][0]["Resource"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleProd");
    assert_eq!(caller.as_object().unwrap().len(), 2);
}

#[test]
fn an_unknown_name_is_refused_and_the_known_ones_are_named() {
    for arguments in
        [["trust", "--manifest", MANIFEST, "--stage", "x"], ["caller", "--manifest", MANIFEST, "--caller", "x"]]
    {
        let output = policy(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("has no") && text.contains("`x`"), "{text}");
        assert!(text.contains("stag") || text.contains("shop"), "{text}");
        let kind = if arguments[0] == "trust" { "stage" } else { "caller" };
        assert!(text.starts_with(&format!("error[unknown_{kind}]: ")), "{text}");
        assert!(text.contains(&format!("\nhint: give the name of a table `[{kind}s.NAME]`")), "{text}");
    }
}
