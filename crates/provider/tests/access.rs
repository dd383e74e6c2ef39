//! What the manifest means, asked: `list`, `can`, `who`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::collections::BTreeSet;

use xacct_sign_provider::{Answer, AskedCall, Asker, Lock, Manifest, WhyNot, markdown_of_rows};

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[stages.prod]
api_id = "a2"
api_stage = "v1"
[stages.url]
target = "function_url"
access = "direct"
function = "orders"
url_id = "u1"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", prod = "paths/Shop" }
external_id = "b3c7"
session_names = ["shop-*", "s?"]
[callers.batch]
account = "222222222222"
roles = { stag = "Batch" }
routes = ["GET /items/{id}", "ANY /hoge"]
tags = ["team"]
source_identity = ["*"]
[callers.direct]
account = "333333333333"
roles = { url = "Direct" }
[callers.whole]
account = "444444444444"
roles = { stag = "*" }
trust = "account"
[callers.org]
organization = "o-a1b2c3d4e5"
stages = ["stag"]
session_names = ["org-*"]
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, "xacct.toml").unwrap()
}

fn can(caller: &str, stage: &str, call: &str) -> Answer {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    plan.can(&manifest.callers[caller], &manifest.stages[stage], &AskedCall::parse(call).unwrap())
}

/// Role, action and resources that allow it.
fn yes(caller: &str, stage: &str, call: &str) -> Vec<(Option<String>, &'static str, Vec<String>)> {
    match can(caller, stage, call) {
        Answer::Yes(granted) => granted.into_iter().map(|one| (one.role, one.action, one.resources)).collect(),
        no => panic!("{no:?}"),
    }
}

fn no(caller: &str, stage: &str, call: &str) -> String {
    match can(caller, stage, call) {
        Answer::No(why) => why.to_string(),
        yes => panic!("{yes:?}"),
    }
}

#[test]
fn every_caller_and_stage_has_a_row() {
    let rows = manifest().plan(&Lock::default()).access();
    let json = serde_json::to_value(&rows).unwrap();
    let role = |name: &str| format!("arn:aws:iam::111111111111:role/ApiAllowByIamRole{name}");
    let expected = serde_json::json!([
        {"caller": "batch", "stage": "stag", "role": role("StagBatch"), "routes": ["GET /items/{id}", "ANY /hoge"],
         "terms": {"tags": ["team"], "source_identity": ["*"]}},
        {"caller": "direct", "stage": "url", "role": null, "routes": null, "terms": {}},
        {"caller": "org", "stage": "stag", "role": role("Stag"), "routes": null, "terms": {"session_names": ["org-*"]}},
        {"caller": "shop", "stage": "prod", "role": role("Prod"), "routes": null,
         "terms": {"external_id": "b3c7", "session_names": ["s?", "shop-*"]}},
        {"caller": "shop", "stage": "stag", "role": role("Stag"), "routes": null,
         "terms": {"external_id": "b3c7", "session_names": ["s?", "shop-*"]}},
        {"caller": "whole", "stage": "stag", "role": role("Stag"), "routes": null, "terms": {}},
    ]);
    assert_eq!(json, expected);
}

#[test]
fn the_table_has_routes_and_terms_in_code() {
    let table = markdown_of_rows(&manifest().plan(&Lock::default()).access());
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[..2], ["| caller | stage | role | routes | terms |", "|---|---|---|---|---|"]);
    let batch = "| batch | stag | `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagBatch` | `GET /items/{id}`, `ANY /hoge` | `source_identity = [\"*\"]`, `tags = [\"team\"]` |";
    assert_eq!(lines[2..4], [batch, "| direct | url |  | every route |  |"]);
    assert_eq!(lines.len(), 8);
}

