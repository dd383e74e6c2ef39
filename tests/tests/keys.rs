//! Every key of the manifest's schema is read: what each says shows in documents, note, check, `diff` and emulator, where it should,
//! and nowhere else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::{Access, FindingCode, Format, JSON_SCHEMA, Lock, Manifest, read_roles};

const HTTP: &str = "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n#api\n[stages.s]\napi_id = \"a1\"\n#stage\n[callers.c]\naccount = \"000000000000\"\nroles = { s = \"Shop\" }\n#caller\n";

fn rest() -> String {
    HTTP.replace("api_id = \"a1\"", "target = \"rest_api\"\napi_id = \"a1\"\napi_stage = \"v1\"")
}

fn url() -> String {
    HTTP.replace("api_id = \"a1\"", "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"")
}

fn direct() -> String {
    url().replace("#stage", "access = \"direct\"\n#stage")
}

/// A server, which says itself what its tokens are for.
fn server() -> String {
    HTTP.replace("api_id = \"a1\"", "target = \"server\"\naudience = \"https://a.example\"")
        .replace("#stage", "#stage\n[identity]\n#identity")
}

/// The same by `[identity]`.
fn identity() -> String {
    server()
        .replace("audience = \"https://a.example\"\n", "")
        .replace("#identity", "audience = \"https://a.example\"\n#identity")
}

const ISSUER: &str = "issuer = \"https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws\"";

fn organization() -> String {
    let roles = "account = \"000000000000\"\nroles = { s = \"Shop\" }";
    HTTP.replace(roles, "organization = \"o-a1b2c3d4e5\"\nstages = [\"s\"]")
        .replace("[callers", "[stages.t]\napi_id = \"t1\"\n[callers")
}

/// As many as fit into one role only where the quota is raised.
fn many() -> String {
    let caller = |i| format!("[callers.c{i}]\naccount = \"{i:012}\"\nroles = {{ s = \"Shop\" }}\n");
    format!("{HTTP}{}", (1..60).map(caller).collect::<String>())
}

/// What reads a manifest, by name.
fn shown(manifest: &Manifest, deployed: &str) -> BTreeMap<&'static str, String> {
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages["s"];
    let rendered = |format| plan.render(stage, format).unwrap_or_else(|error| format!("{error}: {}", error.hint()));
    let diff = match stage.access {
        Access::Direct => format!("{:?}", plan.diff_resource_policy(stage, deployed)),
        _ => format!("{:?}", read_roles(deployed).and_then(|roles| plan.diff(stage, None, &roles))),
    };
    // The emulator serves them all, by what is deployed.
    Emulator::new(manifest, Options::default(), [7; 32]).unwrap();
    let emulator = format!("{:?}", plan.deployment());
    let callers = plan.callers(stage).map_or_else(|error| error.to_string(), |file| file.to_json());
    BTreeMap::from([
        ("callers", callers),
        ("cloudformation", rendered(Format::CloudFormation)),
        ("terraform", rendered(Format::Terraform)),
        ("json", rendered(Format::Json)),
        ("note", manifest.callers.values().map(|caller| plan.note(caller)).collect()),
        ("check", format!("{:?}", plan.findings())),
        ("diff", diff),
        ("emulator", emulator),
    ])
}

/// Who reads what one change says.
fn readers(before: &str, after: &str) -> BTreeSet<&'static str> {
    let parse = |text: &str| Manifest::parse(text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let (before, after) = (parse(before), parse(after));
    // Of a server nothing is.
    let deployed = before.plan(&Lock::default()).render(&before.stages["s"], Format::Json).unwrap_or_default();
    let (before, after) = (shown(&before, &deployed), shown(&after, &deployed));
    before.iter().filter(|(name, text)| after[*name] != **text).map(|(name, _)| *name).collect()
}

/// Where all that a stage is decides.
const EVERYWHERE: &str = "cloudformation diff emulator json note terraform";
/// The same, where a verifier knows it, too.
const KNOWN: &str = "callers cloudformation diff emulator json note terraform";
/// Where all that a server is decides.
const SERVER: &str = "callers emulator note";
/// A key, a manifest, what of it becomes what, and who reads that.
type Case = (&'static str, String, &'static str, &'static str, &'static str);

