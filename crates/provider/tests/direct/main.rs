//! Direct access: the policies of both sides to the letter, the forms in which they are deployed, and that they open what the
//! manifest says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

mod deviating;
mod diff;
mod private;
mod rights;
mod shared;
mod templates;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xacct_sign::sha256_hex;
use xacct_sign_provider::{Document, Format, Lock, Manifest, Plan};

/// Two stages of one REST API, another API, and a function.
const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.a]
target = "rest_api"
api_id = "r1"
api_stage = "v1"
access = "direct"
vpc_endpoints = ["vpce-01234567"]
[stages.b]
target = "rest_api"
api_id = "r1"
api_stage = "v2"
access = "direct"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[stages.by-role]
target = "rest_api"
api_id = "r3"
api_stage = "v3"
[stages.url]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
access = "direct"
[callers.shop]
account = "000000000000"
roles = { a = "Shop", b = "Shop", by-role = "Shop", url = "path/Shop" }
[callers.partner]
account = "222222222222"
roles = { a = "Batch" }
trust = "account"
routes = ["PUT /hoge", "ANY /items/{proxy+}"]
[callers.office-1]
account = "333333333333"
roles = { url = "*" }
trust = "account"
[callers.wide]
organization = "o-a1b2c3d4e5"
stages = ["b", "url"]
"#;

fn manifest(text: &str) -> Manifest {
    Manifest::parse(text, "xacct.toml").unwrap()
}

fn json_of(document: &Document) -> Value {
    serde_json::from_str(&document.to_json()).unwrap()
}

