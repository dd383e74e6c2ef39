//! A manifest from deployed roles gives their rights back, in every form that holds APIs, and keeps every role and its callers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Format, Imported, Lock, Manifest, Plan};

/// Every form of trust, terms, routes, settings; several stages, several shared roles.
fn rich() -> String {
    let many = |i| format!("[callers.many{i}]\naccount = \"{:012}\"\nroles = {{ stag = \"Many\" }}\n", 500 + i);
    let text = r#"
[api]
account = "111111111111"
region = "eu-west-1"
role_name = "apis/Allow"
max_session_duration = 7200
permissions_boundary = "arn:aws:iam::111111111111:policy/Limits"
tags = { team = "shop" }
[stages.stag]
api_id = "a1"
[stages.pre-prod]
api_id = "a2"
api_stage = "v1"
[stages.private]
target = "rest_api"
api_id = "a3"
api_stage = "v3"
vpc_endpoints = ["vpce-01234567", "vpce-89abcdef"]
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", pre-prod = "Shop" }
[callers.batch]
account = "000000000000"
roles = { stag = ["Batch", "paths/Batch2"], private = "Batch" }
external_id = "b3c7"
session_names = ["batch-*", "b?"]
tags = ["team", "env"]
source_identity = ["ali*"]
[callers.partner-one]
account = "222222222222"
roles = { stag = "Partner", pre-prod = "Partner" }
routes = ["GET /items/{id}", "ANY /orders/{proxy+}", "PUT /hoge", "GET /a/{b}/c"]
[callers.list]
account = "333333333333"
roles = { stag = ["A", "B"] }
routes = ["GET /"]
external_id = "x9"
[callers.later]
account = "444444444444"
roles = { private = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*" }
trust = "account"
[callers.whole]
account = "555555555555"
roles = { private = "*" }
trust = "account"
[callers.any]
account = "*"
roles = { private = "Anywhere" }
trust = "account"
[callers.all]
organization = "o-a1b2c3d4e5"
stages = ["pre-prod"]
external_id = "org1"
"#;
    text.to_owned() + &(0..60).map(many).collect::<String>()
}

const HTTP_ONLY: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[callers.partner]
account = "222222222222"
roles = { stag = "Partner" }
routes = ["GET /items/{id}"]
"#;

/// What `aws iam get-account-authorization-details` prints, policies URL-encoded; with roles that are none of the API's.
fn details(plan: &Plan<'_>) -> String {
    let encoded =
        |policy: String| policy.replace('%', "%25").replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let role = |role: xacct_sign_provider::ProviderRole| {
        let tags: Vec<Value> = role.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({
            "RoleName": role.name, "Path": role.path, "Arn": role.arn, "RoleId": "AROA", "CreateDate": "2026-01-01",
            "AssumeRolePolicyDocument": encoded(role.trust_policy.to_json()),
            "RolePolicyList": [{"PolicyName": "InvokeApi", "PolicyDocument": encoded(role.invoke_policy.to_json())}],
            "AttachedManagedPolicies": [], "InstanceProfileList": [], "Tags": tags,
            "PermissionsBoundary": role.permissions_boundary.map(|arn| json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn})),
        })
    };
    let mut roles: Vec<Value> = plan.provider_roles().into_iter().map(role).collect();
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    roles.push(json!({"RoleName": "Lambda", "Path": "/", "AssumeRolePolicyDocument": trust, "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": []}));
    json!({"RoleDetailList": roles}).to_string()
}

/// By form, the files.
fn forms(manifest: &Manifest) -> Vec<(&'static str, Vec<String>)> {
    let plan = manifest.plan(&Lock::default());
    let each = |format: Format| manifest.stages.values().map(|stage| plan.render(stage, format).unwrap()).collect();
    vec![
        ("cloudformation", each(Format::CloudFormation)),
        ("terraform", each(Format::Terraform)),
        ("json", each(Format::Json)),
        ("details", vec![details(&plan)]),
    ]
}

