//! Stages that are servers: what is asked of them, what callers need for them, and that nothing of them is deployed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

mod common;

use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Answer, AskedCall, Asker, Format, Lock, Manifest, WhyNot, markdown_of_rows, read_roles};

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[identity]
audience = "https://api.example.com"
max_duration_seconds = 900
[stages.server]
target = "server"
[stages.other]
target = "server"
audience = "other"
[stages.http]
api_id = "a1"
[callers.shop]
account = "000000000000"
roles = { server = "Shop", other = "Shop", http = "Shop" }
issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
[callers.batch]
account = "000000000000"
roles = { server = "paths/Batch" }
routes = ["GET /items/{id}", "ANY /hoge"]
[callers.wide]
account = "000000000000"
roles = { server = "*", http = "Else" }
trust = "account"
routes = ["GET /open/*"]
[callers.night]
account = "222222222222"
roles = { server = "Night*" }
trust = "account"
issuer = "https://b103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
[callers.nightly]
account = "222222222222"
roles = { server = "*ly" }
trust = "account"
[callers.gate]
account = "333333333333"
roles = { http = "Gate" }
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, "xacct.toml").unwrap()
}

fn can(caller: &str, stage: &str, call: &str) -> Answer {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    plan.can(&manifest.callers[caller], &manifest.stages[stage], &AskedCall::parse(call).unwrap())
}

