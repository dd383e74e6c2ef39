//! `xacct-sign policy note`: its snippets are run, by stand-ins for what they call that write down how they are called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::{Value, json};

use crate::command::{MANIFEST, folder, run};

/// The note as a reader of Markdown sees it.
struct Note {
    /// The texts of its code spans.
    spans: Vec<String>,
    /// Languages and lines of its blocks.
    blocks: Vec<(String, String)>,
}

impl Note {
    /// The note for `shop`, whose table ends in these lines.
    fn of(folder: &Path, lines: &str) -> Self {
        Self::of_manifest(folder, &format!("{MANIFEST}{lines}"))
    }

    fn of_manifest(folder: &Path, manifest: &str) -> Self {
        fs::write(folder.join("xacct.toml"), manifest).unwrap();
        let (code, text, stderr) = run(folder, "policy note --caller shop");
        assert_eq!(code, 0, "{stderr}");
        let (mut note, mut open) = (Self { spans: Vec::new(), blocks: Vec::new() }, false);
        for event in Parser::new(&text) {
            assert!(!matches!(event, Event::Html(_) | Event::InlineHtml(_)), "HTML in {text}");
            match event {
                Event::Code(code) => note.spans.push(code.to_string()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    note.blocks.push((language.to_string(), String::new()));
                    open = true;
                }
                Event::End(TagEnd::CodeBlock) => open = false,
                Event::Text(line) if open => note.blocks.last_mut().unwrap().1.push_str(&line),
                _ => {}
            }
        }
        note
    }

    fn block(&self, language: &str) -> &str {
        &self.blocks.iter().find(|(known, _)| known == language).unwrap().1
    }

    /// The call with the command `xacct-sign`.
    fn command(&self) -> &str {
        &self.blocks.iter().find(|(_, lines)| lines.starts_with("xacct-sign call ")).unwrap().1
    }
}

/// A folder with stand-ins for the packages, the AWS CLI and curl. Each writes its calls into `calls`, a line of JSON each.
fn stand_ins(name: &str) -> PathBuf {
    let folder = folder(name, MANIFEST);
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write(
        "xacct_sign.py",
        "import json, sys, types
def note(*call):
    open('calls', 'a').write(json.dumps(call) + '\\n')
def DefaultCredentials():
    note('own')
def AssumeRole(arn, **options):
    note('role', dict(options, arn=arn))
class Session:
    def __init__(self, role=None, *, base_url, credentials=None):
        self.base_url = base_url
    def __getattr__(self, method):
        def call(path, **options):
            note(method.upper(), self.base_url + path, options)
            return types.SimpleNamespace(status_code=200)
        return call
def IdentityToken(audience, *, base, **options):
    note('token', dict(options, audience=audience))
def IdentityProof(audience, *, base, region):
    note('proof', dict(region=region, audience=audience))
sys.modules['xacct_sign.requests'] = requests = types.ModuleType('requests')
requests.IdentityAuth = lambda identity: 'auth'
",
    );
    write(
        "requests.py",
        "import types, xacct_sign
def __getattr__(method):
    def call(url, **options):
        assert options.pop('auth') == 'auth' and options.pop('timeout')
        xacct_sign.note(method.upper(), url, options)
        return types.SimpleNamespace(status_code=200)
    return call
",
    );
    let exports = r#"{ "type": "module", "exports": { ".": "./index.js", "./identity": "./identity.js" } }"#;
    write("node_modules/xacct-sign/package.json", exports);
    write(
        "node_modules/xacct-sign/identity.js",
        r#"import { appendFileSync } from "node:fs";
export const identityToken = (options) => (appendFileSync("calls", JSON.stringify(["token", options]) + "\n"), "identity");
export const identityProof = (options) => (appendFileSync("calls", JSON.stringify(["proof", options]) + "\n"), "identity");
"#,
    );
    write(
        "node_modules/xacct-sign/index.js",
        r#"import { appendFileSync } from "node:fs";
const note = (...call) => appendFileSync("calls", JSON.stringify(call) + "\n");
export const fromEnv = () => "own";
export function createFetch({ roleArn, ...options }) {
  if (options.identity !== "identity") note(roleArn ? "role" : options.credentials, { ...options, arn: roleArn });
  return async (url, { method = "GET", ...rest } = {}) => (note(method, url, rest), { status: 200 });
}
"#,
    );
    // Not by way of what finds the right Python, which takes its time.
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap().stdout;
    let program = format!(
        "#!{}
import json, sys
name = sys.argv[0].rsplit('/', 1)[-1]
typed = sys.stdin.read() if '--config' in sys.argv else ''
open('calls', 'a').write(json.dumps([name, sys.argv[1:], typed]) + '\\n')
if sys.argv[1:3] == ['configure', 'export-credentials']:
    for key, value in dict(ACCESS_KEY_ID='ASIAKEY', SECRET_ACCESS_KEY='the/secret+key', SESSION_TOKEN='the/session+token==').items():
        print('AWS_' + key + '=' + value)
elif sys.argv[1:3] == ['sts', 'get-web-identity-token'] or sys.argv[1:2] == ['token']:
    print('the.token')
elif name == 'aws':
    print('ASIAKEY', 'the/secret+key', 'the/session+token==', sep='\\t')
",
        String::from_utf8(python).unwrap().trim()
    );
    write("bin/aws", &program);
    write("bin/curl", &program);
    write("bin/xacct-sign", &program);
    folder
}

