//! What every command prints when it has done what it was asked.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use xacct_sign_emulator::Options;

use super::{Kept, is_kept};
use crate::command::{Emulator, MANIFEST};
use crate::server::Server;
use crate::world::{ROLE, Ran, World};

/// A caller who may have tokens, too; the manifest lies in the folder.
fn world(name: &str) -> World {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*" },
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE },
    ]});
    let caller_policies = BTreeMap::from([("shop".to_owned(), policy.to_string())]);
    let world = World::with(name, MANIFEST, Options { caller_policies, explain: true, ..Options::default() });
    fs::write(world.folder.join("xacct.toml"), MANIFEST).unwrap();
    world
}

#[test]
fn a_caller_is_told_what_was_done() {
    let world = world("snapshots-outputs");
    let head = "HTTP/1.1 200 OK\r\nx-one: 1\r\nset-cookie: a=secret\r\ncontent-type: text/plain\r\n";
    let server = Server::answering(format!("{head}content-length: 6\r\nconnection: close\r\n\r\nhello\n"));
    let api = format!("{}/hoge?b=2&a=1", server.url);
    let forbidden = "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: ForbiddenException\r\n\r\n{\"message\":\"Forbidden\"}";
    fs::write(world.folder.join("refused"), forbidden).unwrap();
    let whole = format!("{}/hoge", world.url);
    let mut kept = Kept::with_credentials(&world);

    kept.run(&["--version"]);
    kept.run(&["call", &api]);
    kept.run(&["call", "--include", &api]);
    kept.run(&["call", "--head", &api]);
    kept.run(&["call", "--verbose", "--role", ROLE, "-X", "PUT", "--json", "{\"foo\":\"bar\"}", &api]);
    kept.run(&["call", "--verbose", "--identity", "https://api.example.com", &api]);
    kept.run(&["call", "--output", "answer", &api]);
    kept.file("answer");
    kept.run(&["sign", "--role", ROLE, "-X", "PUT", "-d", "a", "-H", "x-empty;", &api]);
    kept.run(&["sign", "--role", ROLE, "--json", &api]);
    kept.run(&["sign", "--role", ROLE, "--curl", "-d", "it's", &api]);
    kept.run(&["sign", "--role", ROLE, "--canonical", "canonical", "-v", "-o", "file", &server.url]);
    kept.file("canonical");
    kept.run(&["presign", "--role", ROLE, "--expires-in", "1h", "-X", "PUT", "-d", "a", "-H", "a: b", &api]);
    kept.run(&["presign", "-s", &api]);
    for shell in ["sh", "fish", "powershell"] {
        kept.run(&["env", "--role", ROLE, "--shell", shell]);
    }
    kept.run(&["env", "--role", ROLE, "--", "sh", "-c", "echo $AWS_REGION"]);
    kept.run(&["credentials", "--role", ROLE]);
    kept.run(&["whoami"]);
    kept.run(&["whoami", "--role", ROLE]);
    kept.run(&["whoami", "--role", ROLE, "--json"]);
    kept.run(&["token", "https://api.example.com"]);
    kept.run(&["token", "--proof", "https://api.example.com"]);
    kept.run(&["doctor", "--role", ROLE, &whole]);
    kept.run(&["doctor", "--role", ROLE, "--json", &whole]);
    kept.run(&["doctor", "--role", ROLE, "--external-id", "b3c7", &whole]);
    kept.run(&["doctor", "--role", "arn:aws:iam::111111111111:role/Other", &whole]);
    kept.run(&["doctor", "--role", "arn:aws:iam::111111111111:role/Other", "--json", &whole]);
    kept.run(&["explain", "refused"]);
    kept.run(&["explain", "--json", "refused"]);
    kept.run(&["explain", "answer"]);
    kept.run(&["cache", "clear"]);
    kept.run(&["cache", "clear"]);
    is_kept("outputs-callers", &kept.text);
}

