//! Private REST APIs by role: AWS lets nobody into one without a policy, so there is one, and it opens what the roles' own do.

use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Format, read_roles};

use crate::{json_of, with_plan};

const PRIVATE: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
role_name = "apis/Allow"
[stages.p]
target = "rest_api"
api_id = "r1"
api_stage = "v1"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[stages.open]
target = "rest_api"
api_id = "r1"
api_stage = "v2"
access = "direct"
vpc_endpoints = ["vpce-89abcdef"]
[stages.public]
target = "rest_api"
api_id = "r2"
api_stage = "v1"
[callers.shop]
account = "000000000000"
roles = { p = "Shop", public = "Shop" }
[callers.partner]
account = "222222222222"
roles = { p = "Batch", open = "Batch" }
routes = ["PUT /hoge"]
"#;
const API: &str = "arn:aws:execute-api:eu-west-1:111111111111:r1";
const ENDPOINT: &str = "vpce-0123456789abcdef0";

#[test]
fn the_policy_of_a_private_api_names_its_roles_with_their_routes() {
    with_plan(PRIVATE, |manifest, plan| {
        let policy = plan.resource_policy(&manifest.stages["p"]).unwrap();
        let of_role = |role: &str, route: &str| {
            json!({
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
                "Action": "execute-api:Invoke",
                "Resource": format!("{API}/v1/{route}"),
                "Condition": {
                    "ArnEquals": { "aws:PrincipalArn": format!("arn:aws:iam::111111111111:role/apis/{role}") },
                    "StringEquals": { "aws:SourceVpce": ENDPOINT },
                },
            })
        };
        let directly = json!({
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::222222222222:role/Batch" },
            "Action": "execute-api:Invoke",
            "Resource": format!("{API}/v2/PUT/hoge"),
            "Condition": { "StringEquals": { "aws:SourceVpce": "vpce-89abcdef" } },
        });
        let expected = json!([directly, of_role("AllowP", "*"), of_role("AllowPPartner", "PUT/hoge")]);
        assert_eq!(json_of(&policy.document)["Statement"], expected);
        // The policy is of the whole API.
        assert_eq!(policy.stages, ["open", "p"]);
        assert_eq!(plan.resource_policy(&manifest.stages["open"]), Some(policy));
        assert_eq!(plan.resource_policy(&manifest.stages["public"]), None);
    });
}

#[test]
fn either_policy_of_a_private_api_opens_the_same() {
    with_plan(PRIVATE, |manifest, plan| {
        let parsed = |text: &str, kind| PolicyDocument::parse(text, kind).unwrap();
        let policy = plan.resource_policy(&manifest.stages["p"]).unwrap().document.to_json();
        let policy = parsed(&policy, PolicyKind::Resource);
        let roles = plan.stage_roles(&manifest.stages["p"]);
        assert_eq!(roles.len(), 2);
        for (role, route, from) in roles.iter().flat_map(|role| {
            let routes = ["PUT/hoge", "GET/hoge", "PUT/other"];
            routes
                .into_iter()
                .flat_map(move |route| [None, Some(ENDPOINT), Some("vpce-1")].map(|from| (role, route, from)))
        }) {
            let own = parsed(&role.invoke_policy.to_json(), PolicyKind::Identity);
            let allows = |policy: &PolicyDocument, arn: &str| {
                let context = from.map_or_else(Context::new, |from| Context::new().with("aws:SourceVpce", from));
                let principal = Some(PrincipalIdentity::assumed_role(arn, "x").unwrap());
                let resource = format!("{API}/v1/{route}");
                let request = Request { principal, action: "execute-api:Invoke", resource: &resource, context };
                evaluate(&[policy], &request).effect() == Effect::Allow
            };
            let meant = from == Some(ENDPOINT) && (role.callers == ["shop"] || route == "PUT/hoge");
            assert_eq!(allows(&own, &role.arn), meant, "{} {route} {from:?}", role.name);
            assert_eq!(allows(&policy, &role.arn), meant, "{} {route} {from:?}", role.name);
            // Nobody else, be it in the API's own account or the caller's.
            for other in ["arn:aws:iam::111111111111:role/Other", "arn:aws:iam::000000000000:role/Shop"] {
                assert!(!allows(&policy, other), "{other} {route} {from:?}");
            }
        }
    });
}

