//! What the command prints, kept as files beside the tests: a change is seen where it is reviewed.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::server::Server;
use crate::world::{ROLE, World};

/// Set to `write`, it has the files written.
const VARIABLE: &str = "XACCT_SIGN_SNAPSHOTS";

/// Fails where a text is not that of the file.
#[track_caller]
fn is_kept(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var(VARIABLE).is_ok_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = |text: &str, from: &str| -> Vec<String> {
        text.lines().filter(|line| !from.lines().any(|other| other == *line)).map(str::to_owned).collect()
    };
    assert!(
        kept == text,
        "{} is not what is printed; missing there: {:#?}; too much: {:#?}; `{VARIABLE}=write cargo test --release -p xacct-sign-cli snapshots` writes it anew",
        path.display(),
        differs(text, &kept),
        differs(&kept, text),
    );
}

/// Commands, and commands of these, as help lists them.
fn commands(world: &World, path: &[&str]) -> Vec<Vec<String>> {
    let help = world.run(&[path, &["--help"]].concat());
    let mut all = vec![path.iter().map(|word| (*word).to_owned()).collect()];
    let Some((_, listed)) = help.text().split_once("Commands:\n") else { return all };
    let names = listed.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        all.extend(commands(world, &[path, &[name]].concat()));
    }
    all
}

#[test]
fn every_command_has_its_help() {
    let world = World::new("snapshots-help");
    let mut all = String::new();
    for command in commands(&world, &[]) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = world.run(&[&words[..], &["--help"]].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{words:?}");
        let line = [&["xacct-sign"], &words[..]].concat().join(" ");
        writeln!(all, "$ {line} --help\n{}\n", ran.text().trim_end()).unwrap();
    }
    is_kept("help", &all);
}

#[test]
fn every_error_is_a_line_a_hint_and_an_exit_code() {
    let world = World::new("snapshots-errors");
    let refusing = Server::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 23\r\n\r\n{\"message\":\"Not Found\"}");
    let other = "arn:aws:iam::111111111111:role/Other";
    let api = refusing.url.as_str();
    let cases: Vec<Vec<&str>> = vec![
        vec![],
        vec!["no-such-command"],
        vec!["call"],
        vec!["call", "--no-such-option", api],
        vec!["call", "foo"],
        vec!["call", "http://api.example.com/"],
        vec!["call", "--role", "", api],
        vec!["call", "--role", "ApiAllowByIamRoleStag", api],
        vec!["call", "--role", other, api],
        vec!["call", "--external-id", "ab", api],
        vec!["call", "--region", "us_east_1", api],
        vec!["call", "--tag", "team", "--role", ROLE, api],
        vec!["call", "--duration", "1d", "--role", ROLE, api],
        vec!["call", "--duration", "1m", "--role", ROLE, api],
        vec!["call", "--profile", "", api],
        vec!["call", "--role", " arn:aws:iam::111111111111:role/Other", api],
        vec!["call", "-k", api],
        vec!["call", "--json", "{}", "-d", "a", api],
        vec!["call", "-d", "@missing", api],
        vec!["call", "-H", "no colon", api],
        vec!["call", "-F", "a", api],
        vec!["call", "-F", "a=b", "-d", "c", api],
        vec!["call", "-I", "-d", "a", api],
        vec!["call", "-o", "missing/file", api],
        vec!["call", "--max-time", "soon", api],
        vec!["call", api],
        vec!["call", "--fail", api],
        vec!["call", "http://127.0.0.1:1/"],
        vec!["call", "--region", "eu-west-1", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/"],
        vec!["call", "--profile", "nobody", api],
        vec!["whoami"],
        vec!["whoami", "--profile", "nobody"],
        vec!["credentials"],
        vec!["credentials", "--role", other],
        vec!["env"],
        vec!["env", "--role", ROLE, "--shell", "tcsh"],
        vec!["env", "--role", ROLE, "--", "no-such-program"],
        vec!["sign", "--json", "--curl", api],
        vec!["sign", "--json", "{}", api],
        vec!["sign", "-v", "-o", "file", "--url", api],
        vec!["explain", "missing"],
        vec!["presign", "--expires-in", "8d", api],
        vec!["presign", "--expires-in", "192h", api],
        vec!["completions", "tcsh"],
        vec!["check"],
        vec!["emulator"],
    ];
    let mut all = String::new();
    for arguments in cases {
        let ran = world.run(&arguments);
        let line = [&["xacct-sign"], &arguments[..]].concat().join(" ");
        let text = format!("$ {line}\n{}{}", ran.text(), ran.stderr);
        let text = text.replace(api, "http://127.0.0.1:PORT").replace(world.folder.to_str().unwrap(), "FOLDER");
        let text: Vec<String> = text.lines().map(without_what_changes).collect();
        assert!(text.iter().all(|line| !line.starts_with("error:")), "an error without a code: {text:?}");
        writeln!(all, "{}\n= {}\n", text.join("\n"), ran.code.unwrap()).unwrap();
    }
    is_kept("errors", &all);
}

/// Unique ids are drawn.
fn without_what_changes(line: &str) -> String {
    match line.split_once("user id: ") {
        Some((_, id)) => format!("user id: ID:{}", id.split(':').nth(1).unwrap()),
        None => line.split(" (request id ").next().unwrap().to_owned(),
    }
}