fn cases() -> Vec<Case> {
    let http = || HTTP.to_owned();
    let with = |text: String, mark: &str, line: &str| text.replace(mark, &format!("{line}\n{mark}"));
    vec![
        ("api.account", http(), "111111111111", "999999999999", KNOWN),
        ("api.region", http(), "eu-west-1", "us-east-1", EVERYWHERE),
        ("api.role_name", http(), "#api", "role_name = \"Other\"", KNOWN),
        ("api.path", http(), "#api", "path = \"/apis/\"", EVERYWHERE),
        (
            "api.permissions_boundary",
            http(),
            "#api",
            "permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"",
            "cloudformation diff emulator json terraform",
        ),
        ("api.tags", http(), "#api", "tags = { team = \"x\" }", "cloudformation diff emulator json terraform"),
        (
            "api.max_session_duration",
            http(),
            "#api",
            "max_session_duration = 7200",
            "check cloudformation diff emulator json terraform",
        ),
        (
            "api.role_trust_policy_length",
            many(),
            "#api",
            "role_trust_policy_length = 4096",
            "callers check cloudformation diff emulator json note terraform",
        ),
        (
            "api.accept",
            http().replace("#api", "max_session_duration = 7200\n#accept"),
            "#accept",
            "accept = { duration_beyond_chaining = \"x\" }",
            "check",
        ),
        (
            "stage.target",
            rest(),
            "target = \"rest_api\"",
            "target = \"http_api\"",
            "callers cloudformation emulator json",
        ),
        ("stage.access", url(), "#stage", "access = \"direct\"", KNOWN),
        ("stage.url", http(), "#stage", "url = \"https://api.example.com/v1\"", "note"),
        ("stage.api_id", http(), "\"a1\"", "\"b1\"", EVERYWHERE),
        ("stage.api_stage", rest(), "\"v1\"", "\"v2\"", EVERYWHERE),
        ("stage.vpc_endpoints", rest(), "#stage", "vpc_endpoints = [\"vpce-01234567\"]", EVERYWHERE),
        ("stage.function", url(), "\"orders\"", "\"other\"", "cloudformation diff emulator json terraform"),
        ("stage.alias", url(), "#stage", "alias = \"live\"", "cloudformation diff emulator json terraform"),
        ("stage.url_id", url(), "\"abc\"", "\"def\"", "emulator note"),
        (
            "stage.routes_enforced_by",
            url().replace("#stage", "routes_enforced_by = \"function\""),
            "#caller",
            "routes = [\"GET /\"]",
            "callers check cloudformation diff emulator json note terraform",
        ),
        (
            "stage.permissions",
            direct(),
            "#stage",
            "permissions = \"document\"",
            "check cloudformation emulator json terraform",
        ),
        ("stage.production", http().replace("Shop", "ShopDeve"), "#stage", "production = true", "check"),
        ("stage.role_name", http(), "#stage", "role_name = \"Old\"", KNOWN),
        (
            "stage.accept",
            with(direct(), "#stage", "permissions = \"document\""),
            "#stage",
            "accept = { replaces_whole_policy = \"x\" }",
            "check",
        ),
        ("identity.audience", identity(), "a.example", "b.example", SERVER),
        ("identity.algorithm", server(), "#identity", "algorithm = \"RS256\"", SERVER),
        ("identity.max_duration_seconds", server(), "#identity", "max_duration_seconds = 60", SERVER),
        (
            "identity.regions",
            // Without proofs every caller needs an issuer.
            with(server(), "#caller", ISSUER),
            "#identity",
            "regions = []",
            "callers emulator note",
        ),
        (
            "identity.dev_issuers",
            server(),
            "#identity",
            "dev_issuers = [\"http://127.0.0.1:4566/issuers/000000000000\"]",
            "callers check emulator",
        ),
        (
            "stage.target",
            server(),
            "target = \"server\"\naudience = \"https://a.example\"",
            "api_id = \"a1\"",
            "callers cloudformation emulator json note terraform",
        ),
        ("stage.audience", server(), "a.example", "b.example", SERVER),
        ("stage.url", server(), "#stage", "url = \"https://api.example.com/v1\"", "note"),
        ("caller.issuer", server(), "#caller", ISSUER, SERVER),
        ("caller.routes", server(), "#caller", "routes = [\"GET /\"]", SERVER),
        ("caller.roles", server(), "\"Shop\"", "\"Other\"", SERVER),
        ("caller.account", http(), "000000000000", "222222222222", KNOWN),
        ("caller.roles", http(), "\"Shop\"", "\"Other\"", KNOWN),
        ("caller.roles", http(), "\"Shop\"", "[\"Shop\", \"paths/Other\"]", KNOWN),
        ("caller.roles", http().replace("#caller", "trust = \"account\""), "\"Shop\"", "\"Shop*\"", KNOWN),
        ("caller.trust", http(), "#caller", "trust = \"account\"", "cloudformation emulator json terraform"),
        ("caller.organization", organization(), "o-a1b2c3d4e5", "o-f6g7h8i9j0", KNOWN),
        ("caller.stages", organization(), "[\"s\"]", "[\"s\", \"t\"]", "emulator note"),
        ("caller.external_id", http(), "#caller", "external_id = \"b3c7\"", EVERYWHERE),
        ("caller.session_names", http(), "#caller", "session_names = [\"x-*\"]", KNOWN),
        ("caller.tags", http(), "#caller", "tags = [\"team\"]", EVERYWHERE),
        ("caller.source_identity", http(), "#caller", "source_identity = [\"*\"]", EVERYWHERE),
        ("caller.third_party", http(), "#caller", "third_party = true", "check"),
        ("caller.routes", http(), "#caller", "routes = [\"GET /\"]", KNOWN),
        ("caller.role_name", with(http(), "#caller", "routes = [\"GET /\"]"), "#caller", "role_name = \"Old\"", KNOWN),
        (
            "caller.accept",
            with(http(), "#caller", "third_party = true"),
            "#caller",
            "accept = { third_party_without_external_id = \"x\" }",
            "check",
        ),
    ]
}

