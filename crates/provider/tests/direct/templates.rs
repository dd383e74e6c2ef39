//! Resource policies that are read from templates, ours and other people's.

use serde_json::{Value, json};
use xacct_sign_provider::{Format, Lock, Manifest, ResourceDiff};

use crate::{MANIFEST, REST, ROLE};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";

/// The function and the API of one caller each.
fn small() -> String {
    let (head, _) = MANIFEST.split_once("[callers.shop]").unwrap();
    format!("{head}[callers.shop]\naccount = \"000000000000\"\nroles = {{ a = \"Shop\", url = \"Shop\" }}\n")
}

fn diff(manifest: &str, stage: &str, deployed: &Value) -> ResourceDiff {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    plan.diff_resource_policy(&manifest.stages[stage], &deployed.to_string()).unwrap()
}

fn rendered(manifest: &str, stage: &str, format: Format) -> Value {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    serde_json::from_str(&plan.render(&manifest.stages[stage], format).unwrap()).unwrap()
}

/// Each form that `render` makes, of permissions and of documents.
#[test]
fn what_is_rendered_is_read_back_as_the_same() {
    let whole = MANIFEST.replace("url_id = \"abcdefgh\"", "url_id = \"abcdefgh\"\npermissions = \"document\"");
    for (text, stage, format) in [
        (MANIFEST, "url", Format::CloudFormation),
        (MANIFEST, "url", Format::Terraform),
        (&whole, "url", Format::CloudFormation),
        (&whole, "url", Format::Terraform),
        (MANIFEST, "a", Format::Terraform),
        (MANIFEST, "b", Format::Terraform),
    ] {
        let diff = diff(text, stage, &rendered(text, stage, format));
        assert!(!diff.is_different() && diff.beside.is_empty(), "{stage} {format:?}\n{diff:?}");
    }
}

#[test]
fn a_permission_that_is_taken_out_of_a_template_is_missing() {
    for (format, path) in [
        (Format::CloudFormation, ["Resources", "PermissionInvokeshop"]),
        (Format::Terraform, ["resource/aws_lambda_permission", "invoke_url_shop"]),
    ] {
        let mut template = rendered(&small(), "url", format);
        let resources = template.pointer_mut(&format!("/{}", path[0])).unwrap().as_object_mut().unwrap();
        assert!(resources.remove(path[1]).is_some());
        let diff = diff(&small(), "url", &template);
        assert_eq!((diff.only_deployed.len(), diff.only_meant.len()), (0, 1), "{diff:?}");
        assert_eq!(diff.faults.iter().map(|fault| fault.code()).collect::<Vec<_>>(), ["url_grant_incomplete"]);
    }
}

/// Permissions of a template with these properties beside ours.
fn with_permission(properties: &Value) -> ResourceDiff {
    let mut template = rendered(&small(), "url", Format::CloudFormation);
    template["Resources"]["Other"] = json!({ "Type": "AWS::Lambda::Permission", "Properties": properties });
    diff(&small(), "url", &template)
}

