//! The check: every finding has a manifest that shows it and one that does not, and is accepted where it can be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;

use xacct_sign_provider::limits::LIMITS;
use xacct_sign_provider::{Finding, FindingCode, Level, Lock, Manifest, ManifestErrorKind, Subject};

const API: &str = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n";
const STAG: &str = "[stages.stag]\napi_id = \"f6g7h8i9j0\"\n";
const PROD: &str = "[stages.prod]\napi_id = \"k1l2m3n4o5\"\n";

const SERVER: &str = "[stages.stag]\ntarget = \"server\"\naudience = \"https://a.example\"\n";

const REST: &str = "[stages.stag]\ntarget = \"rest_api\"\napi_id = \"f6g7h8i9j0\"\napi_stage = \"v1\"\n";
const URL: &str = "[stages.stag]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\n";

const ISSUER: &str = "issuer = \"https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws\"\n";

fn caller(rest: &str) -> String {
    format!("[callers.shop]\naccount = \"000000000000\"\nroles = {{ stag = \"Batch\" }}\n{rest}\n")
}

fn on_stag(rest: &str) -> String {
    format!("{API}{STAG}{}", caller(rest))
}

/// Of a manifest with the remark `told`, what is found after its callers were told their roles, when they had no routes of their
/// own, and nothing that begins with `then` in a remark.
fn findings(text: &str) -> Vec<Finding> {
    let lock = if text.contains("# told") {
        let before: Vec<&str> = text.lines().filter(|line| !line.starts_with("routes = ")).collect();
        Manifest::parse(&before.join("\n"), "xacct.toml").unwrap().plan(&Lock::default()).lock().clone()
    } else {
        Lock::default()
    };
    let text = &text.replace("# then ", "");
    Manifest::parse(text, "xacct.toml").unwrap().plan(&lock).findings()
}

fn codes(text: &str) -> Vec<&'static str> {
    findings(text).iter().filter(|finding| finding.accepted.is_none()).map(|finding| finding.code.code()).collect()
}

fn many_callers(count: usize, rest: &str) -> String {
    let caller = |i: usize| format!("[callers.c{i}]\naccount = \"{i:012}\"\nroles = {{ stag = \"Batch\" }}\n{rest}\n");
    format!("{API}{STAG}{}", (0..count).map(caller).collect::<String>())
}

fn many_routes(count: usize) -> String {
    let routes: Vec<String> = (0..count).map(|i| format!("\"GET /items/{i}\"")).collect();
    format!("routes = [{}]", routes.join(", "))
}

/// More than fit with their seven methods each.
fn many_any_routes(count: usize) -> String {
    many_routes(count).replace("GET", "ANY")
}

fn many_stages(count: usize, role: &str) -> String {
    let stages: String = (0..count).map(|i| format!("[stages.s{i}]\napi_id = \"a{i}\"\n")).collect();
    let roles: Vec<String> = (0..count).map(|i| format!("s{i} = \"{role}\"")).collect();
    format!("{API}{stages}[callers.shop]\naccount = \"000000000000\"\nroles = {{ {} }}\n", roles.join(", "))
}

/// Many callers with routes of their own, and so roles.
fn many_roles(count: usize) -> String {
    many_callers(count, "routes = [\"GET /\"]")
}

const ORGANIZATION: &str = "[callers.wide]\norganization = \"o-a1b2c3d4e5\"\nstages = [\"stag\"]\n";
const WHOLE: &str = "[callers.wide]\naccount = \"000000000000\"\ntrust = \"account\"\nroles = { stag = \"*\" }\naccept = { whole_account = \"x\" }\n";
const ANY: &str = "[callers.wide]\naccount = \"*\"\ntrust = \"account\"\nroles = { stag = \"Batch\" }\naccept = { wildcard_account = \"x\" }\n";

/// The caller `shop` beside a wider one.
fn beside(wide: &str, rest: &str) -> String {
    format!("{}{wide}", on_stag(rest))
}

