//! Reading manifests: what is taken, and every way in which one is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::collections::BTreeSet;

use xacct_sign_provider::{Manifest, ManifestErrorKind, RoleName, Route};

const API: &str = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n";

/// Stage `stag` on lines 4 and 5, caller `shop` on lines 6 to 8.
fn with_caller(rest: &str) -> String {
    format!("{API}[stages.stag]\napi_id = \"f6g7h8i9j0\"\n[callers.shop]\naccount = \"000000000000\"\n{rest}\n")
}

fn with_api(rest: &str) -> String {
    format!("{API}{rest}\n")
}

#[test]
fn defaults_are_filled_in() {
    let manifest = Manifest::parse(&with_caller("roles = { stag = \"Batch\" }"), "xacct.toml").unwrap();
    assert_eq!(manifest.api.role_name.to_string(), "ApiAllowByIamRole");
    assert_eq!(manifest.api.max_session_duration, 3600);
    assert_eq!(manifest.stages["stag"].api_stage, "$default");
    let shop = &manifest.callers["shop"];
    assert_eq!(shop.external_id, None);
    assert_eq!(shop.routes, None);
    assert_eq!(shop.roles["stag"].to_string(), "Batch");
}

#[test]
fn everything_can_be_given() {
    let text = r#"
        [api]
        account = "111111111111"
        region = "cn-north-1"
        role_name = "apis/Allow"
        max_session_duration = 43200
        [stages.pre-prod]
        api_id = "f6g7h8i9j0"
        api_stage = "v1"
        [callers.shop]
        account = "000000000000"
        roles = { pre-prod = "service-role/LambdaRole" }
        external_id = "a+b=c,d.e@f:g/h-i_j"
        routes = ["ANY /", "GET /items/{id}/", "PUT /a/{proxy+}", "POST /b/*"]
    "#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    assert_eq!(manifest.api.partition(), "aws-cn");
    assert_eq!(manifest.api.role_name.path(), "/apis/");
    assert_eq!(manifest.api.role_name.name(), "Allow");
    assert_eq!(manifest.api.max_session_duration, 43200);
    assert_eq!(manifest.stages["pre-prod"].api_stage, "v1");
    let shop = &manifest.callers["shop"];
    assert_eq!(shop.roles["pre-prod"].path(), "/service-role/");
    assert_eq!(shop.external_id.as_deref(), Some("a+b=c,d.e@f:g/h-i_j"));
    let routes: Vec<String> = shop.routes.as_ref().unwrap().iter().map(Route::to_string).collect();
    assert_eq!(routes, ["ANY /", "GET /items/{id}/", "PUT /a/{proxy+}", "POST /b/*"]);
}

/// Text, code, line, a part of the message. Every code occurs, which the test checks.
fn refused() -> Vec<(String, &'static str, usize, &'static str)> {
    let roles = "roles = { stag = \"Batch\" }";
    let caller = |more: &str| with_caller(&format!("{roles}\n{more}"));
    let long = "x".repeat(60);
    vec![
        (with_api("[stages"), "syntax", 4, ""),
        (with_api("[api]"), "syntax", 4, ""),
        (API.replace("\"111111111111\"", "011111111111"), "syntax", 2, ""),
        (with_api("stage = 1"), "schema", 4, "`stage`"),
        (with_api("max_session_duration = \"1h\""), "schema", 4, ""),
        (with_api("[stages.x]\n"), "schema", 4, "`api_id`"),
        (String::new(), "schema", 1, "`api`"),
        (caller("rotues = []"), "schema", 9, "`rotues`"),
        (API.replace("\"111111111111\"", "111111111111"), "invalid_account_id", 2, "`111111111111`"),
        (API.replace("111111111111", "11111111111"), "invalid_account_id", 2, "`11111111111`"),
        (with_caller(roles).replace("000000000000", "00000000000x"), "invalid_account_id", 7, "`00000000000x`"),
        (API.replace("ap-northeast-1", "evil.example.com/"), "invalid_region", 3, "`evil.example.com/`"),
        (API.replace("ap-northeast-1", ""), "invalid_region", 3, "``"),
        (with_api("role_name = \"a b\""), "invalid_role_name", 4, "`a b`"),
        (with_caller("roles = { stag = \"arn:aws:iam::000000000000:role/X\" }"), "invalid_role_name", 8, "`arn:"),
        (with_caller("roles = { stag = \"*\" }"), "invalid_role_name", 8, "`*`"),
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
        (caller("external_id = \"x\""), "invalid_external_id", 9, "`x`"),
        (caller("external_id = \"a b\""), "invalid_external_id", 9, "`a b`"),
        (caller("routes = []"), "invalid_route", 9, "caller `shop`"),
        (caller("routes = [\n\"GET /a\",\n\"GET b\"]"), "invalid_route", 11, "`GET b`"),
        (with_caller("roles = { stga = \"Batch\" }"), "unknown_stage", 8, "`stga`"),
        (
            format!("{}[callers.copy]\naccount = \"000000000000\"\nroles = {{ stag = \"path/bATCH\" }}", caller("")),
            "duplicate_caller",
            12,
            "caller `shop`",
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
    ]
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
        assert_eq!(error.to_string(), format!("some.toml:{line}: {}", error.message()));
        seen.insert(code);
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
    for (route, suffix) in [
        ("GET /", "GET/"),
        ("ANY /", "*/"),
        ("ANY /*", "*/*"),
        ("ANY /{proxy+}", "*/*"),
        ("PUT /hoge", "PUT/hoge"),
        ("GET /items/*", "GET/items/*"),
        ("GET /items/{id}/parts/{part}", "GET/items/*/parts/*"),
        ("DELETE /items/{proxy+}", "DELETE/items/*"),
        ("PATCH /a%20b/", "PATCH/a%20b/"),
    ] {
        assert_eq!(Route::parse(route).unwrap().arn_suffix(), suffix, "{route}");
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
            let _ = Manifest::parse(&changed, "f").map(|m| (m.provider_roles(), m.caller_roles()));
        }
    }
    for opening in ["[", "a=[", "{", "a.", "a={b="] {
        let deep = opening.repeat(100_000);
        assert_eq!(Manifest::parse(&deep, "f").unwrap_err().code(), "syntax");
        let deep = format!("a={}", opening.repeat(100_000));
        assert_eq!(Manifest::parse(&deep, "f").unwrap_err().code(), "syntax");
    }
}
