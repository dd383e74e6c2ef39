//! `roles`: lists, patterns of names, whole ARNs; and what each becomes.

use serde_json::{Value, json};
use xacct_sign_provider::{Asker, FindingCode, Format, Lock, Manifest, read_roles};

use crate::{organization, with_caller};

fn parsed(roles: &str) -> Manifest {
    Manifest::parse(&with_caller(roles), "xacct.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trust(manifest: &Manifest) -> Vec<Value> {
    let roles = manifest.plan(&Lock::default()).provider_roles();
    assert_eq!(roles.len(), 1);
    let document: Value = serde_json::from_str(&roles[0].trust_policy.to_json()).unwrap();
    document["Statement"].as_array().unwrap().clone()
}

const SSO: &str = "aws-reserved/sso.amazonaws.com/ap-northeast-1/AWSReservedSSO_Ops_*";

#[test]
fn a_list_is_one_row_and_one_role_of_the_providers() {
    let manifest = parsed("roles = { stag = [\"Shop\", \"paths/Batch\"] }\nexternal_id = \"b3c7\"");
    let arn = |role: &str| format!("arn:aws:iam::000000000000:role/{role}");
    let expected = json!([{
        "Effect": "Allow",
        "Principal": {"AWS": [arn("Shop"), arn("paths/Batch")]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "b3c7"}}
    }]);
    assert_eq!(Value::from(trust(&manifest)), expected);
    let plan = manifest.plan(&Lock::default());
    assert_eq!(plan.access().len(), 1);
    let mut own: Vec<_> = plan.caller_roles().into_iter().map(|role| (role.arn, role.may_assume.len())).collect();
    own.sort();
    assert_eq!(own, [(arn("Shop"), 1), (arn("paths/Batch"), 1)]);
    let note = plan.note(&manifest.callers["shop"]);
    assert!(note.contains(&arn("Shop")) && note.contains(&arn("paths/Batch")), "{note}");
    // In another order it is the same.
    let other = parsed("roles = { stag = [\"paths/Batch\", \"Shop\"] }\nexternal_id = \"b3c7\"");
    assert_eq!(other.callers["shop"].principals, manifest.callers["shop"].principals);
}

/// Each stage names whoever comes in there, and nobody of another stage.
#[test]
fn the_note_names_each_role_of_a_list() {
    let by_stage = |target: &str| {
        let text = format!(
            r#"
[api]
account = "111111111111"
region = "eu-west-1"
[identity]
audience = "https://api.example.com"
[stages.stag]
{target}
[stages.prod]
api_id = "a9"
[callers.shop]
account = "000000000000"
roles = {{ stag = ["Shop", "ShopV2", "paths/Batch"], prod = "Shop" }}
"#
        );
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        manifest.plan(&Lock::default()).note(&manifest.callers["shop"])
    };
    let arn = |role: &str| format!("the role `arn:aws:iam::000000000000:role/{role}`");
    for target in ["api_id = \"a1\"", "target = \"server\""] {
        let note = by_stage(target);
        let from: Vec<&str> = note.lines().filter_map(|line| line.strip_prefix("- From: ")).collect();
        let all = format!("{}, {} or {}", arn("Shop"), arn("ShopV2"), arn("paths/Batch"));
        assert_eq!(from.iter().filter(|from| **from == all).count(), 1, "{note}");
        assert_eq!(from.iter().filter(|from| **from == arn("Shop")).count(), 1, "{note}");
    }
}

#[test]
fn a_list_that_changes_keeps_the_role_that_was_told() {
    let one = parsed("roles = { stag = \"Shop\" }");
    let two = parsed("roles = { stag = [\"Shop\", \"Batch\"] }");
    let lock = one.plan(&Lock::default()).lock().clone();
    let plan = two.plan(&lock);
    assert!(plan.role_changes().is_empty());
    let written = plan.lock().to_toml();
    let read = Lock::parse(&written, "xacct.lock.toml").unwrap();
    assert_eq!(&read, plan.lock());
    assert!(two.plan(&read).findings().is_empty());
    // With routes it is another role: one change, however many roles it is.
    let routes = parsed("roles = { stag = [\"Shop\", \"Batch\"] }\nroutes = [\"GET /\"]");
    let changes = routes.plan(&read).role_changes().len();
    assert_eq!(changes, 1);
}

#[test]
fn a_pattern_is_trusted_by_its_account_with_arn_like() {
    let manifest = parsed(&format!("trust = \"account\"\nroles = {{ stag = [\"Exact\", \"{SSO}\"] }}"));
    let arn = |role: &str| format!("arn:aws:iam::000000000000:role/{role}");
    let statement = |condition: Value| {
        let principal = json!({"AWS": "arn:aws:iam::000000000000:root"});
        json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition})
    };
    let deeper = "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/ap-northeast-1/*/*";
    let expected = json!([
        statement(json!({"ArnEquals": {"aws:PrincipalArn": arn("Exact")}})),
        statement(json!({"ArnLike": {"aws:PrincipalArn": arn(SSO)}, "ArnNotLike": {"aws:PrincipalArn": deeper}}))
    ]);
    assert_eq!(Value::from(trust(&manifest)), expected);
    let plan = manifest.plan(&Lock::default());
    let who = |name: &str| plan.who(&Asker::parse(&arn(name)).unwrap()).len();
    let role = SSO.replace('*', "0123456789abcdef");
    assert_eq!((who(&role), who("Exact"), who("AWSReservedSSO_Ops_0123"), who("Other")), (1, 1, 0, 0));
    let session = "arn:aws:sts::000000000000:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/alice";
    assert_eq!(plan.who(&Asker::parse(session).unwrap()).len(), 1);
}

