//! Reading manifests: what is taken, and every way in which one is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod api;
mod patterns;
mod roles;
mod servers;
mod targets;

use std::collections::BTreeSet;

use xacct_sign::aws::RoleName;
use xacct_sign_provider::{
    Caller, CallerPrincipals, FindingCode, JSON_SCHEMA, Lock, Manifest, ManifestErrorKind, Route, StageTarget,
    TrustForm, WhichRole,
};

const API: &str = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n";

/// Stage `stag` on lines 4 and 5, caller `shop` on lines 6 to 8.
fn with_caller(rest: &str) -> String {
    format!("{API}[stages.stag]\napi_id = \"f6g7h8i9j0\"\n[callers.shop]\naccount = \"000000000000\"\n{rest}\n")
}

/// Caller `shop` as an organization, on the same lines.
fn organization(rest: &str) -> String {
    with_caller(rest).replace("account = \"000000000000\"", "organization = \"o-a1b2c3d4e5\"")
}

fn with_api(rest: &str) -> String {
    format!("{API}{rest}\n")
}

#[test]
fn defaults_are_filled_in() {
    let manifest = Manifest::parse(&with_caller("roles = { stag = \"Batch\" }"), "xacct.toml").unwrap();
    assert_eq!(manifest.api.role_name.to_string(), "ApiAllowByIamRole");
    assert_eq!(manifest.api.max_session_duration, 3600);
    let target = StageTarget::HttpApi { api_id: "f6g7h8i9j0".to_owned(), api_stage: "$default".to_owned() };
    assert_eq!(manifest.stages["stag"].target, target);
    let shop = &manifest.callers["shop"];
    assert_eq!(shop.external_id, None);
    assert_eq!(shop.routes, None);
    assert_eq!(role(shop, "stag"), ("000000000000", "Batch".to_owned(), TrustForm::Role));
    assert!(shop.session_names.is_empty() && shop.tags.is_empty() && shop.source_identity.is_empty());
    assert!(!shop.is_third_party && shop.accept.is_empty());
    assert!(!manifest.stages["stag"].is_production);
    assert_eq!(manifest.api.role_trust_policy_length, 2048);
    assert_eq!((manifest.api.line, manifest.stages["stag"].line, shop.line), (1, 4, 6));
}

fn role<'c>(caller: &'c Caller, stage: &str) -> (&'c str, String, TrustForm) {
    let CallerPrincipals::Roles { account, roles, trust } = &caller.principals else { panic!("an organization") };
    let name = match roles[stage].as_slice() {
        [WhichRole::Named(name)] => name.to_string(),
        [WhichRole::Every] => "*".to_owned(),
        other => panic!("{other:?}"),
    };
    (account, name, *trust)
}