#[test]
fn yes_names_the_role_the_action_and_the_resource_that_matches() {
    let stag = "arn:aws:execute-api:eu-west-1:111111111111:a1/$default";
    let role = |name: &str| Some(format!("arn:aws:iam::111111111111:role/ApiAllowByIamRole{name}"));
    let action = "execute-api:Invoke";
    assert_eq!(yes("shop", "stag", "PUT /hoge"), [(role("Stag"), action, vec![format!("{stag}/*")])]);
    let item = vec![format!("{stag}/GET/items/*")];
    assert_eq!(yes("batch", "stag", "GET /items/1?q=/../admin"), [(role("StagBatch"), action, item.clone())]);
    assert_eq!(yes("batch", "stag", "GET /items/a b"), [(role("StagBatch"), action, item.clone())]);
    assert_eq!(yes("batch", "stag", "GET /items/1/2"), [(role("StagBatch"), action, item)]);
    assert_eq!(
        yes("batch", "stag", "DELETE /hoge"),
        [(role("StagBatch"), action, vec![format!("{stag}/DELETE/hoge")])]
    );
    // The path is the route's: API Gateway's stage stands before it on the wire alone.
    let prod = "arn:aws:execute-api:eu-west-1:111111111111:a2/v1/*".to_owned();
    assert_eq!(yes("shop", "prod", "GET /"), [(role("Prod"), action, vec![prod])]);
    let function = vec!["arn:aws:lambda:eu-west-1:111111111111:function:orders".to_owned()];
    let both = [(None, "lambda:InvokeFunctionUrl", function.clone()), (None, "lambda:InvokeFunction", function)];
    assert_eq!(yes("direct", "url", "GET /any"), both);
    assert!(!yes("org", "stag", "GET /").is_empty() && !yes("whole", "stag", "GET /").is_empty());
}

#[test]
fn no_names_the_policy_that_lacks_it_or_says_that_nobody_trusts_the_caller() {
    let role = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagBatch";
    let lacks = format!(
        "the policy of `{role}` lacks execute-api:Invoke on `arn:aws:execute-api:eu-west-1:111111111111:a1/$default/GET/admin`"
    );
    assert_eq!(no("batch", "stag", "GET /admin"), lacks);
    // One reading that is not allowed is enough.
    for path in ["/items/../admin", "/items/..%2Fadmin", "/items/%2e%2e/admin", "/items/..%252fadmin"] {
        assert_eq!(no("batch", "stag", &format!("GET {path}")), lacks, "{path}");
    }
    assert_eq!(no("batch", "prod", "GET /items/1"), "no role of stage `prod` trusts caller `batch`");
    assert_eq!(no("direct", "stag", "GET /"), "no role of stage `stag` trusts caller `direct`");
    assert!(no("shop", "url", "GET /").contains("function:orders"));
    assert!(matches!(can("shop", "stag", "GET /%zz"), Answer::No(WhyNot::Unreadable)));
}

#[test]
fn a_route_that_the_function_has_to_enforce_is_not_given_by_iam() {
    let text = MANIFEST
        .replace("url_id = \"u1\"", "url_id = \"u1\"\nroutes_enforced_by = \"function\"")
        .replace("roles = { url = \"Direct\" }", "roles = { url = \"Direct\" }\nroutes = [\"GET /items/{id}\"]");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let can =
        |call: &str| plan.can(&manifest.callers["direct"], &manifest.stages["url"], &AskedCall::parse(call).unwrap());
    assert!(matches!(can("GET /items/1"), Answer::Yes(_)));
    for call in ["GET /admin", "PUT /items/1", "GET /items/1/secret", "GET /items/..%2Fadmin"] {
        let Answer::No(why @ WhyNot::ForTheFunction { .. }) = can(call) else { panic!("{call}: {:?}", can(call)) };
        assert!(why.to_string().starts_with("caller `direct` has no such route: IAM lets the call through"), "{why}");
    }
}

#[test]
fn a_role_that_is_two_callers_has_the_rights_of_both() {
    let text = MANIFEST.replace("[callers.direct]", "[callers.again]\naccount = \"222222222222\"\nroles = { prod = \"Batch\" }\nexternal_id = \"q1\"\n[callers.direct]");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let call = AskedCall::parse("GET /").unwrap();
    assert!(matches!(plan.can(&manifest.callers["batch"], &manifest.stages["prod"], &call), Answer::Yes(_)));
}