#[test]
fn a_provider_is_told_what_was_done() {
    let world = world("snapshots-providers");
    let mut kept = Kept::new(&world);
    for manifest in ["new.toml", "new.toml"] {
        kept.run(&["init", "--manifest", manifest]);
    }
    kept.start_of("schema", &["schema"]);
    kept.run(&["check"]);
    kept.run(&["check", "--json"]);
    kept.run(&["check", "--format", "github"]);
    for document in ["trust", "invoke", "resource"] {
        kept.run(&["policy", document, "--stage", "stag"]);
    }
    kept.run(&["policy", "caller", "--caller", "shop"]);
    kept.run(&["policy", "note", "--caller", "shop"]);
    for format in ["cloudformation", "terraform", "json"] {
        kept.run(&["render", format, "--stage", "stag"]);
    }
    kept.file("xacct.lock.toml");
    for format in ["cloudformation", "terraform"] {
        kept.run(&["render", format, "--stage", "stag", "--import", "--locked"]);
    }
    kept.run(&["list"]);
    kept.run(&["list", "--json"]);
    kept.run(&["list", "--markdown"]);
    kept.run(&["list", "--html", "access.html"]);
    kept.run(&["can", "shop", "stag", "PUT /hoge"]);
    kept.run(&["who", "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop"]);
    kept.run(&["who", "arn:aws:iam::222222222222:role/Other"]);
    let rendered = world.run(&["render", "cloudformation", "--stage", "stag"]).stdout;
    fs::write(world.folder.join("deployed.json"), &rendered).unwrap();
    kept.run(&["diff", "--stage", "stag", "--deployed", "deployed.json"]);
    let other = String::from_utf8(rendered).unwrap().replace("LambdaRoleDeve", "LambdaRoleProd");
    fs::write(world.folder.join("other.json"), other).unwrap();
    kept.run(&["diff", "--stage", "stag", "--deployed", "other.json"]);
    fs::write(world.folder.join("xacct.toml"), format!("{MANIFEST}routes = [\"GET /items/{{id}}\"]\n")).unwrap();
    kept.run(&["check"]);
    kept.run(&["check", "--format", "github"]);
    kept.run(&["can", "shop", "stag", "PUT /hoge"]);
    kept.run(&["render", "json", "--stage", "stag", "--locked"]);
    kept.run(&["render", "callers", "--stage", "stag"]);
    fs::write(world.folder.join("xacct.toml"), "[api]\naccount = 1\nwhat = 2\n").unwrap();
    kept.run(&["check"]);
    is_kept("outputs-providers", &kept.text);
}

#[test]
fn whoever_tries_it_is_told_what_was_done() {
    let world = world("snapshots-tries");
    let mut kept = Kept::new(&world);
    kept.run(&["emulator", "--as", "shop", "--stage", "stag", "--", "sh", "-c", "echo $XACCT_URL $XACCT_ROLE_ARN"]);
    kept.run(&["emulator", "--as", "shop", "--stage", "stag", "--", "sh", "-c", "exit 26"]);
    kept.run(&["emulator", "--as", "nobody", "--stage", "stag", "--", "true"]);
    // Credentials are derived from the manifest: they are the same at every start.
    let ready: Value = serde_json::from_str(&Emulator::spawn(&world.folder, "--json").line()).unwrap();
    for (who, names) in [
        (&ready["callers"][0], ["TOKEN", "SECRET", "KEY"]),
        (&ready["outsider"], ["OUTSIDERS-TOKEN", "OUTSIDERS-SECRET", "OUTSIDERS-KEY"]),
    ] {
        for (field, name) in ["session_token", "secret_access_key", "access_key_id"].into_iter().zip(names) {
            kept.hide(who["credentials"][field].as_str().unwrap(), name);
        }
    }
    let as_caller = "--as shop --stage stag";
    for arguments in ["", "--json", as_caller, &format!("{as_caller} --env-file x.env")] {
        let mut emulator = Emulator::spawn(&world.folder, arguments);
        let printed = emulator.line() + &emulator.stop("-TERM");
        let ran = Ran { code: Some(0), stdout: printed.into(), stderr: String::new() };
        kept.add(&format!("xacct-sign emulator {arguments}"), &ran);
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        kept.start_of(shell, &["completions", shell]);
    }
    kept.run(&["man", "pages"]);
    let mut pages: Vec<String> = fs::read_dir(world.folder.join("pages"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    kept.say("ls pages", &pages.join("\n"));
    is_kept("outputs-tries", &kept.text);
}
