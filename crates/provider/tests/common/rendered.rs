//! A manifest's roles in every form that holds APIs.

use serde_json::{Value, json};
use xacct_sign_provider::{Format, Lock, Manifest, Plan};

/// By form, the files.
pub(crate) fn forms(manifest: &Manifest) -> Vec<(&'static str, Vec<String>)> {
    let plan = manifest.plan(&Lock::default());
    let each = |format: Format| manifest.stages.values().map(|stage| plan.render(stage, format).unwrap()).collect();
    vec![
        ("cloudformation", each(Format::CloudFormation)),
        ("terraform", each(Format::Terraform)),
        ("json", each(Format::Json)),
        ("details", vec![details(&plan)]),
    ]
}

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