#[test]
fn everything_can_be_given() {
    let text = r#"
        [api]
        account = "111111111111"
        region = "cn-north-1"
        role_name = "apis/Allow"
        max_session_duration = 43200
        role_trust_policy_length = 4096
        accept = { duration_beyond_chaining = "callers are users" }
        [stages.pre-prod]
        api_id = "f6g7h8i9j0"
        api_stage = "v1"
        production = true
        accept = { roles_split = "there are many" }
        [callers.shop]
        account = "000000000000"
        roles = { pre-prod = "service-role/LambdaRole" }
        external_id = "a+b=c,d.e@f:g/h-i_j"
        routes = ["ANY /", "GET /items/{id}/", "PUT /a/{proxy+}", "POST /b/*"]
        trust = "account"
        session_names = ["b-*", "a-?", "b-*"]
        tags = ["team", "env:x"]
        source_identity = ["*"]
        third_party = true
        accept = { wildcard_spans_segments = "checked in the API" }
        [callers.everybody]
        organization = "o-a1b2c3d4e5"
        stages = ["pre-prod"]
        [callers.all-of-it]
        account = "000000000001"
        roles = { pre-prod = "*" }
        trust = "account"
        [callers.anywhere]
        account = "*"
        roles = { pre-prod = "Batch" }
        trust = "account"
    "#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    assert_eq!(manifest.api.partition(), "aws-cn");
    assert_eq!(manifest.api.role_name.path(), "/apis/");
    assert_eq!(manifest.api.role_name.name(), "Allow");
    assert_eq!(manifest.api.max_session_duration, 43200);
    let target = StageTarget::HttpApi { api_id: "f6g7h8i9j0".to_owned(), api_stage: "v1".to_owned() };
    assert_eq!(manifest.stages["pre-prod"].target, target);
    let shop = &manifest.callers["shop"];
    assert_eq!(role(shop, "pre-prod"), ("000000000000", "service-role/LambdaRole".to_owned(), TrustForm::Account));
    assert_eq!(shop.session_names, ["a-?", "b-*"]);
    assert_eq!(shop.tags, ["env:x", "team"]);
    assert_eq!(shop.source_identity, ["*"]);
    assert!(shop.is_third_party);
    assert_eq!(shop.accept[&FindingCode::WildcardSpansSegments], "checked in the API");
    assert_eq!(manifest.api.accept[&FindingCode::DurationBeyondChaining], "callers are users");
    assert_eq!(manifest.stages["pre-prod"].accept[&FindingCode::RolesSplit], "there are many");
    assert!(manifest.stages["pre-prod"].is_production);
    assert_eq!(manifest.api.role_trust_policy_length, 4096);
    let CallerPrincipals::Organization { id, stages } = &manifest.callers["everybody"].principals else { panic!() };
    assert_eq!(
        (id.as_str(), stages.iter().map(String::as_str).collect::<Vec<_>>()),
        ("o-a1b2c3d4e5", vec!["pre-prod"])
    );
    assert_eq!(role(&manifest.callers["all-of-it"], "pre-prod").1, "*");
    assert_eq!(role(&manifest.callers["anywhere"], "pre-prod").0, "*");
    assert_eq!(shop.external_id.as_deref(), Some("a+b=c,d.e@f:g/h-i_j"));
    let routes: Vec<String> = shop.routes.as_ref().unwrap().iter().map(Route::to_string).collect();
    assert_eq!(routes, ["ANY /", "GET /items/{id}/", "PUT /a/{proxy+}", "POST /b/*"]);
}

/// Text, code, line, a part of the message.
type Refused = (String, &'static str, usize, &'static str);

/// Every code occurs, which the test checks.
fn refused() -> Vec<Refused> {
    of_callers_and_api().into_iter().chain(targets::refused()).chain(servers::refused()).collect()
}

