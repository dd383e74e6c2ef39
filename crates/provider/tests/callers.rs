//! `callers.json`: what is rendered of a manifest is what the verifier takes, and it decides as the manifest says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use xacct_sign::Credentials;
use xacct_sign_identity::{Caller, Callers, Development, Need, Step, Verifier, make_proof};
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Asker, Lock, Manifest, ProviderRole, Stage};

const AUDIENCE: &str = "https://api.example.com";
/// Callers' accounts, each with an issuer.
const ACCOUNTS: [&str; 2] = ["000000000000", "222222222222"];
const NAMES: [&str; 4] = ["Shop", "ShopBatch", "BatchShop", "Batch"];

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_694_400)
}

fn issuer(account: &str) -> String {
    format!("https://a103a2cc-0000-4000-8000-{account}.tokens.sts.global.api.aws")
}

fn rendered(manifest: &Manifest, stage: &str) -> Value {
    let lock = Lock::default();
    serde_json::from_str(&manifest.plan(&lock).callers(&manifest.stages[stage]).unwrap().to_json()).unwrap()
}

fn verifier(manifest: &Manifest, stage: &Stage) -> Verifier {
    verifier_with(manifest, &Lock::default(), stage)
}

fn verifier_with(manifest: &Manifest, lock: &Lock, stage: &Stage) -> Verifier {
    let text = manifest.plan(lock).callers(stage).unwrap().to_json();
    let callers = Callers::parse(text.as_bytes(), Development::No).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Verifier::new(callers, [7; 16])
}

const FRONTS: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[identity]
audience = "https://api.example.com"
regions = ["eu-west-1", "us-east-1"]
[stages.server]
target = "server"
[stages.http]
api_id = "a1"
[stages.rest]
target = "rest_api"
api_id = "r1"
api_stage = "v1"
[stages.url]
target = "function_url"
function = "f"
url_id = "u"
access = "direct"
permissions = "document"
[callers.shop]
account = "000000000000"
roles = { server = ["Shop", "paths/Other"], http = "Shop", url = "Shop*" }
trust = "account"
[callers.batch]
account = "000000000000"
roles = { server = "*", rest = "*", url = "*" }
trust = "account"
issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
[callers.partner]
account = "222222222222"
roles = { http = "Batch" }
session_names = ["partner-*", "p?"]
routes = ["GET /items/{id}"]
external_id = "b3c7"
[callers.everybody]
organization = "o-a1b2c3d4e5"
stages = ["http", "rest", "url"]
[callers.any]
account = "*"
roles = { http = "Any" }
trust = "account"
"#;

#[test]
fn each_target_says_what_its_verifier_needs_and_no_secret() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let issuer = issuer(ACCOUNTS[0]);
    assert_eq!(
        rendered(&manifest, "server"),
        json!({
            "version": 1, "stage": "server", "target": "server", "partition": "aws", "audience": AUDIENCE,
            "algorithm": "ES384", "max_duration_seconds": 3600, "regions": ["eu-west-1", "us-east-1"],
            "callers": [
                // The issuer is the account's, at whichever of its callers it stands.
                {"name": "batch", "account": "000000000000", "role": "*", "issuer": issuer},
                {"name": "shop", "account": "000000000000", "role": ["Shop", "paths/Other"], "issuer": issuer},
            ],
        })
    );
    assert_eq!(
        rendered(&manifest, "http"),
        json!({
            "version": 1, "stage": "http", "target": "http_api", "partition": "aws", "access": "role",
            "account": "111111111111",
            "callers": [
                {"name": "any", "account": "*", "role": "Any", "provider_role": "ApiAllowByIamRoleHttp"},
                {"name": "everybody", "organization": "o-a1b2c3d4e5", "provider_role": "ApiAllowByIamRoleHttp"},
                {"name": "partner", "account": "222222222222", "role": "Batch",
                 "provider_role": "ApiAllowByIamRoleHttpPartner", "session_names": ["p?", "partner-*"],
                 "routes": ["GET /items/{id}"]},
                {"name": "shop", "account": "000000000000", "role": "Shop", "provider_role": "ApiAllowByIamRoleHttp"},
            ],
        })
    );
    let url = rendered(&manifest, "url");
    assert_eq!((url["target"].as_str(), url["access"].as_str()), (Some("function_url"), Some("direct")));
    assert_eq!(url.get("account"), None);
    assert_eq!(url["callers"][2], json!({"name": "shop", "account": "000000000000", "role": "Shop*"}));
    for stage in manifest.stages.values() {
        verifier(&manifest, stage);
        let text = manifest.plan(&Lock::default()).callers(stage).unwrap().to_json();
        // What an external id keeps out is kept out by the trust policy: who reads the file need not know it.
        assert!(!text.contains("b3c7") && text.ends_with("}\n"), "{text}");
    }
}