#[test]
fn a_private_api_is_rendered_with_its_roles_and_its_policy() {
    with_plan(PRIVATE, |manifest, plan| {
        let stage = &manifest.stages["p"];
        let document = plan.resource_policy(stage).unwrap().document;
        let terraform: Value = serde_json::from_str(&plan.render(stage, Format::Terraform).unwrap()).unwrap();
        assert_eq!(terraform["resource"]["aws_iam_role"].as_object().unwrap().len(), 2);
        let policy = &terraform["resource"]["aws_api_gateway_rest_api_policy"]["rest_api_r1"];
        assert_eq!(policy, &json!({ "rest_api_id": "r1", "policy": document.to_json() }));
        let documents: Value = serde_json::from_str(&plan.render(stage, Format::Json).unwrap()).unwrap();
        assert_eq!(documents["resource_policy"], json_of(&document));
        assert_eq!(documents["roles"].as_array().unwrap().len(), 2);
        // CloudFormation has the roles, and says what it leaves out.
        assert_eq!(read_roles(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap().len(), 2);
        let left_out = plan.left_out(stage, Format::CloudFormation).unwrap();
        assert_eq!(left_out.code(), "no_resource");
        assert!(left_out.hint().contains("policy resource --stage p "), "{}", left_out.hint());
        assert_eq!(plan.left_out(stage, Format::Terraform), None);
        assert_eq!(plan.left_out(&manifest.stages["public"], Format::CloudFormation), None);
    });
}

#[test]
fn the_policy_of_a_private_api_is_compared() {
    with_plan(PRIVATE, |manifest, plan| {
        let stage = &manifest.stages["p"];
        let document = plan.resource_policy(stage).unwrap().document.to_json();
        for deployed in [
            document.clone(),
            json!({ "id": "r1", "policy": document }).to_string(),
            plan.render(stage, Format::Terraform).unwrap(),
            plan.render(stage, Format::Json).unwrap(),
        ] {
            let diff = plan.diff_resource_policy(stage, &deployed).unwrap();
            assert!(!diff.is_different(), "{deployed}\n{diff:?}");
        }
        let wider = document.replace("\"aws:SourceVpce\":\"vpce-0123456789abcdef0\"", "\"aws:SourceVpce\":\"vpce-1\"");
        let diff = plan.diff_resource_policy(stage, &wider).unwrap();
        assert_eq!((diff.only_deployed.len(), diff.only_meant.len()), (2, 2));
        // A role's trust policy is none.
        let trust = plan.stage_roles(stage)[0].trust_policy.to_json();
        assert_eq!(plan.diff_resource_policy(stage, &trust).unwrap_err().code(), "no_resource_policy");
    });
}

/// A list without the role says that it is not there, whatever the API's policy beside it is; a template of the API alone says nothing
/// of roles.
#[test]
fn a_list_without_roles_beside_the_policy_is_no_policy_alone() {
    with_plan(PRIVATE, |manifest, plan| {
        let stage = &manifest.stages["p"];
        let mut list: Value = serde_json::from_str(&plan.render(stage, Format::Json).unwrap()).unwrap();
        assert!(!plan.diff_stage(stage, None, &list.to_string()).unwrap().is_different());
        list["roles"] = json!([]);
        let diff = plan.diff_stage(stage, None, &list.to_string()).unwrap();
        assert!(diff.policy.as_ref().is_some_and(|policy| !policy.is_different()), "{diff:?}");
        let missing: Vec<(&str, bool)> = diff.roles.iter().map(|one| (one.role.as_str(), one.is_deployed)).collect();
        assert_eq!(missing, [("AllowP", false), ("AllowPPartner", false)]);
        let mut template: Value = serde_json::from_str(&plan.render(stage, Format::Terraform).unwrap()).unwrap();
        for kind in ["aws_iam_role", "aws_iam_role_policy"] {
            template["resource"].as_object_mut().unwrap().remove(kind);
        }
        let diff = plan.diff_stage(stage, None, &template.to_string()).unwrap();
        assert!(diff.policy.is_some() && diff.roles.is_empty() && !diff.is_different(), "{diff:?}");
    });
}