#[test]
fn list_has_no_role_and_says_what_tokens_are_for() {
    let rows = manifest().plan(&Lock::default()).access();
    let of = |caller: &str, stage: &str| {
        serde_json::to_value(rows.iter().find(|row| row.caller == caller && row.stage == stage).unwrap()).unwrap()
    };
    let batch = json!({"caller": "batch", "stage": "server", "role": null, "routes": ["GET /items/{id}", "ANY /hoge"],
        "terms": {"audience": "https://api.example.com"}});
    assert_eq!(of("batch", "server"), batch);
    assert_eq!(of("shop", "other")["terms"], json!({"audience": "other"}));
    assert_eq!(of("shop", "http")["role"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleHttp");
    let table = markdown_of_rows(&rows);
    assert!(table.contains("| shop | other |  | every route | `audience = \"other\"` |"), "{table}");
    let page = manifest().plan(&Lock::default()).access_map(&Lock::default());
    assert!(page.contains("none, it shows who it is"), "{page}");
}

#[test]
fn can_goes_by_the_manifest_as_the_server_does() {
    for (caller, stage, call) in [
        ("shop", "server", "DELETE /any"),
        ("batch", "server", "GET /items/1"),
        ("batch", "server", "PUT /hoge?x=/admin"),
        ("wide", "server", "GET /open/1/2"),
        // Not on the stage by itself, but a role of an account that is.
        ("wide", "server", "GET /open/1"),
        ("night", "server", "GET /"),
    ] {
        assert_eq!(can(caller, stage, call), Answer::Yes(Vec::new()), "{caller} {call}");
    }
    for (caller, call) in [
        ("batch", "GET /items/1/secret"),
        ("batch", "GET /items/..%2fadmin"),
        ("batch", "POST /items/1"),
        ("wide", "GET /open/"),
        ("wide", "GET /"),
    ] {
        let why = WhyNot::NoRoute { caller: caller.to_owned() };
        assert_eq!(can(caller, "server", call), Answer::No(why), "{caller} {call}");
    }
    let listed = |caller: &str, stage: &str| match can(caller, stage, "GET /") {
        Answer::No(why) => why.to_string(),
        yes => panic!("{yes:?}"),
    };
    assert_eq!(listed("gate", "server"), "caller `gate` is none of those on stage `server`, which is a server");
    assert_eq!(listed("batch", "other"), "caller `batch` is none of those on stage `other`, which is a server");
    // A path is looked at for routes alone.
    assert!(matches!(can("batch", "server", "GET /%zz"), Answer::No(WhyNot::Unreadable)));
    assert_eq!(can("shop", "server", "GET /%zz"), Answer::Yes(Vec::new()));
}

/// A role whose name fits the patterns of two callers is neither, as the verifier has it.
#[test]
fn a_role_of_two_patterns_is_nobody() {
    let text = MANIFEST.replace("\"*ly\"", "\"Nigh*\"");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    // Whatever stands for `Night*` fits both patterns.
    let answer = plan.can(&manifest.callers["night"], &manifest.stages["server"], &AskedCall::parse("GET /").unwrap());
    assert!(matches!(answer, Answer::No(WhyNot::NotListed { .. })), "{answer:?}");
    assert!(plan.findings().iter().any(|finding| finding.code.code() == "callers_not_told_apart"));
}

/// A proof has no path: by a pattern a token alone names a role, and where proofs are not taken any role.
#[test]
fn whom_neither_a_token_nor_a_proof_names_can_do_nothing_and_is_found() {
    let text = MANIFEST.lines().filter(|line| !line.starts_with("issuer = ")).collect::<Vec<_>>().join("\n");
    let text = text.replace("\"Night*\"", "[\"paths/Ops_*\", \"paths/Other*\"]");
    let no_proofs = text.replace("[identity]", "[identity]\nregions = []");
    let with_issuer = MANIFEST.replace("\"Night*\"", "\"paths/Ops_*\"");
    let every = text.replace("[\"paths/Ops_*\", \"paths/Other*\"]", "\"*\"");
    for (text, caller, finding) in [
        (&text, "night", Some("a proof names nobody by the pattern `paths/Ops_*`, `paths/Other*`")),
        (&text, "shop", None),
        (&text, "wide", None),
        (&with_issuer, "night", None),
        (&every, "night", None),
        (&no_proofs, "night", Some("on `server` no proofs are taken")),
        (&no_proofs, "shop", Some("on `other`, `server` no proofs are taken")),
        (&no_proofs, "wide", Some("on `server` no proofs are taken")),
    ] {
        let manifest = Manifest::parse(text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        let call = AskedCall::parse("GET /open/1").unwrap();
        let said = match plan.can(&manifest.callers[caller], &manifest.stages["server"], &call) {
            Answer::Yes(_) => None,
            Answer::No(why) => Some(why.to_string()),
            other => panic!("{other:?}"),
        };
        let no = format!("caller `{caller}` has no `issuer`, and on stage `server` no proof names it");
        assert_eq!(said, finding.map(|_| no), "{caller}:\n{text}");
        let arn = match caller {
            "night" => "arn:aws:iam::222222222222:role/paths/Ops_1",
            "shop" => "arn:aws:iam::000000000000:role/Shop",
            _ => "arn:aws:iam::000000000000:role/Else",
        };
        let known = plan.who(&Asker::parse(arn).unwrap());
        let is_known = known.iter().any(|known| known.caller == caller && known.stages.iter().any(|on| on == "server"));
        assert_eq!(is_known, finding.is_none(), "{caller}: {known:?}\n{text}");
        let of_caller = plan.findings_of(&manifest.callers[caller]);
        let missing = of_caller.iter().find(|finding| finding.code.code() == "issuer_missing");
        let expected = finding.map(|part| format!("it has no `issuer`, and {part}"));
        assert_eq!(missing.map(|finding| finding.message.clone()), expected, "{caller}:\n{text}");
    }
}

/// The server's verifier takes a role for the narrowest caller that it fits, so a wider one lifts nothing there.
#[test]
fn terms_hold_on_a_server_beside_a_wider_caller() {
    let open = MANIFEST.replace("routes = [\"GET /open/*\"]\n", "");
    let on_api = open.replace("[stages.server]\ntarget = \"server\"", "[stages.server]\napi_id = \"b1\"");
    for (text, is_found) in [(&open, false), (&on_api, true)] {
        let manifest = Manifest::parse(text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        let batch = &manifest.callers["batch"];
        let found = plan.findings_of(batch).iter().any(|finding| finding.code.code() == "overlapping_caller");
        assert_eq!(found, is_found, "{text}");
    }
    assert_eq!(can("batch", "server", "GET /admin"), Answer::No(WhyNot::NoRoute { caller: "batch".to_owned() }));
}

#[test]
fn who_knows_the_callers_of_a_server_by_their_own_roles() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let who = |arn: &str| {
        let known = plan.who(&Asker::parse(arn).unwrap());
        known.into_iter().map(|one| format!("{} {}", one.caller, one.stages.join(","))).collect::<Vec<_>>()
    };
    assert_eq!(who("arn:aws:iam::000000000000:role/paths/Batch"), ["batch server"]);
    assert_eq!(who("arn:aws:sts::222222222222:assumed-role/Nightly/xx"), ["night server", "nightly server"]);
    assert!(who("arn:aws:iam::444444444444:role/Shop").is_empty());
}

#[test]
fn who_on_a_server_is_the_caller_that_its_verifier_takes_it_for() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    for (role, stage, callers) in [
        ("000000000000:role/Shop", "server", vec!["shop"]),
        ("000000000000:role/paths/Batch", "server", vec!["batch"]),
        ("000000000000:role/Else", "server", vec!["wide"]),
        ("000000000000:role/Else", "http", vec!["wide"]),
        ("222222222222:role/Night1", "server", vec!["night"]),
        // Two patterns fit: the verifier refuses it.
        ("222222222222:role/Nightly", "server", vec![]),
        ("222222222222:role/a/Nightly", "server", vec![]),
    ] {
        let known = plan.who(&Asker::parse(&format!("arn:aws:iam::{role}")).unwrap());
        let on = known.iter().filter(|known| known.stages.iter().any(|on| on == stage));
        assert_eq!(on.map(|known| known.caller.as_str()).collect::<Vec<_>>(), callers, "{role} on {stage}");
    }
}

#[test]
fn the_rest_of_a_path_may_be_empty_in_a_policy_and_not_on_a_server() {
    let text = MANIFEST.replace("routes = [\"GET /items/{id}\", \"ANY /hoge\"]", "routes = [\"GET /items/{p+}\"]");
    let text = text.replace(
        "roles = { server = \"paths/Batch\" }",
        "roles = { server = \"paths/Batch\", http = \"paths/Batch\" }",
    );
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let can = |stage: &str, call: &str| {
        let answer = plan.can(&manifest.callers["batch"], &manifest.stages[stage], &AskedCall::parse(call).unwrap());
        matches!(answer, Answer::Yes(_))
    };
    assert!(can("http", "GET /items/a/b") && can("server", "GET /items/a/b"));
    assert!(can("http", "GET /items/") && !can("server", "GET /items/"));
}

/// What the caller's own account lets it have made.
fn may_have(policy: &str, audiences: &[&str], algorithm: &str, seconds: Option<u32>) -> bool {
    let policy = PolicyDocument::parse(policy, PolicyKind::Identity).unwrap();
    let mut context = Context::new();
    context.set_all("sts:IdentityTokenAudience", audiences.iter().map(|audience| (*audience).to_owned()));
    context.set("sts:SigningAlgorithm", algorithm);
    context.set_all("sts:DurationSeconds", seconds.map(|seconds| seconds.to_string()));
    let principal = Some(PrincipalIdentity::assumed_role("arn:aws:iam::000000000000:role/Shop", "x").unwrap());
    let request = Request { principal, action: "sts:GetWebIdentityToken", resource: "*", context };
    evaluate(&[&policy], &request).is_allowed()
}

#[test]
fn a_caller_may_have_tokens_made_for_its_servers_alone_each_by_itself() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let roles = plan.roles_of(&manifest.callers["shop"]);
    let [shop] = roles.as_slice() else { panic!("{roles:?}") };
    assert_eq!(shop.audiences.get("other").map(String::as_str), Some("other"));
    let policy: Value = serde_json::from_str(&shop.policy.to_json()).unwrap();
    assert_eq!(
        policy["Statement"][1],
        json!({
            "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://api.example.com"},
                "Null": {"sts:IdentityTokenAudience": "false"},
                "NumericLessThanEquals": {"sts:DurationSeconds": "900"},
                "StringEquals": {"sts:SigningAlgorithm": "ES384"},
            },
        })
    );
    let policy = policy.to_string();
    let api = "https://api.example.com";
    assert!(may_have(&policy, &[api], "ES384", Some(900)) && may_have(&policy, &["other"], "ES384", Some(60)));
    for (audiences, algorithm, seconds) in [
        (&[api, "other"] as &[&str], "ES384", Some(300)),
        (&[api, "https://evil.example"], "ES384", Some(300)),
        (&["https://evil.example"], "ES384", Some(300)),
        (&["https://api.example.com/"], "ES384", Some(300)),
        (&[], "ES384", Some(300)),
        (&[api], "RS256", Some(300)),
        (&[api], "ES384", Some(901)),
        (&[api], "ES384", None),
    ] {
        assert!(!may_have(&policy, audiences, algorithm, seconds), "{audiences:?} {algorithm} {seconds:?}");
    }
    // On a stage by role alone nothing of it is said.
    let [gate] = &plan.roles_of(&manifest.callers["gate"])[..] else { panic!() };
    assert!(!gate.policy.to_json().contains("GetWebIdentityToken"));
}