/// The lock file decides which of several roles a caller has.
#[test]
fn the_provider_s_role_is_that_of_the_lock_file() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let lock = Lock::parse("version = 1\n[stages.http]\nshop = 2\n", "xacct.lock.toml").unwrap();
    let text = manifest.plan(&lock).callers(&manifest.stages["http"]).unwrap().to_json();
    assert!(text.contains("ApiAllowByIamRoleHttp-2"), "{text}");
}

#[test]
fn a_caller_of_every_account_that_comes_in_directly_is_said_and_not_dropped() {
    let text = FRONTS.replace("roles = { http = \"Any\" }", "roles = { url = \"Any\" }");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let error = manifest.plan(&Lock::default()).callers(&manifest.stages["url"]).unwrap_err();
    assert_eq!(error.code(), "caller_not_expressible");
    assert!(error.to_string().contains("caller `any`") && !error.hint().is_empty());
}

#[test]
fn issuers_on_this_machine_make_it_a_list_for_development() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let file = manifest.plan(&Lock::default()).callers(&manifest.stages["server"]).unwrap();
    let file = file.with_dev_issuers(|account| format!("http://127.0.0.1:4566/issuers/{account}")).to_json();
    assert!(!file.contains("tokens.sts.global"), "{file}");
    assert_eq!(Callers::parse(file.as_bytes(), Development::No).unwrap_err().code(), "development_only");
    assert!(Callers::parse(file.as_bytes(), Development::Yes).unwrap().is_development());
    // The manifest's own are kept, too.
    let dev = "http://localhost:4566/issuers/000000000000";
    let text = FRONTS
        .replace(&issuer(ACCOUNTS[0]), dev)
        .replace("regions =", &format!("dev_issuers = [\"{dev}\"]\nregions ="));
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    assert_eq!(rendered(&manifest, "server")["dev_issuers"], json!([dev]));
    let text = manifest.plan(&Lock::default()).callers(&manifest.stages["server"]).unwrap().to_json();
    assert!(Callers::parse(text.as_bytes(), Development::Yes).is_ok());
}

/// A caller's table of a server, by numbers.
#[derive(Debug, Clone)]
struct Drawn {
    account: usize,
    roles: Vec<String>,
    routes: Option<Vec<&'static str>>,
}

fn caller() -> impl Strategy<Value = Drawn> {
    let name = prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        2 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("paths/{name}")),
        2 => prop::sample::select(vec!["Shop*", "*Shop", "*Batch*", "paths/Shop*", "B*h"]).prop_map(str::to_owned),
    ];
    let roles = prop_oneof![6 => prop::collection::vec(name, 1..3), 1 => Just(vec!["*".to_owned()])];
    let routes = prop::sample::subsequence(vec!["GET /items/{id}", "ANY /a/*", "POST /a", "GET /"], 1..3);
    (0..2_usize, roles, prop::option::of(routes)).prop_map(|(account, roles, routes)| Drawn { account, roles, routes })
}

