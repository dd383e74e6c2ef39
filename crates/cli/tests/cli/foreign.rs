//! Text from outside on a terminal: it stays on its line and does nothing.

use std::fs;
use std::path::Path;

#[cfg(unix)]
use crate::command::Emulator;
use crate::command::{MANIFEST, folder, run, run_words};

/// Takes the line away, begins another, and turns what follows around.
const FOREIGN: &str = "x\u{1b}[2K\r\nFORGED\u{9b}1A\u{202e}\u{2028}\u{200b}y";
/// The same in the quotes of TOML and of JSON.
const IN_QUOTES: &str = r"x\u001b[2K\r\nFORGED\u009b1A\u202e\u2028\u200by";
/// Fails where a text that was printed does something.
fn assert_harmless(text: &str, what: &str) {
    let is_harmless = |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{2028}\u{200b}".contains(c));
    assert!(text.chars().all(is_harmless), "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{what}: {text}");
}

/// Runs a command that shows the foreign text.
fn shows(folder: &Path, arguments: &[&str]) {
    let (_, stdout, stderr) = run_words(folder, arguments);
    let text = format!("{stdout}{stderr}");
    assert_harmless(&text, &format!("{arguments:?}"));
    // A text that is put on one line has a space for each line break.
    assert!(text.contains(r"FORGED\u{9b}1A\u{202e}"), "{arguments:?}: {text}");
}

#[test]
fn t1_foreign_text_in_arguments_is_escaped() {
    let folder = folder("foreign-arguments", MANIFEST);
    let option = format!("--{FOREIGN}");
    let pair = format!("{FOREIGN}={FOREIGN}");
    for arguments in [
        &[FOREIGN][..],
        &["policy", FOREIGN],
        &["render", FOREIGN],
        &["check", &option],
        &["schema", FOREIGN],
        &["check", "--manifest", FOREIGN],
        &["policy", "trust", "--stage", "stag", "--manifest", FOREIGN],
        &["policy", "trust", "--stage", FOREIGN],
        &["policy", "invoke", "--stage", FOREIGN],
        &["policy", "caller", "--caller", FOREIGN],
        &["policy", "note", "--caller", FOREIGN],
        &["render", "cloudformation", "--stage", FOREIGN],
        &["render", "json", "--stage", "stag", "--manifest", FOREIGN],
        &["diff", "--stage", FOREIGN, "--deployed", "xacct.toml"],
        &["diff", "--stage", "stag", "--deployed", FOREIGN],
        &["init", "--account", FOREIGN],
        &["init", "--region", FOREIGN],
        &["emulator", "--manifest", FOREIGN],
        &["emulator", "--template", FOREIGN],
        &["emulator", "--port", FOREIGN],
        &["emulator", "--caller-policy", FOREIGN],
        &["emulator", "--caller-policy", &format!("{FOREIGN}=xacct.toml")],
        &["emulator", "--organization", &pair],
        &["emulator", "--upstream", FOREIGN],
        &["emulator", "--credential-lifetime", FOREIGN],
        &["emulator", "--allow-origin", FOREIGN],
        &["init", "--manifest", FOREIGN],
        &["call", FOREIGN],
        &["call", &option, "http://127.0.0.1:1/"],
        &["call", "--role", FOREIGN, "http://127.0.0.1:1/"],
        &["call", "--region", FOREIGN, "http://127.0.0.1:1/"],
        &["call", "-d", &format!("@missing/{FOREIGN}"), "http://127.0.0.1:1/"],
        &["call", "-F", &format!("a=@missing/{FOREIGN}"), "http://127.0.0.1:1/"],
        &["call", "--region", "us-east-1", "--profile", FOREIGN, "http://127.0.0.1:1/"],
        &["whoami", "--region", "us-east-1", "--profile", FOREIGN],
        &["credentials", "--role", FOREIGN],
        &["env", "--role", FOREIGN],
        &["env", "--role", "arn:aws:iam::111111111111:role/X", "--shell", FOREIGN],
        &["sign", FOREIGN],
        &["presign", "--expires-in", FOREIGN, "http://127.0.0.1:1/"],
        &["completions", FOREIGN],
        &["man", &format!("xacct.toml/{FOREIGN}")],
    ] {
        shows(&folder, arguments);
    }
    // `init` has written it: now there is something to be made beside it.
    shows(&folder, &["render", "json", "--stage", "stag", "--manifest", FOREIGN]);
}