#[test]
fn a_function_is_known_by_each_way_to_name_it() {
    for (name, is_ours) in [
        ("orders:live", true),
        ("111111111111:function:orders:live", true),
        (FUNCTION, true),
        ("orders-2:live", false),
        ("222222222222:function:orders:live", false),
        ("arn:aws:lambda:eu-west-1:222222222222:function:orders:live", false),
        ("arn:aws:lambda:us-east-1:111111111111:function:orders:live", false),
    ] {
        let invoke = json!({ "FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "555555555555" });
        let diff = with_permission(&invoke);
        let said: Vec<String> = diff.only_deployed.iter().map(ToString::to_string).collect();
        let expected = format!("`arn:aws:iam::555555555555:root` may lambda:InvokeFunction on `{FUNCTION}`");
        assert_eq!(said, if is_ours { vec![expected] } else { vec![] }, "{name}");
        assert_eq!(diff.unjudged, Vec::<String>::new());
    }
    // Another qualifier is another policy, on which the URL does not hang.
    let invoke = json!({ "FunctionName": "orders", "Action": "lambda:InvokeFunction", "Principal": "555555555555" });
    let codes: Vec<_> = with_permission(&invoke).faults.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes, ["alias_mismatch", "invoke_function_unconditioned"]);
}

#[test]
fn permissions_of_services_stand_beside_with_their_sources() {
    let diff = with_permission(&json!({
        "FunctionName": "orders:live",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::uploads",
        "SourceAccount": "111111111111",
    }));
    assert!(!diff.is_different(), "{diff:?}");
    let [beside] = diff.beside.as_slice() else { panic!("{diff:?}") };
    let said = beside.to_string();
    for part in ["`Service:s3.amazonaws.com` may", "arn:aws:s3:::uploads", "`111111111111`"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_only_the_deployment_knows_is_said() {
    let permission =
        json!({ "FunctionName": "orders:live", "Action": "lambda:InvokeFunction", "Principal": "555555555555" });
    for (key, value, said) in [
        ("FunctionName", json!({ "Fn::GetAtt": ["Orders", "Arn"] }), "`FunctionName` of resource `Other`"),
        ("Principal", json!({ "Ref": "AWS::AccountId" }), "`Principal` of resource `Other`"),
        ("Unheard", json!("of"), "`Unheard` of resource `Other`"),
    ] {
        let mut properties = permission.clone();
        properties[key] = value;
        let diff = with_permission(&properties);
        assert_eq!((diff.unjudged.as_slice(), diff.is_different()), ([said.to_owned()].as_slice(), true));
    }
    let mut template = rendered(&small(), "url", Format::CloudFormation);
    template["Resources"]["PermissionUrlshop"]["Condition"] = json!("IsProduction");
    assert_eq!(diff(&small(), "url", &template).unjudged, ["`Condition` of resource `PermissionUrlshop`"]);
    let mut template = rendered(&small(), "url", Format::Terraform);
    template["resource"]["aws_lambda_permission"]["invoke_url_shop"]["function_name"] =
        json!("${aws_lambda_alias.live.arn}");
    let unjudged = diff(&small(), "url", &template).unjudged;
    assert_eq!(unjudged, ["`FunctionName` of resource `aws_lambda_permission.invoke_url_shop`"]);
    let mut template = rendered(&small(), "a", Format::Terraform);
    template["resource"]["aws_api_gateway_rest_api_policy"]["rest_api_r1"]["rest_api_id"] =
        json!("${aws_api_gateway_rest_api.x.id}");
    let unjudged = diff(&small(), "a", &template).unjudged;
    assert_eq!(unjudged, ["`rest_api_id` of resource `aws_api_gateway_rest_api_policy.rest_api_r1`"]);
}

/// A template with an API of this policy.
fn with_api(policy: &Value) -> Value {
    json!({ "Resources": {
        "Function": { "Type": "AWS::Lambda::Function", "Properties": {} },
        "Api": { "Type": "AWS::ApiGateway::RestApi", "Properties": { "Name": "orders", "Policy": policy } },
    } })
}

#[test]
fn a_rest_apis_policy_may_leave_out_which_api_it_is_of() {
    let statement = |resource: &str| {
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "execute-api:Invoke", "Resource": resource, "Condition": { "StringEquals": { "aws:SourceVpce": "vpce-01234567" } } });
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    };
    for resource in ["execute-api:/v1/*".to_owned(), format!("{REST}/v1/*")] {
        let diff = diff(&small(), "a", &with_api(&statement(&resource)));
        assert!(!diff.is_different(), "{resource}\n{diff:?}");
    }
    let wide = diff(&small(), "a", &with_api(&statement("execute-api:/*")));
    let said: Vec<String> = wide.only_deployed.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [format!("`{ROLE}` may execute-api:Invoke on `{REST}/*` if aws:SourceVpce StringEquals `vpce-01234567`")]
    );
    // An API without a policy lets nobody in.
    let none = diff(&small(), "a", &with_api(&Value::Null));
    assert_eq!((none.only_deployed.len(), none.only_meant.len(), none.unjudged.len()), (0, 1, 0));
    // Which one it is cannot be told of two.
    let mut two = with_api(&statement("execute-api:/v1/*"));
    two["Resources"]["Second"] = two["Resources"]["Api"].clone();
    assert_eq!(diff(&small(), "a", &two).unjudged.len(), 1);
}

#[test]
fn a_template_of_something_else_holds_no_policy() {
    let manifest = Manifest::parse(&small(), "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let of_function = rendered(&small(), "url", Format::CloudFormation).to_string();
    let of_api = with_api(&Value::Null).to_string();
    let terraform = rendered(&small(), "url", Format::Terraform).to_string();
    for (stage, text) in [("a", &of_function), ("url", &of_api), ("a", &terraform)] {
        let error = plan.diff_resource_policy(&manifest.stages[stage], text).unwrap_err();
        assert_eq!(error.code(), "no_resource_policy", "{text}");
    }
}