/// The manifest of these callers, without those that the manifest would refuse for another one; with `proofs` or without.
fn manifest_of(callers: &[Drawn]) -> Option<Manifest> {
    let mut text = format!(
        "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[identity]\naudience = \"{AUDIENCE}\"\n[stages.s]\ntarget = \"server\"\n"
    );
    for (index, Drawn { account, roles, routes }) in callers.iter().enumerate() {
        let account = ACCOUNTS[*account];
        let table = format!(
            "[callers.c{index}]\naccount = \"{account}\"\nroles = {{ s = {} }}\ntrust = \"account\"\nissuer = \"{}\"\n{}",
            json!(roles),
            issuer(account),
            routes.as_ref().map(|routes| format!("routes = {}\n", json!(routes))).unwrap_or_default()
        );
        let with = format!("{text}{table}");
        if Manifest::parse(&with, "xacct.toml").is_ok() {
            text = with;
        }
    }
    Manifest::parse(&text, "xacct.toml").ok()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Drives a check; whoever asks is told that keys and signatures are right, and that STS knows this session.
fn outcome(verifier: &Verifier, bearer: &str, arn: &str, account: &str, call: (&str, &str)) -> Result<Caller, String> {
    let header = format!("Bearer {bearer}");
    let mut check = verifier.check(&[header.as_bytes()], &[call.0], &[call.1]);
    loop {
        match check.step(now()) {
            Step::Passed(caller) => return Ok((*caller).clone()),
            Step::Refused(refusal) => return Err(refusal.code().to_owned()),
            Step::Need(Need::Keys { .. }) => {
                let keys: Value = serde_json::from_str(include_str!("../../../tests/identity/keys.json")).unwrap();
                let mut key = keys["shop_ec"].clone();
                key.as_object_mut().unwrap().remove("d");
                check.keys(Some(json!({ "keys": [key] }).to_string().as_bytes()), now());
            }
            Step::Need(Need::Signature { .. }) => check.signature(true, now()),
            Step::Need(Need::Sts(_)) => {
                let answer = format!(
                    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AROAEXAMPLE:x</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                );
                check.sts(Some((200, answer.as_bytes())), now());
            }
            other => panic!("{other:?}"),
        }
    }
}

fn by_token(verifier: &Verifier, account: &str, role: &str, call: (&str, &str)) -> Result<Caller, String> {
    let at = now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": issuer(account), "aud": AUDIENCE, "sub": format!("arn:aws:iam::{account}:role/{role}"),
        "iat": at, "exp": at + 300, "https://sts.amazonaws.com/": { "aws_account": account },
    });
    let signature = URL_SAFE_NO_PAD.encode([1; 96]);
    let token = format!("{}.{}.{signature}", part(&json!({"alg": "ES384", "kid": "EC384_0"})), part(&claims));
    outcome(verifier, &token, "", account, call)
}

fn by_proof(verifier: &Verifier, account: &str, name: &str, call: (&str, &str)) -> Result<Caller, String> {
    // Each has a session of its own: a verifier remembers a proof.
    let session = Some(URL_SAFE_NO_PAD.encode(format!("{account}{name}")));
    let credentials = Credentials::new("ASIAIOSFODNN7EXAMPLE", "secret", session, None).unwrap();
    let proof = make_proof(&credentials, "eu-west-1", AUDIENCE, now()).unwrap();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/session");
    outcome(verifier, &proof, &arn, account, call)
}

/// What the manifest says of a role: the callers that it fits, by name, by pattern and by account.
struct Said {
    fitting: Vec<String>,
    named: Option<String>,
    by_pattern: Vec<String>,
    whole: Option<String>,
}

