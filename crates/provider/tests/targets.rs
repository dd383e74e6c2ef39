//! APIs that are no HTTP APIs: what role access to them is in documents, and that it opens what the manifest says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use serde_json::{Value, json};
use xacct_sign::aws::ApiHost;
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::targets::{FunctionUrl, HttpApi, RestApi, Target, TargetKind};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest, ProviderRole, read_roles};

/// A stage of each kind, with a caller of every route and one with some.
const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.deve]
api_id = "h1"
api_stage = "v1"
[stages.stag]
target = "rest_api"
api_id = "r1"
api_stage = "v1"
access = "role"
[stages.private]
target = "rest_api"
api_id = "r2"
api_stage = "v1"
vpc_endpoints = ["vpce-0123456789abcdef0", "vpce-01234567"]
[stages.url]
target = "function_url"
function = "orders"
url_id = "abcdefgh"
routes_enforced_by = "function"
[stages.live]
target = "function_url"
function = "orders"
alias = "live"
url_id = "ijklmnop"
production = false
routes_enforced_by = "function"
[callers.shop]
account = "000000000000"
roles = { deve = "Shop", stag = "Shop", private = "Shop", url = "Shop", live = "ShopLive" }
[callers.partner]
account = "222222222222"
roles = { deve = "Batch", stag = "Batch", private = "Batch", url = "Batch", live = "Batch" }
routes = ["PUT /hoge", "GET /items/*"]
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, "xacct.toml").unwrap()
}

fn role(manifest: &Manifest, name: &str) -> ProviderRole {
    let roles = manifest.plan(&Lock::default()).provider_roles();
    roles.into_iter().find(|role| role.name == format!("ApiAllowByIamRole{name}")).unwrap()
}

fn statements(role: &ProviderRole) -> Value {
    let document: Value = serde_json::from_str(&role.invoke_policy.to_json()).unwrap();
    document["Statement"].clone()
}