fn import(files: &[String]) -> Imported {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Imported::read(&files, "xacct.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Each role's answer to many requests: who may assume it with what, and what it opens.
fn decisions(plan: &Plan<'_>) -> BTreeMap<String, Vec<bool>> {
    let roles = [
        "000000000000:role/Shop",
        "000000000000:role/Batch",
        "000000000000:role/paths/Batch2",
        "222222222222:role/Partner",
        "333333333333:role/A",
        "333333333333:role/B",
        "333333333333:role/C",
        "555555555555:role/Whatever",
        "444444444444:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123",
        "444444444444:role/AWSReservedSSO_Ops_0123",
        "999999999999:role/Anywhere",
        "999999999999:role/Other",
        "000000000501:role/Many",
        "000000000559:role/Many",
    ];
    let mut terms = Vec::new();
    for external_id in [None, Some("b3c7"), Some("x9"), Some("org1")] {
        for name in ["batch-1", "b2", "other"] {
            for organization in [None, Some("o-a1b2c3d4e5")] {
                terms.push((external_id, name, organization));
            }
        }
    }
    let mut all = BTreeMap::new();
    for role in plan.provider_roles() {
        let trust = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust).unwrap();
        let invoke = PolicyDocument::parse(&role.invoke_policy.to_json(), PolicyKind::Identity).unwrap();
        let mut answers = Vec::new();
        for arn in roles {
            let principal = PrincipalIdentity::assumed_role(&format!("arn:aws:iam::{arn}"), "f").unwrap();
            for (external_id, name, organization) in &terms {
                let mut context = Context::new().with("sts:RoleSessionName", *name).with("sts:SourceIdentity", "alice");
                context.set_all("sts:ExternalId", external_id.iter().copied());
                context.set_all("aws:PrincipalOrgID", organization.iter().copied());
                for (action, tag) in [
                    ("sts:AssumeRole", None),
                    ("sts:TagSession", Some("env")),
                    ("sts:TagSession", Some("x")),
                    ("sts:SetSourceIdentity", None),
                ] {
                    let mut context = context.clone();
                    context.set_all("aws:TagKeys", tag);
                    let request = Request { principal: Some(principal.clone()), action, resource: &role.arn, context };
                    answers.push(evaluate(&[&trust], &request).is_allowed());
                }
            }
        }
        for api in ["a1/$default", "a2/v1", "a3/v3"] {
            for call in [
                "GET/",
                "GET/items/1",
                "GET/items/1/2",
                "POST/orders/7",
                "GET/orders",
                "PUT/hoge",
                "GET/hoge",
                "GET/a/x/c",
                "GET/a/x/d",
            ] {
                for endpoint in [None, Some("vpce-01234567"), Some("vpce-11111111")] {
                    let resource = format!("arn:aws:execute-api:eu-west-1:111111111111:{api}/{call}");
                    let mut context = Context::new();
                    context.set_all("aws:SourceVpce", endpoint);
                    let request =
                        Request { principal: None, action: "execute-api:Invoke", resource: &resource, context };
                    answers.push(evaluate(&[&invoke], &request).is_allowed());
                }
            }
        }
        all.insert(role.arn, answers);
    }
    all
}

#[test]
fn every_form_gives_the_rights_back_and_keeps_every_role() {
    for text in [rich(), HTTP_ONLY.to_owned()] {
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        let before = decisions(&plan);
        assert!(before.values().all(|answers| answers.contains(&true) && answers.contains(&false)));
        for (form, files) in forms(&manifest) {
            let imported = import(&files);
            let read = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
            let lock = Lock::parse(&imported.lock, "xacct.lock.toml").unwrap();
            let after = read.plan(&lock);
            assert_eq!(decisions(&after), before, "{form}\n{}", imported.manifest);
            assert!(after.moved().is_empty() && after.role_changes().is_empty(), "{form}");
            assert_eq!(after.lock(), &lock, "{form}");
            // What is not known of the kind of an API, or of roles, is said, and nothing else has to be.
            let said = |part: &str| imported.notes.iter().filter(|note| note.contains(part)).count();
            let (kinds, unseen) = (said("target = \"rest_api\""), said("maximum session duration"));
            assert_eq!(imported.notes.len(), kinds + unseen, "{form}: {:?}", imported.notes);
            assert_eq!(unseen, usize::from(form == "details"), "{form}: {:?}", imported.notes);
            let is_kind_said = ["cloudformation", "json"].contains(&form) || text == HTTP_ONLY;
            assert_eq!(kinds == 0, is_kind_said, "{form}: {:?}", imported.notes);
            let mut api = manifest.api.clone();
            api.line = read.api.line;
            if form == "details" {
                api.max_session_duration = 3600;
            }
            assert_eq!(read.api, api, "{form}");
        }
    }
}

fn role(name: &str, principal: &str, routes: &[&str]) -> Value {
    let resources: Vec<String> =
        routes.iter().map(|route| format!("arn:aws:execute-api:eu-west-1:111111111111:a1/$default/{route}")).collect();
    json!({
        "RoleName": name, "Path": "/", "MaxSessionDuration": 3600, "AttachedManagedPolicies": [], "Tags": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "x", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}]}}],
    })
}