fn of_callers_and_api() -> Vec<Refused> {
    let roles = "roles = { stag = \"Batch\" }";
    let caller = |more: &str| with_caller(&format!("{roles}\n{more}"));
    let long = "x".repeat(60);
    vec![
        (with_api("[stages"), "syntax", 4, ""),
        (with_api("[api]"), "syntax", 4, ""),
        (API.replace("\"111111111111\"", "011111111111"), "syntax", 2, ""),
        (with_api("stage = 1"), "schema", 4, "`stage`"),
        (with_api("path = \"x\""), "invalid_path", 4, "`x`"),
        (with_api("permissions_boundary = \"x\""), "invalid_permissions_boundary", 4, "`x`"),
        (with_api("tags = { \"aws:x\" = \"y\" }"), "invalid_role_tag", 4, "`aws:x`"),
        (with_api("[stages.x]\napi_id = \"a\"\nurl = \"http://x\""), "invalid_url", 6, "`http://x`"),
        (with_api("max_session_duration = \"1h\""), "schema", 4, ""),
        (with_api("[stages.x]\n"), "schema", 4, "`[stages.x]` lacks the key `api_id`"),
        (String::new(), "schema", 1, "no table `[api]`"),
        (caller("rotues = []"), "schema", 9, "`[callers.shop]` has no key `rotues`: did you mean `routes`?"),
        (API.replace("\"111111111111\"", "111111111111"), "invalid_account_id", 2, "`111111111111`"),
        (API.replace("111111111111", "11111111111"), "invalid_account_id", 2, "`11111111111`"),
        (with_caller(roles).replace("000000000000", "00000000000x"), "invalid_account_id", 7, "`00000000000x`"),
        (API.replace("ap-northeast-1", "evil.example.com/"), "invalid_region", 3, "`evil.example.com/`"),
        (API.replace("ap-northeast-1", "us"), "invalid_region", 3, "`us`"),
        (API.replace("ap-northeast-1", "ap-northeast"), "invalid_region", 3, "`ap-northeast`"),
        (API.replace("ap-northeast-1", "ap-northeast-1a"), "invalid_region", 3, "`ap-northeast-1a`"),
        (API.replace("ap-northeast-1", "us-iso-east-1"), "invalid_region", 3, "`us-iso-east-1`"),
        (API.replace("ap-northeast-1", "us-isob-east-1"), "invalid_region", 3, "`us-isob-east-1`"),
        (API.replace("ap-northeast-1", ""), "invalid_region", 3, "``"),
        (with_api("role_name = \"a b\""), "invalid_role_name", 4, "`a b`"),
        (with_caller("roles = { stag = \"arn:aws:iam::222222222222:role/X\" }"), "invalid_role_name", 8, "`arn:"),
        (with_caller("roles = { stag = \"x?\" }"), "invalid_role_name", 8, "`x?`"),
        (with_caller("roles = { stag = \"/X\" }"), "invalid_role_name", 8, "`/X`"),
        (with_caller("roles = { stag = \"*/X\" }"), "invalid_role_name", 8, "`*/X`"),
        (
            with_api(&format!("role_name = \"{long}\"\n[stages.stags]\napi_id = \"a\"")),
            "invalid_role_name",
            5,
            "stage `stags`",
        ),
        (with_api("max_session_duration = 3599"), "invalid_duration", 4, "`3599`"),
        (with_api("max_session_duration = 43201"), "invalid_duration", 4, "`43201`"),
        (with_api("max_session_duration = -1"), "invalid_duration", 4, "`-1`"),
        (with_api("[stages.\"a/b\"]\napi_id = \"a\""), "invalid_stage_name", 4, "`a/b`"),
        (with_api("[stages.\"\"]\napi_id = \"a\""), "invalid_stage_name", 4, "``"),
        (caller("").replace("callers.shop", "callers.\"sh*p\""), "invalid_caller_name", 6, "`sh*p`"),
        (with_api("[stages.x]\napi_id = \"*\""), "invalid_api_id", 5, "`*`"),
        (with_api("[stages.x]\napi_id = \"a\"\napi_stage = \"*\""), "invalid_api_stage", 6, "`*`"),
        (with_api("[stages.x]\napi_id = \"a\"\n[stages.b]\napi_id = \"a\""), "duplicate_api", 6, "stage `x`"),
        (
            with_api("[stages.x]\napi_id = \"a\"\napi_stage = \"v1\"\n[stages.b]\napi_stage = \"v1\"\napi_id = \"a\""),
            "duplicate_api",
            7,
            "stage `v1`",
        ),
        (caller("external_id = \"x\""), "invalid_external_id", 9, "`x`"),
        (caller("external_id = \"a b\""), "invalid_external_id", 9, "`a b`"),
        (caller("routes = [\"GET /a%20b\"]"), "invalid_route", 9, "`%` within the segment `a%20b`"),
        (caller("routes = []"), "invalid_route", 9, "caller `shop`"),
        (caller("routes = [\n\"GET /a\",\n\"GET b\"]"), "invalid_route", 11, "`GET b`"),
        (with_caller("roles = { stga = \"Batch\" }"), "unknown_stage", 8, "`stga`"),
        (
            format!("{}[callers.copy]\naccount = \"000000000000\"\nroles = {{ stag = \"path/bATCH\" }}", caller("")),
            "duplicate_caller",
            12,
            "caller `shop`: `path/bATCH` of `000000000000`",
        ),
        (
            with_api("[stages.pre-prod]\napi_id = \"a\"\n[stages.Preprod]\napi_id = \"b\""),
            "role_name_collision",
            6,
            "stage `pre-prod`",
        ),
        // The partner's own role on `stag` would be the shared role of the stage `stag-shop`.
        (
            format!("{}[stages.stag-shop]\napi_id = \"b\"", caller("routes = [\"GET /\"]")),
            "role_name_collision",
            6,
            "stage `stag-shop`",
        ),
        (with_caller(""), "unused_caller", 6, "`shop`"),
        (with_caller("roles = {}"), "unused_caller", 6, "`shop`"),
        (caller("organization = \"o-a1b2c3d4e5\""), "invalid_caller", 6, "both"),
        (caller("").replace("account = \"000000000000\"\n", ""), "invalid_caller", 6, "neither"),
        (caller("stages = [\"stag\"]"), "invalid_caller", 6, "`stages`"),
        (organization("stages = [\"stag\"]\nroles = { stag = \"X\" }"), "invalid_caller", 6, "`roles`"),
        (organization("stages = [\"stag\"]\ntrust = \"role\""), "invalid_caller", 6, "`trust`"),
        (organization("stages = [\"prod\"]"), "unknown_stage", 8, "`prod`"),
        (organization("stages = [\"stag\", \"stag\"]"), "duplicate_caller", 8, "`o-a1b2c3d4e5`"),
        (organization("stages = []"), "unused_caller", 6, "`shop`"),
        (
            organization("stages = [\"stag\"]").replace("o-a1b2c3d4e5", "a1b2c3d4e5"),
            "invalid_organization",
            7,
            "`a1b2c3d4e5`",
        ),
        (caller("trust = \"accounts\""), "invalid_trust", 9, "`accounts`"),
        (caller("").replace("000000000000", "*"), "invalid_trust", 7, "every account"),
        (with_caller("roles = { stag = \"*\" }"), "invalid_trust", 8, "every role"),
        (
            with_caller("roles = { stag = \"*\" }\ntrust = \"account\"").replace("000000000000", "*"),
            "invalid_caller",
            8,
            "every role of every account",
        ),
        (caller("session_names = [\"a b\"]"), "invalid_session_name", 9, "`a b`"),
        (caller("session_names = [\"a\"]"), "invalid_session_name", 9, "`a`"),
        (caller("session_names = [\"?\"]"), "invalid_session_name", 9, "`?`"),
        (caller("source_identity = [\"?\"]"), "invalid_source_identity", 9, "`?`"),
        (caller("session_names = []"), "invalid_session_name", 9, "empty"),
        (caller("tags = [\"aws:x\"]"), "invalid_tag_key", 9, "`aws:x`"),
        (caller("tags = [\"a\",\n\"a b\"]"), "invalid_tag_key", 10, "`a b`"),
        (caller("tags = [\"Team\", \"team\"]"), "invalid_tag_key", 9, "`team`"),
        (
            caller(&format!("tags = [{}]", (0..51).map(|i| format!("\"t{i}\", ")).collect::<String>())),
            "invalid_tag_key",
            9,
            "51",
        ),
        (caller("source_identity = [\"a:b\"]"), "invalid_source_identity", 9, "`a:b`"),
        (with_api("role_trust_policy_length = 4097"), "invalid_quota", 4, "`4097`"),
        (with_api("role_trust_policy_length = 2047"), "invalid_quota", 4, "`2047`"),
        (caller("accept = { nothing = \"x\" }"), "unknown_finding", 9, "`nothing`"),
        (caller("accept = { trust_policy_too_large = \"x\" }"), "unknown_finding", 9, "`trust_policy_too_large`"),
        (caller("accept = { whole_account = \" \" }"), "unknown_finding", 9, "without a reason"),
        (with_api("accept = [\"whole_account\"]"), "schema", 4, ""),
    ]
}

