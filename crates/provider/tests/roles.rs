//! The roles of both sides and their documents, to the letter.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use xacct_sign_provider::{Lock, Manifest, ProviderRole};

const EXAMPLE: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
role_name = "ApiAllowByIamRole"

[stages.deve]
api_id = "a1b2c3d4e5"
[stages.stag]
api_id = "f6g7h8i9j0"
[stages.prod]
api_id = "k1l2m3n4o5"

[callers.shop]
account = "000000000000"
roles = { deve = "LambdaRoleDeve", stag = "LambdaRoleDeve", prod = "LambdaRoleProd" }

[callers.partner]
account = "222222222222"
roles = { stag = "Batch", prod = "Batch" }
external_id = "b3c7-42"
routes = ["PUT /hoge", "GET /items/*"]
"#;

fn role(manifest: &Manifest, name: &str) -> ProviderRole {
    let mut roles = manifest.plan(&Lock::default()).provider_roles();
    roles.retain(|role| role.name == name);
    assert_eq!(roles.len(), 1, "{name}");
    roles.remove(0)
}

#[test]
fn the_example_has_five_provider_roles() {
    let manifest = Manifest::parse(EXAMPLE, "xacct.toml").unwrap();
    let roles: Vec<_> = manifest
        .plan(&Lock::default())
        .provider_roles()
        .into_iter()
        .map(|role| (role.name, role.stage, role.callers.join(" ")))
        .collect();
    let expected = [
        ("ApiAllowByIamRoleDeve", "deve", "shop"),
        ("ApiAllowByIamRoleProd", "prod", "shop"),
        ("ApiAllowByIamRoleProdPartner", "prod", "partner"),
        ("ApiAllowByIamRoleStag", "stag", "shop"),
        ("ApiAllowByIamRoleStagPartner", "stag", "partner"),
    ];
    assert_eq!(roles, expected.map(|(name, stage, callers)| (name.into(), stage.into(), callers.into())));
}

#[test]
fn the_shared_role_is_rendered() {
    let manifest = Manifest::parse(EXAMPLE, "xacct.toml").unwrap();
    let role = role(&manifest, "ApiAllowByIamRoleStag");
    assert_eq!(role.arn, "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag");
    assert_eq!(role.max_session_duration, 3600);
    assert_eq!(
        role.trust_policy.to_json_pretty(),
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::000000000000:role/LambdaRoleDeve"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}"#
    );
    assert_eq!(
        role.invoke_policy.to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*"}]}"#
    );
}

#[test]
fn the_role_of_a_caller_with_routes_is_rendered() {
    let manifest = Manifest::parse(EXAMPLE, "xacct.toml").unwrap();
    let role = role(&manifest, "ApiAllowByIamRoleProdPartner");
    assert_eq!(
        role.trust_policy.to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/Batch"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"b3c7-42"}}}]}"#
    );
    assert_eq!(
        role.invoke_policy.to_json_pretty(),
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "execute-api:Invoke",
      "Resource": [
        "arn:aws:execute-api:ap-northeast-1:111111111111:k1l2m3n4o5/$default/PUT/hoge",
        "arn:aws:execute-api:ap-northeast-1:111111111111:k1l2m3n4o5/$default/GET/items/*"
      ]
    }
  ]
}"#
    );
}

#[test]
fn each_role_of_a_caller_may_assume_what_it_uses_and_no_more() {
    let manifest = Manifest::parse(EXAMPLE, "xacct.toml").unwrap();
    let roles = manifest.plan(&Lock::default()).caller_roles();
    let names: Vec<_> = roles.iter().map(|r| (r.caller.as_str(), r.arn.as_str())).collect();
    assert_eq!(
        names,
        [
            ("partner", "arn:aws:iam::222222222222:role/Batch"),
            ("shop", "arn:aws:iam::000000000000:role/LambdaRoleDeve"),
            ("shop", "arn:aws:iam::000000000000:role/LambdaRoleProd"),
        ]
    );
    assert_eq!(
        roles[0].policy.to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::111111111111:role/ApiAllowByIamRoleProdPartner","arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagPartner"]}]}"#
    );
    assert_eq!(
        roles[1].may_assume.iter().map(|(s, a)| format!("{s} {a}")).collect::<Vec<_>>(),
        [
            "deve arn:aws:iam::111111111111:role/ApiAllowByIamRoleDeve",
            "stag arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag",
        ]
    );
    assert_eq!(
        roles[2].policy.to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111111111111:role/ApiAllowByIamRoleProd"}]}"#
    );
    assert_eq!((roles[2].account.as_str(), roles[2].role_name.as_str()), ("000000000000", "LambdaRoleProd"));
}

#[test]
fn callers_share_a_statement_unless_they_have_an_external_id() {
    let text = r#"
        [api]
        account = "111111111111"
        region = "cn-north-1"
        role_name = "apis/Allow"
        max_session_duration = 7200
        [stages.pre-prod_2]
        api_id = "abc"
        api_stage = "v1"
        [callers.a]
        account = "333333333333"
        roles = { pre-prod_2 = "R" }
        [callers.b]
        account = "222222222222"
        roles = { pre-prod_2 = "service-role/R" }
        [callers.d]
        account = "555555555555"
        roles = { pre-prod_2 = "R" }
        external_id = "id-d"
        [callers.c]
        account = "444444444444"
        roles = { pre-prod_2 = "R" }
        external_id = "id-c"
    "#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    let role = role(&manifest, "AllowPreProd2");
    assert_eq!(role.path, "/apis/");
    assert_eq!(role.arn, "arn:aws-cn:iam::111111111111:role/apis/AllowPreProd2");
    assert_eq!(role.max_session_duration, 7200);
    assert_eq!(role.callers, ["a", "b", "c", "d"]);
    let trust = concat!(
        r#"{"Version":"2012-10-17","Statement":["#,
        r#"{"Effect":"Allow","Principal":{"AWS":["arn:aws-cn:iam::222222222222:role/service-role/R","arn:aws-cn:iam::333333333333:role/R"]},"Action":"sts:AssumeRole"},"#,
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::444444444444:role/R"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"id-c"}}},"#,
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::555555555555:role/R"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"id-d"}}}]}"#,
    );
    assert_eq!(role.trust_policy.to_json(), trust);
    assert_eq!(
        role.invoke_policy.statement[0].resource.as_ref().unwrap().values(),
        ["arn:aws-cn:execute-api:cn-north-1:111111111111:abc/v1/*"]
    );
}

#[test]
fn a_stage_without_callers_of_every_route_has_no_shared_role() {
    let text = EXAMPLE.replace("deve = \"LambdaRoleDeve\", stag = \"LambdaRoleDeve\", ", "");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let names: Vec<_> = manifest.plan(&Lock::default()).provider_roles().into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["ApiAllowByIamRoleProd", "ApiAllowByIamRoleProdPartner", "ApiAllowByIamRoleStagPartner"]);
}

#[test]
fn routes_that_are_the_same_in_an_arn_are_written_once() {
    let text = EXAMPLE.replace("\"PUT /hoge\"", "\"GET /items/{id}\"");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let role = role(&manifest, "ApiAllowByIamRoleStagPartner");
    assert_eq!(
        role.invoke_policy.statement[0].resource.as_ref().unwrap().values(),
        ["arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/GET/items/*"]
    );
}