fn on_another_account(role: Value) -> Value {
    serde_json::from_str(&role.to_string().replace("eu-west-1:111111111111:", "eu-west-1:999999999999:")).unwrap()
}

fn on_another_api(role: Value) -> Value {
    serde_json::from_str(&role.to_string().replace(":a1/", ":a2/")).unwrap()
}

fn of(roles: &[Value]) -> Result<Imported, xacct_sign_provider::DeployedError> {
    Imported::read(&[&json!({"RoleDetailList": roles}).to_string()], "xacct.toml")
}

const SHOP: &str = "arn:aws:iam::000000000000:role/Shop";
const OTHER: &str = "arn:aws:iam::222222222222:role/Other";

/// Roles that somebody made by hand.
#[test]
fn names_that_nobody_rendered_are_kept() {
    for names in [
        &["orders-api-stag"][..],
        &["Invoke"],
        &["OrdersInvokeRole", "OrdersPartnerRole"],
        &["allowA", "allowB", "allowC"],
        &["ApiStag", "ApiStagging"],
    ] {
        let roles: Vec<Value> = names
            .iter()
            .enumerate()
            .map(|(index, name)| role(name, &format!("arn:aws:iam::{index:012}:role/R"), &["GET/x"]))
            .collect();
        let imported = of(&roles).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
        let made = manifest.plan(&Lock::parse(&imported.lock, "l").unwrap()).provider_roles();
        let made: BTreeSet<String> = made.into_iter().map(|role| role.name).collect();
        assert_eq!(made, names.iter().map(|name| (*name).to_owned()).collect(), "{}", imported.manifest);
        assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    }
}

#[test]
fn what_a_manifest_cannot_say_is_named() {
    let mut more = role("ApiStag", SHOP, &["*"]);
    more["AttachedManagedPolicies"] = json!([{"PolicyName": "A", "PolicyArn": "arn:aws:iam::aws:policy/A"}]);
    more["Tags"] = json!([{"Key": "a,b", "Value": "x"}]);
    let trust = &mut more["AssumeRolePolicyDocument"]["Statement"];
    trust.as_array_mut().unwrap().extend([
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        json!({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}),
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:user/alice"}, "Action": "sts:AssumeRole"}),
    ]);
    let policies = more["RolePolicyList"][0]["PolicyDocument"]["Statement"].as_array_mut().unwrap();
    policies.push(json!({"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}));
    // A tag that IAM would not take is no part of a manifest.
    more["Tags"] = json!([{"Key": "team", "Value": "x"}]);
    let imported = of(&[more, on_another_api(role("ApiProd", SHOP, &["*"]))]).unwrap();
    let notes = imported.notes.join("\n");
    for part in [
        "lambda.amazonaws.com",
        "aws:SourceIp",
        "user/alice",
        "logs:PutLogEvents",
        "managed policy `arn:aws:iam::aws:policy/A`",
        "tag `team`",
    ] {
        assert!(notes.contains(part), "{part}\n{notes}");
    }
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    assert_eq!(manifest.callers.len(), 1, "{}", imported.manifest);
}

#[test]
fn what_would_open_more_or_move_a_caller_is_refused() {
    let denies = |place: &str| {
        let mut role = role("ApiStag", SHOP, &["*"]);
        let deny = json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
        match place {
            "trust" => role["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap().push(deny),
            _ => role["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "d", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}})),
        }
        role
    };
    let mut two = role("ApiStagPartner", SHOP, &["GET/x"]);
    two["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = json!([SHOP, OTHER]);
    let mut bounded = role("ApiProd", OTHER, &["*"]);
    bounded["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/B"});
    let mut elsewhere = role("OtherPath", OTHER, &["*"]);
    elsewhere["Path"] = json!("/x/");
    for (roles, code) in [
        (vec![denies("trust")], "not_expressible"),
        (vec![denies("inline")], "not_expressible"),
        (vec![two], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), bounded], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), elsewhere], "not_expressible"),
        (vec![role("Stag", SHOP, &["*"]), role("Other", OTHER, &["GET/"])], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), role("ApiStag", SHOP, &["*"])], "duplicate"),
        (vec![role("ApiStag", "*", &["*"])], "no_api_role"),
        (
            vec![
                json!({"RoleName": "X", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "RolePolicyList": []}),
            ],
            "no_api_role",
        ),
    ] {
        let error = of(&roles).err().unwrap_or_else(|| panic!("{code}: {roles:?}"));
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn a_role_that_invokes_in_a_way_that_is_not_said_is_named() {
    let changed = |from: &str, to: &str| -> Value {
        serde_json::from_str(&role("ApiOther", OTHER, &["*"]).to_string().replace(from, to)).unwrap()
    };
    for (role_, part) in [
        (changed("\"arn:aws:execute-api:eu-west-1:111111111111:a1/$default/*\"", "\"*\""), "not one stage of one API"),
        (changed("a1/$default", "*/$default"), "not one stage of one API"),
        (changed("\"Action\":\"execute-api:Invoke\"", "\"NotAction\":\"s3:*\""), "allows by exclusion"),
        (changed("a1/$default/*", "a9/$default/G*/x"), "none of the routes"),
    ] {
        let imported = of(&[role("ApiStag", SHOP, &["*"]), role_]).unwrap();
        let notes = imported.notes.join("\n");
        assert!(notes.contains("role `ApiOther` is left out: ") && notes.contains(part), "{part}: {notes}");
    }
    // A wider action is what is deployed; the manifest says what of it an API is.
    let wide = changed("execute-api:Invoke", "execute-api:*");
    let imported = of(&[on_another_api(wide)]).unwrap();
    assert!(imported.notes.iter().any(|note| note.contains("execute-api:*")), "{:?}", imported.notes);
}

#[test]
fn a_form_without_invoke_policies_is_refused_with_a_hint() {
    let full = role("ApiStag", SHOP, &["*"]);
    let mut bare = full.clone();
    bare.as_object_mut().unwrap().remove("RolePolicyList");
    for text in [full["AssumeRolePolicyDocument"].clone(), json!({"Role": bare}), json!({"Roles": [bare]})] {
        let error = Imported::read(&[&text.to_string()], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), "no_invoke_policies", "{error}");
        assert!(error.hint().contains("get-account-authorization-details"), "{}", error.hint());
    }
}