/// As every policy of the same account that says `*`: it is to the caller itself.
#[test]
fn within_the_apis_account_a_trust_policy_that_names_the_caller_is_enough() {
    let answer = |account: &str| {
        let text = format!(
            "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.stag]\napi_id = \"a1\"\n[callers.own]\naccount = \"{account}\"\nroles = {{ stag = \"Batch\" }}\nroutes = [\"GET /a\"]\n[callers.any]\naccount = \"*\"\ntrust = \"account\"\nroles = {{ stag = \"Batch\" }}\n"
        );
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        plan.can(&manifest.callers["own"], &manifest.stages["stag"], &AskedCall::parse("GET /b").unwrap())
    };
    assert!(matches!(answer("111111111111"), Answer::Yes(_)), "{:?}", answer("111111111111"));
    assert!(matches!(answer("222222222222"), Answer::No(_)), "{:?}", answer("222222222222"));
}

#[test]
fn what_is_no_call_is_refused() {
    for text in ["", "GET", "/hoge", "get /", "ANY /", "TRACE /", "GET hoge", " GET /", "GET  /"] {
        assert_eq!(AskedCall::parse(text).unwrap_err().code(), "invalid_call", "{text}");
    }
}

fn who(arn: &str) -> Vec<String> {
    let manifest = manifest();
    let known = manifest.plan(&Lock::default()).who(&Asker::parse(arn).unwrap());
    let line = |organization: &Option<String>| if organization.is_some() { " possible" } else { "" };
    known.iter().map(|one| format!("{} {}{}", one.caller, one.stages.join(","), line(&one.organization))).collect()
}

#[test]
fn a_callers_role_is_known_by_path_and_case_and_its_session_by_name() {
    let possible = "org stag possible";
    assert_eq!(who("arn:aws:iam::000000000000:role/Shop"), [possible, "shop stag"]);
    assert_eq!(who("arn:aws:iam::000000000000:role/paths/Shop"), [possible, "shop prod"]);
    assert_eq!(who("arn:aws:sts::000000000000:assumed-role/Shop/any"), [possible, "shop prod,stag"]);
    assert_eq!(who("arn:aws:iam::000000000000:role/shop"), [possible]);
    assert_eq!(who("arn:aws:iam::000000000000:role/other/Shop"), [possible]);
    assert_eq!(who("arn:aws:iam::444444444444:role/Anything"), [possible, "whole stag"]);
    assert_eq!(who("arn:aws:sts::333333333333:assumed-role/Direct/function"), ["direct url", possible]);
    assert!(who("arn:aws-cn:iam::000000000000:role/Shop").is_empty());
}

#[test]
fn a_session_of_a_shared_role_is_whoever_could_have_taken_its_name() {
    let role = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
    assert_eq!(who(role), ["org stag possible", "shop stag", "whole stag"]);
    let session = |role: &str, name: &str| who(&format!("arn:aws:sts::111111111111:assumed-role/{role}/{name}"));
    assert_eq!(session("ApiAllowByIamRoleStag", "shop-1"), ["shop stag", "whole stag"]);
    assert_eq!(session("ApiAllowByIamRoleStag", "org-1"), ["org stag possible", "whole stag"]);
    assert_eq!(session("ApiAllowByIamRoleStag", "xx"), ["whole stag"]);
    assert_eq!(session("ApiAllowByIamRoleProd", "s1"), ["shop prod"]);
    assert!(session("ApiAllowByIamRoleProd", "xx").is_empty());
    assert_eq!(session("ApiAllowByIamRoleStagBatch", "xx"), ["batch stag"]);
}

