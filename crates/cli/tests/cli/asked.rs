//! `xacct-sign list`, `can`, `who`, and `check` for programs.

use std::fs;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Command;

use serde_json::{Value, json};

use crate::command::{MANIFEST, folder, run, run_words, sixty_callers};

const ROLE: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";

fn with_routes() -> String {
    format!("{MANIFEST}routes = [\"GET /items/{{id}}\"]\naccept = {{ wildcard_spans_segments = \"it has none\" }}\n")
}

fn code_of(stderr: &str) -> &str {
    stderr.split_once("error[").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(code, _)| code)
}

#[test]
fn list_prints_lines_json_or_markdown() {
    let folder = folder("asked-list", &format!("{MANIFEST}external_id = \"b3c7\"\n"));
    let (code, stdout, stderr) = run(&folder, "list");
    let lines: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(lines[0], ["CALLER", "STAGE", "ROLE", "ROUTES", "TERMS"]);
    assert_eq!(lines[1], ["shop", "stag", ROLE, "every", "route", "external_id", "=", "\"b3c7\""]);
    let (code, stdout, _) = run(&folder, "list --json");
    let expected = json!([
        {"caller": "shop", "stage": "stag", "role": ROLE, "routes": null, "terms": {"external_id": "b3c7"}}
    ]);
    assert_eq!((code, serde_json::from_str::<Value>(&stdout).unwrap()), (0, expected));
    let (code, stdout, _) = run(&folder, "list --markdown");
    let table = format!(
        "| caller | stage | role | routes | terms |\n|---|---|---|---|---|\n| shop | stag | `{ROLE}` | every route | `external_id = \"b3c7\"` |\n"
    );
    assert_eq!((code, stdout), (0, table));
}

#[test]
fn nothing_is_written_to_a_file_named_like_standard_output() {
    let folder = folder("asked-dash", MANIFEST);
    for (arguments, option) in [
        ("list --html -", "--html"),
        ("init --manifest -", "--manifest"),
        ("init --from xacct.toml --manifest -", "--manifest"),
        ("emulator --log -", "--log"),
        ("emulator --as shop --stage stag --env-file -", "--env-file"),
    ] {
        let (code, stdout, stderr) = run(&folder, arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments}: {stderr}");
        let said =
            format!("error[wrong_usage]: `{option}` takes the name of a file, and `-` is none\nhint: name a file");
        assert!(stderr.starts_with(&said), "{arguments}: {stderr}");
    }
    assert!(!folder.join("-").exists());
}

#[test]
fn wrong_usage_of_a_providers_command_is_told_with_code_and_hint() {
    let folder = folder("asked-usage", MANIFEST);
    for arguments in [
        "list --json --markdown",
        "list --html map.html --json",
        "list --stage stag",
        "can shop stag",
        "can shop stag PUT /hoge",
        "who",
        "check --json --format github",
        "check --format gitlab",
        "init --from",
        "render json --stage stag --import",
        "render --import",
        "diff --stage stag",
    ] {
        let (code, stdout, stderr) = run(&folder, arguments);
        assert_eq!((code, stdout.as_str(), code_of(&stderr)), (2, "", "wrong_usage"), "{arguments}: {stderr}");
        assert!(stderr.contains("\nhint: "), "{arguments}: {stderr}");
    }
}