#[test]
fn the_function_urls_role_is_named_and_left_out() {
    let manifest = HTTP_ONLY.replace("[callers", "[stages.url]\ntarget = \"function_url\"\nfunction = \"orders\"\nurl_id = \"u1\"\n[callers.f]\naccount = \"000000000000\"\nroles = { url = \"F\" }\n[callers");
    let manifest = Manifest::parse(&manifest, "xacct.toml").unwrap();
    let (_, files) = forms(&manifest).pop().unwrap();
    let imported = import(&files);
    assert!(
        imported.notes.iter().any(|note| note.contains("`ApiAllowByIamRoleUrl` is left out")),
        "{:?}",
        imported.notes
    );
    assert_eq!(Manifest::parse(&imported.manifest, "f").unwrap().stages.len(), 1);
}

/// What an account has besides: functions that call an API themselves, roles of other accounts' APIs, administrators.
#[test]
fn roles_that_are_no_way_in_are_no_matter_of_the_manifest() {
    let lambda = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let calling = |name: &str, trust: Option<&Value>| {
        let mut role = on_another_account(role(name, OTHER, &["*"]));
        role["Arn"] = json!(format!("arn:aws:iam::111111111111:role/{name}"));
        if let Some(trust) = trust {
            role["AssumeRolePolicyDocument"] = trust.clone();
        }
        role
    };
    let mut denying = role("OwnFunction", OTHER, &["*"]);
    denying["AssumeRolePolicyDocument"] = lambda.clone();
    denying["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "d", "PolicyDocument":
        {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}}));
    let mut admin = role("Admin", OTHER, &["*"]);
    admin["RolePolicyList"] = json!([]);
    admin["AttachedManagedPolicies"] = json!([{"PolicyName": "A", "PolicyArn": "arn:aws:iam::aws:policy/A"}]);
    let mut plain = denying.clone();
    plain["RoleName"] = json!("Plain");
    plain["RolePolicyList"] = json!([]);
    plain["AttachedManagedPolicies"] = admin["AttachedManagedPolicies"].clone();
    let mut everything = role("Everything", OTHER, &["*"]);
    everything["RolePolicyList"][0]["PolicyDocument"]["Statement"] =
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let alice = role("Alice", "arn:aws:iam::222222222222:user/alice", &["*"]);
    let others =
        [calling("Calling", Some(&lambda)), calling("Assumed", None), denying, everything, alice, admin, plain];
    let alone = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    let imported = of(&[&others[..], &[role("ApiStag", SHOP, &["*"])]].concat()).unwrap();
    assert_eq!(imported.manifest, alone.manifest);
    let notes: Vec<&str> =
        imported.notes.iter().filter(|note| note.contains("is left out")).map(String::as_str).collect();
    assert_eq!(
        notes,
        [
            "role `Assumed` is left out: it invokes an API of another account, `999999999999`, as a caller does",
            "role `Everything` is left out: it may invoke `*`, which is not one stage of one API",
            "role `Alice` is left out: it lets nobody in whom a manifest could name: principal `arn:aws:iam::222222222222:user/alice`",
            "role `Admin` is left out: no inline policy of it invokes an API, and what else it may do is not read: managed policy `arn:aws:iam::aws:policy/A`",
        ]
    );
    // Where nothing is left the same is said, of the first of them.
    let error = of(&others).unwrap_err();
    assert_eq!(error.code(), "no_api_role");
    let text = error.to_string();
    assert!(text.contains("role `Alice` is left out") && text.ends_with("; and 1 more"), "{text}");
    // Of two places nobody can say which is meant.
    let mut second = calling("Second", None);
    second.as_object_mut().unwrap().remove("Arn");
    let error = of(&[role("ApiStag", SHOP, &["*"]), second]).unwrap_err();
    assert_eq!(error.code(), "not_an_api");
    assert!(error.hint().starts_with("make a manifest for each account and region"), "{}", error.hint());
}