/// Lock files that no version writes: text, line, a part of the message.
const LOCKS: [(&str, usize, &str); 9] = [
    ("", 1, "`version`"),
    ("version = 1\nstages", 2, ""),
    ("version = 2", 1, "`2`"),
    ("version = 1\nstage = 1", 2, "not what stands in a lock file"),
    ("version = 1\n[told.stag]\nshop = { api = \"a\" }", 3, "not what stands in a lock file"),
    (
        "version = 1\n[told.stag]\nshop = { api = \"a\", caller = \"b\", role = \"c\\n\" }",
        3,
        "caller `shop` has been told",
    ),
    ("version = 1\n[stages.stag]\nshop = 0", 3, "`0`"),
    ("version = 1\n[stages.stag]\nshop = 10001", 3, "`10001`"),
    ("version = 1\n[stages.\"a/b\"]\nshop = 1", 2, "`a/b`"),
];

#[test]
fn columns_count_characters() {
    let text = with_caller("roles = { \"stag\" = \"Ü\" }");
    let error = Manifest::parse(&text, "f").unwrap_err();
    assert_eq!((error.line(), error.column()), (8, 20));
    let error = Manifest::parse(&with_caller("roles = { \"ä\" = \"A\", \"ü\" = \"B\" }"), "f").unwrap_err();
    assert_eq!((error.code(), error.line(), error.column()), ("unknown_stage", 8, 11), "{error}");
}