/// `check | head` is no way past a finding.
#[test]
fn a_reader_that_went_away_changes_no_answer() {
    let folder = folder("asked-unread", &format!("{}third_party = true\n", with_routes()));
    let other = MANIFEST.replace("LambdaRoleDeve", "Other");
    fs::write(folder.join("other.toml"), other).unwrap();
    fs::write(folder.join("deployed.json"), run(&folder, "render json --stage stag --manifest other.toml").1).unwrap();
    let commands: [(&[&str], i32); 8] = [
        (&["check"], 1),
        (&["check", "--json"], 1),
        (&["check", "--format", "github"], 1),
        (&["diff", "--stage", "stag", "--deployed", "deployed.json"], 1),
        (&["who", "arn:aws:iam::000000000000:role/Nobody"], 1),
        (&["can", "shop", "stag", "GET /admin"], 1),
        (&["can", "shop", "stag", "GET /items/1"], 0),
        (&["list"], 0),
    ];
    for (arguments, expected) in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = crate::command::command(&folder, arguments.iter().copied());
        let ran = command.stdout(writer).output().unwrap();
        assert_eq!(ran.status.code(), Some(expected), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn can_answers_by_its_exit_code() {
    let folder = folder("asked-can", &with_routes());
    let can = |call: &str| run_words(&folder, &["can", "shop", "stag", call]);
    let api = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default";
    let yes = format!("yes\n  role: {ROLE}Shop\n  action: execute-api:Invoke\n  resource: {api}/GET/items/*\n");
    assert_eq!(can("GET /items/1?x=/admin"), (0, yes, String::new()));
    let no = format!("no\n  the policy of `{ROLE}Shop` lacks execute-api:Invoke on `{api}/GET/admin`\n");
    assert_eq!(can("GET /items/%2e%2e/admin"), (1, no, String::new()));

    let wrong: [(&[&str], &str); 5] = [
        (&["can", "shop", "stag", "FETCH /"], "invalid_call"),
        (&["can", "nobody", "stag", "GET /"], "unknown_caller"),
        (&["can", "shop", "nowhere", "GET /"], "unknown_stage"),
        (&["who", "shop"], "invalid_principal"),
        (&["who", "arn:aws:iam::000000000000:user/jane"], "invalid_principal"),
    ];
    for (arguments, expected) in wrong {
        let (code, stdout, stderr) = run_words(&folder, arguments);
        assert_eq!((code, stdout.as_str(), code_of(&stderr)), (2, "", expected), "{stderr}");
        assert!(stderr.contains("\nhint: "), "{stderr}");
    }
}

/// What limits the roles and was read by nobody is said as the emulator says it; the answer stays what it is.
#[test]
fn can_says_of_a_permissions_boundary_that_it_is_not_known() {
    let arn = "arn:aws:iam::111111111111:policy/Limits";
    let without = folder("asked-can-unbounded", &with_routes());
    let bounded = with_routes().replacen("[api]", &format!("[api]\npermissions_boundary = \"{arn}\""), 1);
    let with = folder("asked-can-bounded", &bounded);
    let can = |folder: &Path, call: &str| run_words(folder, &["can", "shop", "stag", call]);
    let said = format!("the permissions boundary `{arn}` is not known here and limits nobody\n");
    let (code, stdout, _) = can(&without, "GET /items/1");
    assert_eq!(can(&with, "GET /items/1"), (code, stdout, said));
    // A no needs nothing of it.
    assert_eq!(can(&with, "GET /admin"), can(&without, "GET /admin"));
}

/// Who calls as itself has no role that it could limit.
#[test]
fn can_says_nothing_of_a_permissions_boundary_where_there_is_no_role() {
    let arn = "arn:aws:iam::111111111111:policy/Limits";
    let direct = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"\naccess = \"direct\"";
    let text = MANIFEST.replace("api_id = \"f6g7h8i9j0\"", direct);
    let text = text.replacen("[api]", &format!("[api]\npermissions_boundary = \"{arn}\""), 1);
    let folder = folder("asked-can-direct", &text);
    let (code, stdout, stderr) = run_words(&folder, &["can", "shop", "stag", "GET /items/1"]);
    assert!(stdout.contains("role: none, the caller calls as itself"), "{stdout}");
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn who_names_callers_or_nobody() {
    let organization = "[callers.all]\norganization = \"o-a1b2c3d4e5\"\nstages = [\"stag\"]\n";
    let folder = folder("asked-who", &format!("{}{organization}", with_routes()));
    let (code, stdout, stderr) = run(&folder, "who arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/function");
    let both = "all: stag (possible: whoever is in organization o-a1b2c3d4e5)\nshop: stag\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, both, ""));
    let (code, stdout, _) = run(&folder, "who arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStagShop/any");
    assert_eq!((code, stdout.as_str()), (0, "shop: stag\n"));
    let text = with_routes();
    fs::write(folder.join("xacct.toml"), text).unwrap();
    let nobody = run(&folder, "who arn:aws:iam::000000000000:role/other/LambdaRoleDeve");
    assert_eq!(nobody, (1, "nobody\n".to_owned(), String::new()));
}

fn findings(folder: &Path) -> (i32, Vec<Value>, String) {
    let (code, stdout, stderr) = run(folder, "check --json");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report.as_object().unwrap().len(), 1, "{stdout}");
    (code, report["findings"].as_array().unwrap().clone(), stderr)
}

#[test]
fn check_says_its_findings_to_programs() {
    let text = with_routes() + "third_party = true\n";
    let folder = folder("asked-check", &text);
    let (code, found, stderr) = findings(&folder);
    assert_eq!((code, found.len()), (1, 2), "{found:?}");
    let open = found.iter().find(|one| one["code"] == "third_party_without_external_id").unwrap();
    let keys: Vec<&str> = open.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "hint", "level", "line", "message"]);
    assert_eq!((&open["level"], &open["line"]), (&json!("warning"), &json!(6)));
    let accepted = found.iter().find(|one| one["code"] == "wildcard_spans_segments").unwrap();
    assert_eq!(accepted["accepted"], "it has none");
    assert!(stderr.contains("1 finding is not accepted"), "{stderr}");

    fs::write(folder.join("xacct.toml"), with_routes()).unwrap();
    assert_eq!((findings(&folder).0, findings(&folder).1.len()), (0, 1));

    // A manifest's mistakes, and its lock file's.
    fs::write(folder.join("xacct.toml"), text.replace("region", "regoin").replace("GET /items", "FETCH items"))
        .unwrap();
    let (code, found, stderr) = findings(&folder);
    let codes: Vec<&str> = found.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!((code, stderr.as_str()), (2, ""));
    assert_eq!(codes, ["schema", "schema", "invalid_route"]);
    assert!(
        found.iter().all(|one| one["level"] == "error" && one["line"].as_u64() > Some(0) && one["hint"].is_string())
    );
    fs::write(folder.join("xacct.toml"), with_routes()).unwrap();
    fs::write(folder.join("xacct.lock.toml"), "version = 7\n").unwrap();
    let (code, found, _) = findings(&folder);
    assert_eq!((code, &found[0]["code"]), (2, &json!("invalid_lock")));
}