/// As the CDK synthesizes them, and what Terraform keeps: what is known only where it is deployed is not there.
#[test]
fn what_a_file_cannot_say_is_told_with_what_to_give_instead() {
    let reference =
        json!({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":execute-api:*:*:", {"Ref": "Api"}, "/*"]]});
    let invoke = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": reference}]});
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": SHOP}, "Action": "sts:AssumeRole"}]});
    let role = |policies: Value| {
        json!({"Type": "AWS::IAM::Role", "Properties":
        {"RoleName": "ApiStag", "AssumeRolePolicyDocument": trust, "Policies": policies}})
    };
    let inline = json!({"Resources": {"Role": role(json!([{"PolicyName": "p", "PolicyDocument": invoke}]))}});
    let beside = json!({"Resources": {"Role": role(json!([])), "Default": {"Type": "AWS::IAM::Policy", "Properties":
        {"PolicyName": "p", "PolicyDocument": invoke, "Roles": [{"Ref": "Role"}]}}}});
    let state = json!({"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [{"mode": "managed", "type": "aws_iam_role", "name": "api", "instances": []}]});
    for (text, code, part) in [
        (
            inline.to_string(),
            "no_api_role",
            "role `ApiStag` is left out: its invoke policy names the API by an intrinsic function",
        ),
        (
            beside.to_string(),
            "no_api_role",
            "role `ApiStag` is left out: its invoke policy names the API by an intrinsic function",
        ),
        (state.to_string(), "terraform_state", "a state or a plan of Terraform's"),
        ("Resources:\n  Role:\n".to_owned(), "not_json", "it is not JSON"),
        (String::new(), "not_json", "it is not JSON"),
        ("[]".to_owned(), "no_role", "neither a role"),
    ] {
        let error = Imported::read(&[&text], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.hint().contains("aws iam get-account-authorization-details --filter Role"), "{}", error.hint());
        // None that it would refuse next.
        assert!(!error.hint().contains("get-role"), "{}", error.hint());
    }
}

/// `RoleDetailList` with these at its side.
fn list_of(roles: &[Value], beside: &Value) -> String {
    let mut list = json!({"RoleDetailList": roles});
    list.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
    list.to_string()
}

/// What of it opens an API stands elsewhere, and nobody would notice that its callers are not in the manifest.
#[test]
fn r5_a_role_whose_rights_do_not_stand_in_the_file_is_named() {
    let arn = "arn:aws:iam::aws:policy/AmazonAPIGatewayInvokeFullAccess";
    let mut managed = role("ApiProd", OTHER, &[]);
    managed["RolePolicyList"] = json!([]);
    managed["AttachedManagedPolicies"] = json!([{"PolicyName": "x", "PolicyArn": arn}]);
    let mut of_a_service = managed.clone();
    of_a_service["RoleName"] = json!("Lambda");
    of_a_service["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = json!({"Service": "lambda.amazonaws.com"});
    let imported = of(&[role("ApiStag", SHOP, &["*"]), managed.clone(), of_a_service]).unwrap();
    let why =
        format!("no inline policy of it invokes an API, and what else it may do is not read: managed policy `{arn}`");
    assert_eq!(imported.notes, [format!("role `ApiProd` is left out: {why}")]);
    // Also where it is the only one.
    let error = of(&[managed]).unwrap_err();
    assert_eq!(error.code(), "no_api_role");
    assert!(error.to_string().ends_with(&format!(": role `ApiProd` is left out: {why}")), "{error}");

    let terraform = |kind: &str, written: Value| {
        let manifest = Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap();
        let (_, files) = forms(&manifest).remove(1);
        let mut file: Value = serde_json::from_str(&files[0]).unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}]});
        file["resource"]["aws_iam_role"]["other"] = json!({"name": "Other", "assume_role_policy": trust.to_string()});
        match kind {
            "aws_iam_role" => file["resource"][kind]["other"]["managed_policy_arns"] = written,
            _ => file["resource"][kind] = json!({"x": written}),
        }
        import(&[file.to_string()]).notes
    };
    for (kind, written) in [
        ("aws_iam_role", json!([arn])),
        ("aws_iam_role_policy_attachment", json!({"role": "${aws_iam_role.other.name}", "policy_arn": arn})),
    ] {
        let notes = terraform(kind, written);
        assert!(matches!(notes.as_slice(), [one] if one.starts_with("role `Other` is left out: ")), "{notes:?}");
    }
}