#[test]
fn every_refusal_has_its_code_its_line_and_a_hint() {
    let mut seen = BTreeSet::new();
    for (text, code, line, part) in refused() {
        let error = match Manifest::parse(&text, "some.toml") {
            Err(error) => error,
            Ok(_) => panic!("{code} was expected of:\n{text}"),
        };
        assert_eq!(error.code(), code, "{error}\n{text}");
        assert_eq!(error.line(), line, "{error}\n{text}");
        assert!(error.message().contains(part), "{part} is not in: {error}");
        assert!(!error.message().contains('\n'), "{error}");
        assert!(!error.message().ends_with('.'), "{error}");
        assert!(!error.hint().is_empty());
        assert_eq!(error.file(), "some.toml");
        let column = error.column();
        let shown = text.lines().nth(line - 1).unwrap_or_default().chars().count();
        assert!((1..=shown + 1).contains(&column), "{column} is not in line {line} of:\n{text}");
        assert_eq!(error.to_string(), format!("some.toml:{line}:{column}: {}", error.message()));
        seen.insert(code);
    }
    for (text, line, part) in LOCKS {
        let error = Lock::parse(text, "some.lock.toml").unwrap_err();
        assert_eq!((error.code(), error.line(), error.file()), ("invalid_lock", line, "some.lock.toml"), "{error}");
        assert!(error.message().contains(part), "{part} is not in: {error}");
        assert!(!error.hint().is_empty());
        seen.insert(error.code());
    }
    let all: BTreeSet<&str> = ManifestErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(all.len(), ManifestErrorKind::ALL.len(), "codes are unique");
    assert_eq!(seen, all, "every code has a case");
}

#[test]
fn the_same_role_on_another_stage_or_of_another_account_is_no_duplicate() {
    let text = format!(
        "{API}[stages.a]\napi_id = \"a\"\n[stages.b]\napi_id = \"b\"
        [callers.x]\naccount = \"000000000000\"\nroles = {{ a = \"R\" }}
        [callers.y]\naccount = \"000000000000\"\nroles = {{ b = \"R\" }}
        [callers.z]\naccount = \"000000000001\"\nroles = {{ a = \"R\" }}"
    );
    assert_eq!(Manifest::parse(&text, "f").unwrap().callers.len(), 3);
}

