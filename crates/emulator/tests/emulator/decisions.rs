//! Who may call: AWS's two tables of how an API's own policy and the caller's decide together, cell by cell, and what each
//! action, condition and qualifier of a function URL is for.
//!
//! The tables are A and B of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>; IAM's page on crossing accounts
//! says the same for every service.

use serde_json::{Value, json};
use xacct_sign::Credentials;
use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::{Lock, Manifest};

use crate::world::*;

const REST: &str = "arn:aws:execute-api:ap-northeast-1:111111111111:r2r2r2r2r2/v1";
const FUNCTION: &str = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders";
const ALIAS: &str = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders:live";

/// What a policy says to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Allow,
    Neither,
    Deny,
}

use Says::{Allow, Deny, Neither};

/// The rows of both tables: the caller's own policy, the API's, whether that allows within one account, and across two.
const TABLES: [(Says, Says, bool, bool); 9] = [
    (Allow, Allow, true, true),
    (Allow, Neither, true, false),
    (Allow, Deny, false, false),
    (Neither, Allow, true, false),
    (Neither, Neither, false, false),
    (Neither, Deny, false, false),
    (Deny, Allow, false, false),
    (Deny, Neither, false, false),
    (Deny, Deny, false, false),
];

fn policy(statements: Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// A statement about everything that is asked at a stage; one that allows nothing where the policy is to say nothing.
fn statement(says: Says, resource: &str, principal: Option<&str>) -> Value {
    let (effect, resource) = match says {
        Allow => ("Allow", resource),
        Neither => ("Allow", "arn:aws:execute-api:ap-northeast-1:111111111111:other0/v1/*"),
        Deny => ("Deny", resource),
    };
    let mut statement = json!({ "Effect": effect, "Action": ["execute-api:Invoke", "lambda:*"], "Resource": resource });
    if let Some(principal) = principal {
        statement["Principal"] = json!({ "AWS": principal });
    }
    statement
}

/// The manifest with its caller in this account.
fn of(account: &str) -> String {
    FRONTS.replace("000000000000", account)
}

/// A world in which shop has this policy of its own, and these hang on the APIs.
fn world_with_policies(manifest: &str, own: String, resources: &[(&str, String)]) -> World {
    let resource_policies = resources.iter().map(|(stage, policy)| ((*stage).to_owned(), policy.clone())).collect();
    let caller_policies = [("shop".to_owned(), own)].into();
    world_of(manifest, Options { explain: true, caller_policies, resource_policies, ..Options::default() })
}

fn call(world: &mut World, credentials: &Credentials, stage: &str) -> u16 {
    let (service, path) = if stage.starts_with("rest") { ("execute-api", "/v1/hoge") } else { ("lambda", "/hoge") };
    world.api_as(&at(stage), credentials, service, ("GET", path, "")).status().as_u16()
}

#[test]
fn the_tables_of_resource_policies_and_identity_policies_cell_by_cell() {
    for (account, across) in [("111111111111", false), ("000000000000", true)] {
        let role = format!("arn:aws:iam::{account}:role/Shop");
        for (own, resource, within_one, across_two) in TABLES {
            let of = |says, principal| {
                let apis = [format!("{REST}/*"), ALIAS.to_owned()];
                policy(apis.iter().map(|api| statement(says, api, principal)).collect())
            };
            let resources = [("restd", of(resource, Some(&role))), ("urld", of(resource, Some(&role)))];
            let mut world = world_with_policies(&self::of(account), of(own, None), &resources);
            let shop = world.base("/Shop");
            let allowed = if across { across_two } else { within_one };
            for stage in ["restd", "urld"] {
                let status = call(&mut world, &shop, stage);
                let cell = format!("{stage}, {account}, {own:?}, {resource:?}: {}", world.detail());
                assert_eq!(status, if allowed { 200 } else { 403 }, "{cell}");
            }
        }
    }
}

/// As AWS's examples write it: API Gateway makes whole ARNs of it when the policy is saved.
#[test]
fn a_rest_apis_policy_may_leave_out_which_api_it_is_of() {
    let role = "arn:aws:iam::000000000000:role/Shop";
    let own = policy(json!([statement(Allow, "*", None)]));
    for (resource, expected) in [("execute-api:/v1/GET/*", 200), ("execute-api:/v2/*", 403)] {
        let resources = [("restd", policy(json!([statement(Allow, resource, Some(role))])))];
        let mut world = world_with_policies(FRONTS, own.clone(), &resources);
        let shop = world.base("/Shop");
        assert_eq!(call(&mut world, &shop, "restd"), expected, "{resource}: {}", world.detail());
    }
}

/// The sentence of a REST API's refusal says whose policy it was.
#[test]
fn a_denial_names_the_kind_of_policy() {
    let role = "arn:aws:iam::000000000000:role/Shop";
    for (own, resource, clause) in [
        (Allow, Neither, "because no resource-based policy allows the execute-api:Invoke action"),
        (Neither, Allow, "because no identity-based policy allows the execute-api:Invoke action"),
        (Allow, Deny, "with an explicit deny in a resource-based policy"),
        (Deny, Allow, "with an explicit deny in an identity-based policy"),
    ] {
        let api = format!("{REST}/*");
        let own = policy(json!([statement(own, &api, None)]));
        let resources = [("restd", policy(json!([statement(resource, &api, Some(role))])))];
        let mut world = world_with_policies(FRONTS, own, &resources);
        let shop = world.base("/Shop");
        let response = world.api(&at("restd"), &shop, "GET", "/v1/hoge", "");
        assert!(text(&response).contains(clause), "{clause}: {}", text(&response));
    }
}

/// An API without any policy of its own: whoever is not of its account is refused, whatever its own side allows.
#[test]
fn without_a_resource_policy_nobody_of_another_account_gets_in() {
    let everything = policy(json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]));
    for (account, expected) in [("000000000000", 403), ("111111111111", 200)] {
        let mut world = world_with_policies(&of(account), everything.clone(), &[]);
        let shop = world.base("/Shop");
        for stage in ["rest", "url"] {
            assert_eq!(call(&mut world, &shop, stage), expected, "{stage} {}", world.detail());
        }
        let status = world.api(&at("http"), &shop, "GET", "/hoge", "").status();
        assert_eq!(status, expected, "{}", world.detail());
        let is_told = world.detail().contains("resource policy, so a role in its account has to be assumed first");
        assert_eq!(is_told, expected == 403, "{}", world.detail());
    }
}

