//! What is printed for shells and other programs, given to them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use crate::world::{ROLE, Ran, World};

/// Runs a script of bash in the command's environment, with the command on the path, and `ROLE` and `URL`.
fn bash(world: &World, script: &str) -> Ran {
    let program = env!("CARGO_BIN_EXE_xacct-sign");
    let own = world.command([]);
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(&world.folder).stdin(Stdio::null()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let bin = world.folder.join("bin");
    let _ = fs::create_dir(&bin);
    let _ = symlink(program, bin.join("xacct-sign"));
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    command.env("ROLE", ROLE).env("URL", &world.url);
    command.output().unwrap().into()
}

/// The session that an answer of the echo names.
const SESSION: &str = ":assumed-role/ApiAllowByIamRoleStag/xacct-sign";

#[test]
fn a_shell_becomes_the_role_and_other_credentials_are_out_of_its_way() {
    let world = World::new("shell-env");
    let script = "export AWS_PROFILE=other AWS_ROLE_ARN=x AWS_SECURITY_TOKEN=y
        eval \"$(AWS_PROFILE= AWS_ROLE_ARN= xacct-sign env --role $ROLE --region ap-northeast-1)\"
        env | grep -c AWS_SECURITY_TOKEN || true
        echo ${AWS_PROFILE-unset} ${AWS_ROLE_ARN-unset} $AWS_REGION $AWS_DEFAULT_REGION
        xacct-sign whoami --json
        echo $AWS_CREDENTIAL_EXPIRATION";
    let ran = bash(&world, script);
    let lines: Vec<&str> = ran.text().lines().collect();
    assert_eq!(lines[..2], ["0", "unset unset ap-northeast-1 ap-northeast-1"], "{ran:?}");
    assert!(lines[2].contains(SESSION), "{ran:?}");
    assert!(xacct_sign::aws::parse_rfc3339(lines[3]).is_some(), "{ran:?}");

    let run = "AWS_ROLE_ARN=x xacct-sign env --role $ROLE -- sh -c 'echo ${AWS_ROLE_ARN-unset} $AWS_DEFAULT_REGION; xacct-sign call $URL'";
    let ran = bash(&world, run);
    assert!(ran.text().starts_with("unset ap-northeast-1\n{") && ran.text().contains(SESSION), "{ran:?}");
}

#[test]
fn each_shell_has_its_own_words() {
    let world = World::new("shell-words");
    let first = |shell: &str| {
        let ran = world.run(&["env", "--role", ROLE, "--shell", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let names: Vec<String> =
            ran.text().lines().map(|line| line.split(['=', '\'']).next().unwrap().to_owned()).collect();
        (names[0].clone(), names.last().unwrap().clone(), names.len())
    };
    let last = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    assert_eq!(first("sh"), ("export AWS_ACCESS_KEY_ID".to_owned(), format!("unset {last}"), 15));
    assert_eq!(first("fish"), ("set -gx AWS_ACCESS_KEY_ID ".to_owned(), format!("set -e {last}"), 15));
    let remove = format!("Remove-Item Env:{last} -ErrorAction Ignore");
    let (set, removed, count) = first("powershell");
    assert_eq!((set.as_str(), removed, count), ("$Env:AWS_ACCESS_KEY_ID ", remove, 15));
}

#[test]
fn a_signed_request_is_sent_by_curl() {
    let world = World::new("shell-sign");
    fs::write(world.folder.join("b'o\"dy"), "a\r\nb").unwrap();
    for line in [
        "xacct-sign sign --role $ROLE $URL/a?b=c | curl -sf -H @- $URL/a?b=c",
        "xacct-sign sign --role $ROLE --curl -X PUT -d @- -H 'content-type: a/b' $URL/it\\'s?x=y+z <<<'in\"put' | sh -s 2>/dev/null",
        "xacct-sign sign --role $ROLE --curl --data-binary \"@b'o\\\"dy\" $URL/'[1-9]{a,b}' | sh 2>/dev/null",
        "xacct-sign sign --role $ROLE --curl -H 'x-empty;' -H 'x-quote: \"a\\b\"  \\t' -X POST \"$URL/a//b/%2e\" | sh 2>/dev/null",
        "xacct-sign sign --role $ROLE --curl -F a=b -F 'c=\"d;e\"' \"$URL/ü\" | sh 2>/dev/null",
        "xacct-sign sign --role $ROLE --curl -X delete -H 'content-type:' -d 'a\nb' $URL | sh 2>/dev/null",
        "curl -sf \"$(xacct-sign presign --role $ROLE --expires-in 1m $URL/a?b=c 2>/dev/null)\"",
        "curl -sf -X PUT -H 'a: b' \"$(xacct-sign presign --role $ROLE -X PUT -H 'a: b' $URL/a 2>/dev/null)\"",
    ] {
        let ran = bash(&world, line);
        assert!(ran.text().contains(SESSION), "{line}: {ran:?}; {:?}", world.emulator.log().last());
    }
    let ran = bash(&world, "xacct-sign sign --role $ROLE --curl -X HEAD $URL | sh 2>/dev/null");
    assert!(ran.text().starts_with("HTTP/1.1 200 OK\r\n"), "{ran:?}");
    // No secret is an argument: `printf` is the shell's own, and curl's are these.
    let ran = bash(&world, "xacct-sign sign --role $ROLE --curl $URL");
    assert!(ran.text().starts_with("printf '%s\\n' ") && ran.text().ends_with(" | curl --config -\n"), "{ran:?}");
}

#[test]
fn a_body_that_no_line_holds_is_refused_and_the_way_out_is_said() {
    let world = World::new("shell-sign-body");
    let ran = bash(&world, "printf 'a\\0b' | xacct-sign sign --role $ROLE --curl --data-binary @- $URL");
    assert_eq!(ran.code, Some(26));
    assert_eq!(
        ran.stderr,
        "error[invalid_body]: `--curl` cannot write down a body that is no text\n\
         hint: give it as a file: `--data-binary @FILE`\n"
    );
}

#[test]
fn what_is_signed_can_be_read_by_machines() {
    let world = World::new("shell-sign-json");
    let url = format!("{}/a?z=1&b=x+y", world.url);
    let ran =
        world.run(&["sign", "--role", ROLE, "--json", "-X", "put", "-d", "a", "-H", "X-A: 1", "-H", "x-a: 2", &url]);
    let signed = ran.json();
    assert_eq!(signed["method"], "PUT");
    assert_eq!(signed["url"], format!("{}/a?b=x%20y&z=1", world.url));
    assert_eq!(signed["headers"]["x-a"], "1,2");
    let names: Vec<&String> = signed["headers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["authorization", "content-type", "x-a", "x-amz-date", "x-amz-security-token"]);
    // In lines, the form that was signed is said.
    let ran = world.run(&["sign", "--role", ROLE, &url]);
    assert_eq!(ran.stderr, format!("send it to this form of the URL: {}/a?b=x%20y&z=1\n", world.url));
}

#[test]
fn a_presigned_url_is_said_to_end_with_its_credentials() {
    let world = World::new("shell-presign");
    let ran = world.run(&["presign", "--role", ROLE, "--expires-in", "12h", "-X", "PUT", "-H", "a: b", &world.url]);
    assert!(ran.text().contains("&X-Amz-Expires=43200&"), "{ran:?}");
    let notes: Vec<&str> = ran.stderr.lines().collect();
    assert!(notes[0].starts_with("it ends with the credentials, in 3"), "{ran:?}");
    assert_eq!(notes[1..], ["it wants the same headers when it is used: a", "it is for PUT alone"]);
    for (time, code) in [
        ("8d", "error[wrong_usage]: invalid value"),
        ("0", "error[invalid_expires_in]: "),
        ("200h", "error[invalid_expires_in]: "),
    ] {
        let ran = world.run(&["presign", "--role", ROLE, "--expires-in", time, &world.url]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.starts_with(code), "{time}: {ran:?}");
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let world = World::new("shell-completions");
    let script = "source <(xacct-sign completions bash)
        complete=$(complete -p xacct-sign | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=(xacct-sign call --ro) COMP_CWORD=2
        $complete xacct-sign --ro call
        echo ${COMPREPLY[*]}
        COMP_WORDS=(xacct-sign w) COMP_CWORD=1
        $complete xacct-sign w xacct-sign
        echo ${COMPREPLY[*]}";
    let ran = bash(&world, script);
    assert_eq!(ran.text(), "--role\nwhoami who\n", "{ran:?}");
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let ran = world.run(&["completions", shell]);
        assert!(ran.code == Some(0) && ran.text().contains("whoami"), "{shell}: {ran:?}");
    }
    assert_eq!(world.run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let world = World::new("shell-man");
    let ran = world.run(&["man", "pages/man1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let help = world.run(&["--help"]);
    let (_, commands) = help.text().split_once("Commands:\n").unwrap();
    let commands =
        commands.lines().take_while(|line| !line.is_empty()).map(|line| line.split_whitespace().next().unwrap());
    for command in commands.filter(|command| *command != "help") {
        let page = fs::read_to_string(world.folder.join(format!("pages/man1/xacct-sign-{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{command}");
    }
    fs::write(world.folder.join("file"), "").unwrap();
    let ran = world.run(&["man", "file/man1"]);
    assert_eq!(ran.code, Some(23));
    assert!(ran.stderr.starts_with("error[file_unwritable]: cannot write `file/man1`: "), "{ran:?}");
}

/// Each command of the page runs as it stands: only the API's address and what the page speaks of are put there.
#[test]
fn the_commands_of_the_documentation_run() {
    let world = World::new("shell-documents");
    let page = include_str!("../../../../docs/command-line.md");
    let blocks: Vec<&str> = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 9);
    fs::write(world.folder.join("report.pdf"), "%PDF").unwrap();
    let program = world.folder.join("program");
    fs::write(&program, "#!/bin/sh\nexec xacct-sign whoami --json >>ran\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let completions = world.folder.join("home/.local/share/bash-completion/completions");
    fs::create_dir_all(&completions).unwrap();
    for block in blocks {
        let script = block.replace("https://server.stag.foo.example.com", &world.url);
        let ran = bash(&world, &format!("producer() {{ echo '[1]'; }}\n{script}"));
        assert_eq!(ran.code, Some(0), "{script}: {ran:?}");
    }
    let refused = world.emulator.log().iter().filter(|entry| entry.reason.is_some()).count();
    assert_eq!(refused, 0, "{:?}", world.emulator.log());
    assert!(fs::read_to_string(world.folder.join("ran")).unwrap().contains(SESSION));
    assert!(
        completions.join("xacct-sign").exists()
            && world.folder.join("home/.local/share/man/man1/xacct-sign.1").exists()
    );
}

#[test]
fn a_presigned_url_serves_the_request_that_it_was_made_for() {
    let world = World::new("shell-presign-body");
    let script = "url=$(xacct-sign presign --role $ROLE -X PUT --data-binary '{\"a\":1}' -H 'content-type: text/plain' $URL/hoge)
        for body in '{\"a\":1}' '{\"a\":2}' ''; do
            curl -s -o /dev/null -w '%{http_code} ' -X PUT -H 'content-type: text/plain' -d \"$body\" \"$url\"
        done";
    let ran = bash(&world, script);
    assert_eq!(ran.text(), "200 403 403 ", "{ran:?}");
    for part in ["it is for PUT alone\n", "it wants the same headers when it is used: content-type\n"] {
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    assert!(ran.stderr.contains("it is for the body that was given alone, to its last byte\n"), "{ran:?}");
    let without = world.run(&["presign", "--role", ROLE, &world.url]);
    assert!(!without.stderr.contains("body"), "{without:?}");
    // S3 knows no body in a URL's signature.
    let bucket = "https://uploads.s3.ap-northeast-1.amazonaws.com/key";
    for (rest, is_said) in [(&["-X", "PUT"][..], true), (&["-X", "PUT", "-d", "x"], true), (&[], false)] {
        let ran = world.run(&[&["presign", "--role", ROLE, "--service", "s3"], rest, &[bucket]].concat());
        assert_eq!((ran.code, ran.stderr.contains("it is for any body: ")), (Some(0), is_said), "{ran:?}");
        assert!(!ran.stderr.contains("alone, to its last byte"), "{ran:?}");
    }
}

/// A signature in a query is no part of what is signed, whoever made it.
#[test]
fn a_presigned_url_is_signed_anew() {
    let world = World::new("shell-presign-again");
    let script = "url=$(xacct-sign presign --role $ROLE --expires-in 1m \"$URL/hoge?a=b\" 2>/dev/null)
        again=$(xacct-sign presign --role $ROLE --expires-in 5m \"$url\" 2>/dev/null)
        echo \"$again\" | grep -o 'X-Amz-[A-Za-z]*=' | sort | uniq -d
        echo \"$again\" | grep -o 'Expires=[0-9]*'
        curl -sf \"$again\"";
    let ran = bash(&world, script);
    let (expires, answer) = ran.text().split_once('\n').unwrap();
    assert_eq!((expires, answer.contains(SESSION)), ("Expires=300", true), "{ran:?}");
}

/// As `--output` has it; but for who may read it.
#[test]
fn a_link_leads_to_where_the_canonical_request_is_written() {
    let world = World::new("shell-canonical-link");
    fs::create_dir(world.folder.join("elsewhere")).unwrap();
    fs::write(world.folder.join("elsewhere/file"), "what anybody may read").unwrap();
    symlink("elsewhere/file", world.folder.join("link")).unwrap();
    for arguments in [&["sign", "--canonical", "link", &world.url][..], &["call", "-o", "link", &world.url]] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(fs::read_link(world.folder.join("link")).unwrap().to_str(), Some("elsewhere/file"));
        assert_eq!(fs::metadata(world.folder.join("link")).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(world.folder.join("elsewhere/file")).unwrap();
        let is_canonical = text.starts_with("GET\n/\n");
        assert_eq!(is_canonical, arguments[0] == "sign", "{text}");
    }
    assert_eq!(fs::read_dir(world.folder.join("elsewhere")).unwrap().count(), 1);
}

#[test]
fn the_canonical_request_that_sign_writes_is_the_one_that_explain_compares() {
    let world = World::new("shell-canonical");
    fs::write(world.folder.join("canonical"), "what anybody may read").unwrap();
    let script = "xacct-sign sign --role $ROLE --canonical canonical $URL/hoge >headers
        curl -s -H @headers $URL/elsewhere";
    let ran = bash(&world, script);
    assert_eq!(ran.json()["message"], "Forbidden", "{ran:?}");
    let path = world.folder.join("canonical");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let headers = fs::read_to_string(world.folder.join("headers")).unwrap();
    let token = headers.lines().find_map(|line| line.strip_prefix("x-amz-security-token: ")).unwrap();
    // What a REST API would say is what the emulator has computed, but for the token, which the log hides.
    let log = world.emulator.log();
    let computed = log.last().unwrap().computed.as_ref().unwrap();
    let hidden = format!("[redacted, {} bytes]", token.len());
    assert!(computed.canonical_request.contains(&hidden), "{computed:?}");
    let sentence = "The request signature we calculated does not match the signature you provided.";
    let body = format!(
        "{sentence}\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{}'\n",
        computed.canonical_request.replace(&hidden, token),
        computed.string_to_sign
    );
    fs::write(world.folder.join("answer"), serde_json::json!({ "message": body }).to_string()).unwrap();
    let explained = world.run(&["explain", "--canonical", "canonical", "--json", "answer"]);
    let findings = explained.json()["findings"].clone();
    assert_eq!(
        (&findings[0]["code"], findings.as_array().unwrap().len()),
        (&"path_changed".into(), 1),
        "{explained:?}"
    );
    assert!(findings[0]["reason"].as_str().unwrap().contains("/elsewhere"), "{explained:?}");
    assert!(!explained.text().contains(token), "the token is shown");
}