/// Code, a manifest in which it is found, what it is about, a part of the message.
fn found() -> Vec<(&'static str, String, Subject, &'static str)> {
    let shop = || Subject::Caller("shop".to_owned());
    let id = "x".repeat(1224);
    let patterns: Vec<String> = (0..30).map(|i| format!("\"{i}-{}\"", "p".repeat(50))).collect();
    let long_name = "x".repeat(60);
    let split: String = many_callers(100, "").replace("[api]", &format!("[api]\nrole_name = \"{long_name}\""));
    vec![
        (
            "trust_policy_too_large",
            on_stag(&format!("external_id = \"{id}\"\nsession_names = [{}]", patterns.join(", "))),
            shop(),
            "`ApiAllowByIamRoleStag` has",
        ),
        ("invoke_policy_too_large", on_stag(&many_routes(150)), shop(), "IAM takes 10240"),
        ("caller_policy_too_large", many_stages(130, "Batch"), shop(), "IAM takes 6144"),
        ("role_name_too_long", split, Subject::Stage("stag".to_owned()), "Stag-2` has 66 characters"),
        ("too_many_roles", many_roles(1001), Subject::Api, "1001 roles"),
        ("template_too_large", many_roles(501), Subject::Stage("stag".to_owned()), "501 resources"),
        ("wildcard_account", on_stag("trust = \"account\"").replace("000000000000", "*"), shop(), "every AWS account"),
        ("whole_account", on_stag("trust = \"account\"").replace("Batch", "*"), shop(), "account `000000000000`"),
        (
            "permission_set_without_path",
            on_stag("trust = \"account\"").replace("Batch", "AWSReservedSSO_Ops_*"),
            shop(),
            "`AWSReservedSSO_Ops_*` on `stag`",
        ),
        (
            "permission_set_without_path",
            on_stag("").replace("Batch", "AWSReservedSSO_Ops_0123456789abcdef"),
            shop(),
            "`AWSReservedSSO_Ops_0123456789abcdef` on `stag`",
        ),
        (
            "role_name_not_unique",
            format!(
                "{}[stages.next]\napi_id = \"k1\"\n",
                on_stag("").replace("{ stag", "{ next = \"apps/Batch\", stag")
            ),
            shop(),
            "`apps/Batch` and `Batch` are one name",
        ),
        ("third_party_without_external_id", on_stag("third_party = true"), shop(), "`external_id`"),
        (
            "production_trusts_other_stage",
            format!("{API}{STAG}{PROD}{}", caller("").replace("stag =", "prod = \"Batch\", stag =")),
            shop(),
            "also trusted on stage `stag`",
        ),
        (
            "production_trusts_other_stage",
            format!("{API}{STAG}{PROD}{}", caller("").replace("stag = \"Batch\"", "prod = \"BatchStag\"")),
            shop(),
            "is of `stag` by its name",
        ),
        (
            "production_trusts_other_stage",
            format!(
                "{API}{STAG}{PROD}[callers.shop]\norganization = \"o-a1b2c3d4e5\"\nstages = [\"prod\", \"stag\"]\n"
            ),
            shop(),
            "trusts all of `o-a1b2c3d4e5`, which is also trusted on stage `stag`",
        ),
        (
            "production_trusts_other_stage",
            format!(
                "{API}{STAG}{PROD}{}",
                caller("trust = \"account\"").replace("stag = \"Batch\"", "prod = \"*\", stag = \"*\"")
            ),
            shop(),
            "trusts all of `000000000000`",
        ),
        (
            "overlapping_caller",
            beside(ORGANIZATION, "external_id = \"b3c7\""),
            shop(),
            "`wide` lets it in without its `external_id`",
        ),
        ("overlapping_caller", beside(WHOLE, "routes = [\"GET /a\"]"), shop(), "without its `routes`"),
        ("overlapping_caller", beside(ANY, "session_names = [\"shop-*\"]"), shop(), "without its `session_names`"),
        ("overlapping_caller", beside(ORGANIZATION, "third_party = true"), shop(), "without its `third_party`"),
        (
            "overlapping_caller",
            beside(ORGANIZATION, "trust = \"account\"\nexternal_id = \"b3c7\"").replace("Batch", "*"),
            shop(),
            "on stage `stag` caller `wide`",
        ),
        (
            "wildcard_spans_segments",
            on_stag("routes = [\"PUT /a\", \"GET /orders/*\"]"),
            shop(),
            "route `GET /orders/*` also opens `GET /orders/1/secret`",
        ),
        (
            "wildcard_spans_segments",
            on_stag("routes = [\"GET /orders/{id}/parts\"]"),
            shop(),
            "`GET /orders/1/secret/parts`",
        ),
        (
            "foreign_route_syntax",
            on_stag("routes = [\"GET /items/:id\"]"),
            shop(),
            "route `GET /items/:id` (did you mean `GET /items/{id}`?)",
        ),
        (
            "any_method_wildcard",
            on_stag(&many_any_routes(30)),
            shop(),
            "route `ANY /items/7` also opens `GET /admin/items/7`",
        ),
        (
            "duration_beyond_chaining",
            on_stag("").replace("[stages", "max_session_duration = 7200\n[stages"),
            Subject::Api,
            "7200 s",
        ),
        (
            "role_arn_changed",
            on_stag("routes = [\"GET /\"]\n# told"),
            shop(),
            "role/ApiAllowByIamRoleStagShop`, and was `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag`",
        ),
        (
            "routes_not_enforced",
            on_stag("routes = [\"GET /\"]").replace(STAG, &format!("{URL}routes_enforced_by = \"function\"\n")),
            shop(),
            "on `stag` its `routes` are for the function to enforce",
        ),
        (
            "resource_policy_too_large",
            many_callers(250, "").replace(STAG, &format!("{REST}access = \"direct\"\n")),
            Subject::Stage("stag".to_owned()),
            "AWS takes 8192",
        ),
        (
            "resource_policy_too_large",
            many_callers(50, "").replace(STAG, &format!("{URL}access = \"direct\"\n")),
            Subject::Stage("stag".to_owned()),
            "AWS takes 20480",
        ),
        (
            "replaces_whole_policy",
            on_stag("").replace(STAG, &format!("{URL}access = \"direct\"\npermissions = \"document\"\n")),
            Subject::Stage("stag".to_owned()),
            "every other permission of function f goes",
        ),
        (
            "stages_are_one_api",
            on_stag("").replace(STAG, &format!("{URL}{}", URL.replace(".stag]", ".next]"))),
            Subject::Stage("stag".to_owned()),
            "it is function f, as is `next`",
        ),
        // Of two ways into one API, one lets in without terms whom the other does not.
        (
            "overlapping_caller",
            on_stag("external_id = \"b3c7\"\n[callers.wide]\norganization = \"o-a1b2c3d4e5\"\nstages = [\"next\"]")
                .replace(STAG, &format!("{URL}{}access = \"direct\"\n", URL.replace(".stag]", ".next]"))),
            shop(),
            "on stage `stag` caller `wide` lets it in without its `external_id`",
        ),
        (
            "same_account_one_side",
            on_stag("").replace(STAG, &format!("{REST}access = \"direct\"\n")).replace("000000000000", "111111111111"),
            shop(),
            "directly on `stag`",
        ),
        (
            "third_party_without_external_id",
            on_stag("third_party = true").replace(STAG, &format!("{REST}access = \"direct\"\n")),
            shop(),
            "comes in directly, where there is no `external_id`",
        ),
        (
            "role_arn_changed",
            on_stag("# told").replace(STAG, &format!("{REST}# then access = \"direct\"\n")),
            shop(),
            "on stage `stag` it assumes no role now, and did assume `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag`",
        ),
        (
            "issuer_missing",
            format!("{}[identity]\nregions = []\n", on_stag("").replace(STAG, SERVER)),
            shop(),
            "it has no `issuer`, and on `stag` no proofs are taken",
        ),
        (
            "role_path_not_proved",
            on_stag("").replace(STAG, SERVER).replace("\"Batch\"", "[\"jobs/Batch\", \"Other\"]"),
            shop(),
            "a proof does not say the path of `jobs/Batch`",
        ),
        (
            "issuer_shared",
            format!(
                "{}[callers.zoo]\naccount = \"222222222222\"\nroles = {{ stag = \"Batch\" }}\n{ISSUER}",
                on_stag(ISSUER).replace(STAG, SERVER)
            ),
            Subject::Caller("zoo".to_owned()),
            "its issuer is that of account `000000000000`, too, by caller `shop`",
        ),
        (
            "audience_is_shared",
            format!("{}{}", on_stag("").replace(STAG, SERVER), SERVER.replace("stages.stag", "stages.prod")),
            Subject::Stage("prod".to_owned()),
            "its audience `https://a.example` is that of stage `stag`, too",
        ),
        (
            "development_only",
            format!("{}[identity]\ndev_issuers = [\"http://127.0.0.1:4100\"]\n", on_stag("").replace(STAG, SERVER)),
            Subject::Stage("stag".to_owned()),
            "its callers.json has the `dev_issuers` `http://127.0.0.1:4100`",
        ),
        (
            "unused_key",
            on_stag("").replace(API, &format!("{API}tags = {{ team = \"x\" }}\n")).replace(STAG, SERVER),
            Subject::Api,
            "`tags`: callers of no stage assume a role",
        ),
        (
            "unused_key",
            format!("{}[identity]\nalgorithm = \"RS256\"\nmax_duration_seconds = 60\n", on_stag("")),
            Subject::Identity,
            "`algorithm`, `max_duration_seconds`: no stage is a server",
        ),
        (
            "unused_key",
            format!("{}[identity]\naudience = \"b\"\n", on_stag("").replace(STAG, SERVER)),
            Subject::Identity,
            "`audience`: every server has one of its own",
        ),
        ("unused_key", on_stag(ISSUER), shop(), "`issuer`: no caller of its account is on a server"),
        (
            "unused_key",
            on_stag("session_names = [\"shop-*\", \"*\"]"),
            shop(),
            "`session_names`: `*` among them is every name",
        ),
        ("unused_key", on_stag("role_name = \"Old\""), shop(), "`role_name`: no role is its own"),
        ("unused_key", on_stag("trust = \"account\"").replace(STAG, SERVER), shop(), "`trust`: it is on servers only"),
        (
            "callers_not_told_apart",
            format!("{}[identity]\n", many_callers(2, "")),
            Subject::Stage("stag".to_owned()),
            "callers `c0` and `c1` share the role `ApiAllowByIamRoleStag`, and may take the same session name",
        ),
        (
            "callers_not_told_apart",
            // No event has a source identity.
            format!(
                "{}[callers.zoo]\naccount = \"000000000000\"\nroles = {{ stag = \"Zoo\" }}\nsource_identity = [\"zoo\"]\n[identity]\n",
                on_stag("source_identity = [\"shop\"]")
            ),
            Subject::Stage("stag".to_owned()),
            "callers `shop` and `zoo` share the role `ApiAllowByIamRoleStag`, and may take the same session name",
        ),
        (
            "callers_not_told_apart",
            format!(
                "{}[callers.zoo]\naccount = \"000000000000\"\nroles = {{ stag = \"*Batch\" }}\ntrust = \"account\"\n",
                on_stag("trust = \"account\"").replace("Batch", "Batch*").replace(STAG, SERVER)
            ),
            Subject::Stage("stag".to_owned()),
            "roles of one name may be caller `shop` and caller `zoo`, by the pattern `*Batch`",
        ),
        (
            "third_party_without_external_id",
            on_stag("third_party = true").replace(STAG, SERVER),
            shop(),
            "shows who it is, where there is no `external_id`",
        ),
        ("lock_outdated", many_callers(100, ""), Subject::Api, "lock file"),
        ("unused_acceptance", on_stag("accept = { whole_account = \"x\" }"), shop(), "`whole_account`"),
        ("roles_split", many_callers(100, ""), Subject::Stage("stag".to_owned()), "100 callers"),
    ]
}