#[test]
fn every_key_is_read_where_it_should_be() {
    let mut seen = BTreeSet::new();
    for (key, text, what, by, expected) in cases() {
        let after = text.replacen(what, by, 1);
        assert_ne!(after, text, "{key}");
        let readers: Vec<_> = readers(&text, &after).into_iter().collect();
        assert_eq!(readers.join(" "), expected, "{key}");
        seen.insert(key.to_owned());
    }
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let keys = |table: &str| {
        let keys = schema["definitions"][table]["properties"].as_object().unwrap().keys().cloned();
        keys.map(|key| format!("{table}.{key}")).collect::<Vec<_>>()
    };
    let all: BTreeSet<String> = ["api", "identity", "stage", "caller"].into_iter().flat_map(keys).collect();
    assert_eq!(seen, all, "every key of the schema has a case");
}

/// Of every manifest, with each line that some manifest may have: it is refused, or somebody reads it, or it is found.
#[test]
fn a_key_that_nobody_reads_is_refused_or_found() {
    let manifests = [HTTP.to_owned(), rest(), url(), direct(), server(), identity(), organization()];
    let direct_rest = rest().replace("#stage", "access = \"direct\"\n#stage");
    let with_routes = HTTP.replace("#caller", "routes = [\"GET /\"]\n#caller");
    let manifests = manifests.into_iter().chain([direct_rest, with_routes]);
    let lines = [
        ("#api", "role_name = \"Other\""),
        ("#api", "path = \"/apis/\""),
        ("#api", "permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\""),
        ("#api", "tags = { team = \"x\" }"),
        ("#api", "max_session_duration = 7200"),
        ("#stage", "url = \"https://api.example.com/v1\""),
        ("#stage", "role_name = \"Old\""),
        ("#stage", "alias = \"live\""),
        ("#stage", "permissions = \"document\""),
        ("#stage", "vpc_endpoints = [\"vpce-01234567\"]"),
        ("#stage", "audience = \"https://b.example\""),
        ("#identity", "audience = \"https://b.example\""),
        ("#identity", "algorithm = \"RS256\""),
        ("#identity", "max_duration_seconds = 60"),
        ("#identity", "regions = [\"us-east-1\"]"),
        ("#identity", "dev_issuers = [\"http://127.0.0.1:4566/issuers/000000000000\"]"),
        ("#caller", "trust = \"account\""),
        ("#caller", ISSUER),
        ("#caller", "external_id = \"b3c7\""),
        ("#caller", "session_names = [\"x-*\"]"),
        ("#caller", "tags = [\"team\"]"),
        ("#caller", "source_identity = [\"*\"]"),
        ("#caller", "third_party = true"),
        ("#caller", "role_name = \"Old\""),
        ("#caller", "routes = [\"GET /\"]"),
    ];
    let unused = |text: &str| {
        let found = Manifest::parse(text, "xacct.toml").unwrap().plan(&Lock::default()).findings();
        found
            .iter()
            .filter(|finding| finding.code == FindingCode::UnusedKey)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let (mut read, mut found, mut refused) = (0, 0, 0);
    for text in manifests {
        // Where nothing else stands in it the table is one that is looked at.
        let text = if text.contains("#identity") { text } else { format!("{text}[identity]\n#identity\n") };
        assert_eq!(unused(&text), Vec::<String>::new(), "{text}");
        for (mark, line) in lines {
            let after = text.replacen(mark, &format!("{line}\n{mark}"), 1);
            let Ok(_) = Manifest::parse(&after, "xacct.toml") else {
                refused += 1;
                continue;
            };
            let key = line.split(' ').next().unwrap();
            let table = match mark {
                "#api" => "[api]",
                "#stage" => "[stages.s]",
                "#identity" => "[identity]",
                _ => "[callers.c]",
            };
            let said = unused(&after);
            let is_found = said.iter().any(|one| one.contains(table) && one.contains(&format!("`{key}`")));
            let readers = readers(&text, &after);
            let is_read = readers.iter().any(|reader| *reader != "check") || (!readers.is_empty() && !is_found);
            assert!(is_read != is_found, "`{line}`: {readers:?}, {said:?}\n{text}");
            if is_read { read += 1 } else { found += 1 }
        }
    }
    assert!(read > 0 && found > 0 && refused > 0);
}