/// What was called when the snippet ran.
fn calls(folder: &Path, program: &str, snippet: &str) -> Vec<Value> {
    let _ = fs::remove_file(folder.join("calls"));
    let file = if program == "node" { "snippet.mjs" } else { "snippet" };
    fs::write(folder.join(file), snippet).unwrap();
    let path = std::env::var("PATH").unwrap();
    let done = Command::new(program)
        .arg(file)
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("PYTHONPATH", folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program}: {stderr}{snippet}");
    assert!(!folder.join("pwned").exists(), "{program}: {snippet}");
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    calls.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The value of an option in the arguments of a program.
fn option(call: &Value, name: &str) -> String {
    let words = call[1].as_array().unwrap();
    let at = words.iter().position(|word| word == name).unwrap();
    words[at + 1].as_str().unwrap().to_owned()
}

#[test]
fn r5_values_are_quoted_in_every_language() {
    let folder = stand_ins("hostile");
    let origin = "https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com";
    for (method, path, external_id) in [
        ("GET", "/x';touch$IFS''pwned;'", "--profile=other"),
        ("GET", "/$(touch$IFS''pwned)", "file:///etc/hostname"),
        ("POST", "/x&&touch$IFS''pwned&", "@b3c7"),
        ("GET", "/'+(import('node:fs').writeFileSync('pwned','').x)+'", "--query"),
        ("DELETE", "/'+open('pwned','w').name+'", "https://example.com/"),
        ("GET", "/!x;!!$'~$HOME", "-x"),
    ] {
        let note = Note::of(
            &folder,
            &format!("routes = [\"{method} {path}\"]\nexternal_id = \"{external_id}\"\nsession_names = [\"-=*\"]\n"),
        );
        let url = format!("{origin}{path}");
        for value in [format!("{method} {path}").as_str(), external_id, "-=*", origin] {
            assert!(note.spans.iter().any(|span| span == value), "{value} is not in {:?}", note.spans);
        }
        let arn = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop";
        for (program, language, id, name) in
            [("python3", "python", "external_id", "session_name"), ("node", "js", "externalId", "sessionName")]
        {
            let called = calls(&folder, program, note.block(language));
            assert_eq!(called[0][1], json!({ "arn": arn, "region": "ap-northeast-1", id: external_id, name: "-=" }));
            assert_eq!((&called[1][0], &called[1][1]), (&json!(method), &json!(url)), "{program}");
            assert_eq!(called.len(), 2);
        }
        for program in ["sh", "bash"] {
            let called = calls(&folder, program, note.block("sh"));
            let parameters: Value = serde_json::from_str(&option(&called[0], "--cli-input-json")).unwrap();
            assert_eq!(parameters, json!({ "RoleArn": arn, "RoleSessionName": "-=", "ExternalId": external_id }));
            assert_eq!(called[1][1].as_array().unwrap().last().unwrap(), &json!(url));
            assert_eq!(called.len(), 2);
            let called = calls(&folder, program, note.command());
            let words = called[0][1].as_array().unwrap();
            let value = |name: &str| words.iter().find_map(|word| word.as_str().unwrap().strip_prefix(name)).unwrap();
            assert_eq!((value("--role="), value("--external-id=")), (arn, external_id));
            assert_eq!((value("--session-name="), value("--region=")), ("-=", "ap-northeast-1"));
            assert_eq!((words.last().unwrap(), called.len()), (&json!(url), 1));
        }
    }
}

/// The stand-in does not know what the command takes.
#[test]
fn the_call_of_the_command_is_one_that_it_takes() {
    let folder = stand_ins("taken");
    fs::remove_file(folder.join("bin/xacct-sign")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_xacct-sign"), folder.join("bin/xacct-sign")).unwrap();
    for (method, id) in [("PUT", "-x"), ("HEAD", "@b3c7"), ("GET", "https://example.com/"), ("DELETE", "--role=a")] {
        let note = Note::of(
            &folder,
            &format!("routes = [\"{method} /!x;$HOME\"]\nexternal_id = \"{id}\"\nsession_names = [\"-=*\"]\n"),
        );
        // Nobody has credentials: so far it has come.
        let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", note.command()]).env_clear().env("PATH", path).env("AWS_EC2_METADATA_DISABLED", "true");
        let done = shell.env("HOME", &folder).current_dir(&folder).output().unwrap();
        let stderr = String::from_utf8(done.stderr).unwrap();
        assert!(stderr.starts_with("error[credentials_not_found]: "), "{}{stderr}", note.command());
    }
}

#[test]
fn t5_the_shell_snippet_keeps_variables_and_secrets() {
    let folder = stand_ins("kept");
    let snippet = Note::of(&folder, "").block("sh").to_owned();
    let before =
        "AWS_ACCESS_KEY_ID=mine AWS_SECRET_ACCESS_KEY=my-own AWS_SESSION_TOKEN=my-token\nid=1 secret=2 token=3\n";
    let after =
        "[ \"$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN\" = 'mine my-own my-token' ] || exit 7
[ \"$id$secret$token${credentials-none}\" = 123none ] || exit 8\n";
    for program in ["sh", "bash"] {
        // Twice, as one pastes it.
        let called = calls(&folder, program, &format!("{before}{snippet}{snippet}{after}"));
        assert_eq!(called.len(), 4, "{called:?}");
        assert_eq!(called[..2], called[2..]);
        let curl = &called[1];
        assert!(!curl[1].to_string().contains("the/se"), "in `ps`: {curl}");
        let typed = "user = \"ASIAKEY:the/secret+key\"\nheader = \"x-amz-security-token: the/session+token==\"\n";
        assert_eq!(curl[2], typed);
        assert_eq!(option(curl, "--config"), "-");
        assert_eq!(option(curl, "--aws-sigv4"), "aws:amz:ap-northeast-1:execute-api");
    }
    // Where the role cannot be assumed nothing is called.
    fs::write(folder.join("bin/aws"), "#!/bin/sh\necho 1 >>calls\nexit 3\n").unwrap();
    let called = calls(&folder, "sh", &format!("{snippet}[ $? = 3 ] || exit 9\n"));
    assert_eq!(called, [json!(1)]);
}

#[test]
fn t5_every_snippet_names_the_session_and_sends_json() {
    let folder = stand_ins("named");
    for (names, session) in
        [("", "shop"), ("session_names = [\"*\"]", "caller"), ("session_names = [\"?*\", \"z*\"]", "xcaller")]
    {
        for method in ["PUT", "HEAD"] {
            let note = Note::of(&folder, &format!("{names}\nroutes = [\"{method} /hoge\"]\n"));
            let seen = format!("arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStagShop/{session}");
            assert!(note.spans.contains(&seen), "{:?}", note.spans);
            let has_body = method != "HEAD";

            let python = calls(&folder, "python3", note.block("python"));
            assert_eq!(python[0][1]["session_name"], session);
            let body = if has_body { json!({ "json": { "foo": "bar" } }) } else { json!({}) };
            assert_eq!(python[1][2], body);

            let node = calls(&folder, "node", note.block("js"));
            assert_eq!(node[0][1]["sessionName"], session);
            let body = json!({ "headers": { "content-type": "application/json" }, "body": r#"{"foo":"bar"}"# });
            assert_eq!(node[1][2], if has_body { body } else { json!({}) });

            let shell = calls(&folder, "sh", note.block("sh"));
            let parameters: Value = serde_json::from_str(&option(&shell[0], "--cli-input-json")).unwrap();
            assert_eq!(parameters["RoleSessionName"], session);
            let command = calls(&folder, "sh", note.command())[0][1].to_string();
            assert!(command.contains(&format!("\"--session-name={session}\"")), "{command}");
            assert_eq!(command.contains("--json={"), has_body, "{command}");
            assert_eq!(command.contains("\"--head\""), !has_body, "{command}");
            if has_body {
                assert_eq!(option(&shell[1], "--header"), "content-type: application/json");
                assert_eq!(option(&shell[1], "--data"), r#"{"foo": "bar"}"#);
                assert_eq!(option(&shell[1], "--request"), method);
            }
        }
    }
}

#[test]
fn what_is_called_directly_is_signed_as_oneself() {
    let folder = stand_ins("directly");
    let direct = "access = \"direct\"\ntarget = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"";
    let note = Note::of_manifest(&folder, &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", direct));
    let url = "https://abc.lambda-url.ap-northeast-1.on.aws/";
    for (program, language) in [("python3", "python"), ("node", "js")] {
        let called = calls(&folder, program, note.block(language));
        assert_eq!((&called[0][0], called.len()), (&json!("own"), 2), "{called:?}");
        assert_eq!((&called[1][0], &called[1][1]), (&json!("GET"), &json!(url)));
    }
    let snippet = note.block("sh");
    let before = "AWS_ACCESS_KEY_ID=mine\nid=1\n";
    let after = "[ \"$AWS_ACCESS_KEY_ID$id\" = mine1 ] || exit 7\n";
    for program in ["sh", "bash"] {
        let called = calls(&folder, program, &format!("{before}{snippet}{after}"));
        assert_eq!(called[0][1][0], "configure");
        assert_eq!(option(&called[1], "--aws-sigv4"), "aws:amz:ap-northeast-1:lambda");
        let typed = "user = \"ASIAKEY:the/secret+key\"\nheader = \"x-amz-security-token: the/session+token==\"\n";
        assert_eq!((&called[1][2], called[1][1].as_array().unwrap().last().unwrap()), (&json!(typed), &json!(url)));
        assert!(!called[1][1].to_string().contains("the/se"), "in `ps`: {}", called[1]);
        let called = calls(&folder, program, note.command());
        assert_eq!(called[0][1], json!(["call", "--region=ap-northeast-1", "--service=lambda", url]));
    }
}

const ISSUER: &str = "issuer = \"https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws\"\n";

/// A server's part of the note: values are quoted there, too, and the token is in no argument.
#[test]
fn whatever_a_server_s_audience_is_the_snippets_send_it_as_it_is() {
    let folder = stand_ins("server-note");
    let audience = "https://api.example.com/'!x;`touch`&&touch";
    for (lines, algorithm, seconds) in
        [("", "ES384", 300), ("algorithm = \"RS256\"\nmax_duration_seconds = 60\n", "RS256", 60)]
    {
        let manifest =
            MANIFEST.replace("api_id = \"f6g7h8i9j0\"", "target = \"server\"\nurl = \"https://api.example.com/base\"");
        let manifest =
            format!("{manifest}{ISSUER}routes = [\"PUT /!x;$HOME\"]\n[identity]\naudience = \"{audience}\"\n{lines}");
        let note = Note::of_manifest(&folder, &manifest);
        assert!(note.spans.iter().any(|span| span == audience), "{:?}", note.spans);
        let url = json!("https://api.example.com/base/!x;$HOME");
        for (program, language) in [("python3", "python"), ("node", "js")] {
            let mut called = calls(&folder, program, note.block(language));
            called.retain(|call| call[0] != "own");
            assert_eq!((&called[0][0], &called[0][1]["audience"]), (&json!("token"), &json!(audience)), "{program}");
            assert_eq!(called[0][1].get("algorithm"), (seconds == 60).then(|| json!(algorithm)).as_ref(), "{program}");
            assert_eq!((&called[1][0], &called[1][1]), (&json!("PUT"), &url), "{program}");
        }
        for program in ["sh", "bash"] {
            let called = calls(&folder, program, note.block("sh"));
            let parameters: Value = serde_json::from_str(&option(&called[0], "--cli-input-json")).unwrap();
            let expected = json!({ "Audience": [audience], "SigningAlgorithm": algorithm, "DurationSeconds": seconds });
            assert_eq!(parameters, expected);
            assert_eq!(called[1][1].as_array().unwrap().last().unwrap(), &url);
            assert_eq!(called[1][2], "header = \"authorization: Bearer the.token\"\n");
            assert!(!called[1][1].to_string().contains("the.token"), "in `ps`: {}", called[1]);
            let called = calls(&folder, program, &note.blocks[3].1);
            let words = called[0][1].as_array().unwrap();
            match seconds {
                300 => {
                    assert!(words.contains(&json!(format!("--identity={audience}"))), "{words:?}");
                    assert_eq!((words.last().unwrap(), called.len()), (&url, 1));
                }
                _ => {
                    assert_eq!(words.last().unwrap(), &json!(audience));
                    assert_eq!(called[1][1].as_array().unwrap().last().unwrap(), &url);
                }
            }
        }
    }
}

/// Without an issuer a server takes no token of the caller's: each snippet makes a proof.
#[test]
fn without_an_issuer_the_snippets_send_a_proof() {
    let folder = stand_ins("server-note-proof");
    let audience = "https://api.example.com/'!x;`touch`&&touch";
    let manifest = MANIFEST.replace("api_id = \"f6g7h8i9j0\"", "target = \"server\"");
    let note = Note::of_manifest(&folder, &format!("{manifest}[identity]\naudience = \"{audience}\"\n"));
    assert_eq!(note.blocks.iter().filter(|(_, lines)| lines.contains("token=$(")).count(), 0, "{:?}", note.blocks);
    for (program, language) in [("python3", "python"), ("node", "js")] {
        let called = calls(&folder, program, note.block(language));
        let made = called.iter().find(|call| call[0] == "proof").unwrap_or_else(|| panic!("{program}: {called:?}"));
        assert_eq!(made[1], json!({ "audience": audience, "region": "ap-northeast-1" }), "{program}");
    }
    for program in ["sh", "bash"] {
        let called = calls(&folder, program, note.command());
        let words = called[0][1].as_array().unwrap();
        assert!(words.contains(&json!("--proof")), "{words:?}");
        assert!(words.contains(&json!(format!("--identity={audience}"))), "{words:?}");
    }
}

#[test]
fn the_call_that_is_shown_has_a_body_where_a_route_takes_one_and_else_it_is_said() {
    let folder = folder("note-body", MANIFEST);
    let of_others = "- Body: with `PATCH`, `POST` or `PUT`, as JSON by `json={\"foo\": \"bar\"}` in Python, ";
    for (routes, shown, said) in [
        (r#"routes = ["GET /a", "PATCH /b/{id}", "PUT /c"]"#, r#"api.patch("/b/1", json={"foo": "bar"})"#, None),
        (r#"routes = ["GET /a", "DELETE /b"]"#, r#"api.get("/a")"#, Some("- Body: none of these routes takes one\n")),
        (r#"routes = ["ANY /a"]"#, r#"api.get("/a")"#, Some(of_others)),
        ("", r#"api.get("/")"#, Some(of_others)),
    ] {
        fs::write(folder.join("xacct.toml"), format!("{MANIFEST}{routes}\n")).unwrap();
        let (code, text, stderr) = run(&folder, "policy note --caller shop");
        assert_eq!(code, 0, "{stderr}");
        assert!(text.contains(shown), "{routes}: {text}");
        match said {
            Some(said) => assert!(text.contains(said), "{routes}: {text}"),
            None => assert!(!text.contains("- Body"), "{routes}: {text}"),
        }
    }
}