/// As the runner of GitHub reads a line: the command, its properties and its data.
fn read_command(line: &str) -> (String, Vec<(String, String)>, String) {
    let rest = line.strip_prefix("::").unwrap();
    let (head, data) = rest.split_once("::").unwrap();
    let (command, properties) = head.split_once(' ').unwrap();
    let data_of = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    let value = |text: &str| data_of(&text.replace("%3A", ":").replace("%2C", ","));
    let pair = |pair: &str| pair.split_once('=').map(|(key, text)| (key.to_owned(), value(text))).unwrap();
    (command.to_owned(), properties.split(',').map(pair).collect(), data_of(data))
}

#[test]
fn check_annotates_lines_on_github() {
    let text = with_routes().replace("it has none", "100%: no, never") + "third_party = true\n";
    let folder = folder("asked-github", MANIFEST);
    // A name with all that ends a property.
    let name = "a,b:c%d.toml";
    fs::write(folder.join(name), text.clone() + "session_names = [\"shop-*\"]\n").unwrap();
    let (code, stdout, _) = run_words(&folder, &["check", "--format", "github", "--manifest", name]);
    assert_eq!(code, 1);
    let commands: Vec<_> = stdout.lines().map(read_command).collect();
    let property = |index: usize, name: &str| {
        let (_, value) = commands[index].1.iter().find(|(key, _)| key == name).unwrap();
        value.clone()
    };
    assert_eq!(commands.len(), 2, "{stdout}");
    for (index, (command, _, data)) in commands.iter().enumerate() {
        assert_eq!((property(index, "file").as_str(), property(index, "line").as_str()), (name, "6"));
        let (code, accepted) = (property(index, "title"), data.contains("\naccepted: 100%: no, never"));
        let expected = if accepted { "wildcard_spans_segments" } else { "third_party_without_external_id" };
        assert_eq!((code.as_str(), command.as_str()), (expected, if accepted { "notice" } else { "warning" }));
    }

    fs::write(folder.join(name), text.replace("\"f6g7h8i9j0\"", "7")).unwrap();
    let (code, stdout, stderr) = run_words(&folder, &["check", "--format", "github", "--manifest", name]);
    assert_eq!((code, stderr.as_str()), (2, ""));
    assert!(stdout.starts_with("::error file=a%2Cb%3Ac%25d.toml,line=5,title=schema::"), "{stdout}");

    // What hinders nobody.
    let (api, _) = MANIFEST.split_once("[callers").unwrap();
    fs::write(folder.join(name), api.to_owned() + &sixty_callers()).unwrap();
    // So that the lock file says nothing.
    assert_eq!(run_words(&folder, &["render", "json", "--stage", "stag", "--manifest", name]).0, 0);
    let (code, stdout, _) = run_words(&folder, &["check", "--format", "github", "--manifest", name]);
    let notes: Vec<_> = stdout.lines().map(read_command).collect();
    let [(command, properties, _)] = notes.as_slice() else { panic!("{stdout}") };
    assert_eq!((code, command.as_str()), (0, "notice"), "{stdout}");
    assert!(properties.contains(&("title".to_owned(), "roles_split".to_owned())), "{stdout}");
}

/// `no` and `1` must not be what a full disk says.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_said_is_no_answer() {
    use std::fs::OpenOptions;
    use std::process::Stdio;

    let folder = folder("asked-full", &with_routes());
    let deployed = run(&folder, "render json --stage stag").1;
    fs::write(folder.join("deployed.json"), deployed).unwrap();
    let commands: [&[&str]; 14] = [
        &["list"],
        &["list", "--json"],
        &["list", "--markdown"],
        &["can", "shop", "stag", "GET /admin"],
        &["who", "arn:aws:iam::000000000000:role/Nobody"],
        &["check"],
        &["check", "--json"],
        &["check", "--format", "github"],
        &["diff", "--stage", "stag", "--deployed", "deployed.json"],
        &["render", "json", "--stage", "stag"],
        &["render", "terraform", "--stage", "stag", "--import"],
        &["policy", "trust", "--stage", "stag"],
        &["policy", "note", "--caller", "shop"],
        &["schema"],
    ];
    for arguments in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = crate::command::command(&folder, arguments.iter().copied());
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), code_of(&stderr)), (Some(2), "output_unwritable"), "{arguments:?}: {stderr}");
        assert!(stderr.contains("\nhint: "), "{stderr}");
    }
}

