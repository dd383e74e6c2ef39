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
        let text = plan.render(stage, Format::Terraform);
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