/// The CDK hangs a role's rights on it beside it, with what only the deployment knows in them, and names few roles.
#[test]
fn r5_a_templates_role_with_its_rights_beside_it_is_read_or_named() {
    let manifest = Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap();
    let (_, files) = forms(&manifest).remove(0);
    let template: Value = serde_json::from_str(&files[0]).unwrap();
    let apart = |change: &dyn Fn(&mut Value)| {
        let mut template = template.clone();
        let resources = template["Resources"].as_object_mut().unwrap();
        let (id, mut role) = resources
            .iter()
            .find(|(_, one)| one["Type"] == "AWS::IAM::Role")
            .map(|(id, one)| (id.clone(), one.clone()))
            .unwrap();
        let policy = role["Properties"]["Policies"][0]["PolicyDocument"].clone();
        role["Properties"].as_object_mut().unwrap().remove("Policies");
        let mut beside = json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": policy, "Roles": [{"Ref": id}]}});
        let mut both = json!({"role": role, "beside": beside.take()});
        change(&mut both);
        resources.insert(id, both["role"].take());
        resources.insert("Beside".to_owned(), both["beside"].take());
        Imported::read(&[&template.to_string()], "xacct.toml")
    };
    let whole = Imported::read(&[&files[0]], "xacct.toml").unwrap();
    let same = apart(&|_| {}).unwrap();
    assert_eq!((same.manifest, same.notes), (whole.manifest, whole.notes));
    let by_reference = json!({"Fn::Join": ["", ["arn:aws:execute-api:", {"Ref": "Api"}, "/*"]]});
    for resource in [by_reference.clone(), json!([by_reference])] {
        let unknown = apart(&|both| {
            both["beside"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] = resource.clone()
        });
        let notes = unknown.map_or_else(|error| error.to_string(), |imported| imported.notes.join("; "));
        assert!(notes.contains(" is left out: its invoke policy names the API by an intrinsic function"), "{notes}");
    }
    let nameless = apart(&|both| drop(both["role"]["Properties"].as_object_mut().unwrap().remove("RoleName")));
    let notes = nameless.map_or_else(|error| error.to_string(), |imported| imported.notes.join("; "));
    assert!(
        notes.contains("the role of resource `") && notes.contains("` is left out: it has no literal name"),
        "{notes}"
    );
}

/// What is not there of a list would look as if it were not deployed, or as if nobody called.
#[test]
fn r5_a_list_that_goes_on_is_an_error() {
    let roles = [role("ApiStag", SHOP, &["*"])];
    for beside in [json!({"IsTruncated": true, "Marker": "m"}), json!({"NextToken": "t"})] {
        let error = Imported::read(&[&list_of(&roles, &beside)], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), "truncated", "{error}");
        assert!(error.hint().contains("--no-paginate"), "{}", error.hint());
        let list = list_of(&roles, &beside).replace("RoleDetailList", "Roles");
        assert_eq!(xacct_sign_provider::read_roles(&list).unwrap_err().code(), "truncated");
    }
    let whole = list_of(&roles, &json!({"IsTruncated": false, "NextToken": null}));
    assert!(Imported::read(&[&whole], "xacct.toml").is_ok());
}

