//! Forms of trust, what a session may be, and whose policies are enforced.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xacct_sign::Credentials;
use xacct_sign::sts::AssumeRole;
use xacct_sign_emulator::{Emulator, Options, SetupError, Target};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest};

use crate::world::*;

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
role_name = "apis/ApiAllowByIamRole"
[stages.stag]
api_id = "f6g7h8i9j0"

[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve" }
session_names = ["shop-*"]
tags = ["team"]
source_identity = ["ali*"]

[callers.everybody]
organization = "o-a1b2c3d4e5"
stages = ["stag"]
routes = ["GET /status"]

[callers.suppliers]
account = "333333333333"
roles = { stag = "*" }
trust = "account"
routes = ["GET /stock/{proxy+}"]
"#;

const STAG: &str = "arn:aws:iam::111111111111:role/apis/ApiAllowByIamRoleStag";
const EVERYBODY: &str = "arn:aws:iam::111111111111:role/apis/ApiAllowByIamRoleStagEverybody";
const SUPPLIERS: &str = "arn:aws:iam::111111111111:role/apis/ApiAllowByIamRoleStagSuppliers";
const ALLOWS_STS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;

fn with(mut call: AssumeRole, change: impl FnOnce(&mut AssumeRole)) -> AssumeRole {
    change(&mut call);
    call
}

fn base(world: &World, caller: &str) -> Credentials {
    world.emulator.callers().iter().find(|access| access.caller == caller).unwrap().credentials.clone()
}

fn refused(world: &mut World, base: &Credentials, call: &AssumeRole) -> &'static str {
    assert!(world.try_assume(base, call).is_err(), "{call:?}");
    world.reason().unwrap()
}

/// Within the role's account its trust policy is enough, if it names the caller and not the account.
#[test]
fn within_one_account_a_trust_policy_that_names_the_role_is_enough() {
    const NOTHING: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    const DENIES: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    for (account, trust, policy, reason) in [
        ("111111111111", "role", NOTHING, None),
        ("111111111111", "role", DENIES, Some("caller_not_allowed")),
        // The account, which has to hand it on.
        ("111111111111", "account", NOTHING, Some("caller_not_allowed")),
        ("000000000000", "role", NOTHING, Some("caller_not_allowed")),
    ] {
        let api = MANIFEST.split_once("[callers.shop]").unwrap().0;
        let shop =
            format!("[callers.shop]\naccount = \"{account}\"\nroles = {{ stag = \"A\" }}\ntrust = \"{trust}\"\n");
        let caller_policies = BTreeMap::from([("shop".to_owned(), policy.to_owned())]);
        let mut world =
            world_of(&format!("{api}{shop}"), Options { caller_policies, explain: true, ..Options::default() });
        let shop = base(&world, "shop");
        let is_in = world.try_assume(&shop, &AssumeRole::new(STAG, "shop-1")).is_ok();
        assert_eq!(is_in, reason.is_none(), "{account} {trust}");
        if !is_in {
            assert_eq!(world.reason(), reason, "{account} {trust}");
        }
    }
}

fn shop_call() -> AssumeRole {
    AssumeRole::new(STAG, "shop-1")
}

#[test]
fn an_organization_comes_in_with_an_account_of_its_own() {
    let mut world = world_of(MANIFEST, Options::default());
    let everybody = base(&world, "everybody");
    let credentials = world.assume(&everybody, EVERYBODY);
    assert_eq!(world.api(&crate::world::stag(), &credentials, "GET", "/status", "").status(), 200);
    assert_eq!(world.api(&crate::world::stag(), &credentials, "GET", "/other", "").status(), 403);
    // The outsider's own account lets it do everything: only the organization keeps it out.
    let outsider = world.emulator.outsider().credentials.clone();
    assert_eq!(refused(&mut world, &outsider, &AssumeRole::new(EVERYBODY, "session-1")), "trust_denied");
    assert!(world.detail().contains("StringEquals aws:PrincipalOrgID: the request has none"), "{}", world.detail());
}

