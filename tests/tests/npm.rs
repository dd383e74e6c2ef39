//! The npm package, as it is packed and installed, held to what the core is held to: driven through Node.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test panics to fail, and says what it measured"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::sts::AssumeRole;
use xacct_sign::{Credentials, Error, Payload, Url};
use xacct_sign::{Request, Scope, Signer};
use xacct_sign_tests::behaviours::Table;
use xacct_sign_tests::flows::{self, Case, Key, Outcome, Place};
use xacct_sign_tests::random::{Body, Random, random};
use xacct_sign_tests::vectors::{Mode, Vector, VectorSettings, load};
use xacct_sign_tests::{data, query_pairs};

/// The folder in which the packed package is installed.
fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("XACCT_SIGN_NPM").expect("XACCT_SIGN_NPM names the folder: run `make test`"))
}

/// A Node process with the package in it.
struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    fn start(test: &str) -> Self {
        // Beside the package, so that Node finds it as it would for a user.
        let driver = folder().join(format!("driver-{test}.mjs"));
        std::fs::write(&driver, data("npm/driver.mjs")).unwrap();
        let mut child = Command::new("node")
            .arg(&driver)
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    /// What the package answers: a value, or the error's code, message and hint.
    fn ask(&mut self, request: &Value) -> Result<Value, Value> {
        writeln!(self.stdin, "{request}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let mut answer: BTreeMap<String, Value> =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("node died ({:?}) of {request}", self.child.wait()));
        match answer.remove("error") {
            Some(error) => Err(error),
            None => Ok(answer.remove("ok").unwrap()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn headers_of(signed: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(signed.clone()).unwrap()
}

#[path = "../../crates/wasm/src/constants.rs"]
#[expect(dead_code, unreachable_pub, reason = "of what the module has in common with others, this needs a part")]
mod module;

/// The sum that the module takes.
fn settings(of: &VectorSettings) -> u8 {
    [
        (of.percent_encoding == "single", module::SINGLE_ENCODING),
        (!of.normalize_path, module::NO_NORMALIZATION),
        (of.payload_header == "always", module::PAYLOAD_HEADER),
        (!of.sign_session_token, module::TOKEN_AFTER_SIGNING),
        (of.sign_all_headers, module::ALL_HEADERS),
    ]
    .into_iter()
    .filter_map(|(is_set, flag)| is_set.then_some(flag))
    .sum()
}

/// The calls of a row of `flows.toml`, made by `createFetch`.
fn fetched(case: &Case, place: &Place) -> Vec<Outcome> {
    let keys = |key: Option<&Key>| {
        json!({
            "accessKeyId": "AKIDGIVEN",
            "secretAccessKey": flows::SECRET,
            "expiration": key.map(|key| milliseconds(key.expires_at())),
        })
    };
    let options = match &case.base {
        Some(base) => json!({
            "region": flows::REGION,
            "roleArn": flows::ROLE_ARN,
            "stsEndpoint": place.sts,
            "base": keys(Some(base)),
        }),
        None => json!({ "region": flows::REGION, "credentials": keys(case.given.as_ref()) }),
    };
    let request = json!({
        "op": "fetch", "url": place.url, "baseUrl": place.base_url, "method": case.method, "headers": case.headers, "body": case.body,
        "options": options, "pauses": case.pauses,
    });
    match Node::start("flows").ask(&request) {
        Ok(answers) => {
            let status = |answer: &Value| u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
            answers.as_array().unwrap().iter().map(|answer| Ok(status(answer))).collect()
        }
        Err(error) => vec![Err(error["code"].as_str().unwrap().to_owned())],
    }
}

#[test]
fn every_call_goes_as_the_table_has_it() {
    flows::run_all(fetched);
}

fn request(vector: &Vector) -> Value {
    let credentials = &vector.credentials;
    json!({
        "op": match vector.mode { Mode::Header => "sign", Mode::Query => "presign" },
        "signer": {
            "credentials": {
                "accessKeyId": credentials.access_key_id,
                "secretAccessKey": credentials.secret_access_key,
                "sessionToken": credentials.session_token,
            },
            "region": vector.region,
            "service": vector.service,
        },
        "settings": settings(&vector.settings),
        "method": vector.method,
        "url": vector.url,
        "headers": vector.headers,
        "body": BASE64_STANDARD.encode(&vector.body),
        "now": milliseconds(parse_rfc3339(&vector.timestamp).unwrap()),
        "expiresIn": vector.expires_in,
    })
}

/// A signature covers the canonical request and the string to sign, so that what is compared is what comes out of them.
#[test]
fn awss_cases() {
    let mut node = Node::start("vectors");
    let (mut in_headers, mut in_queries) = (BTreeSet::new(), BTreeSet::new());
    for vector in load() {
        let name = &vector.name;
        let answer = node.ask(&request(&vector)).unwrap_or_else(|error| panic!("{name}: {error}"));
        if vector.mode == Mode::Header {
            let headers = headers_of(&answer);
            if let Some(expected) = &vector.expected.added_headers {
                assert_eq!(&headers, expected, "{name}");
            }
            if let Some(signature) = &vector.expected.signature {
                assert!(headers.get("authorization").unwrap().ends_with(signature), "{name}");
            }
            if let (None, None) = (&vector.expected.added_headers, &vector.expected.signature) {
                // One of the suite's files stands alone: its canonical request, signed.
                let canonical = vector.expected.canonical_request.as_ref().unwrap();
                assert_eq!(headers.get("authorization").unwrap(), &authorization(&vector, canonical), "{name}");
            }
            in_headers.insert(name.clone());
        } else {
            let (_, query) = answer.as_str().unwrap().split_once('?').unwrap();
            assert_eq!(Some(query_pairs(Some(query))), vector.expected.query, "{name}");
            in_queries.insert(name.clone());
        }
    }
    assert_eq!((in_headers.len(), in_queries.len()), (40, 38));
}

/// The header for a canonical request that is known, by AWS's own primitives.
fn authorization(vector: &Vector, canonical: &str) -> String {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    use sha2::{Digest, Sha256};
    let now = parse_rfc3339(&vector.timestamp).unwrap();
    let date = vector.timestamp.replace(['-', ':'], "");
    let scope = format!("{}/{}/{}/aws4_request", date.get(..8).unwrap(), vector.region, vector.service);
    let hash: String = Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = generate_signing_key(&vector.credentials.secret_access_key, now, &vector.region, &vector.service);
    let signature = calculate_signature(key, format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}").as_bytes());
    let names = canonical.lines().rev().nth(1).unwrap();
    let key_id = &vector.credentials.access_key_id;
    format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

#[test]
fn the_table_of_behaviours() {
    let mut node = Node::start("behaviours");
    let table = Table::load();
    for case in &table.case {
        let name = &case.name;
        if let Some(expected) = &case.canonical_url {
            assert_eq!(node.ask(&json!({ "op": "canonicalUrl", "url": case.url })), Ok(json!(expected)), "{name}");
        }
        let from = &table.signer;
        let answer = node.ask(&json!({
            "op": "sign",
            "signer": {
                "credentials": {
                    "accessKeyId": from.access_key_id,
                    "secretAccessKey": from.secret_access_key,
                    "sessionToken": case.session_token,
                },
                "region": from.region,
                "service": from.service,
            },
            "method": case.method(),
            "url": case.url_to_sign(),
            "headers": case.headers,
            "body": BASE64_STANDARD.encode(&case.body),
            "now": milliseconds(from.now()),
        }));
        match (&case.error, answer) {
            (Some(code), Err(error)) => {
                assert_eq!(error.get("code"), Some(&json!(code)), "{name}");
                assert!(error.get("hint").is_some_and(Value::is_string), "{name}: has a hint");
            }
            (None, Ok(signed)) => {
                let headers = headers_of(&signed);
                assert_eq!(headers.get("authorization").unwrap(), &case.authorization(from), "{name}");
                assert_eq!(headers.contains_key("x-amz-security-token"), case.has_token(), "{name}");
            }
            (_, answer) => panic!("{name}: {answer:?}"),
        }
    }
}

/// Random requests: the very signatures of the core, and where it refuses, its very error.
#[test]
fn signs_as_the_core_does() {
    let node = RefCell::new(Node::start("random"));
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&random(), |random| {
        let (signer, settings) = signer(&random);
        let headers: Vec<(&str, &[u8])> =
            random.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let payload = match &random.body {
            Body::Bytes(bytes) => Payload::Bytes(bytes),
            Body::Hash(hash) => Payload::Bytes(hash.as_bytes()),
            Body::Unsigned => Payload::Unsigned,
        };
        let url = random.url();
        let request = Request { method: &random.method, url: Url::parse(&url).unwrap(), headers: &headers, payload };
        let mut ask = json!({
            "op": "sign",
            "signer": {
                "credentials": {
                    "accessKeyId": "AKIDEXAMPLE",
                    "secretAccessKey": random.secret,
                    "sessionToken": random.token,
                },
                "region": random.region,
                "service": random.service,
            },
            "settings": settings,
            "method": random.method,
            "url": url,
            "headers": random.headers,
            "body": match payload {
                Payload::Bytes(bytes) => json!(BASE64_STANDARD.encode(bytes)),
                _ => Value::Null,
            },
            "now": milliseconds(random.now),
            "expiresIn": random.expires_in,
        });
        let expected = signer.sign_parts(&request, random.now).map(|signed| {
            json!(signed.headers().map(|(name, value)| (name, value.to_owned())).collect::<BTreeMap<_, _>>())
        });
        prop_assert_eq!(node.borrow_mut().ask(&ask), expected.map_err(|error| plain(&error)));
        *ask.get_mut("op").unwrap() = json!("presign");
        let expected = signer.presign(&request, Duration::from_secs(random.expires_in), random.now);
        prop_assert_eq!(node.borrow_mut().ask(&ask), expected.map(Value::from).map_err(|error| plain(&error)));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn signer(random: &Random) -> (Signer, u8) {
    let names = VectorSettings {
        percent_encoding: if random.double { "double" } else { "single" }.to_owned(),
        normalize_path: random.normalize,
        payload_header: if random.payload_header { "always" } else { "when_unsigned" }.to_owned(),
        sign_session_token: random.sign_token,
        sign_all_headers: random.all_headers,
    };
    let all = random.settings();
    let credentials = Credentials::new("AKIDEXAMPLE", &random.secret, random.token.clone(), None).unwrap();
    (Signer::with_settings(credentials, Scope::new(&random.region, &random.service).unwrap(), all), settings(&names))
}

fn plain(error: &Error) -> Value {
    match error.hint() {
        Some(hint) => json!({ "code": error.code(), "message": error.to_string(), "hint": hint }),
        None => json!({ "code": error.code(), "message": error.to_string() }),
    }
}

/// What is refused is refused with the core's code, sentence and hint.
#[test]
fn bad_options_of_a_role() {
    let mut node = Node::start("options");
    let role = "arn:aws:iam::111111111111:role/Api";
    let many = |count: usize| (0..count).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>();
    let bad = [
        json!({ "roleArn": "ApiAllowByIamRoleStag" }),
        json!({ "roleArn": "" }),
        json!({ "roleArn": "arn:aws:iam::1111:role/ApiAllowByIamRoleStag" }),
        json!({ "roleArn": "arn:aws-cn:iam::111111111111:role/Name" }),
        json!({ "roleArn": "arn:aws-iso:iam::111111111111:role/N", "region": "us-iso-east-1" }),
        json!({ "region": "AP-NORTHEAST-1" }),
        json!({ "region": "" }),
        json!({ "region": "evil.example.com#" }),
        json!({ "region": "cn-north-1" }),
        json!({ "sessionName": "a b" }),
        json!({ "sessionName": "" }),
        json!({ "sessionName": "b\u{fc}ro" }),
        json!({ "sessionName": "a".repeat(65) }),
        json!({ "durationSeconds": 899 }),
        json!({ "durationSeconds": 43201 }),
        json!({ "externalId": "a" }),
        json!({ "externalId": "" }),
        json!({ "policy": "" }),
        json!({ "policy": "\u{65e5}\u{672c}" }),
        json!({ "policy": "x".repeat(2049) }),
        json!({ "policyArns": ["nothing"] }),
        json!({ "policyArns": ["arn:aws:iam::222222222222:policy/Other"] }),
        json!({ "policyArns": vec!["arn:aws:iam::aws:policy/ReadOnlyAccess"; 11] }),
        json!({ "tags": { "": "x" } }),
        json!({ "tags": { "a": "x".repeat(257) } }),
        json!({ "tags": { "a": "1", "A": "2" } }),
        json!({ "tags": many(51) }),
        json!({ "transitiveTagKeys": ["a"] }),
        json!({ "sourceIdentity": "a" }),
        json!({ "sourceIdentity": "aws:abc" }),
        json!({ "stsEndpoint": "sts.example.com" }),
        json!({ "stsEndpoint": "https://sts.example.com/?a=b" }),
        json!({ "stsEndpoint": "http://sts.example.com" }),
    ];
    for change in bad {
        let mut options = json!({ "roleArn": role, "region": "us-east-1", "sessionName": "shop" });
        options.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let expected = cores_error(&options).expect_err(&change.to_string());
        let answer = node.ask(&json!({ "op": "assumeRole", "options": options }));
        assert_eq!(answer, Err(plain(&expected)), "{change}");
    }
    let good = json!({ "roleArn": role, "region": "us-east-1", "durationSeconds": 900, "tags": { "a": "1" } });
    assert_eq!(node.ask(&json!({ "op": "assumeRole", "options": good })), Ok(Value::Null));
}

fn cores_error(options: &Value) -> Result<(), Error> {
    let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |name: &str| -> Vec<String> {
        options.get(name).map(|list| serde_json::from_value(list.clone()).unwrap()).unwrap_or_default()
    };
    let mut call = AssumeRole::new(text("roleArn").unwrap(), text("sessionName").unwrap());
    if let Some(seconds) = options.get("durationSeconds").and_then(Value::as_u64) {
        call.duration_seconds = u32::try_from(seconds).unwrap();
    }
    call.external_id = text("externalId");
    call.policy = text("policy");
    call.policy_arns = list("policyArns");
    if let Some(tags) = options.get("tags").and_then(Value::as_object) {
        call.tags = tags.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
    }
    call.transitive_tag_keys = list("transitiveTagKeys");
    call.source_identity = text("sourceIdentity");
    call.validate()?;
    call.endpoint(&text("region").unwrap(), text("stsEndpoint").as_deref()).map(drop)
}

/// The codes of the table are those of the type that users see, and one more: the module cannot be loaded.
#[test]
fn the_table_of_errors() {
    #[derive(serde::Deserialize)]
    struct Errors {
        error: Vec<Row>,
    }
    #[derive(serde::Deserialize)]
    struct Row {
        js: String,
    }
    let rows = toml::from_str::<Errors>(&data("errors.toml")).unwrap().error;
    let mut expected: BTreeSet<String> = rows.into_iter().map(|row| row.js).collect();
    expected.insert("wasm_unavailable".to_owned());
    // One of them is made from the core's kinds, the other adds what is JavaScript's own.
    let unions = [("wasm/constants.d.ts", "type CoreErrorCode ="), ("errors.d.ts", "type ErrorCode =")];
    let codes = |(file, name): (&str, &str)| -> Vec<String> {
        let types = std::fs::read_to_string(folder().join("node_modules/xacct-sign/dist").join(file)).unwrap();
        let (_, union) = types.split_once(name).unwrap();
        let (union, _) = union.split_once(';').unwrap();
        union.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let actual: BTreeSet<String> = unions.into_iter().flat_map(codes).collect();
    assert_eq!(actual, expected);
}

/// Nothing from outside but what wasm-bindgen brings: time and randomness are arguments.
#[test]
fn the_module_imports_no_host() {
    let module = folder().join("node_modules/xacct-sign/dist/xacct_sign.wasm");
    let script = "const { readFileSync } = require('node:fs');
        const module = new WebAssembly.Module(readFileSync(process.argv[1]));
        console.log(JSON.stringify(WebAssembly.Module.imports(module)));";
    let output = Command::new("node").args(["-e", script]).arg(&module).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let imports: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!imports.is_empty(), "the bindings' own");
    for import in imports {
        let name = import.get("name").and_then(Value::as_str).unwrap();
        let from = import.get("module").and_then(Value::as_str).unwrap();
        assert_eq!(from, "./xacct_sign_bg.js", "{import}");
        assert!(name.starts_with("__wbindgen_") || name.starts_with("__wbg___wbindgen_"), "{import}");
    }
}

/// The budget, of the packed module.
#[test]
fn the_module_is_small() {
    let module = folder().join("node_modules/xacct-sign/dist/xacct_sign.wasm");
    let script = "const { gzipSync } = require('node:zlib');
        console.log(gzipSync(require('node:fs').readFileSync(process.argv[1]), { level: 9 }).length);";
    let output = Command::new("node").args(["-e", script]).arg(&module).output().unwrap();
    let length: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    println!("{length} bytes gzipped");
    assert!(length <= 50_000, "{length} bytes gzipped");
}