/// A role that the manifest's callers assume gets what its policy says, and not what one of them might have by itself.
#[test]
fn by_role_it_is_the_roles_policy_that_counts() {
    let mut world = fronts();
    let shop = world.base("/Shop");
    for (stage, name) in [("rest", "ApiRest"), ("url", "ApiUrl")] {
        let role = format!("arn:aws:iam::111111111111:role/{name}");
        let session = world.assume(&shop, &role);
        assert_eq!(call(&mut world, &session, stage), 200, "{}", world.detail());
        for other in ["rest", "restd", "url", "urld"].into_iter().filter(|other| *other != stage) {
            assert_eq!(call(&mut world, &session, other), 403, "{name} at {other}");
        }
        // Its own credentials open what is direct, and no more.
        assert_eq!(call(&mut world, &shop, stage), 403);
    }
    assert_eq!((call(&mut world, &shop, "restd"), call(&mut world, &shop, "urld")), (200, 200));
}

/// The two statements of a function URL, each side's broken in turn.
#[test]
fn a_function_url_takes_both_actions_each_with_its_condition_on_its_own_qualifier() {
    let url = json!({
        "Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": ALIAS,
        "Condition": { "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
    });
    let invoke = json!({
        "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ALIAS,
        "Condition": { "Bool": { "lambda:InvokedViaFunctionUrl": "true" } },
    });
    let with = |statement: &Value, key: &str, value: Value| {
        let mut statement = statement.clone();
        statement[key] = value;
        statement
    };
    let none = with(&url, "Condition", json!({ "StringEquals": { "lambda:FunctionUrlAuthType": "NONE" } }));
    let crossed = with(&invoke, "Condition", json!({ "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" } }));
    let direct = with(&invoke, "Condition", json!({ "Bool": { "lambda:InvokedViaFunctionUrl": "false" } }));
    let unqualified = [with(&url, "Resource", json!(FUNCTION)), with(&invoke, "Resource", json!(FUNCTION))];
    let unconditioned = with(&invoke, "Condition", json!({}));
    for (statements, allows) in [
        (vec![url.clone(), invoke.clone()], true),
        (vec![url.clone()], false),
        (vec![invoke.clone()], false),
        (vec![none, invoke.clone()], false),
        (vec![url.clone(), crossed], false),
        (vec![url.clone(), direct], false),
        (vec![url.clone(), unconditioned], true),
        (unqualified.to_vec(), false),
    ] {
        let good = [url.clone(), invoke.clone()];
        let trusting = |statements: &[Value]| {
            let role = json!({ "AWS": "arn:aws:iam::000000000000:role/Shop" });
            policy(statements.iter().map(|one| with(one, "Principal", role.clone())).collect())
        };
        for (own, resource) in [(&good[..], &statements[..]), (&statements[..], &good[..])] {
            let resources = [("urld", trusting(resource))];
            let mut world = world_with_policies(FRONTS, policy(json!(own)), &resources);
            let shop = world.base("/Shop");
            let expected = if allows { 200 } else { 403 };
            assert_eq!(call(&mut world, &shop, "urld"), expected, "{own:?} {resource:?} {}", world.detail());
        }
    }
}