#[test]
fn list_writes_the_access_map_in_one_piece_and_through_no_link() {
    let folder = folder("asked-map", &with_routes());
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    fs::write(folder.join("map.html"), "<!DOCTYPE html>old").unwrap();
    // Whoever reads the old one has all of it.
    fs::hard_link(folder.join("map.html"), folder.join("kept.html")).unwrap();
    let (code, stdout, stderr) = run(&folder, "list --html map.html");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "wrote `map.html`\n"));
    assert_eq!(fs::read_to_string(folder.join("kept.html")).unwrap(), "<!DOCTYPE html>old");
    let page = fs::read_to_string(folder.join("map.html")).unwrap();
    assert!(page.starts_with("<!doctype html>\n") && page.contains("0 added, 0 removed, 0 moved."), "{page}");
    for (arguments, expected) in [
        ("list --html nowhere/map.html", "file_unwritable"),
        ("list --html .", "not_a_file"),
        ("init --manifest nowhere/new.toml", "file_unwritable"),
    ] {
        let (code, stdout, stderr) = run(&folder, arguments);
        assert_eq!((code, stdout.as_str(), code_of(&stderr)), (2, "", expected), "{arguments}: {stderr}");
        assert!(stderr.contains("\nhint: "), "{stderr}");
    }
    #[cfg(unix)]
    {
        fs::write(folder.join("other"), "untouched").unwrap();
        std::os::unix::fs::symlink("other", folder.join("link.html")).unwrap();
        let (code, _, stderr) = run(&folder, "list --html link.html");
        assert_eq!((code, code_of(&stderr)), (2, "not_a_file"), "{stderr}");
        assert_eq!(fs::read_to_string(folder.join("other")).unwrap(), "untouched");
    }
}

/// `--html` looks like `--json`, which takes no file.
#[test]
fn the_access_map_takes_the_place_of_a_page_alone() {
    let folder = folder("asked-map-over", &with_routes());
    for (name, text) in [("xacct.toml", with_routes()), ("short", "old".to_owned())] {
        fs::write(folder.join(name), &text).unwrap();
        let (code, stdout, stderr) = run(&folder, &format!("list --html {name}"));
        assert_eq!((code, stdout.as_str(), code_of(&stderr)), (2, "", "file_exists"), "{stderr}");
        assert!(stderr.contains("is no page, and stays\nhint: give another path with `--html`"), "{stderr}");
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text);
    }
    // Of what is empty nothing is lost.
    fs::write(folder.join("empty"), "").unwrap();
    assert_eq!(run(&folder, "list --html empty").0, 0);
    assert!(fs::read_to_string(folder.join("empty")).unwrap().starts_with("<!doctype html>"));
}

/// A pipe is refused and not opened: that would wait for whoever writes into it.
#[cfg(target_os = "linux")]
#[test]
fn the_access_map_waits_for_no_pipe() {
    let folder = folder("asked-map-pipe", &with_routes());
    assert!(Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    let words = ["60", env!("CARGO_BIN_EXE_xacct-sign"), "list", "--html", "pipe"];
    let ran = Command::new("timeout").args(words).current_dir(&folder).output().unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), code_of(&stderr)), (Some(2), "not_a_file"), "{stderr}");
}

/// Of many names an error says the one that was meant, or a few.
#[test]
fn of_many_callers_an_error_names_a_few() {
    let caller = |i: u32| format!("[callers.team-{i}]\naccount = \"{i:012}\"\nroles = {{ stag = \"Batch\" }}\n");
    let (api, _) = MANIFEST.split_once("[callers").unwrap();
    let folder = folder("asked-many", &format!("{api}{}", (10..99).map(caller).collect::<String>()));
    let (code, _, stderr) = run_words(&folder, &["can", "team-6O", "stag", "GET /"]);
    assert_eq!(code, 2);
    assert!(
        stderr.starts_with("error[unknown_caller]: the manifest has no caller `team-6O`; did you mean `team-"),
        "{stderr}"
    );
    let (_, _, stderr) = run_words(&folder, &["can", "shop", "stag", "GET /"]);
    assert!(stderr.contains("; it has team-10, team-11") && stderr.contains(" and 79 more\n"), "{stderr}");
    assert!(stderr.len() < 400, "{stderr}");
}