#[test]
fn every_finding_is_found() {
    let mut seen = BTreeSet::new();
    for (code, text, subject, part) in found() {
        let findings = findings(&text);
        let finding = findings.iter().find(|finding| finding.code.code() == code && finding.subject == subject);
        let finding = finding.unwrap_or_else(|| panic!("{code} is not found: {findings:?}"));
        assert!(finding.message.contains(part), "{part} is not in: {finding}");
        let line = text.lines().nth(finding.line - 1).unwrap();
        assert_eq!(line, subject.to_string(), "line {} of:\n{text}", finding.line);
        let level = finding.code.level();
        assert_eq!(finding.to_string(), format!("{level}[{code}] {subject}: {}", finding.message));
        assert_eq!(finding.is_open(), level >= Level::Warning);
        assert_eq!(finding.accepted, None);
        seen.insert(finding.code);
    }
    assert_eq!(seen, FindingCode::ALL.iter().copied().collect(), "every code has a case");
}

#[test]
fn what_can_be_accepted_is_with_its_reason() {
    for (code, text, subject, _) in found() {
        let code = FindingCode::from_code(code).unwrap();
        if !code.can_be_accepted() {
            continue;
        }
        let header = format!("{subject}\n");
        assert!(text.contains(&header));
        let accepted = text.replace(&header, &format!("{header}accept = {{ {} = \"so be it\" }}\n", code.code()));
        let findings = findings(&accepted);
        let finding = findings.iter().find(|finding| finding.code == code && finding.subject == subject).unwrap();
        assert_eq!(finding.accepted.as_deref(), Some("so be it"));
        assert!(!finding.is_open());
        assert!(!findings.iter().any(|finding| finding.code == FindingCode::UnusedAcceptance), "{findings:?}");
    }
}