#[test]
fn of_a_server_nothing_is_deployed_and_each_form_says_so() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let server = &manifest.stages["server"];
    for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
        for error in [plan.render(server, format).unwrap_err(), plan.render_import(server, format).unwrap_err()] {
            assert_eq!(error.code(), "nothing_to_render");
            assert!(error.hint().starts_with("`xacct-sign render callers --stage server > callers.json`"), "{error}");
        }
    }
    assert!(plan.stage_roles(server).is_empty() && plan.resource_policy(server).is_none());
    let roles = read_roles(&plan.render(&manifest.stages["http"], Format::Json).unwrap()).unwrap();
    assert_eq!(plan.diff(server, None, &roles).unwrap_err().code(), "nothing_deployed");
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    assert_eq!(plan.diff_resource_policy(server, policy).unwrap_err().code(), "nothing_deployed");
    let deployment = plan.deployment();
    assert_eq!(deployment.stages.keys().collect::<Vec<_>>(), ["http"]);
    assert_eq!(deployment.servers.keys().collect::<Vec<_>>(), ["other", "server"]);
}

#[test]
fn the_lock_file_knows_who_shows_who_it_is() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let text = plan.lock().to_toml();
    let lock = Lock::parse(&text, "xacct.lock.toml").unwrap();
    assert!(text.contains("api = \"server:https://api.example.com\", caller = "), "{text}");
    assert!(text.contains("role = \"identity\""), "{text}");
    let again = manifest.plan(&lock);
    assert_eq!((again.role_changes(), again.lock().to_toml()), ([].as_slice(), text.clone()));
    // A server that gets API Gateway in front, and the other way round.
    let gateway = MANIFEST.replace("[stages.server]\ntarget = \"server\"", "[stages.server]\napi_id = \"b1\"");
    let gateway = Manifest::parse(&gateway, "xacct.toml").unwrap();
    let said = |manifest: &Manifest, lock: &Lock| format!("{:?}", manifest.plan(lock).findings());
    let message = "has to assume `arn:aws:iam::111111111111:role/ApiAllowByIamRoleServer` now, and showed who it was";
    assert!(said(&gateway, &lock).contains(message), "{}", said(&gateway, &lock));
    let before = Lock::parse(&gateway.plan(&Lock::default()).lock().to_toml(), "xacct.lock.toml").unwrap();
    let message =
        "it has to show who it is now, and did assume `arn:aws:iam::111111111111:role/ApiAllowByIamRoleServer`";
    assert!(said(&manifest, &before).contains(message), "{}", said(&manifest, &before));
    let page = manifest.plan(&lock).access_map(&lock);
    assert!(!page.contains("<b>moved</b>") && !page.contains("<b>added</b>"), "{page}");
}