#[test]
fn accounts_are_in_the_organizations_that_they_are_said_to_be() {
    let member = world_of(MANIFEST, Options::default()).emulator.outsider().account.clone();
    for (id, is_let_in) in [("o-a1b2c3d4e5", true), ("o-bbbbbbbbbb", false)] {
        let organizations =
            BTreeMap::from([(member.clone(), id.to_owned()), ("111111111111".to_owned(), "o-provider00".to_owned())]);
        let mut world = world_of(MANIFEST, Options { organizations, ..Options::default() });
        let outsider = world.emulator.outsider().credentials.clone();
        let assumed = world.try_assume(&outsider, &AssumeRole::new(EVERYBODY, "session-1"));
        assert_eq!(assumed.is_ok(), is_let_in, "{}", world.detail());
        let everybody = base(&world, "everybody");
        let credentials = world.assume(&everybody, EVERYBODY);
        // What the API sees is the organization of the assumed role's account.
        let seen = text(&world.api(&crate::world::stag(), &credentials, "GET", "/status", ""));
        assert!(seen.contains(r#""principalOrgId":"o-provider00""#), "{seen}");
    }
}

#[test]
fn a_whole_account_comes_in_with_any_role() {
    let mut world = world_of(MANIFEST, Options::default());
    let access = world.emulator.callers().iter().find(|access| access.caller == "suppliers").unwrap().clone();
    assert_eq!(access.role, "arn:aws:iam::333333333333:role/AnyRole");
    let credentials = world.assume(&access.credentials, SUPPLIERS);
    assert_eq!(world.api(&crate::world::stag(), &credentials, "GET", "/stock/1/2", "").status(), 200);
}

#[test]
fn session_names_tags_and_source_identities_are_those_of_the_manifest() {
    let mut world = world_of(MANIFEST, Options::default());
    let shop = base(&world, "shop");
    let full = with(shop_call(), |call| {
        call.tags = vec![("team".to_owned(), "blue".to_owned())];
        call.source_identity = Some("alice".to_owned());
    });
    assert!(world.try_assume(&shop, &full).is_ok(), "{}", world.detail());

    let other_name = with(shop_call(), |call| {
        call.session_name = "other".to_owned();
    });
    assert_eq!(refused(&mut world, &shop, &other_name), "trust_denied");
    assert!(world.detail().contains("sts:RoleSessionName"), "{}", world.detail());
    let other_tag = with(shop_call(), |call| {
        call.tags = vec![("cost".to_owned(), "x".to_owned())];
    });
    assert_eq!(refused(&mut world, &shop, &other_tag), "trust_denied");
    assert!(world.detail().contains("aws:TagKeys"), "{}", world.detail());
    let other_identity = with(shop_call(), |call| {
        call.source_identity = Some("bob".to_owned());
    });
    assert_eq!(refused(&mut world, &shop, &other_identity), "trust_denied");
    assert!(world.detail().contains("sts:SourceIdentity"), "{}", world.detail());

    // Who is not told to send tags is not let by its own policy either.
    let everybody = base(&world, "everybody");
    let tagged = with(AssumeRole::new(EVERYBODY, "session-1"), |call| {
        call.tags = vec![("team".to_owned(), "x".to_owned())];
    });
    assert_eq!(refused(&mut world, &everybody, &tagged), "caller_not_allowed");
}

#[test]
fn a_session_policy_narrows_and_never_widens() {
    let mut world = world_of(MANIFEST, Options::default());
    let shop = base(&world, "shop");
    let arn = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/GET/items/*";
    let policy = |effect: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"execute-api:Invoke","Resource":"{resource}"}}]}}"#
        )
    };
    let mut statuses = |base: &Credentials, role: &str, name: &str, policy: String, paths: [&str; 2]| {
        let call = with(AssumeRole::new(role, name), |call| {
            call.policy = Some(policy);
        });
        let credentials = world.try_assume(base, &call).unwrap();
        paths.map(|path| world.api(&crate::world::stag(), &credentials, "GET", path, "").status().as_u16())
    };
    assert_eq!(statuses(&shop, STAG, "shop-1", policy("Allow", arn), ["/items/1", "/hoge"]), [200, 403]);
    assert_eq!(statuses(&shop, STAG, "shop-1", policy("Deny", arn), ["/items/1", "/hoge"]), [403, 403]);
    let world_too = world_of(MANIFEST, Options::default());
    let everybody = base(&world_too, "everybody");
    // Everything, of what the role may: one route.
    assert_eq!(statuses(&everybody, EVERYBODY, "session-1", policy("Allow", "*"), ["/status", "/hoge"]), [200, 403]);
}

#[test]
fn a_source_identity_stays_with_the_session() {
    let manifest = MANIFEST
        .replace("account = \"000000000000\"", "account = \"111111111111\"")
        .replace("roles = { stag = \"LambdaRoleDeve\" }", "roles = { stag = \"apis/ApiAllowByIamRoleStagSuppliers\" }");
    // The suppliers' role is itself a caller of the shared one: chaining.
    let manifest = manifest.replace("[callers.suppliers]", "[callers.suppliers]\nsource_identity = [\"*\"]");
    let mut world = world_of(&manifest, Options::default());
    let suppliers = base(&world, "suppliers");
    for (first, asked, reason) in [
        ("alice", None, None),
        // The shared role, whose trust policy names the suppliers' and so is enough, takes `ali*` alone.
        ("bob", None, Some("caller_not_allowed")),
        ("alice", Some("bob"), Some("source_identity_set")),
    ] {
        let call = with(AssumeRole::new(SUPPLIERS, "session-1"), |call| {
            call.source_identity = Some(first.to_owned());
        });
        let chained = world.try_assume(&suppliers, &call).unwrap();
        let next = with(shop_call(), |call| {
            call.source_identity = asked.map(str::to_owned);
        });
        match reason {
            None => assert!(world.try_assume(&chained, &next).is_ok(), "{}", world.detail()),
            Some(reason) => assert_eq!(refused(&mut world, &chained, &next), reason, "{}", world.detail()),
        }
    }
}

const FIRST: &str = "arn:aws:iam::111111111111:role/First";
const SECOND: &str = "arn:aws:iam::111111111111:role/Second";

/// Two roles in a chain; the second lets only the team blue in, and takes tags only where `second_takes_tags`.
fn chain(second_takes_tags: bool) -> World {
    let role = |name: &str, principal: &str, actions: Value| {
        let invoke = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*";
        let mut invoke = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": invoke });
        if name == "Second" {
            invoke["Condition"] = json!({ "StringEquals": { "aws:PrincipalTag/team": "blue" } });
        }
        json!({ "Type": "AWS::IAM::Role", "Properties": {
            "RoleName": name,
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
                { "Effect": "Allow", "Principal": { "AWS": principal }, "Action": actions },
            ] },
            "Policies": [
                { "PolicyName": "invoke", "PolicyDocument": { "Version": "2012-10-17", "Statement": [invoke] } },
            ],
        } })
    };
    let both = json!(["sts:AssumeRole", "sts:TagSession"]);
    let second = if second_takes_tags { both.clone() } else { json!("sts:AssumeRole") };
    let template = json!({ "Resources": {
        "First": role("First", "arn:aws:iam::000000000000:role/Shop", both),
        "Second": role("Second", "arn:aws:iam::111111111111:role/First", second),
    } });
    let mut deployment = Deployment::of_templates(&[&template.to_string()]).unwrap();
    deployment.roles.get_mut(FIRST).unwrap().policies.push(ALLOWS_STS.to_owned());
    let allows = BTreeMap::from([("000000000000-Shop".to_owned(), ALLOWS_STS.to_owned())]);
    let options = Options { caller_policies: allows, explain: true, ..Options::default() };
    World { emulator: Emulator::of(&deployment, options, [7; 32]).unwrap(), now: world().now, log: Vec::new() }
}

#[test]
fn r6_transitive_session_tags_live_on_through_role_chains() {
    let tagged = |role: &str, tags: &[(&str, &str)], transitive: &[&str]| {
        with(AssumeRole::new(role, "session-1"), |call| {
            call.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            call.transitive_tag_keys = transitive.iter().map(|key| (*key).to_owned()).collect();
        })
    };
    let first = |world: &mut World, transitive: &[&str]| {
        let shop = base(world, "000000000000-Shop");
        world.try_assume(&shop, &tagged(FIRST, &[("team", "blue"), ("cost", "1")], transitive)).unwrap()
    };
    let status = |world: &mut World, credentials: &Credentials| {
        let stage = Target::Stage("default".to_owned());
        world.api(&stage, credentials, "GET", "/hoge", "").status().as_u16()
    };
    let mut world = chain(true);
    // Handed on, though the second call does not name it.
    let blue = first(&mut world, &["team"]);
    let second = world.try_assume(&blue, &tagged(SECOND, &[("cost", "2")], &[])).unwrap();
    assert_eq!(status(&mut world, &second), 200, "{}", world.detail());
    // What is not transitive ends with its session.
    let plain = first(&mut world, &["cost"]);
    let second = world.try_assume(&plain, &tagged(SECOND, &[], &[])).unwrap();
    assert_eq!(status(&mut world, &second), 403);
    // An inherited tag is not set anew, in no case of its key.
    for key in ["team", "Team"] {
        assert_eq!(refused(&mut world, &blue, &tagged(SECOND, &[(key, "red")], &[])), "tag_inherited");
    }
    // The second role has to take tags, though none are passed.
    let mut world = chain(false);
    let blue = first(&mut world, &["team"]);
    assert_eq!(refused(&mut world, &blue, &tagged(SECOND, &[], &[])), "trust_denied");
    let untagged = first(&mut world, &[]);
    assert!(world.try_assume(&untagged, &tagged(SECOND, &[], &[])).is_ok());
}

/// The tags of the role itself are its sessions', whatever the case of their keys; a session's tag takes the place of one.
#[test]
fn decided_a_tag_of_the_role_is_a_tag_of_its_sessions_in_any_case() {
    let world = |key: &str, value: &str| {
        let invoke = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "execute-api:Invoke",
            "Resource": "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*",
            "Condition": { "StringEquals": { "aws:PrincipalTag/Größe": "blue" } },
        }] });
        let template = json!({ "Resources": { "First": { "Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "First",
            "Tags": [{ "Key": key, "Value": value }],
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::000000000000:role/Shop" },
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            }] },
            "Policies": [{ "PolicyName": "invoke", "PolicyDocument": invoke }],
        } } } });
        let deployment = Deployment::of_templates(&[&template.to_string()]).unwrap();
        let allows = BTreeMap::from([("000000000000-Shop".to_owned(), ALLOWS_STS.to_owned())]);
        let options = Options { caller_policies: allows, explain: true, ..Options::default() };
        World { emulator: Emulator::of(&deployment, options, [7; 32]).unwrap(), now: world().now, log: Vec::new() }
    };
    let status = |role_tag: (&str, &str), session_tag: Option<(&str, &str)>| {
        let mut world = world(role_tag.0, role_tag.1);
        let shop = base(&world, "000000000000-Shop");
        let call = with(AssumeRole::new(FIRST, "session-1"), |call| {
            call.tags = session_tag.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        });
        let credentials = world.try_assume(&shop, &call).unwrap();
        world.api(&Target::Stage("default".to_owned()), &credentials, "GET", "/hoge", "").status().as_u16()
    };
    for key in ["Größe", "größe", "GRÖße"] {
        assert_eq!(status((key, "blue"), None), 200, "{key}");
        assert_eq!(status((key, "red"), None), 403, "{key}");
        // The session's stands in for it, in whatever case.
        assert_eq!(status((key, "red"), Some(("grÖße", "blue"))), 200, "{key}");
        assert_eq!(status((key, "blue"), Some(("grÖße", "red"))), 403, "{key}");
    }
    assert_eq!(status(("grosse", "blue"), None), 403);
}

#[test]
fn a_callers_own_policy_can_be_replaced() {
    let with = |name: &str, policy: &str| {
        let caller_policies = BTreeMap::from([(name.to_owned(), policy.to_owned())]);
        Options { caller_policies, ..Options::default() }
    };
    let mut world = world_of(MANIFEST, with("shop", &ALLOWS_STS.replace("sts:*", "s3:*")));
    let shop = base(&world, "shop");
    assert_eq!(refused(&mut world, &shop, &shop_call()), "caller_not_allowed");
    let suppliers = base(&world, "suppliers");
    assert!(world.try_assume(&suppliers, &AssumeRole::new(SUPPLIERS, "session-1")).is_ok(), "others keep theirs");

    // With everything allowed at home, it is the trust policy that refuses.
    let mut world = world_of(MANIFEST, with("shop", ALLOWS_STS));
    let shop = base(&world, "shop");
    assert_eq!(refused(&mut world, &shop, &AssumeRole::new(SUPPLIERS, "shop-1")), "trust_denied");

    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let unknown = Emulator::new(&manifest, with("nobody", ALLOWS_STS), [7; 32]).err().unwrap();
    assert!(matches!(&unknown, SetupError::UnknownCaller(name) if name == "nobody"), "{unknown}");
    let malformed = Emulator::new(&manifest, with("shop", "{}"), [7; 32]).err().unwrap();
    assert!(matches!(malformed, SetupError::Policy { .. }), "{malformed}");
}

#[test]
fn a_template_alone_is_enough() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let template = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::CloudFormation).unwrap();
    let deployment = Deployment::of_templates(&[&template]).unwrap();
    let emulator = Emulator::of(&deployment, Options::default(), [7; 32]).unwrap();
    let names: Vec<&str> = emulator.callers().iter().map(|access| access.caller.as_str()).collect();
    assert_eq!(names, ["o-a1b2c3d4e5-Every", "000000000000-LambdaRoleDeve", "333333333333-Every"]);
    let mut world = World { emulator, now: world().now, log: Vec::new() };
    let shop = base(&world, "000000000000-LambdaRoleDeve");
    let credentials = world.try_assume(&shop, &shop_call()).unwrap();
    assert_eq!(world.api(&crate::world::stag(), &credentials, "PUT", "/hoge", "{}").status(), 200);
    let everybody = base(&world, "o-a1b2c3d4e5-Every");
    let credentials = world.assume(&everybody, EVERYBODY);
    assert_eq!(world.api(&crate::world::stag(), &credentials, "PUT", "/hoge", "{}").status(), 403);

    for (text, code) in [
        ("[", "not_json"),
        ("{}", "no_role"),
        (r#"{"Resources":{}}"#, "no_role"),
        (r#"{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{}}}}"#, "invalid_policy"),
        (&template.replace("f6g7h8i9j0/$default/*", "f6g7h8i9j0/*"), "not_an_api"),
        (&template.replace("\"RoleName\"", "\"Name\""), "role_unknown"),
    ] {
        let error = Deployment::of_templates(&[text]).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn templates_of_every_kind_of_api_are_enough() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let templates: Vec<String> = ["http", "rest", "url"]
        .iter()
        .map(|name| plan.render(&manifest.stages[*name], Format::CloudFormation).unwrap())
        .collect();
    let templates: Vec<&str> = templates.iter().map(String::as_str).collect();
    let deployment = Deployment::of_templates(&templates).unwrap();
    let emulator = Emulator::of(&deployment, Options::default(), [7; 32]).unwrap();
    let mut world = World { emulator, now: world().now, log: Vec::new() };
    let shop = world.base("/Shop");
    for (stage, role, service, path) in [
        ("http", "ApiHttp", "execute-api", "/hoge"),
        ("rest", "ApiRest", "execute-api", "/v1/hoge"),
        ("url", "ApiUrl", "lambda", "/hoge"),
    ] {
        let session = world.assume(&shop, &format!("arn:aws:iam::111111111111:role/{role}"));
        for (asked, expected) in [(service, 200), ("sts", 403)] {
            let status = world.api_as(&at(stage), &session, asked, ("GET", path, "")).status();
            assert_eq!(status, expected, "{stage} {}", world.detail());
        }
        assert_eq!(world.send(&at(stage), request("GET", path, "")).status(), 403);
    }
}

#[test]
fn what_a_template_would_lose_is_refused() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let template = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::CloudFormation).unwrap();
    let property = |text: &str| template.replacen("\"RoleName\"", &format!("{text}, \"RoleName\""), 1);
    let resource = |kind: &str| {
        template.replacen("\"Resources\": {", &format!("\"Resources\": {{ \"Other\": {{\"Type\": \"{kind}\"}},"), 1)
    };
    for (text, part) in [
        (property(r#""PermissionsBoundary": {"Ref": "Boundary"}"#), "the permissions boundary of"),
        (property(r#""ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]"#), "the managed policies of"),
        (resource("AWS::IAM::Policy"), "resource `Other` of type `AWS::IAM::Policy`"),
        (resource("AWS::IAM::RolePolicy"), "`AWS::IAM::RolePolicy`"),
        (resource("AWS::IAM::ManagedPolicy"), "`AWS::IAM::ManagedPolicy`"),
    ] {
        let error = Deployment::of_templates(&[&text]).unwrap_err();
        assert_eq!(error.code(), "policy_ignored", "{error}");
        assert!(error.to_string().contains(part) && error.hint().contains("inline policies"), "{error}");
    }
    assert!(Deployment::of_templates(&[&property("\"ManagedPolicyArns\": []")]).is_ok());
    let boundary = r#""PermissionsBoundary": "arn:aws:iam::111111111111:policy/B""#;
    let bounded = Deployment::of_templates(&[&property(boundary)]).unwrap();
    let role = bounded.roles.values().find(|role| role.permissions_boundary.is_some()).unwrap();
    assert_eq!(role.permissions_boundary.as_deref(), Some("arn:aws:iam::111111111111:policy/B"));
    assert!(Deployment::of_templates(&[&resource("AWS::SQS::Queue")]).is_ok());

    let other_api = template.replace("f6g7h8i9j0", "k1l2m3n4o5").replace("ApiAllowByIamRole", "Other");
    let error = Deployment::of_templates(&[&template, &other_api]).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("duplicate", "stage `stag` is two APIs"));
    let error = Deployment::of_templates(&[&template, &template]).unwrap_err();
    assert_eq!(error.code(), "duplicate", "{error}");
    assert!(error.to_string().contains("stands twice"), "{error}");
}