#[test]
fn what_is_right_is_not_found() {
    let plain = on_stag("");
    for text in [
        plain.clone(),
        on_stag("routes = [\"GET /orders/{proxy+}\", \"ANY /*\", \"PUT /a\"]"),
        on_stag("third_party = true\nexternal_id = \"b3c7\""),
        // Neither stage is for production.
        plain
            .replace("{ stag", "{ pre-prod = \"Batch\", stag")
            .replace(STAG, &format!("{STAG}[stages.pre-prod]\napi_id = \"a\"\n")),
        // The manifest says so itself.
        format!("{API}{STAG}{PROD}production = false\n{}", caller("").replace("stag =", "prod = \"Batch\", stag =")),
        // A role of its own, and a word that only looks like a stage's.
        format!("{API}{STAG}{PROD}{}", caller("").replace("stag =", "prod = \"Stagecoach\", stag =")),
        // The same name in another account.
        format!(
            "{API}{STAG}{PROD}{}{}",
            caller(""),
            caller("").replace("shop", "b").replace("stag", "prod").replace("00000", "00001")
        ),
        // A wider caller beside one without terms, or of the same terms, or of other principals, or on another stage.
        beside(ORGANIZATION, ""),
        beside(ORGANIZATION, "tags = [\"team\"]"),
        beside(&format!("{ORGANIZATION}external_id = \"b3c7\"\n"), "external_id = \"b3c7\""),
        beside(&format!("{ORGANIZATION}external_id = \"other\"\n"), "external_id = \"b3c7\""),
        beside(&WHOLE.replace("000000000000", "000000000001"), "external_id = \"b3c7\""),
        beside(&ANY.replace("Batch", "Other"), "external_id = \"b3c7\""),
        format!("{}{PROD}{}", on_stag("external_id = \"b3c7\""), ORGANIZATION.replace("\"stag\"", "\"prod\"")),
        // The issuer of an account at a caller that is on no server, for one that is.
        format!(
            "{}[stages.server]\ntarget = \"server\"\naudience = \"a\"\n{}",
            on_stag(ISSUER),
            caller("").replace("shop", "other").replace("stag", "server")
        ),
        // A pattern has to be trusted so.
        on_stag("trust = \"account\"").replace("Batch", "Batch*").replace(STAG, SERVER).replace(
            "[callers",
            &format!("[callers.zoo]\naccount = \"000000000000\"\nroles = {{ stag = \"Zoo\" }}\n{ISSUER}[callers"),
        ),
        on_stag("trust = \"account\"").replace("Batch", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*"),
        on_stag("trust = \"account\"")
            .replace("Batch", "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_*"),
        // Of every account, a name may have any path; and the same role of two stages is one.
        format!(
            "{}[stages.next]\napi_id = \"k1\"\n",
            on_stag("trust = \"account\"\naccept = { wildcard_account = \"x\" }")
                .replace("{ stag", "{ next = \"apps/Batch\", stag")
                .replace("000000000000", "*")
        ),
        many_stages(60, "apps/Batch"),
        many_stages(60, "Batch"),
        on_stag(&many_routes(80)),
        on_stag(&many_any_routes(10)),
        many_callers(30, ""),
    ] {
        assert_eq!(codes(&text), Vec::<&str>::new(), "{text}");
    }
    let live = plain.replace("[stages.stag]", "[stages.stag]\nproduction = true").replace("Batch", "BatchDev");
    assert_eq!(codes(&live), ["production_trusts_other_stage"]);
}

/// The names of roles are taken apart by case, signs, acronyms and digits, and stages may be several words.
#[test]
fn a_role_of_another_stage_is_known_by_its_name() {
    let with_stage = |stage: &str, role: &str| {
        let caller = caller("").replace("stag = \"Batch\"", &format!("prod = \"{role}\""));
        format!("{API}{PROD}[stages.{stage}]\napi_id = \"p\"\n{caller}")
    };
    for (stage, role) in [
        ("stag", "NonProd"),
        ("stag", "role-nonprod"),
        ("deve", "LambdaRoleDeve01"),
        ("pre-prod", "LambdaRolePreProd"),
        ("pre-prod", "LambdaRolePreprod"),
        ("preprod", "LambdaRolePreProd"),
        ("up-next", "LambdaUpNext"),
        ("stag", "role_dev2"),
        ("stag", "APIDevRole"),
        ("stag", "LambdaDEVRole"),
        ("v2", "LambdaV2"),
    ] {
        assert_eq!(codes(&with_stage(stage, role)), ["production_trusts_other_stage"], "{stage} {role}");
    }
    for (stage, role) in [
        ("stag", "LambdaRoleProd"),
        ("pre-prod", "LambdaRoleProd"),
        ("stag", "Device"),
        ("stag", "Latest"),
        ("v2", "LambdaV1"),
        ("up-next", "LambdaNextUp"),
        ("2", "Lambda2"),
    ] {
        assert_eq!(codes(&with_stage(stage, role)), Vec::<&str>::new(), "{stage} {role}");
    }
    let own = with_stage("stag", "LambdaTestProd")
        .replace("[stages.prod]", "[stages.prod-test]")
        .replace("prod =", "prod-test =");
    assert_eq!(codes(&own), Vec::<&str>::new());
}

#[test]
fn findings_stand_in_the_order_of_the_file() {
    let text = format!(
        "{API}max_session_duration = 7200\n{STAG}{}{}",
        caller("third_party = true\nroutes = [\"GET /a/*\"]").replace("shop", "z"),
        caller("third_party = true").replace("shop", "a").replace("Batch", "Other")
    );
    let found: Vec<String> = findings(&text).iter().map(|f| format!("{} {}", f.line, f.code.code())).collect();
    let expected = [
        "1 duration_beyond_chaining",
        "7 third_party_without_external_id",
        "7 wildcard_spans_segments",
        "12 third_party_without_external_id",
    ];
    assert_eq!(found, expected);
}

/// What is found on a server is not answered by what a server has not alone.
#[test]
fn hints_of_what_is_found_on_servers_say_what_to_do_there() {
    let hints = [FindingCode::ThirdPartyWithoutExternalId.hint(), FindingCode::CallersNotToldApart.hint()];
    for hint in hints {
        assert!(hint.contains("a server"), "{hint}");
    }
}

#[test]
fn the_tables_are_complete() {
    let codes: BTreeSet<&str> = FindingCode::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(codes.len(), FindingCode::ALL.len(), "codes are unique");
    let docs = include_str!("../../../docs/provider.md");
    for code in FindingCode::ALL {
        assert_eq!(FindingCode::from_code(code.code()), Some(*code));
        assert!(code.reason().ends_with('.') && !code.hint().ends_with('.') && !code.hint().is_empty());
        let row = format!("| `{}` | {} | {} |", code.code(), code.level(), code.reason());
        assert!(docs.contains(&row), "docs/provider.md lacks the row:\n{row}");
    }
    for limit in LIMITS {
        let row = format!("| {} | {} {} | [AWS]({}) |", limit.what, limit.at_most, limit.unit, limit.source);
        assert!(docs.contains(&row), "docs/provider.md lacks the row:\n{row}");
    }
    for kind in ManifestErrorKind::ALL {
        let row = format!("| `{}` | {} |", kind.code(), kind.meaning());
        assert!(docs.contains(&row), "docs/provider.md lacks the row:\n{row}");
    }
}