/// A row says what is one role's right: roles of one account that are let in together, wherever they are let in.
#[test]
fn roles_of_one_account_that_are_let_in_together_are_one_caller() {
    let of_account = |name: &str| format!("arn:aws:iam::000000000000:role/{name}");
    let trusted = |name: &str, on: fn(Value) -> Value, who: &[&str]| {
        let mut role = on(role(name, SHOP, &["*"]));
        let all: Vec<String> = who.iter().map(|name| of_account(name)).chain([OTHER.to_owned()]).collect();
        role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = json!(all);
        role
    };
    let mut stag = trusted("ApiStag", |role| role, &["A", "B", "Everywhere"]);
    stag["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap().extend([
        // Patterns of two paths stand in two statements.
        pattern("", "Ops*"),
        pattern("team/", "Ops*"),
        json!({"Effect": "Allow", "Principal": {"AWS": of_account("Strict")}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "b3c7"}}}),
    ]);
    let imported = of(&[stag, trusted("ApiProd", on_another_api, &["Everywhere"])]).unwrap();
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let rows: BTreeSet<String> =
        imported.manifest.lines().filter_map(|line| line.strip_prefix("roles = ")).map(str::to_owned).collect();
    let expected = [
        r#"{ stag = ["A", "B"] }"#,
        r#"{ stag = ["Ops*", "team/Ops*"] }"#,
        r#"{ stag = "Strict" }"#,
        r#"{ prod = "Everywhere", stag = "Everywhere" }"#,
        r#"{ prod = "Other", stag = "Other" }"#,
    ];
    assert_eq!(rows, expected.map(str::to_owned).into(), "{}", imported.manifest);
    assert_eq!((manifest.callers.len(), imported.notes.len()), (expected.len(), 0), "{:?}", imported.notes);
}

fn pattern(path: &str, name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::000000000000:role/{path}{name}")},
            "ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:role/{path}*/*")}}})
}

/// Of two hundred roles one is strange: the others become a manifest, and that one is named.
#[test]
fn a_role_that_no_manifest_takes_is_named_and_hinders_no_other() {
    let asking = |name: &str, condition: Value| {
        let mut role = on_another_api(role(name, OTHER, &["*"]));
        role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = condition;
        role
    };
    let alone = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    for (condition, part) in [
        (json!({"StringEquals": {"sts:ExternalId": "not one of AWS's"}}), "`not one of AWS's` is not an external id"),
        (json!({"StringLike": {"sts:RoleSessionName": "a b"}}), "`a b` is not a pattern of session names"),
    ] {
        let imported = of(&[role("ApiStag", SHOP, &["*"]), asking("ApiStrange", condition.clone())]).unwrap();
        assert_eq!(imported.manifest, alone.manifest);
        let expected = format!("role `ApiStrange` is left out: what was read is no manifest's: {part}");
        assert!(matches!(imported.notes.as_slice(), [one] if one.starts_with(&expected)), "{:?}", imported.notes);
        let error = of(&[asking("ApiStrange", condition)]).unwrap_err();
        assert!(error.code() == "no_api_role" && error.to_string().contains(&expected), "{error}");
    }
}

/// `get-account-authorization-details` prints managed policies in full: the version that is in force counts as a role's own.
#[test]
fn a_managed_policy_that_the_file_holds_counts_as_the_roles_own() {
    let own = role("ApiStag", SHOP, &["GET/items"]);
    let mut managed = own.clone();
    let document = managed["RolePolicyList"][0]["PolicyDocument"].take();
    managed["RolePolicyList"] = json!([]);
    let arn = "arn:aws:iam::111111111111:policy/Invoke";
    managed["AttachedManagedPolicies"] = json!([{"PolicyName": "Invoke", "PolicyArn": arn}]);
    let version = |id: &str, is_default: bool, document: &Value| json!({"VersionId": id, "IsDefaultVersion": is_default, "Document": document});
    let wide = role("x", SHOP, &["*"])["RolePolicyList"][0]["PolicyDocument"].clone();
    let policies = |now: &Value, before: &Value| {
        json!({"Policies": [{"PolicyName": "Invoke", "Arn": arn, "DefaultVersionId": "v2",
            "PolicyVersionList": [version("v2", true, now), version("v1", false, before)]}]})
    };
    let whole = of(&[own]).unwrap();
    let narrow = list_of(&[managed.clone()], &policies(&document, &wide));
    let imported = Imported::read(&[&narrow], "xacct.toml").unwrap();
    assert_eq!((&imported.manifest, &imported.notes), (&whole.manifest, &whole.notes));
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::parse(&imported.lock, "l").unwrap());
    let diff = |text: &str| {
        let roles = xacct_sign_provider::read_roles(text).unwrap();
        plan.diff(manifest.stages.values().next().unwrap(), None, &roles).unwrap().remove(0)
    };
    assert!(!diff(&narrow).is_different(), "{:?}", diff(&narrow));
    // What is in force now opens more than the manifest says.
    let opened = diff(&list_of(&[managed.clone()], &policies(&wide, &document)));
    assert!(opened.only_deployed.iter().any(|fact| fact.to_string().contains("a1/$default/*")), "{opened:?}");
    // One that is not there is named.
    let unread = diff(&list_of(&[managed], &json!({"Policies": []})));
    let named = format!("managed policy `{arn}`");
    assert!(unread.only_deployed.iter().any(|fact| fact.to_string() == named), "{unread:?}");
}