/// What `ForAllValues` says of a key that is not there is yes: the policy that looks closed is open, here as at AWS.
#[test]
fn for_all_values_holds_where_the_key_is_absent() {
    let api = format!("{REST}/*");
    let mut open = statement(Allow, &api, Some("arn:aws:iam::000000000000:role/Shop"));
    open["Condition"] = json!({ "ForAllValues:StringEquals": { "aws:TagKeys": "team" } });
    let own = policy(json!([statement(Allow, &api, None)]));
    let mut world = world_with_policies(FRONTS, own, &[("restd", policy(json!([open])))]);
    let shop = world.base("/Shop");
    assert_eq!(call(&mut world, &shop, "restd"), 200, "{}", world.detail());
}

#[test]
fn a_role_of_the_same_name_in_another_account_is_another() {
    let mut world = world_of(
        &format!("{FRONTS}\n[callers.other]\naccount = \"222222222222\"\nroles = {{ http = \"Shop\" }}\n"),
        Options { explain: true, ..Options::default() },
    );
    let other = world.emulator.callers().iter().find(|access| access.account == "222222222222").unwrap();
    let other = other.credentials.clone();
    assert_eq!((call(&mut world, &other, "restd"), call(&mut world, &other, "urld")), (403, 403));
}

#[test]
fn a_private_apis_policy_asks_by_which_endpoint_a_request_came() {
    let manifest = FRONTS.replace(
        "api_id = \"r2r2r2r2r2\"",
        "api_id = \"r2r2r2r2r2\"\nvpc_endpoints = [\"vpce-01234567\", \"vpce-89abcdef\"]",
    );
    for (endpoint, expected) in
        [(None, 200), (Some("vpce-89abcdef"), 200), (Some("vpce-00000000"), 403), (Some("vpce-01234568"), 403)]
    {
        let vpc_endpoints = endpoint.map(|id| ("restd".to_owned(), id.to_owned())).into_iter().collect();
        let mut world = world_of(&manifest, Options { explain: true, vpc_endpoints, ..Options::default() });
        let shop = world.base("/Shop");
        let response = world.api(&at("restd"), &shop, "GET", "/v1/hoge", "");
        assert_eq!(response.status(), expected, "{endpoint:?} {}", world.detail());
        if expected == 200 {
            let echo: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(echo["requestContext"]["identity"]["vpceId"], endpoint.unwrap_or("vpce-01234567"));
        }
        // No header says it.
        let mut forged = request("GET", "/v1/hoge", "");
        forged.headers_mut().insert("x-amzn-vpce-id", "vpce-01234567".parse().unwrap());
        sign(&mut forged, &shop, "execute-api", world.now);
        assert_eq!(world.send(&at("restd"), forged).status(), expected);
    }
}

#[test]
fn a_session_policy_limits_what_a_resource_policy_gives_within_an_account() {
    let manifest = of("111111111111");
    let role = "arn:aws:iam::111111111111:role/ApiRest";
    let api = format!("{REST}/*");
    let resources = [("restd", policy(json!([statement(Allow, &api, Some(role))])))];
    let own = policy(json!([{ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }]));
    let mut world = world_with_policies(&manifest, own, &resources);
    let shop = world.base("/Shop");
    let session = world.assume(&shop, role);
    assert_eq!(call(&mut world, &session, "restd"), 200, "{}", world.detail());
    let mut limited = xacct_sign::sts::AssumeRole::new(role, "limited");
    limited.policy = Some(policy(json!([{ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }])));
    let session = world.try_assume(&shop, &limited).unwrap();
    assert_eq!(call(&mut world, &session, "restd"), 403);
    assert!(world.detail().contains("the session policy"), "{}", world.detail());
}

/// An organization, and every role of an account, let in without a name: by what the API's policy asks of them.
#[test]
fn an_organization_and_a_whole_account_come_in_directly() {
    const MEMBERS: &str = "\n[callers.members]\norganization = \"o-a1b2c3d4e5\"\nstages = [\"restd\", \"urld\"]\n";
    const ACCOUNT: &str =
        "\n[callers.account]\naccount = \"333333333333\"\ntrust = \"account\"\nroles = { restd = \"*\" }\n";
    let manifest = format!("{FRONTS}{MEMBERS}{ACCOUNT}");
    let mut world = world_of(&manifest, Options { explain: true, ..Options::default() });
    let of = |world: &World, name: &str| {
        let found = world.emulator.callers().iter().find(|access| access.caller == name);
        found.map(|access| access.credentials.clone()).unwrap()
    };
    let (members, account) = (of(&world, "members"), of(&world, "account"));
    assert_eq!((call(&mut world, &members, "restd"), call(&mut world, &members, "urld")), (200, 200));
    assert_eq!((call(&mut world, &account, "restd"), call(&mut world, &account, "urld")), (200, 403));
    let response = world.api_as(&at("urld"), &members, "lambda", ("GET", "/hoge", ""));
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(echo["requestContext"]["authorizer"]["iam"]["principalOrgId"], "o-a1b2c3d4e5");
    // An account that leaves the organization has no other way in.
    let account = world.emulator.callers().iter().find(|access| access.caller == "members").unwrap().account.clone();
    let organizations = [(account, "o-f6g7h8i9j0".to_owned())].into();
    let mut world = world_of(&manifest, Options { organizations, ..Options::default() });
    assert_eq!((call(&mut world, &members, "restd"), call(&mut world, &members, "urld")), (403, 403));
}