/// Whether a role is of a pattern, whose stars are of its name.
fn fits(pattern: &str, role: &str) -> bool {
    let apart = |text: &'_ str| text.rfind('/').map_or(0, |end| end + 1);
    let ((path, name), (own_path, own)) = (pattern.split_at(apart(pattern)), role.split_at(apart(role)));
    let mut parts = name.split('*');
    let Some(mut rest) = parts.next().and_then(|first| own.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return false };
    for part in between {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    path == own_path && rest.ends_with(last)
}

fn said(manifest: &Manifest, account: &str, role: &str) -> Said {
    let file = rendered(manifest, "s");
    let mut said = Said { fitting: Vec::new(), named: None, by_pattern: Vec::new(), whole: None };
    for listed in file["callers"].as_array().unwrap().iter().filter(|listed| listed["account"] == account) {
        let name = listed["name"].as_str().unwrap().to_owned();
        let roles = match &listed["role"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        if roles.iter().any(|own| own == role) {
            said.named = Some(name.clone());
            said.fitting.push(name);
        } else if roles.iter().any(|own| own == "*") {
            said.whole = Some(name.clone());
            said.fitting.push(name);
        } else if roles.iter().any(|own| fits(own.as_str().unwrap(), role)) {
            said.by_pattern.push(name.clone());
            said.fitting.push(name);
        }
    }
    said
}

/// A caller that assumes a provider's role: its account, its session names, and in which of two shared roles the lock file has it.
type Assuming = (usize, Vec<&'static str>, u32);

fn assuming() -> impl Strategy<Value = Assuming> {
    let patterns = vec!["aa", "ab", "a*", "*b", "a?", "?b", "*", "b-*"];
    (0..2_usize, prop::sample::subsequence(patterns, 0..3), 1..3_u32)
}

/// The manifest of these callers, each with a role of its own in its account, and the lock file.
fn shared(callers: &[Assuming]) -> (Manifest, Lock) {
    let names =
        |names: &[&str]| if names.is_empty() { String::new() } else { format!("session_names = {}", json!(names)) };
    let terms: Vec<_> = callers.iter().map(|(account, of, number)| (*account, names(of), *number)).collect();
    with_terms(&terms)
}

/// The account, the terms and the role of each.
fn with_terms(callers: &[(usize, String, u32)]) -> (Manifest, Lock) {
    let mut text =
        "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.s]\napi_id = \"a1\"\n".to_owned();
    let mut lock = "version = 1\n[stages.s]\n".to_owned();
    for (index, (account, terms, number)) in callers.iter().enumerate() {
        let account = ACCOUNTS[*account];
        text += &format!("[callers.c{index}]\naccount = \"{account}\"\nroles = {{ s = \"R{index}\" }}\n{terms}\n");
        lock += &format!("c{index} = {number}\n");
    }
    (Manifest::parse(&text, "xacct.toml").unwrap(), Lock::parse(&lock, "xacct.lock.toml").unwrap())
}

/// Whether the trust policy lets a caller's role have this session.
fn lets_assume(role: &ProviderRole, arn: &str, session: &str) -> bool {
    let trust = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust).unwrap();
    let principal = Some(PrincipalIdentity::assumed_role(arn, "own").unwrap());
    let context = Context::new().with("sts:RoleSessionName", session);
    let request = Request { principal, action: "sts:AssumeRole", resource: &role.arn, context };
    evaluate(&[&trust], &request).is_allowed()
}

/// Whom the verifier takes a session of a provider's role for, by what an HTTP API writes into its event.
fn by_event(verifier: &Verifier, role: &str, session: &str) -> Result<String, String> {
    let arn = format!("arn:aws:sts::111111111111:assumed-role/{role}/{session}");
    let iam = json!({ "accountId": "111111111111", "userArn": arn });
    let http = json!({ "method": "GET", "path": "/x" });
    let context = json!({ "authorizer": { "iam": iam }, "http": http });
    let event = json!({ "version": "2.0", "rawPath": "/x", "requestContext": context });
    match verifier.check_event(event.to_string().as_bytes()).step(now()) {
        Step::Passed(caller) => Ok(caller.name.clone()),
        Step::Refused(refusal) => Err(refusal.code().to_owned()),
        other => panic!("an event needs nothing: {other:?}"),
    }
}

/// No event has a source identity: what binds callers to their own tells nobody who calls.
#[test]
fn source_identities_tell_no_callers_of_one_role_apart() {
    let told = |terms: [&str; 2]| {
        let (manifest, lock) = with_terms(&[(0, terms[0].to_owned(), 1), (1, terms[1].to_owned(), 1)]);
        let stage = &manifest.stages["s"];
        let roles = manifest.plan(&lock).stage_roles(stage);
        assert_eq!(roles.len(), 1);
        by_event(&verifier_with(&manifest, &lock, stage), &roles[0].name, "ab")
    };
    let apart = ["session_names = [\"ab\"]", "session_names = [\"ba\"]"];
    assert_eq!(told(apart), Ok("c0".to_owned()));
    let bound = ["source_identity = [\"ab\"]", "source_identity = [\"ba\"]"];
    assert_eq!(told(bound), Err("callers_not_told_apart".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_verifier_decides_as_the_manifest_says(
        callers in prop::collection::vec(caller(), 0..6),
        call in prop::sample::select(vec![
            ("GET", "/items/1"), ("GET", "/items/1/x"), ("PUT", "/a/b"), ("POST", "/a"), ("GET", "/"), ("GET", "/a/../items/1"),
        ]),
    ) {
        let manifest = manifest_of(&callers).unwrap();
        let verifier = verifier(&manifest, &manifest.stages["s"]);
        for account in ACCOUNTS {
            for role in NAMES.iter().flat_map(|name| [(*name).to_owned(), format!("paths/{name}")]) {
                let said = said(&manifest, account, &role);
                let expected = match (&said.named, said.by_pattern.as_slice(), &said.whole) {
                    (Some(name), _, _) | (None, [name], _) | (None, [], Some(name)) => Some(name.clone()),
                    (None, _, _) => None,
                };
                let asker = Asker::parse(&format!("arn:aws:iam::{account}:role/{role}")).unwrap();
                let known = manifest.plan(&Lock::default()).who(&asker).into_iter().map(|known| known.caller);
                prop_assert_eq!(known.collect::<Vec<_>>(), expected.iter().cloned().collect::<Vec<_>>(), "{}", role);
                let told = by_token(&verifier, account, &role, call);
                match (&told, expected) {
                    (Ok(caller), Some(expected)) => {
                        prop_assert_eq!(&caller.name, &expected);
                        prop_assert_eq!(caller.arn.clone(), format!("arn:aws:iam::{account}:role/{role}"));
                    }
                    // Whether the caller may: the manifest's own rules about routes.
                    (Err(code), Some(expected)) => {
                        prop_assert_eq!(code, "route_refused");
                        prop_assert!(manifest.callers[&expected].routes.is_some());
                    }
                    (Err(code), None) if said.fitting.is_empty() => {
                        prop_assert!(["caller_unknown", "role_path_differs", "issuer_unknown"].contains(&code.as_str()), "{}", code);
                    }
                    (Err(code), None) => prop_assert_eq!(code, "callers_not_told_apart"),
                    (Ok(caller), None) => prop_assert!(false, "{:?} for {}", caller, role),
                }
                // A proof does not say the path: it is one of the callers that a role of this name could be, or nobody.
                let name = role.rsplit('/').next().unwrap();
                if let Ok(caller) = by_proof(&verifier, account, name, call) {
                    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/session");
                    let plan = manifest.plan(&Lock::default());
                    let known = plan.who(&Asker::parse(&arn).unwrap());
                    prop_assert!(known.iter().any(|known| known.caller == caller.name), "{caller:?}");
                }
            }
        }
    }

    /// Whom a session of a shared role is taken for is the only one that may have it.
    #[test]
    fn a_session_is_whose_trust_policy_alone_lets_it_be(callers in prop::collection::vec(assuming(), 1..6)) {
        let (manifest, lock) = shared(&callers);
        let stage = &manifest.stages["s"];
        let verifier = verifier_with(&manifest, &lock, stage);
        for role in manifest.plan(&lock).stage_roles(stage) {
            for session in ["aa", "ab", "bb", "ac", "abb", "b-1", "AA", "cc"] {
                let may_have_it = |(index, (account, ..)): (usize, &Assuming)| {
                    let arn = format!("arn:aws:iam::{}:role/R{index}", ACCOUNTS[*account]);
                    lets_assume(&role, &arn, session).then(|| format!("c{index}"))
                };
                let may: Vec<String> = callers.iter().enumerate().filter_map(may_have_it).collect();
                let expected = match may.as_slice() {
                    [] => Err("caller_unknown".to_owned()),
                    [only] => Ok(only.clone()),
                    _ => Err("callers_not_told_apart".to_owned()),
                };
                prop_assert_eq!(by_event(&verifier, &role.name, session), expected, "{} {}: {:?}", role.name, session, may);
            }
        }
    }

    /// Who may call what, asked of the manifest (`can`), is what the verifier says.
    #[test]
    fn can_is_what_the_verifier_says(
        callers in prop::collection::vec(caller(), 1..6),
        call in prop::sample::select(vec![
            ("GET", "/items/1"), ("GET", "/items/"), ("GET", "/items/%2e%2e/a"), ("DELETE", "/a/b/c"), ("DELETE", "/a/"), ("POST", "/a"), ("GET", "/"),
        ]),
    ) {
        let manifest = manifest_of(&callers).unwrap();
        let stage = &manifest.stages["s"];
        let verifier = verifier(&manifest, stage);
        let plan = manifest.plan(&Lock::default());
        for caller in manifest.callers.values() {
            let asked = xacct_sign_provider::AskedCall::parse(&format!("{} {}", call.0, call.1)).unwrap();
            let says_yes = matches!(plan.can(caller, stage, &asked), xacct_sign_provider::Answer::Yes(_));
            let all = plan.caller_roles();
            let (_, roles) = xacct_sign_provider::concrete_roles(&all, "aws", "111111111111");
            let roles: Vec<_> = roles.into_iter().filter(|role| role.caller.caller == caller.name).collect();
            let lets_in = roles.iter().any(|role| {
                let name = role.arn.split_once(":role/").unwrap().1;
                by_token(&verifier, &role.account, name, call).is_ok()
            });
            prop_assert_eq!(says_yes, lets_in, "{} {:?}", caller.name, roles);
        }
    }
}