/// As AWS's own pages and its console write it.
#[test]
fn every_method_and_every_path_is_every_route() {
    let imported = of(&[role("ApiStag", SHOP, &["*/*"])]).unwrap();
    assert_eq!(imported.manifest, of(&[role("ApiStag", SHOP, &["*"])]).unwrap().manifest);
    assert_eq!(imported.notes, Vec::<String>::new());
}

/// Which statement of it no manifest has.
#[test]
fn a_role_that_lets_nobody_in_says_why() {
    let trusting = |principal: Value, condition: Value| {
        let mut role = role("ApiStag", SHOP, &["*"]);
        let statement = &mut role["AssumeRolePolicyDocument"]["Statement"][0];
        statement["Principal"] = principal;
        statement["Condition"] = condition;
        of(&[role]).unwrap_err()
    };
    let shop = || json!({"AWS": SHOP});
    for (principal, condition, why) in [
        (shop(), json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), "condition `IpAddress` on `aws:SourceIp`"),
        (
            shop(),
            json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            "condition `Bool` on `aws:MultiFactorAuthPresent`",
        ),
        (
            json!({"AWS": "*"}),
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}}),
            "condition `ForAnyValue:StringLike` on `aws:PrincipalOrgPaths`",
        ),
        (shop(), json!({"StringEquals": {"sts:ExternalId": ["a1", "b2"]}}), "several external ids"),
        (json!({"AWS": "arn:aws:iam::000000000000:role/Ä"}), json!({}), "principal `arn:aws:iam::000000000000:role/Ä`"),
    ] {
        let error = trusting(principal, condition);
        assert_eq!(error.code(), "no_api_role");
        let text = format!("role `ApiStag` is left out: it lets nobody in whom a manifest could name: {why}");
        assert!(error.to_string().ends_with(&text), "{error}");
    }
}

/// Where a name has words, stage and caller are whole ones of them; and production stays production.
#[test]
fn stages_and_callers_are_called_by_words_of_the_roles_names() {
    let in_prod = |(index, name): (usize, &&str)| -> Value {
        let principal = [SHOP, OTHER][index];
        serde_json::from_str(&role(name, principal, &["GET/x"]).to_string().replace("a1/$default/", "a1/prod/"))
            .unwrap()
    };
    for (names, stage, callers) in [
        (&["ApiProdShop"][..], "prod", &["shop"][..]),
        (&["OrdersApiCaller"], "api", &["caller"]),
        (&["ApiProd"], "prod", &["shop"]),
        (&["ApiProdShop", "ApiProdBilling"], "prod", &["billing", "shop"]),
    ] {
        let roles: Vec<Value> = names.iter().enumerate().map(in_prod).collect();
        let imported = of(&roles).unwrap();
        let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
        let of_stages: Vec<(&str, bool)> =
            manifest.stages.values().map(|stage| (stage.name.as_str(), stage.is_production)).collect();
        assert_eq!(of_stages, [(stage, true)], "{names:?}\n{}", imported.manifest);
        let of_callers: Vec<&str> = manifest.callers.keys().map(String::as_str).collect();
        assert_eq!(of_callers, callers, "{names:?}\n{}", imported.manifest);
    }
    // Without an API stage that says more, the whole name does.
    let imported = of(&[role("ApiProd", SHOP, &["GET/x"])]).unwrap();
    assert!(imported.manifest.contains("[stages.api-prod]"), "{}", imported.manifest);
    let imported = of(&[role("ProdApiShop", SHOP, &["GET/x"])]).unwrap();
    assert!(imported.manifest.contains("[stages.api]") && imported.manifest.contains("production = true"));
    let error = of(&[role("orders-prod-shop", SHOP, &["GET/x"]), role("orders-prod-billing", OTHER, &["GET/x"])]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("in title case, without what parts them"), "{error}");
}
