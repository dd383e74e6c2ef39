//! What the command prints, kept as files beside the tests: a change is seen where it is reviewed.

mod codes;
mod errors;
mod masked;
mod outputs;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::world::{ROLE, Ran, World};
use masked::masked;

/// Set to `write`, it has the files written.
const VARIABLE: &str = "XACCT_SIGN_SNAPSHOTS";

/// The files of what is printed where all goes well.
const OUTPUTS: [&str; 3] = ["outputs-callers", "outputs-providers", "outputs-tries"];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"))
}

/// Fails where a text is not that of the file.
#[track_caller]
fn is_kept(name: &str, text: &str) {
    let path = path(name);
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

/// What commands print, one after the other.
struct Kept<'w> {
    world: &'w World,
    text: String,
    /// What is secret or drawn, and its name.
    known: Vec<(String, &'static str)>,
}

impl<'w> Kept<'w> {
    fn new(world: &'w World) -> Self {
        let ready = world.emulator.ready();
        let keys = &ready.caller("shop", "stag").unwrap().credentials;
        let mut kept = Self { world, text: String::new(), known: Vec::new() };
        kept.hide(keys.session_token().unwrap_or_default(), "OWN-TOKEN");
        kept.hide(keys.secret_access_key(), "OWN-SECRET");
        kept.hide(keys.access_key_id(), "OWN-KEY");
        kept
    }

    /// The same, where a role's credentials are printed, too, all of them those that are in the cache.
    fn with_credentials(world: &'w World) -> Self {
        let mut kept = Self::new(world);
        let credentials = world.run(&["credentials", "--role", ROLE]).json();
        for (field, name) in [("SessionToken", "TOKEN"), ("SecretAccessKey", "SECRET"), ("AccessKeyId", "KEY")] {
            kept.hide(credentials[field].as_str().unwrap(), name);
        }
        kept
    }

    fn hide(&mut self, value: &str, name: &'static str) {
        let in_query: String = value
            .bytes()
            .map(|byte| match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect();
        let end = value.len().saturating_sub(4);
        self.known.extend([value.to_owned(), in_query, format!("…{}", &value[end..])].map(|value| (value, name)));
    }

    /// Runs the command, and keeps what it prints: standard output, standard error, the exit code.
    fn run(&mut self, arguments: &[&str]) {
        self.run_in(&[], arguments);
    }

    /// The same, with variables beside those of the world.
    fn run_in(&mut self, variables: &[(&str, &str)], arguments: &[&str]) {
        let ran = self.world.command(arguments.iter().copied()).envs(variables.iter().copied()).output().unwrap();
        let typed: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        self.add(&format!("{}xacct-sign {}", typed.concat(), arguments.join(" ")), &ran.into());
    }

    fn add(&mut self, typed: &str, ran: &Ran) {
        let is_open = !ran.text().is_empty() && !ran.text().ends_with('\n');
        let between = if is_open { "\n" } else { "" };
        let printed = self.masked(&format!("$ {}\n{}{between}{}", typed.trim_end(), ran.text(), ran.stderr));
        let is_coded = printed.lines().all(|line| !line.starts_with("error:"));
        assert!(is_coded, "an error without a code: {printed}");
        writeln!(self.text, "{}\n= {}\n", printed.trim_end(), ran.code.unwrap()).unwrap();
    }

    /// Runs a command that prints what is long, and has tests of its own: its first lines are kept.
    fn start_of(&mut self, what: &str, arguments: &[&str]) {
        let mut ran = self.world.run(arguments);
        let lines: Vec<&str> = ran.text().lines().collect();
        assert!(lines.len() > 20, "{what} is short: {ran:?}");
        ran.stdout = format!("{}\n[...]\n", lines[..3].join("\n")).into();
        self.add(&format!("xacct-sign {}", arguments.join(" ")), &ran);
    }

    /// A file that a command has written.
    fn file(&mut self, name: &str) {
        let text = fs::read_to_string(self.world.folder.join(name)).unwrap();
        self.say(&format!("cat {name}"), text.trim_end());
    }

    fn say(&mut self, typed: &str, text: &str) {
        let text = self.masked(text);
        writeln!(self.text, "$ {typed}\n{text}\n").unwrap();
    }

    fn masked(&self, text: &str) -> String {
        let text = text.replace(self.world.folder.to_str().unwrap(), "FOLDER");
        masked(&self.known.iter().fold(text, |text, (value, name)| text.replace(value, name)))
    }
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

/// The lines that were typed in a file, with the exit code of each.
fn typed(name: &str) -> Vec<(String, i32)> {
    let text = fs::read_to_string(path(name)).unwrap();
    let mut all: Vec<(String, i32)> = Vec::new();
    for line in text.lines() {
        if let Some((_, line)) = line.strip_prefix("$ ").and_then(|line| line.split_once("xacct-sign")) {
            all.push((line.trim().to_owned(), -1));
        } else if let (Some(code), Some(last)) =
            (line.strip_prefix("= ").and_then(|code| code.parse().ok()), all.last_mut())
        {
            last.1 = code;
        }
    }
    all
}

#[test]
fn every_command_has_what_it_prints_when_it_is_done() {
    let world = World::new("snapshots-commands");
    let all = commands(&world, &[]);
    let is_last =
        |command: &Vec<String>| !all.iter().any(|other| other.len() > command.len() && other.starts_with(command));
    let kept: Vec<(String, i32)> = OUTPUTS.into_iter().flat_map(typed).collect();
    for command in all.iter().filter(|command| is_last(command)) {
        let words = command.join(" ");
        let is_it = |line: &str| line == words || line.starts_with(&format!("{words} "));
        assert!(kept.iter().any(|(line, code)| is_it(line) && *code == 0), "nothing is kept of `{words}`");
    }
}

#[test]
fn every_exit_code_has_what_is_printed_with_it() {
    let docs = include_str!("../../../../docs/command-line.md");
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()?.parse::<i32>().ok());
    // Beside the table, those of programs that are run.
    let documented: BTreeSet<i32> = rows.chain([126, 127]).collect();
    assert!(documented.len() > 20 && docs.contains("127 where there is none and 126 where it cannot be run"));
    let kept: BTreeSet<i32> =
        OUTPUTS.into_iter().chain(["codes", "errors"]).flat_map(typed).map(|(_, code)| code).collect();
    assert_eq!(kept, documented);
}