fn with_plan(text: &str, look: impl Fn(&Manifest, &Plan<'_>)) {
    let manifest = manifest(text);
    let plan = manifest.plan(&Lock::default());
    look(&manifest, &plan);
}

const ROLE: &str = "arn:aws:iam::000000000000:role/Shop";
const REST: &str = "arn:aws:execute-api:eu-west-1:111111111111:r1";

#[test]
fn the_stages_of_a_rest_api_share_its_policy() {
    with_plan(MANIFEST, |manifest, plan| {
        let policy = plan.resource_policy(&manifest.stages["a"]).unwrap();
        let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        let mut routes = vec![format!("{REST}/v1/PUT/hoge")];
        routes.extend(methods.map(|method| format!("{REST}/v1/{method}/items/*")));
        let from = json!({ "aws:SourceVpce": "vpce-0123456789abcdef0" });
        let expected = json!([
            { "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "execute-api:Invoke", "Resource": format!("{REST}/v1/*"), "Condition": { "StringEquals": { "aws:SourceVpce": "vpce-01234567" } } },
            {
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
                "Action": "execute-api:Invoke",
                "Resource": routes,
                "Condition": {
                    "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::222222222222:role/Batch" },
                    "StringEquals": { "aws:SourceVpce": "vpce-01234567" },
                },
            },
            {
                "Effect": "Allow",
                "Principal": { "AWS": ROLE },
                "Action": "execute-api:Invoke",
                "Resource": format!("{REST}/v2/*"),
                "Condition": { "StringEquals": from },
            },
            {
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": "execute-api:Invoke",
                "Resource": format!("{REST}/v2/*"),
                "Condition": {
                    "StringEquals": { "aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:SourceVpce": "vpce-0123456789abcdef0" },
                },
            },
        ]);
        assert_eq!(json_of(&policy.document)["Statement"], expected);
        assert_eq!(policy.stages, ["a", "b"]);
        assert_eq!(policy.permissions, []);
        assert_eq!(plan.resource_policy(&manifest.stages["b"]), Some(policy));
        assert_eq!(plan.resource_policy(&manifest.stages["by-role"]), None);
    });
}

#[test]
fn a_function_gets_two_permissions_for_each_principal() {
    with_plan(MANIFEST, |manifest, plan| {
        let policy = plan.resource_policy(&manifest.stages["url"]).unwrap();
        let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
        let principals = [
            ("*", "*", Some("o-a1b2c3d4e5")),
            (SHOP_ROLE, SHOP_ROLE, None),
            ("333333333333", "arn:aws:iam::333333333333:root", None),
        ];
        let mut expected = Vec::new();
        for (principal, stored, organization) in principals {
            let mut by_url = json!({ "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" } });
            let mut invoke = json!({ "Bool": { "lambda:InvokedViaFunctionUrl": "true" } });
            if let Some(id) = organization {
                by_url["StringEquals"]["aws:PrincipalOrgID"] = id.into();
                invoke["StringEquals"]["aws:PrincipalOrgID"] = id.into();
            }
            for (end, action, condition) in
                [("url", "lambda:InvokeFunctionUrl", by_url), ("invoke", "lambda:InvokeFunction", invoke)]
            {
                expected.push(json!({
                    "Sid": format!("xacct-sign-{end}-{}", id_of(organization.unwrap_or(principal))),
                    "Effect": "Allow",
                    "Principal": { "AWS": stored },
                    "Action": action,
                    "Resource": function,
                    "Condition": condition,
                }));
            }
        }
        assert_eq!(json_of(&policy.document)["Statement"], Value::from(expected));
        assert_eq!(policy.permissions.len(), 6);
        for (pair, (principal, _, organization)) in policy.permissions.chunks(2).zip(principals) {
            for (permission, action) in pair.iter().zip(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]) {
                assert_eq!(permission.action, action);
                assert_eq!(permission.principal, principal);
                assert_eq!(permission.organization.as_deref(), organization);
            }
        }
    });
}

#[test]
fn both_sides_allow_what_is_called_directly() {
    with_plan(MANIFEST, |manifest, plan| {
        let roles = plan.roles_of(&manifest.callers["shop"]);
        let [shop, by_path] = roles.as_slice() else { panic!("{roles:?}") };
        assert_eq!(
            (shop.role_name.as_str(), by_path.arn.as_str()),
            ("Shop", "arn:aws:iam::000000000000:role/path/Shop")
        );
        assert_eq!(shop.may_assume.keys().collect::<Vec<_>>(), ["by-role"]);
        assert_eq!(shop.may_call.values().collect::<Vec<_>>(), [&format!("{REST}/v1"), &format!("{REST}/v2")]);
        let statements = json_of(&shop.policy)["Statement"].clone();
        assert_eq!(statements[0]["Action"], "sts:AssumeRole");
        assert_eq!(statements[0]["Resource"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleByRole");
        assert_eq!(statements[1]["Resource"], format!("{REST}/v1/*"));
        assert_eq!(statements[2]["Condition"]["StringEquals"]["aws:SourceVpce"], "vpce-0123456789abcdef0");
        let statements = json_of(&by_path.policy)["Statement"].clone();
        let actions: Vec<_> = statements.as_array().unwrap().iter().map(|statement| &statement["Action"]).collect();
        assert_eq!(actions, ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]);
        // No role is made for a stage that is called directly, and none is told.
        assert!(plan.provider_roles().iter().all(|role| role.stage == "by-role"));
        let lock = plan.lock().to_toml();
        assert!(
            lock.contains("api = \"r1/v1\", caller = \"arn:aws:iam::000000000000:role/Shop\", role = \"direct\""),
            "{lock}"
        );
    });
}

#[test]
fn one_document_of_a_function_is_rendered_as_such() {
    let text = MANIFEST.replace("url_id = \"abcdefgh\"", "url_id = \"abcdefgh\"\npermissions = \"document\"");
    with_plan(&text, |manifest, plan| {
        let stage = &manifest.stages["url"];
        let policy = plan.resource_policy(stage).unwrap();
        assert_eq!(policy.permissions, []);
        let document = json_of(&policy.document);
        // Callers of one form share statements, an action each.
        assert_eq!(document["Statement"].as_array().unwrap().len(), 4);
        let template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
        let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
        let properties = json!({ "ResourceArn": function, "PolicyDocument": document });
        let resource =
            json!({ "Type": "AWS::Lambda::ResourcePolicy", "DeletionPolicy": "Delete", "Properties": properties });
        assert_eq!(template["Resources"], json!({ "FunctionPolicy": resource }));
        let terraform: Value = serde_json::from_str(&plan.render(stage, Format::Terraform).unwrap()).unwrap();
        let resource = &terraform["resource"]["aws_lambda_resource_policy"]["function_orders_-live"];
        assert_eq!(resource, &json!({ "resource_arn": function, "policy": policy.document.to_json() }));
    });
}

const SHOP_ROLE: &str = "arn:aws:iam::000000000000:role/path/Shop";

/// What a permission is called by its principal, or the organization that this has to be of.
fn id_of(principal: &str) -> String {
    sha256_hex(principal.as_bytes())[..16].to_owned()
}

#[test]
fn permissions_are_rendered_with_the_condition_of_their_action() {
    with_plan(MANIFEST, |manifest, plan| {
        let stage = &manifest.stages["url"];
        let template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
        let resources = template["Resources"].as_object().unwrap();
        let of = |kind: &str, principal: &str| format!("{kind}{}", id_of(principal));
        let principals = [SHOP_ROLE, "333333333333", "o-a1b2c3d4e5"];
        let ids = principals.map(|who| [of("PermissionInvoke", who), of("PermissionUrl", who)]).concat();
        assert_eq!(resources.keys().collect::<BTreeSet<_>>(), ids.iter().collect());
        let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
        let wide = json!({
            "FunctionName": function,
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "PrincipalOrgID": "o-a1b2c3d4e5",
            "InvokedViaFunctionUrl": true,
        });
        assert_eq!(resources[&of("PermissionInvoke", "o-a1b2c3d4e5")]["Properties"], wide);
        let office = json!({
            "FunctionName": function,
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "333333333333",
            "FunctionUrlAuthType": "AWS_IAM",
        });
        assert_eq!(resources[&of("PermissionUrl", "333333333333")]["Properties"], office);
        let terraform: Value = serde_json::from_str(&plan.render(stage, Format::Terraform).unwrap()).unwrap();
        assert!(terraform["//"].as_str().unwrap().contains("6.29.0"));
        let permissions = &terraform["resource"]["aws_lambda_permission"];
        let shop = json!({
            "statement_id": of("xacct-sign-invoke-", SHOP_ROLE),
            "action": "lambda:InvokeFunction",
            "function_name": "orders",
            "qualifier": "live",
            "principal": SHOP_ROLE,
            "invoked_via_function_url": true,
        });
        assert_eq!(permissions[of("invoke_orders_-live_", SHOP_ROLE)], shop);
        assert_eq!(permissions.as_object().unwrap().len(), 6);
    });
}

#[test]
fn a_rest_apis_policy_is_terraforms_alone() {
    with_plan(MANIFEST, |manifest, plan| {
        for name in ["a", "b"] {
            let stage = &manifest.stages[name];
            let error = plan.render(stage, Format::CloudFormation).unwrap_err();
            assert_eq!(error.code(), "no_resource");
            for part in [
                "`RestApi`",
                "policy resource --stage ",
                "update-rest-api --rest-api-id r1 ",
                "`aws apigateway create-deployment --rest-api-id r1 --stage-name v1` and `aws apigateway create-deployment --rest-api-id r1 --stage-name v2`",
            ] {
                let part = part.replace("`RestApi`", "AWS::ApiGateway::RestApi");
                assert!(error.hint().contains(&part), "{part} is not in: {}", error.hint());
            }
            let document = plan.resource_policy(stage).unwrap().document;
            let terraform: Value = serde_json::from_str(&plan.render(stage, Format::Terraform).unwrap()).unwrap();
            let resource = json!({ "rest_api_id": "r1", "policy": document.to_json() });
            assert_eq!(
                terraform["resource"],
                json!({ "aws_api_gateway_rest_api_policy": { "rest_api_r1": resource } })
            );
            assert!(terraform["//"].as_str().unwrap().contains("deployment"));
            let documents: Value = serde_json::from_str(&plan.render(stage, Format::Json).unwrap()).unwrap();
            assert_eq!(documents["resource_policy"], json_of(&document));
            assert_eq!(documents["roles"], json!([]));
        }
        assert!(plan.render(&manifest.stages["by-role"], Format::CloudFormation).is_ok());
    });
}

#[test]
fn ids_of_resources_are_never_the_same() {
    let callers = ["a-b", "a_b", "aZdb", "aZb", "ab", "aB"];
    let caller = |name: &&str| {
        let account = name.bytes().fold(0_u64, |sum, byte| sum * 131 + u64::from(byte)) % 1_000_000;
        format!("[callers.{name}]\naccount = \"{account:012}\"\nroles = {{ url = \"Batch\" }}\n")
    };
    let (head, _) = MANIFEST.split_once("[callers.shop]").unwrap();
    with_plan(&format!("{head}{}", callers.iter().map(caller).collect::<String>()), |manifest, plan| {
        let template = plan.render(&manifest.stages["url"], Format::CloudFormation).unwrap();
        let template: Value = serde_json::from_str(&template).unwrap();
        let ids = template["Resources"].as_object().unwrap();
        assert_eq!(ids.len(), 2 * callers.len());
        assert!(ids.keys().all(|id| id.bytes().all(|b| b.is_ascii_alphanumeric())), "{ids:?}");
    });
}

#[test]
fn the_note_tells_to_sign_as_oneself() {
    with_plan(MANIFEST, |manifest, plan| {
        let note = plan.note(&manifest.callers["wide"]);
        for part in [
            "As your own role, sign each request",
            "- Role: none to assume: sign as your own\n",
            "- The API sees: your own role and the name of its session",
            "api = xacct_sign.Session(credentials=xacct_sign.DefaultCredentials(), base_url=",
            "import { createFetch, fromEnv } from \"xacct-sign\";",
            "  credentials: fromEnv(),\n",
            "aws configure export-credentials",
            "\"lambda:InvokeFunctionUrl\"",
        ] {
            assert!(note.contains(part), "{part} is not in:\n{note}");
        }
        assert!(!note.contains("assume-role") && !note.contains("assumed-role"), "{note}");
        let note = plan.note(&manifest.callers["shop"]);
        assert!(note.contains("Assume the role of the stage where it has one, then sign"), "{note}");
    });
}

#[test]
fn a_callers_policy_says_each_thing_once() {
    let (head, _) = MANIFEST.split_once("[callers.shop]").unwrap();
    let plain = head.replace("vpc_endpoints = [\"vpce-0123456789abcdef0\"]\n", "");
    let plain = plain.replace("vpc_endpoints = [\"vpce-01234567\"]\n", "");
    let caller = "[callers.shop]\naccount = \"000000000000\"\nroles = { a = \"Shop\", b = \"Shop\", url = \"Shop\" }\n";
    with_plan(&format!("{plain}{caller}"), |manifest, plan| {
        let roles = plan.roles_of(&manifest.callers["shop"]);
        let statements = json_of(&roles[0].policy)["Statement"].clone();
        let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
        let resources: Vec<_> = statements.as_array().unwrap().iter().map(|one| one["Resource"].clone()).collect();
        let both = json!([format!("{REST}/v1/*"), format!("{REST}/v2/*")]);
        assert_eq!(resources, [both, json!(function), json!(function)]);
    });
}