#[test]
fn t1_foreign_text_in_files_is_escaped() {
    let folder = folder("foreign-files", MANIFEST);
    let is_refused = |text: String| {
        fs::write(folder.join("xacct.toml"), text).unwrap();
        for command in ["check", "policy trust --stage stag", "render json --stage stag", "emulator"] {
            shows(&folder, &command.split(' ').collect::<Vec<_>>());
        }
    };
    for (there, foreign) in [
        ("ap-northeast-1", IN_QUOTES),
        ("111111111111", IN_QUOTES),
        ("LambdaRoleDeve", IN_QUOTES),
        ("f6g7h8i9j0", IN_QUOTES),
        ("stages.stag", &format!("stages.\"{IN_QUOTES}\"")),
        ("callers.shop", &format!("callers.\"{IN_QUOTES}\"")),
        ("account", &format!("\"{IN_QUOTES}\"")),
    ] {
        is_refused(MANIFEST.replacen(there, foreign, 1));
    }
    for line in [
        format!("external_id = \"{IN_QUOTES}\""),
        format!("session_names = [\"{IN_QUOTES}\"]"),
        format!("tags = [\"{IN_QUOTES}\"]"),
        format!("source_identity = [\"{IN_QUOTES}\"]"),
        format!("trust = \"{IN_QUOTES}\""),
        format!("routes = [\"{IN_QUOTES} /x\"]"),
        format!("routes = [\"GET /{IN_QUOTES}\"]"),
        format!("accept = {{ \"{IN_QUOTES}\" = \"x\" }}"),
    ] {
        is_refused(format!("{MANIFEST}{line}\n"));
    }
    let accepted = format!("{MANIFEST}third_party = true\naccept.third_party_without_external_id = \"{IN_QUOTES}\"\n");
    fs::write(folder.join("xacct.toml"), accepted).unwrap();
    shows(&folder, &["check"]);

    fs::write(folder.join("xacct.lock.toml"), format!("version = 1\n[stages.\"{IN_QUOTES}\"]\nshop = 1\n")).unwrap();
    shows(&folder, &["check"]);
    fs::remove_file(folder.join("xacct.lock.toml")).unwrap();

    let (_, trust, _) = run(&folder, "policy trust --stage stag");
    let somebody = format!("arn:aws:iam::000000000000:role/{IN_QUOTES}");
    fs::write(folder.join("deployed.json"), trust.replace("arn:aws:iam::000000000000:role/LambdaRoleDeve", &somebody))
        .unwrap();
    let (_, stdout, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_harmless(&format!("{stdout}{stderr}"), "diff");
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(
        folder.join("deployed.json"),
        template.replace("ApiAllowByIamRoleStag\"", &format!("ApiAllowByIamRoleStag{IN_QUOTES}\"")),
    )
    .unwrap();
    shows(&folder, &["diff", "--stage", "stag", "--deployed", "deployed.json"]);
}

#[cfg(unix)]
#[test]
fn t1_a_template_puts_no_line_into_the_banner() {
    let folder = folder("foreign-banner", MANIFEST);
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    for (name, foreign) in [
        ("ApiAllowByIamRoleStag\"", format!("ApiAllow{IN_QUOTES};touch pwned\"")),
        ("role/LambdaRoleDeve", format!("role/Lambda{IN_QUOTES};touch pwned")),
        ("\"Stage\": \"stag\"", format!("\"Stage\": \"{IN_QUOTES};touch pwned\"")),
    ] {
        let changed = template.replace(name, &foreign);
        assert_ne!(changed, template);
        fs::write(folder.join("roles.json"), changed).unwrap();
        let mut emulator = Emulator::spawn(&folder, "--template roles.json");
        let mut banner = String::new();
        // The last lines are the outsider's.
        while !banner.contains("nobody trusts") || !banner.lines().last().unwrap().contains("TOKEN") {
            let Some(line) = emulator.line_if_any() else { break };
            banner.push_str(&line);
        }
        assert_harmless(&banner, name);
        if banner.is_empty() {
            // It is no name that a role or a stage may have, which is said.
            shows(&folder, &["emulator", "--template", "roles.json"]);
            continue;
        }
        // A trust policy that IAM would refuse names no caller. Also where `#` begins no comment, as in an interactive zsh, nothing is run.
        for line in banner.lines().filter(|line| line.contains("FORGED")) {
            let typed = format!(": {}\n", line.replace(['#', '(', ')'], ""));
            let done = std::process::Command::new("sh").args(["-c", &typed]).current_dir(&folder).status().unwrap();
            assert!(done.success(), "{line}");
        }
        assert!(!folder.join("pwned").exists(), "{banner}");
    }
}