#[test]
fn what_is_rendered_of_lists_and_patterns_is_no_difference() {
    let pattern = format!("trust = \"account\"\nroles = {{ stag = [\"Exact\", \"{SSO}\"] }}");
    for roles in ["roles = { stag = [\"Shop\", \"paths/Batch\"] }", &pattern] {
        let manifest = parsed(roles);
        let plan = manifest.plan(&Lock::default());
        let stage = &manifest.stages["stag"];
        for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
            let deployed = read_roles(&plan.render(stage, format).unwrap()).unwrap();
            let diff = plan.diff(stage, None, &deployed).unwrap();
            assert!(diff.iter().all(|role| role.is_same()), "{format:?}: {diff:?}");
        }
        // One that is missing is seen.
        let fewer = parsed("roles = { stag = \"Exact\" }");
        let rendered = fewer.plan(&Lock::default()).render(&fewer.stages["stag"], Format::Json).unwrap();
        let diff = plan.diff(stage, None, &read_roles(&rendered).unwrap()).unwrap();
        assert!(diff.iter().any(|role| !role.only_meant.is_empty()), "{diff:?}");
    }
}

#[test]
fn a_whole_arn_is_the_name_of_a_role_of_the_account() {
    let whole = parsed("roles = { stag = \"arn:aws:iam::000000000000:role/paths/Shop\" }");
    let name = parsed("roles = { stag = \"paths/Shop\" }");
    assert_eq!(whole.callers["shop"].principals, name.callers["shop"].principals);
}

#[test]
fn what_is_no_list_no_pattern_and_no_role_of_the_account_is_refused() {
    let account = "trust = \"account\"\n";
    for (roles, code) in [
        ("roles = { stag = [] }".to_owned(), "invalid_caller"),
        ("roles = { stag = [\"Shop\", \"Shop\"] }".to_owned(), "duplicate_caller"),
        ("roles = { stag = [\"Shop\", \"paths/shop\"] }".to_owned(), "duplicate_caller"),
        ("roles = { stag = [\"Shop\", 1] }".to_owned(), "schema"),
        (format!("{account}roles = {{ stag = [\"*\", \"Shop\"] }}"), "invalid_caller"),
        ("roles = { stag = \"Shop*\" }".to_owned(), "invalid_trust"),
        ("roles = { stag = [\"Shop\", \"Batch*\"] }".to_owned(), "invalid_trust"),
        (format!("{account}roles = {{ stag = \"pa*ths/Shop\" }}"), "invalid_role_name"),
        (format!("{account}roles = {{ stag = \"Shop?\" }}"), "invalid_role_name"),
        (format!("{account}roles = {{ stag = \"**\" }}"), "invalid_role_name"),
        (format!("{account}roles = {{ stag = \"arn:aws:iam::000000000000:role/*\" }}"), "invalid_role_name"),
        (
            format!("{account}roles = {{ stag = [\"arn:aws:iam::000000000000:role/*\", \"Shop\"] }}"),
            "invalid_role_name",
        ),
        ("roles = { stag = \"arn:aws:iam::222222222222:role/Shop\" }".to_owned(), "invalid_role_name"),
        ("roles = { stag = \"arn:aws-cn:iam::000000000000:role/Shop\" }".to_owned(), "invalid_role_name"),
        ("roles = { stag = \"arn:aws:iam::000000000000:user/Shop\" }".to_owned(), "invalid_role_name"),
        ("roles = { stag = \"arn:aws:sts::000000000000:role/Shop\" }".to_owned(), "invalid_role_name"),
    ] {
        let error = Manifest::parse(&with_caller(&roles), "xacct.toml").err().unwrap_or_else(|| panic!("{roles}"));
        assert_eq!(error.code(), code, "{roles}: {error}");
    }
    let error = Manifest::parse(&organization("stages = [\"stag\"]\nroles = { stag = [\"A\"] }"), "f").unwrap_err();
    assert_eq!(error.code(), "invalid_caller");
}

#[test]
fn a_pattern_lets_in_narrower_callers_without_their_terms() {
    let text = with_caller("roles = { stag = \"ShopDaily\" }\nexternal_id = \"b3c7\"")
        + "[callers.wide]\naccount = \"000000000000\"\ntrust = \"account\"\nroles = { stag = \"Shop*\" }\n";
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let findings = manifest.plan(&Lock::default()).findings();
    let overlap = findings.iter().find(|finding| finding.code == FindingCode::OverlappingCaller).unwrap();
    assert!(overlap.message.contains("caller `wide` lets it in without its `external_id`"), "{overlap}");
    let apart = text.replace("\"Shop*\"", "\"Batch*\"");
    assert!(Manifest::parse(&apart, "f").unwrap().plan(&Lock::default()).findings().is_empty());
}