#[test]
fn a_rest_apis_resources_have_its_stage() {
    let manifest = manifest();
    let expected = json!([{
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:eu-west-1:111111111111:r1/v1/*",
    }]);
    assert_eq!(statements(&role(&manifest, "Stag")), expected);
    let expected = json!([{
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": [
            "arn:aws:execute-api:eu-west-1:111111111111:r2/v1/PUT/hoge",
            "arn:aws:execute-api:eu-west-1:111111111111:r2/v1/GET/items/*",
        ],
        "Condition": { "StringEquals": { "aws:SourceVpce": ["vpce-01234567", "vpce-0123456789abcdef0"] } },
    }]);
    assert_eq!(statements(&role(&manifest, "PrivatePartner")), expected);
}

#[test]
fn a_function_url_takes_both_actions_on_what_it_hangs_on() {
    let manifest = manifest();
    let expected = |resource: &str| {
        json!([
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunctionUrl",
                "Resource": resource,
                "Condition": { "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
            },
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": resource,
                "Condition": { "Bool": { "lambda:InvokedViaFunctionUrl": "true" } },
            },
        ])
    };
    let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders";
    // A caller with routes has a role of its own, by which the function knows it; Lambda knows no routes.
    for (name, resource) in [
        ("Url", function.to_owned()),
        ("UrlPartner", function.to_owned()),
        ("Live", format!("{function}:live")),
        ("LivePartner", format!("{function}:live")),
    ] {
        assert_eq!(statements(&role(&manifest, name)), expected(&resource), "{name}");
    }
}

/// Whether a session of the role may do it.
fn allows(role: &ProviderRole, action: &str, resource: &str, context: Context) -> bool {
    let policy = PolicyDocument::parse(&role.invoke_policy.to_json(), PolicyKind::Identity).unwrap();
    let principal = Some(PrincipalIdentity::assumed_role(&role.arn, "x").unwrap());
    evaluate(&[&policy], &Request { principal, action, resource, context }).effect() == Effect::Allow
}

/// What has to be allowed for a call: actions, their resources, and what is known of the request.
type Needs = Vec<(&'static str, String, Context)>;

/// Every way of calling a target: by a route, from an endpoint; a function by its URL, and past it. With the
/// route, and whether it is a way in.
fn calls(target: Target<'_>) -> Vec<(Needs, &'static str, bool)> {
    let arn = target.arn();
    let routes = ["PUT/hoge", "GET/items/1", "GET/hoge"];
    let mut calls = Vec::new();
    for route in routes {
        match target {
            Target::FunctionUrl(_) => {
                let by_url = Context::new().with("lambda:FunctionUrlAuthType", "AWS_IAM");
                let invoke = Context::new().with("lambda:InvokedViaFunctionUrl", "true");
                let both = |invoke: Context| {
                    vec![
                        (FunctionUrl::INVOKE_URL, arn.clone(), by_url.clone()),
                        (FunctionUrl::INVOKE, arn.clone(), invoke),
                    ]
                };
                calls.push((both(invoke), route, true));
                calls.push((vec![(FunctionUrl::INVOKE, arn.clone(), Context::new())], route, false));
                let direct = Context::new().with("lambda:InvokedViaFunctionUrl", "false");
                calls.push((vec![(FunctionUrl::INVOKE, arn.clone(), direct)], route, false));
                let open = Context::new().with("lambda:FunctionUrlAuthType", "NONE");
                calls.push((vec![(FunctionUrl::INVOKE_URL, arn.clone(), open)], route, false));
                calls.push((vec![("lambda:UpdateFunctionCode", arn.clone(), Context::new())], route, false));
            }
            _ => {
                let resource = format!("{arn}/{route}");
                let from = |id: &str| Context::new().with("aws:SourceVpce", id);
                let is_private = matches!(target, Target::RestApi(api) if !api.vpc_endpoints.is_empty());
                let call = |context| vec![(HttpApi::INVOKE, resource.clone(), context)];
                calls.push((call(Context::new()), route, !is_private));
                calls.push((call(from("vpce-0123456789abcdef0")), route, true));
                calls.push((call(from("vpce-89abcdef")), route, !is_private));
            }
        }
    }
    calls
}

#[test]
fn each_role_opens_its_own_stage_and_no_other_in_the_ways_that_there_are() {
    let manifest = manifest();
    let roles = manifest.plan(&Lock::default()).provider_roles();
    assert_eq!(roles.len(), 2 * manifest.stages.len());
    let mut count = 0;
    for role in &roles {
        for stage in manifest.stages.values() {
            let target = manifest.target(stage).unwrap();
            for (actions, route, is_way_in) in calls(target) {
                let is_partner = role.name.ends_with("Partner");
                let may_route = !is_partner || !target.enforces_routes() || route != "GET/hoge";
                let is_meant = is_way_in && role.stage == stage.name && may_route;
                let is_open =
                    actions.iter().all(|(action, resource, context)| allows(role, action, resource, context.clone()));
                assert_eq!(is_open, is_meant, "{} on {}: {route} {actions:?}", role.name, stage.name);
                count += usize::from(is_open);
            }
        }
    }
    assert!(count > 20, "{count} are open");
}

#[test]
fn what_a_caller_gets_on_a_function_url_is_said() {
    let manifest = manifest();
    let found: Vec<String> = manifest.plan(&Lock::default()).findings().iter().map(ToString::to_string).collect();
    let expected = [
        "note[routes_not_enforced] [callers.partner]: on `live`, `url` its `routes` are for the function to enforce",
        "warning[wildcard_spans_segments] [callers.partner]: route `GET /items/*` also opens `GET /items/1/secret`",
    ];
    assert_eq!(found, expected);
    // What IAM's `*` spans counts only where IAM reads routes.
    let urls = MANIFEST.replace(
        "roles = { deve = \"Batch\", stag = \"Batch\", private = \"Batch\", url = \"Batch\", live = \"Batch\" }",
        "roles = { url = \"Batch\" }",
    );
    let urls = Manifest::parse(&urls, "xacct.toml").unwrap();
    let found: Vec<&str> = urls.plan(&Lock::default()).findings().iter().map(|finding| finding.code.code()).collect();
    assert_eq!(found, ["routes_not_enforced"]);
}

#[test]
fn every_form_grants_the_same_and_reads_back_as_meant() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    for stage in manifest.stages.values() {
        let kind = manifest.target(stage).unwrap().kind();
        for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
            let text = plan.render(stage, format).unwrap();
            let diffs = plan.diff(stage, None, &read_roles(&text).unwrap()).unwrap();
            assert!(diffs.len() == 2 && diffs.iter().all(|diff| diff.is_same()), "{format:?} {diffs:?}");
            // One without the condition grants more, and `diff` says so.
            let key = match kind {
                TargetKind::FunctionUrl => "lambda:InvokedViaFunctionUrl",
                _ => "aws:SourceVpce",
            };
            let wider = text.replace(key, "aws:SecureTransport");
            if wider != text {
                let diffs = plan.diff(stage, None, &read_roles(&wider).unwrap()).unwrap();
                assert!(diffs.iter().all(|diff| diff.is_different()), "{format:?}");
            }
        }
        let template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
        let named = (kind != TargetKind::HttpApi).then(|| kind.name());
        assert_eq!(template["Metadata"]["XacctSign"]["Target"].as_str(), named);
        let documents: Value = serde_json::from_str(&plan.render(stage, Format::Json).unwrap()).unwrap();
        assert_eq!(documents["target"].as_str(), named);
        assert_eq!(documents["api_arn"], manifest.target(stage).unwrap().arn());
    }
}

#[test]
fn a_template_of_roles_says_what_they_open() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    for stage in manifest.stages.values() {
        let target = manifest.target(stage).unwrap();
        let template = plan.render(stage, Format::CloudFormation).unwrap();
        let deployment = Deployment::of_templates(&[&template]).unwrap();
        let (name, read) = deployment.stages.first_key_value().unwrap();
        assert_eq!((deployment.stages.len(), name, read.target), (1, &stage.name, target.kind()));
        assert_eq!(read.arn, target.arn());
        assert!(deployment.callers.iter().all(|caller| caller.may_assume.contains_key(name)), "{name}");
        // A template without metadata tells what it is of by its ARNs; those of a REST API are an HTTP API's.
        let bare = template.replace("XacctSign", "Other");
        let kind = match target.kind() {
            TargetKind::RestApi => TargetKind::HttpApi,
            other => other,
        };
        let deployment = Deployment::of_templates(&[&bare]).unwrap();
        assert!(deployment.stages.values().all(|stage| stage.target == kind), "{name}");
        if kind == TargetKind::FunctionUrl {
            let broken = bare.replace(":function:", ":layer:");
            assert_eq!(Deployment::of_templates(&[&broken]).unwrap_err().code(), "not_an_api");
        } else {
            let said = |target: &str| {
                let mut said: serde_json::Value = serde_json::from_str(&template).unwrap();
                said["Metadata"]["XacctSign"]["Target"] = target.into();
                Deployment::of_templates(&[&said.to_string()]).unwrap_err()
            };
            assert_eq!(said("function_url").code(), "not_an_api");
            let error = said("server");
            assert_eq!(error.code(), "target_not_served");
            assert_eq!(error.to_string(), "the emulator does not take templates of a `server`");
        }
    }
}

#[test]
fn the_url_of_every_target_says_its_region_and_service() {
    for region in ["eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
        for target in [
            Target::HttpApi(HttpApi::new(region, "111111111111", "a1b2", "$default")),
            Target::RestApi(RestApi::new(region, "111111111111", "a1b2", "v1", &[])),
            Target::FunctionUrl(FunctionUrl::new(region, "111111111111", "orders", None, "a1b2")),
        ] {
            let url = target.invoke_url();
            let host = url.strip_prefix("https://").unwrap().split('/').next().unwrap();
            let read = ApiHost::of(host).unwrap().unwrap();
            assert_eq!((read.region(), read.service()), (region, target.signing_name()), "{url}");
        }
    }
}

#[test]
fn the_note_says_how_each_target_is_called() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let note = plan.note(&manifest.callers["shop"]);
    for part in [
        "sign each request with AWS Signature Version 4 for the service of the stage.",
        "- URL: `https://r1.execute-api.eu-west-1.amazonaws.com/v1`\n- Service: `execute-api`\n",
        "- URL: `https://ijklmnop.lambda-url.eu-west-1.on.aws`\n- Service: `lambda`\n",
        "- By the VPC endpoints `vpce-01234567`, `vpce-0123456789abcdef0` alone\n",
        "curl --config - --aws-sigv4 aws:amz:eu-west-1:lambda ",
        "base_url=\"https://ijklmnop.lambda-url.eu-west-1.on.aws\"",
    ] {
        assert!(note.contains(part), "{part} is not in:\n{note}");
    }
    let one = MANIFEST.replace("roles = { deve = \"Shop\", stag = \"Shop\", private = \"Shop\", url", "roles = { url");
    let one = Manifest::parse(&one, "xacct.toml").unwrap();
    let note = one.plan(&Lock::default()).note(&one.callers["shop"]);
    assert!(note.contains("Version 4 for `lambda`.\n") && !note.contains("- Service:"), "{note}");
}

#[test]
fn the_lock_file_knows_a_function_by_its_name_and_alias() {
    let manifest = manifest();
    let lock = manifest.plan(&Lock::default()).lock().to_toml();
    assert!(lock.contains("shop = { api = \"function:orders:live\", caller = "), "{lock}");
    let lock = Lock::parse(&lock, "xacct.lock.toml").unwrap();
    assert_eq!(manifest.plan(&lock).role_changes(), []);
    // A stage that is renamed is the same function all the same.
    let renamed = MANIFEST.replace("[stages.live]", "[stages.run]").replace("live = ", "run = ");
    let renamed = Manifest::parse(&renamed, "xacct.toml").unwrap();
    let changed = renamed.plan(&lock);
    let changed: Vec<_> = changed.role_changes().iter().map(|change| change.to.rsplit('/').next().unwrap()).collect();
    assert_eq!(changed, ["ApiAllowByIamRoleRunPartner", "ApiAllowByIamRoleRun"]);
}