#[test]
fn the_note_says_what_a_server_wants_and_leads_nobody_elsewhere() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let note = plan.note(&manifest.callers["shop"]);
    for part in [
        "for `execute-api`, but on a stage with an audience.\n",
        "- Role: none to assume\n- Audience: `https://api.example.com`\n- URL: `https://api.example.com`\n",
        "- Tokens: by `ES384`, for 900 seconds at most\n- Proofs: signed for `eu-west-1`\n",
        "- Audience: `other`\n- URL: the provider tells you\n",
        "IdentityToken(\n    \"https://api.example.com\",\n    region=\"eu-west-1\",\n",
        "identityToken({\n  audience: \"https://api.example.com\",\n  region: \"eu-west-1\",\n",
        "xacct-sign call '--identity=https://api.example.com' '--region=eu-west-1' \\\n  https://api.example.com/\n",
        "aws iam enable-outbound-web-identity-federation",
        "It is known here as `https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws`.",
        "sts:GetWebIdentityToken",
    ] {
        assert!(note.contains(part), "{part} is not in:\n{note}");
    }
    // Where nobody has said where the server is, the snippets name no host that there could be.
    let (_, other) = note.split_once("## Stage `other`").unwrap();
    let (other, _) = other.split_once("## Stage `server`").unwrap();
    assert!(other.contains("https://server.invalid/") && !other.contains("example.com"), "{other}");
    let text = MANIFEST
        .replace("max_duration_seconds = 900", "max_duration_seconds = 60\nalgorithm = \"RS256\"\nregions = []");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let note = manifest.plan(&Lock::default()).note(&manifest.callers["batch"]);
    for part in [
        "- Proofs: none are taken\n",
        "algorithm=\"RS256\",\n    duration_seconds=60,\n",
        "algorithm: \"RS256\",\n  durationSeconds: 60,\n",
        "token=$(xacct-sign token '--region=eu-west-1' '--algorithm=RS256' --expires-in=60s -- https://api.example.com)",
        "\"SigningAlgorithm\":\"RS256\"",
        "\"DurationSeconds\":60",
    ] {
        assert!(note.contains(part), "{part} is not in:\n{note}");
    }
    assert!(!note.contains("Signature Version 4"), "{note}");
}

