//! What takes deployed roles into a stack or a state: each resource that is rendered is named once, by what its service knows
//! it by.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test panics to fail"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xacct_sign::sha256_hex;
use xacct_sign_provider::{Format, Lock, Manifest};

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
role_name = "apis/Allow"
[stages.stag]
api_id = "a1"
[stages.url]
target = "function_url"
access = "direct"
function = "orders"
alias = "live"
url_id = "u1"
[stages.whole]
target = "function_url"
access = "direct"
permissions = "document"
function = "other"
url_id = "u2"
[stages.rest]
target = "rest_api"
access = "direct"
api_id = "a3"
api_stage = "v1"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", url = ["Shop", "Second"], whole = "Shop", rest = "Shop" }
[callers.partner-one]
account = "222222222222"
roles = { stag = "Partner" }
routes = ["GET /items"]
"#;

fn rendered(stage: &str, format: Format) -> (Value, Value) {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages[stage];
    let json = |text: String| serde_json::from_str(&text).unwrap();
    (json(plan.render(stage, format).unwrap()), json(plan.render_import(stage, format).unwrap()))
}

/// The id of a role's permission.
fn permission(kind: &str, role: &str) -> String {
    let id = sha256_hex(format!("arn:aws:iam::000000000000:role/{role}").as_bytes());
    format!("xacct-sign-{kind}-{}", &id[..16])
}

#[test]
fn cloudformation_is_told_every_resource_of_the_template() {
    let mut identifiers = Vec::new();
    for stage in ["stag", "url", "whole"] {
        let (template, to_import) = rendered(stage, Format::CloudFormation);
        let resources = template["Resources"].as_object().unwrap();
        let listed = to_import.as_array().unwrap();
        let ids: BTreeSet<&str> = listed.iter().map(|one| one["LogicalResourceId"].as_str().unwrap()).collect();
        assert_eq!(ids, resources.keys().map(String::as_str).collect(), "{stage}");
        assert_eq!(ids.len(), listed.len(), "{stage}");
        for one in listed {
            let resource = &resources[one["LogicalResourceId"].as_str().unwrap()];
            assert_eq!(one["ResourceType"], resource["Type"]);
            // Without one, CloudFormation imports nothing.
            assert_eq!(resource["DeletionPolicy"], "Delete");
            for (property, value) in one["ResourceIdentifier"].as_object().unwrap() {
                // A permission has its id from Lambda, and not from a template.
                assert!(property == "Id" || resource["Properties"][property] == *value, "{property}: {resource}");
            }
            identifiers.push(one["ResourceIdentifier"].clone());
        }
    }
    let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
    for expected in [
        json!({"RoleName": "AllowStag"}),
        json!({"RoleName": "AllowStagPartnerOne"}),
        json!({"FunctionName": function, "Id": permission("url", "Shop")}),
        json!({"FunctionName": function, "Id": permission("invoke", "Second")}),
        json!({"ResourceArn": "arn:aws:lambda:eu-west-1:111111111111:function:other"}),
    ] {
        assert!(identifiers.contains(&expected), "{expected}: {identifiers:?}");
    }
}

#[test]
fn terraform_has_a_block_for_every_resource() {
    for (stage, expected) in [
        (
            "stag",
            json!([
                {"to": "aws_iam_role.caller_stag_partner-one", "id": "AllowStagPartnerOne"},
                {"to": "aws_iam_role.shared_stag", "id": "AllowStag"},
                {"to": "aws_iam_role_policy.caller_stag_partner-one", "id": "AllowStagPartnerOne:InvokeApi"},
                {"to": "aws_iam_role_policy.shared_stag", "id": "AllowStag:InvokeApi"},
            ]),
        ),
        ("rest", json!([{"to": "aws_api_gateway_rest_api_policy.rest_api_a3", "id": "a3"}])),
        (
            "whole",
            json!([{"to": "aws_lambda_resource_policy.function_other", "id": "arn:aws:lambda:eu-west-1:111111111111:function:other"}]),
        ),
    ] {
        let (_, configuration) = rendered(stage, Format::Terraform);
        assert_eq!(configuration["import"], expected);
    }
    for stage in ["stag", "url", "whole", "rest"] {
        let (without, mut with) = rendered(stage, Format::Terraform);
        let blocks = with.as_object_mut().unwrap().remove("import").unwrap();
        assert_eq!(with, without);
        let to: BTreeSet<&str> = blocks.as_array().unwrap().iter().map(|block| block["to"].as_str().unwrap()).collect();
        let resources = without["resource"].as_object().unwrap();
        let of_kind = |(kind, labels): (&String, &Value)| {
            let labels: Vec<String> =
                labels.as_object().unwrap().keys().map(|label| format!("{kind}.{label}")).collect();
            labels
        };
        let all: BTreeSet<String> = resources.iter().flat_map(of_kind).collect();
        assert_eq!(to, all.iter().map(String::as_str).collect(), "{stage}");
    }
    let (_, permissions) = rendered("url", Format::Terraform);
    let ids: Vec<&str> =
        permissions["import"].as_array().unwrap().iter().map(|block| block["id"].as_str().unwrap()).collect();
    for role in ["Shop", "Second"] {
        assert!(ids.contains(&&*format!("orders:live/{}", permission("url", role))), "{ids:?}");
    }
}

/// Permissions of several roles of one caller are resources of their own.
#[test]
fn each_permission_has_a_resource_of_its_own() {
    let (template, _) = rendered("url", Format::CloudFormation);
    assert_eq!(template["Resources"].as_object().unwrap().len(), 4);
    let (configuration, _) = rendered("url", Format::Terraform);
    assert_eq!(configuration["resource"]["aws_lambda_permission"].as_object().unwrap().len(), 4);
}