#[test]
fn what_is_no_arn_of_a_role_or_a_session_is_refused() {
    let others = [
        "Shop",
        "arn:aws:iam::000000000000:user/",
        "arn:aws:iam::000000000000:user/*",
        "arn:aws:iam::000000000000:root",
        "arn:aws:iam::*:role/Shop",
        "arn:aws:iam::000000000000:role/*",
        "arn:aws:iam::000000000000:role/",
        "arn:nowhere:iam::000000000000:role/Shop",
        "arn:aws:sts::000000000000:assumed-role/Shop",
        "arn:aws:sts::000000000000:assumed-role/Shop/a/b",
        "arn:aws:sts::000000000000:assumed-role/paths/Shop/a",
        "arn:aws:sts::000000000000:federated-user/Shop",
        "arn:aws:iam::000000000000:assumed-role/Shop/ab",
    ];
    for arn in others {
        assert_eq!(Asker::parse(arn).unwrap_err().code(), "invalid_principal", "{arn}");
    }
    let short = Asker::parse("arn:aws:sts::000000000000:assumed-role/Shop/x").unwrap_err();
    assert_eq!(short.code(), "invalid_principal");
    assert!(short.to_string().ends_with("the name of one has two characters at least"), "{short}");
    // Even one of a whole account, which lets its users in, too: that is said.
    let user = Asker::parse("arn:aws:iam::444444444444:user/jane").unwrap_err();
    assert_eq!(user.code(), "invalid_principal");
    assert!(user.hint().starts_with("users come in only where a whole account"), "{}", user.hint());
}

#[test]
fn who_comes_by_another_stages_endpoint_reaches_the_same_private_api() {
    let text = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.roled]
target = "rest_api"
api_id = "a1"
api_stage = "v1"
vpc_endpoints = ["vpce-00000000000000001"]
[stages.direct]
target = "rest_api"
api_id = "a1"
api_stage = "v1"
access = "direct"
vpc_endpoints = ["vpce-00000000000000002"]
[callers.shop]
account = "000000000000"
roles = { roled = "Shop" }
[callers.batch]
account = "222222222222"
roles = { direct = "Batch" }
"#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let call = AskedCall::parse("GET /items").unwrap();
    for caller in ["shop", "batch"] {
        for stage in ["roled", "direct"] {
            let answer = plan.can(&manifest.callers[caller], &manifest.stages[stage], &call);
            assert!(matches!(answer, Answer::Yes(_)), "{caller} on {stage}: {answer:?}");
        }
    }
}

/// The role that stands for those of a pattern is nobody else's.
#[test]
fn a_callers_pattern_never_makes_it_another_caller() {
    let text = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.v1]
target = "rest_api"
api_id = "a1"
api_stage = "v1"
access = "direct"
[callers.every]
account = "000000000000"
roles = { v1 = "Rx" }
[callers.items]
account = "000000000000"
trust = "account"
roles = { v1 = "team/R*" }
routes = ["GET /items/1"]
[callers.whole]
account = "222222222222"
trust = "account"
roles = { v1 = "*" }
routes = ["GET /items/1"]
[callers.any]
account = "222222222222"
roles = { v1 = "AnyRole" }
[callers.roles]
account = "222222222222"
trust = "account"
roles = { v1 = "*Role" }
[callers.longer]
account = "000000000000"
trust = "account"
roles = { v1 = "team/Ry*" }
"#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let (all, mut names) = (plan.caller_roles(), BTreeSet::new());
    for role in xacct_sign_provider::concrete_roles(&all, "aws", "111111111111").1 {
        let name = role.arn.rsplit('/').next().unwrap().to_ascii_lowercase();
        assert!(names.insert((role.account.clone(), name)), "{role:?} is two callers");
    }
    for caller in ["items", "whole"] {
        let can = |call: &str| {
            let call = AskedCall::parse(call).unwrap();
            matches!(plan.can(&manifest.callers[caller], &manifest.stages["v1"], &call), Answer::Yes(_))
        };
        assert!(can("GET /items/1") && !can("GET /"), "{caller}");
    }
}