/// Of an account whose issuer nobody has said a server takes proofs alone.
#[test]
fn the_note_shows_proofs_to_whom_tokens_do_not_let_in() {
    let no_issuer = MANIFEST.lines().filter(|line| !line.starts_with("issuer = ")).collect::<Vec<_>>().join("\n");
    let note = |text: &str| {
        let manifest = Manifest::parse(text, "xacct.toml").unwrap();
        manifest.plan(&Lock::default()).note(&manifest.callers["batch"])
    };
    let elsewhere = "[identity]\nalgorithm = \"RS256\"\nregions = [\"us-east-1\", \"us-west-2\"]";
    for (text, region) in [
        (no_issuer.clone(), "eu-west-1"),
        (no_issuer.replace("max_duration_seconds = 900", "max_duration_seconds = 60"), "eu-west-1"),
        (no_issuer.replace("[identity]", elsewhere), "us-east-1"),
    ] {
        let note = note(&text);
        for part in [
            format!(
                "auth = IdentityAuth(xacct_sign.IdentityProof(\n    \"https://api.example.com\",\n    region=\"{region}\",\n    base="
            ),
            "import { identityProof } from \"xacct-sign/identity\";\n".to_owned(),
            format!("identityProof({{\n  audience: \"https://api.example.com\",\n  region: \"{region}\",\n}})"),
            format!(
                "xacct-sign call '--identity=https://api.example.com' --proof '--region={region}' \\\n  https://api"
            ),
            "or, where\nyour account has no tokens made, a proof".to_owned(),
        ] {
            assert!(note.contains(&part), "{part} is not in:\n{note}");
        }
        for part in ["IdentityToken(", "identityToken", "get-web-identity-token --region"] {
            assert!(!note.contains(part), "{part} is in:\n{note}");
        }
    }
    let note_of_tokens = note(MANIFEST);
    assert!(!note_of_tokens.contains("Proof(") && !note_of_tokens.contains("--proof"), "{note_of_tokens}");
    // Where no proofs are taken, none is spoken of.
    let none = note(&MANIFEST.replace("[identity]", "[identity]\nregions = []"));
    assert_eq!(none.to_lowercase().matches("proof").count(), 1, "{none}");
    assert!(none.contains("- Proofs: none are taken\n"), "{none}");
}