#[test]
fn the_partition_is_the_regions() {
    for (region, partition) in [
        ("ap-northeast-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let text = API.replace("ap-northeast-1", region);
        assert_eq!(Manifest::parse(&text, "f").unwrap().api.partition(), partition);
    }
}

#[test]
fn routes_become_ends_of_arns() {
    let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    for (route, path) in [("ANY /", "/"), ("ANY /*", "/*"), ("ANY /{proxy+}", "/*"), ("ANY /a/{id}", "/a/*")] {
        let suffixes = methods.map(|method| format!("{method}{path}"));
        assert_eq!(Route::parse(route).unwrap().arn_suffixes(), suffixes, "{route}");
    }
    for (route, suffix) in [
        ("GET /", "GET/"),
        ("PUT /hoge", "PUT/hoge"),
        ("GET /items/*", "GET/items/*"),
        ("GET /items/{id}/parts/{part}", "GET/items/*/parts/*"),
        ("DELETE /items/{proxy+}", "DELETE/items/*"),
        ("PATCH /a+b/", "PATCH/a+b/"),
    ] {
        assert_eq!(Route::parse(route).unwrap().arn_suffixes(), [suffix], "{route}");
    }
    for route in [
        "",
        "GET",
        "GET/",
        "/items",
        "get /items",
        "TRACE /",
        "* /",
        "GET  /",
        "GET items",
        "GET /a//b",
        "GET /a/../b",
        "GET /a*",
        "GET /*/b",
        "GET /{proxy+}/b",
        "GET /{}",
        "GET /{+}",
        "GET /{a",
        "GET /a{b}",
        "GET /a?b=c",
        "GET /a b",
        "GET /a%20b",
        "GET /%7Bid%7D",
        "GET /ä",
        "GET /a#b",
        "GET /${x}",
    ] {
        assert!(Route::parse(route).is_err(), "`{route}` was taken");
    }
}

#[test]
fn role_names_have_limits() {
    let longest = "x".repeat(64);
    for name in ["X", "a+b=c,d.e@f_g-h", "a/b/C", longest.as_str()] {
        assert_eq!(RoleName::parse(name).unwrap().to_string(), name);
    }
    let too_long = "x".repeat(65);
    for name in ["", "/", "a/", "/a", "a//b", "a b", "a*", "ä", "${x}", too_long.as_str()] {
        assert_eq!(RoleName::parse(name), None, "{name}");
    }
}

/// Cut anywhere and with any byte replaced: an answer, never a panic.
#[test]
fn no_text_makes_it_panic() {
    let text = with_caller("roles = { stag = \"Bätch\" }\nroutes = [\"GET /{a}\"]");
    for (at, _) in text.char_indices() {
        let _ = Manifest::parse(&text[..at], "f");
        for replacement in ["\"", "\n", "[", "=", "ä", "\0", "9"] {
            let mut changed = text[..at].to_owned();
            changed.push_str(replacement);
            changed.extend(text[at..].chars().skip(1));
            let _ = Manifest::parse(&changed, "f").map(|m| {
                let plan = m.plan(&Lock::default());
                (plan.provider_roles(), plan.caller_roles(), plan.findings())
            });
        }
    }
    for opening in ["[", "a=[", "{", "a.", "a={b="] {
        let deep = opening.repeat(100_000);
        assert_eq!(Manifest::parse(&deep, "f").unwrap_err().code(), "syntax");
        let deep = format!("a={}", opening.repeat(100_000));
        assert_eq!(Manifest::parse(&deep, "f").unwrap_err().code(), "syntax");
    }
}

/// The keys that the error on an unknown one names.
fn expected_keys(text: &str) -> BTreeSet<String> {
    let error = Manifest::parse(text, "f").unwrap_err();
    let text = error.to_string();
    let (_, keys) = text.split_once("its keys are ").unwrap();
    let keys = keys.lines().next().unwrap();
    keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_json_schema_has_the_parsers_keys() {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let definitions = &schema["definitions"];
    assert_eq!(keys(&schema), expected_keys(&with_api("[unknown]")));
    assert_eq!(keys(&definitions["api"]), expected_keys(&with_api("unknown = 1")));
    assert_eq!(keys(&definitions["identity"]), expected_keys(&with_api("[identity]\nunknown = 1")));
    assert_eq!(keys(&definitions["stage"]), expected_keys(&with_api("[stages.x]\nunknown = 1")));
    assert_eq!(keys(&definitions["caller"]), expected_keys(&with_caller("unknown = 1")));
    // Together, the three tables accept what can be accepted.
    let accepted: BTreeSet<String> = ["acceptedOnApi", "acceptedOnStage", "acceptedOnCaller"]
        .iter()
        .flat_map(|name| keys(&definitions[*name]))
        .collect();
    let can_be: BTreeSet<String> =
        FindingCode::ALL.iter().filter(|code| code.can_be_accepted()).map(|code| code.code().to_owned()).collect();
    assert_eq!(accepted, can_be);
}

/// Other frameworks' routes are either refused with what was meant, or taken and found.
#[test]
fn r2_routes_of_other_frameworks_are_told() {
    for (written, meant) in [
        ("GET /items/:id", "GET /items/{id}"),
        ("GET /items/:id?", "GET /items/{id}"),
        ("GET /items/:id(\\\\d+)/parts", "GET /items/{id}/parts"),
        ("GET /files/:rest*", "GET /files/{rest+}"),
        ("GET /items/<id>", "GET /items/{id}"),
        ("GET /items/<int:id>", "GET /items/{id}"),
        ("GET /files/<path:rest>", "GET /files/{rest+}"),
        ("GET /items/[id]", "GET /items/{id}"),
        ("GET /files/[...rest]", "GET /files/{rest+}"),
        ("GET /files/[[...rest]]", "GET /files/{rest+}"),
        ("GET /files/**", "GET /files/{proxy+}"),
        ("GET /files/*rest", "GET /files/{rest+}"),
        ("GET /*/parts", "GET /{id}/parts"),
        ("GET /files/(.*)", "GET /files/{proxy+}"),
        ("GET /files/{rest...}", "GET /files/{rest+}"),
        ("GET /files/{*rest}", "GET /files/{rest+}"),
        ("GET /files/{rest:path}", "GET /files/{rest+}"),
        ("GET /items/{id:int}", "GET /items/{id}"),
        ("GET /items/{id?}", "GET /items/{id}"),
        ("GET /items/$id", "GET /items/{id}"),
        ("get /items", "GET /items"),
        ("* /items", "ANY /items"),
        ("GET items", "GET /items"),
    ] {
        let text = with_caller(&format!("roles = {{ stag = \"Batch\" }}\nroutes = [\"{written}\"]"));
        let said = match Manifest::parse(&text, "f") {
            Err(error) => format!("{} {}", error.code(), error.message()),
            Ok(manifest) => {
                let found = manifest.plan(&Lock::default()).findings();
                found.iter().map(|f| format!("{} {}\n", f.code.code(), f.message)).collect::<String>()
            }
        };
        let is_told = said.contains("invalid_route") || said.contains("foreign_route_syntax");
        assert!(is_told && said.contains(&format!("did you mean `{meant}`?")), "{written}: {said}");
    }
    for route in
        ["GET /items/{id}", "ANY /*", "GET /{proxy+}", "GET /a:b/c", "GET /v1.0/a$b", "GET /a@b", "GET /~me/(a)"]
    {
        let text = with_caller(&format!("roles = {{ stag = \"Batch\" }}\nroutes = [\"{route}\"]"));
        let findings = Manifest::parse(&text, "f").unwrap().plan(&Lock::default()).findings();
        assert!(!findings.iter().any(|f| f.code == FindingCode::ForeignRouteSyntax), "{findings:?}");
    }
}

#[test]
fn t4_every_mistake_is_said_at_once_with_its_table_and_place() {
    let text = r#"
[api]
acount = "111111111111"
region = "tokyo"
max_session_duration = "1h"
[stages.stag]
api_id = 7
[stages.prod]
production = "yes"
accept = { role_split = "x" }
[callers.shop]
account = 123
roles = { stagg = "Batch", prod = "a b" }
externalId = "x"
routes = ["GET /items/:id", "GET /items/<id>", 5]
[callers.wide]
organization = "o-a1b2c3d4e5"
stages = "stag"
[callers."a\u001bb"]
account = "000000000000"
roles = ["stag"]
"#;
    let error = Manifest::parse(text, "xacct.toml").unwrap_err();
    let all: Vec<String> = error.to_string().lines().map(|line| line["xacct.toml:".len()..].to_owned()).collect();
    let expected = [
        "2:2: `[api]` lacks the key `account`",
        "3:1: `[api]` has no key `acount`: did you mean `account`?",
        "4:10: `tokyo` is not a region",
        "5:24: `max_session_duration` of `[api]` is a text, where a whole number belongs",
        "7:10: `api_id` of `[stages.stag]` is a number, where a text in quotes belongs",
        "8:9: `[stages.prod]` lacks the key `api_id`",
        "9:14: `production` of `[stages.prod]` is a text, where `true` or `false` belongs",
        "10:12: `role_split` is not the code of a finding that can be accepted: did you mean `roles_split`?",
        "12:11: `123` is not an account id in the form of a string of 12 digits",
        "13:11: caller `shop` names the stage `stagg`, which is not in the manifest: did you mean `stag`?",
        "13:35: `a b` is not the name of a role",
        "14:1: `[callers.shop]` has no key `externalId`: did you mean `external_id`?",
        "15:48: `routes` of `[callers.shop]` is a number, where a text in quotes belongs",
        "18:10: `stages` of `[callers.wide]` is a text, where a list of texts belongs",
        "19:10: `a\\u{1b}b` is not a name for a caller",
        "21:9: `roles` of `[callers.a\\u{1b}b]` is a list, where a table belongs",
    ];
    assert_eq!(all, expected, "{all:#?}");
    assert_eq!((error.line(), error.column(), error.others().len()), (2, 2, expected.len() - 1));
    for mistake in error.others() {
        assert!(mistake.others().is_empty() && !mistake.hint().is_empty());
    }
    // Of a text that is not TOML, each line that is not.
    let error = Manifest::parse(&with_api("a = \n[stages.x]\napi_id = \n"), "f").unwrap_err();
    let lines: Vec<_> = [&error].into_iter().chain(error.others()).map(|e| (e.code(), e.line())).collect();
    assert_eq!(lines, [("syntax", 4), ("syntax", 6)]);
}

/// What the first of several mistakes hides is said too: the same ones by themselves are the same.
#[test]
fn t4_mistakes_do_not_hide_each_other() {
    let wrong: Vec<_> =
        refused().into_iter().filter(|(_, code, ..)| !["syntax", "role_name_collision"].contains(code)).collect();
    for (text, code, line, _) in &wrong {
        if !text.starts_with(API) {
            continue;
        }
        // A mistake in the first line moves nothing but lines.
        let broken = format!("unknown = 1\n{text}");
        let error = Manifest::parse(&broken, "f").unwrap_err();
        let is_it = |e: &&xacct_sign_provider::ManifestError| e.code() == *code && e.line() == line + 1;
        let is_name = *code == "invalid_role_name" && text.contains("stags");
        assert!(is_name || error.others().iter().any(|e| is_it(&e)), "{code}: {error}\n{text}");
        assert_eq!((error.code(), error.line()), ("schema", 1));
    }
}

/// Of several mistakes some who read a manifest show the first alone.
#[test]
fn a_misspelt_key_is_said_before_what_is_missing_for_it() {
    let text = format!("{API}[stages.x]\ntarget = \"server\"\naudiense = \"https://api.example.com\"\n[callers]\n");
    let error = Manifest::parse(&text, "xacct.toml").unwrap_err();
    assert_eq!((error.code(), error.line()), ("schema", 6), "{error}");
    assert!(error.message().ends_with("did you mean `audience`?"), "{error}");
    let others: Vec<(&str, usize)> = error.others().iter().map(|other| (other.code(), other.line())).collect();
    assert_eq!(others, [("target_incomplete", 4)]);
}