/// A deny on one reading of a path is a deny, whatever else the path may mean.
#[test]
fn what_the_apis_policy_denies_is_denied_in_every_reading_of_the_path() {
    let role = "arn:aws:iam::000000000000:role/Shop";
    let allow = statement(Allow, &format!("{REST}/*"), Some(role));
    let deny = statement(Deny, &format!("{REST}/*/admin*"), Some("*"));
    let own = policy(json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]));
    let mut world = world_with_policies(FRONTS, own, &[("restd", policy(json!([allow, deny])))]);
    let shop = world.base("/Shop");
    for (path, expected) in
        [("/v1/items", 200), ("/v1/admin", 403), ("/v1/items/..%2Fadmin", 403), ("/v1/%61dmin", 403)]
    {
        let response = world.api(&at("restd"), &shop, "GET", path, "");
        assert_eq!(response.status(), expected, "{path} {}", world.detail());
    }
}

#[test]
fn a_private_api_is_opened_by_its_policy_and_by_its_endpoint() {
    let private = "api_id = \"r1r1r1r1r1\"\nvpc_endpoints = [\"vpce-01234567\"]";
    let manifest = FRONTS.replace("api_id = \"r1r1r1r1r1\"", private);
    let manifest = Manifest::parse(&manifest, "xacct.toml").unwrap();
    for (has_policy, endpoint, expected) in [(true, None, 200), (true, Some("vpce-89abcdef"), 403), (false, None, 403)]
    {
        let mut deployment = manifest.plan(&Lock::default()).deployment();
        let policy = &mut deployment.stages.get_mut("rest").unwrap().resource_policy;
        assert!(policy.is_some(), "by role, too");
        if !has_policy {
            *policy = None;
        }
        let vpc_endpoints = endpoint.map(|id| ("rest".to_owned(), id.to_owned())).into_iter().collect();
        let emulator = Emulator::of(&deployment, Options { vpc_endpoints, ..Options::default() }, [7; 32]).unwrap();
        let mut world = World { emulator, now: fronts().now, log: Vec::new() };
        let shop = world.base("/Shop");
        let session = world.assume(&shop, "arn:aws:iam::111111111111:role/ApiRest");
        assert_eq!(call(&mut world, &session, "rest"), expected, "{}", world.detail());
    }
}

/// One function is two stages, two ways in: the policy that hangs on it hangs on both.
#[test]
fn whoever_may_call_one_stage_of_a_function_is_let_in_at_the_others_url() {
    let manifest = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
role_name = "Api"
[stages.url]
target = "function_url"
function = "orders"
url_id = "u1u1u1u1"
[stages.urld]
target = "function_url"
access = "direct"
function = "orders"
url_id = "u1u1u1u1"
[callers.shop]
account = "000000000000"
roles = { urld = "Shop" }
[callers.partner]
account = "222222222222"
roles = { url = "Partner" }
"#;
    let mut world = world_of(manifest, Options { explain: true, ..Options::default() });
    let (shop, partner) = (world.base("/Shop"), world.base("/Partner"));
    let role = world.assume(&partner, "arn:aws:iam::111111111111:role/ApiUrl");
    for stage in ["url", "urld"] {
        assert_eq!(call(&mut world, &shop, stage), 200, "{stage}: {}", world.detail());
        assert_eq!(call(&mut world, &role, stage), 200, "{stage}: {}", world.detail());
        assert_eq!(call(&mut world, &partner, stage), 403, "{stage}");
    }
    // What is hung on one of them in place of it hangs on the other, too.
    let nobody = policy(json!([statement(Deny, FUNCTION, Some("*"))]));
    for given in ["url", "urld"] {
        let resource_policies = [(given.to_owned(), nobody.clone())].into();
        let mut world = world_of(manifest, Options { resource_policies, ..Options::default() });
        let shop = world.base("/Shop");
        for stage in ["url", "urld"] {
            assert_eq!(call(&mut world, &shop, stage), 403, "{given} {stage}");
        }
    }
}
