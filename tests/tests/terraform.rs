//! Terraform's JSON as Terraform reads it: every text is a template, evaluated here by `hcl-rs`
//! ([JSON configuration syntax](https://developer.hashicorp.com/terraform/language/syntax/json)).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::str::FromStr;

use hcl::eval::{Context, Evaluate};
use hcl::{Identifier, Template, Value};
use xacct_sign_provider::{Format, Lock, Manifest};

/// Stages and callers whose names could run together, and more callers than fit into one role.
fn manifest() -> Manifest {
    let mut text = r#"
        [api]
        account = "111111111111"
        region = "ap-northeast-1"
        [stages.a]
        api_id = "a1b2c3d4e5"
        [stages.a-2]
        api_id = "f6g7h8i9j0"
        [stages.9b]
        api_id = "k1l2m3n4o5"
        api_stage = "v1"
        [callers.partner]
        account = "222222222222"
        roles = { a = "Batch", a-2 = "Batch", 9b = "Batch" }
        external_id = "b3c7:x/y"
        session_names = ["p-*"]
        tags = ["team"]
        routes = ["GET /items/{id}", "PUT /a$$b/*"]
        "#
    .to_owned();
    for index in 0..60 {
        text += &format!(
            "[callers.c{index}]\naccount = \"{index:012}\"\nroles = {{ a = \"LambdaRole\", a-2 = \"LambdaRole\" }}\n"
        );
    }
    Manifest::parse(&text, "xacct.toml").unwrap()
}

fn evaluated(text: &serde_json::Value, context: &Context<'_>) -> String {
    let text = text.as_str().unwrap();
    Template::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")).evaluate(context).unwrap()
}

#[test]
fn terraform_reads_what_was_meant() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let mut labels = BTreeSet::new();
    for stage in manifest.stages.values() {
        let text = plan.render(stage, Format::Terraform).unwrap();
        let configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
        let roles = configuration["resource"]["aws_iam_role"].as_object().unwrap();
        let policies = configuration["resource"]["aws_iam_role_policy"].as_object().unwrap();
        let no_names = Context::new();
        let mut names = hcl::Map::new();
        for (label, role) in roles {
            assert!(Identifier::new(label.as_str()).is_ok(), "{label} is no name of a resource");
            assert!(labels.insert(label.clone()), "{label} is there twice, in files of one folder");
            let name = hcl::Map::from_iter([("name".to_owned(), Value::from(evaluated(&role["name"], &no_names)))]);
            names.insert(label.clone(), Value::Object(name));
        }
        let mut context = Context::new();
        context.declare_var("aws_iam_role", Value::Object(names));

        let meant = plan.stage_roles(stage);
        assert_eq!((roles.len(), policies.len()), (meant.len(), meant.len()));
        for role in meant {
            let (label, found) =
                roles.iter().find(|(_, found)| evaluated(&found["name"], &no_names) == role.name).unwrap();
            assert_eq!(evaluated(&found["assume_role_policy"], &context), role.trust_policy.to_json());
            assert_eq!(evaluated(&found["path"], &context), role.path);
            assert_eq!(found["max_session_duration"], role.max_session_duration);
            let policy = &policies[label];
            assert_eq!(evaluated(&policy["role"], &context), role.name);
            assert_eq!(evaluated(&policy["policy"], &context), role.invoke_policy.to_json());
        }
    }
    assert_eq!(labels.len(), 2 + 1 + 2 + 1 + 1, "two shared roles on two stages, and one of the partner's on each");
}

#[test]
fn terraform_reads_resource_policies_as_they_were_meant() {
    let text = r#"
        [api]
        account = "111111111111"
        region = "ap-northeast-1"
        [stages.rest]
        target = "rest_api"
        api_id = "r1"
        api_stage = "v1"
        access = "direct"
        [stages.whole]
        target = "function_url"
        function = "orders"
        url_id = "abc"
        access = "direct"
        permissions = "document"
        [stages.url]
        target = "function_url"
        function = "orders"
        alias = "live"
        url_id = "def"
        access = "direct"
        [callers.partner]
        account = "222222222222"
        roles = { rest = "Batch" }
        routes = ["GET /items/{id}", "PUT /a$$b/*"]
        [callers.shop]
        account = "000000000000"
        roles = { rest = "Shop", whole = "Shop", url = "Shop" }
        "#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let resource = |stage: &str| {
        let text = plan.render(&manifest.stages[stage], Format::Terraform).unwrap();
        let configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
        configuration["resource"].clone()
    };
    let document = |stage: &str| plan.resource_policy(&manifest.stages[stage]).unwrap().document.to_json();
    let no_names = Context::new();
    let rest = &resource("rest")["aws_api_gateway_rest_api_policy"]["rest_api_r1"];
    assert_eq!(evaluated(&rest["policy"], &no_names), document("rest"));
    let whole = &resource("whole")["aws_lambda_resource_policy"]["function_orders"];
    assert_eq!(evaluated(&whole["policy"], &no_names), document("whole"));
    let permissions = resource("url")["aws_lambda_permission"].clone();
    let meant = plan.resource_policy(&manifest.stages["url"]).unwrap().permissions;
    assert_eq!(permissions.as_object().unwrap().len(), meant.len());
    for (label, permission) in permissions.as_object().unwrap() {
        assert!(Identifier::new(label.as_str()).is_ok(), "{label} is no name of a resource");
        assert!(meant.iter().any(|meant| meant.statement_id == evaluated(&permission["statement_id"], &no_names)));
        assert_eq!(evaluated(&permission["principal"], &no_names), "arn:aws:iam::000000000000:role/Shop");
    }
}
