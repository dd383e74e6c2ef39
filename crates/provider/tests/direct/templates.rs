//! Resource policies that are read from templates, ours and other people's.

use serde_json::{Value, json};
use xacct_sign_provider::{Format, Lock, Manifest, ResourceDiff};

use crate::{MANIFEST, REST, ROLE, id_of};

/// The one caller of [`small`].
const CALLER: &str = "arn:aws:iam::000000000000:role/Shop";
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
    let id = id_of(CALLER);
    for (format, path) in [
        (Format::CloudFormation, ["Resources", &format!("PermissionInvoke{id}")]),
        (Format::Terraform, ["resource/aws_lambda_permission", &format!("invoke_orders_-live_{id}")]),
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

/// In China the names of some services end in `.amazonaws.com.cn`: by role such a permission hinders nobody, whatever it is on.
#[test]
fn a_service_is_one_in_every_partition() {
    let manifest = Manifest::parse(&small().replace("access = \"direct\"\n", ""), "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages["url"];
    let mut template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
    for (principal, is_service) in [
        ("logs.amazonaws.com", true),
        ("logs.cn-north-1.amazonaws.com.cn", true),
        ("555555555555", false),
        ("*", false),
    ] {
        template["Resources"]["Other"] = json!({ "Type": "AWS::Lambda::Permission", "Properties": {
            "FunctionName": { "Ref": "Orders" }, "Action": "lambda:InvokeFunction", "Principal": principal } });
        let diff = plan.diff_stage(stage, None, &template.to_string()).unwrap();
        assert_eq!(diff.is_different(), !is_service, "{principal}: {diff:?}");
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
    let permission = format!("PermissionUrl{}", id_of(CALLER));
    template["Resources"][&permission]["Condition"] = json!("IsProduction");
    assert_eq!(diff(&small(), "url", &template).unjudged, [format!("`Condition` of resource `{permission}`")]);
    let mut template = rendered(&small(), "url", Format::Terraform);
    let label = format!("invoke_orders_-live_{}", id_of(CALLER));
    template["resource"]["aws_lambda_permission"][&label]["function_name"] = json!("${aws_lambda_alias.live.arn}");
    let unjudged = diff(&small(), "url", &template).unjudged;
    assert_eq!(unjudged, [format!("`FunctionName` of resource `aws_lambda_permission.{label}`")]);
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

/// Why a policy of a template is not read.
fn refused(stage: &str, deployed: &Value) -> String {
    let manifest = Manifest::parse(&small(), "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let error = plan.diff_resource_policy(&manifest.stages[stage], &deployed.to_string()).unwrap_err();
    assert!(!error.hint().is_empty());
    format!("{}: {error}", error.code())
}

/// It would look as if it let nobody in.
#[test]
fn a_policy_that_does_not_stand_in_the_template_is_never_read_as_none() {
    for (policy, name) in [
        (json!({ "Fn::Sub": "${Document}" }), "Fn::Sub"),
        (json!({ "Ref": "Document" }), "Ref"),
        (json!({ "Fn::If": ["IsProduction", { "Statement": [] }, { "Ref": "AWS::NoValue" }] }), "Fn::If"),
    ] {
        let expected =
            |place: &str| format!("invalid_policy: {place} is `{name}`, and cannot be read from the template");
        assert_eq!(refused("a", &with_api(&policy)), expected("`Policy` of resource `Api`"));
        let whole = json!({ "Type": "AWS::Lambda::ResourcePolicy", "Properties": { "ResourceArn": FUNCTION, "PolicyDocument": policy } });
        assert_eq!(
            refused("url", &json!({ "Resources": { "P": whole } })),
            expected("`PolicyDocument` of resource `P`")
        );
        assert_eq!(refused("a", &json!({ "Policy": policy })), expected("the policy"));
    }
    assert_eq!(
        refused("a", &with_api(&json!({ "Statement": { "Fn::If": ["X", {}, {}] } }))),
        "invalid_policy: `Policy` of resource `Api` has `Fn::If` for its statements, and cannot be read from the template"
    );
    for text in ["{}", "[]", "{\"Version\":\"2012-10-17\"}"] {
        assert_eq!(
            refused("a", &with_api(&json!(text))),
            "invalid_policy: `Policy` of resource `Api` has no statements"
        );
    }
    // Of statements that are one, the rest is read, and that it cannot be judged is said.
    for policy in [
        json!({ "Statement": [{ "Fn::Sub": "x" }] }),
        json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": { "Fn::Sub": "x" } }] }),
    ] {
        let diff = diff(&small(), "a", &with_api(&policy));
        assert!(!diff.unjudged.is_empty() && diff.is_different(), "{diff:?}");
    }
    // A document that describes an API may hold its policy.
    let mut described = with_api(&Value::Null);
    described["Resources"]["Api"]["Properties"]["BodyS3Location"] = json!({ "Bucket": "b" });
    assert_eq!(diff(&small(), "a", &described).unjudged, ["whether `Body` of resource `Api` has a policy"]);
}

#[test]
fn a_rest_apis_policy_is_read_from_the_apis_own_resource_in_terraform() {
    let manifest = Manifest::parse(&small(), "xacct.toml").unwrap();
    let document = manifest.plan(&Lock::default()).resource_policy(&manifest.stages["a"]).unwrap().document.to_json();
    let with = |api: Value| json!({ "resource": { "aws_api_gateway_rest_api": api } });
    let same = diff(&small(), "a", &with(json!({ "api": { "name": "orders", "policy": document } })));
    assert!(!same.is_different(), "{same:?}");
    let other = diff(&small(), "a", &with(json!({ "api": { "policy": document.replace("role/Shop", "role/Other") } })));
    assert_eq!((other.only_deployed.len(), other.only_meant.len()), (1, 1));
    let two = with(json!({ "api": { "policy": document }, "other": { "policy": document } }));
    assert_eq!(diff(&small(), "a", &two).unjudged.len(), 1);
    let described = diff(&small(), "a", &with(json!({ "api": { "body": "${file(\"api.json\")}" } })));
    assert_eq!(described.unjudged, ["whether `body` of resource `aws_api_gateway_rest_api.api` has a policy"]);
    // One without is that of another resource's.
    assert_eq!(
        refused("a", &with(json!({ "api": { "name": "orders" } }))),
        "no_resource_policy: it holds no resource policy"
    );

    let expression = "${data.aws_iam_policy_document.api.json}";
    let said =
        |place: &str| format!("invalid_policy: {place} is an expression, and cannot be read from the configuration");
    assert_eq!(
        refused("a", &with(json!({ "api": { "policy": expression } }))),
        said("`policy` of resource `aws_api_gateway_rest_api.api`")
    );
    for (stage, format, kind, label) in [
        ("a", Format::Terraform, "aws_api_gateway_rest_api_policy", "rest_api_r1"),
        ("url", Format::Terraform, "aws_lambda_resource_policy", "function_url"),
    ] {
        let text = small().replace("url_id = \"abcdefgh\"", "url_id = \"abcdefgh\"\npermissions = \"document\"");
        let mut configuration = rendered(&text, stage, format);
        configuration["resource"][kind][label]["policy"] = json!(expression);
        assert_eq!(refused(stage, &configuration), said(&format!("`policy` of resource `{kind}.{label}`")));
    }
}

#[test]
fn a_state_or_a_plan_of_terraforms_is_refused_with_what_to_give_instead() {
    let resources = json!({ "root_module": { "resources": [] } });
    for key in ["values", "planned_values", "prior_state"] {
        let shown = json!({ "format_version": "1.0", key: resources });
        let said = "terraform_state: it is a state or a plan of Terraform's, which is not read";
        assert_eq!(refused("a", &shown), said);
        let error = xacct_sign_provider::read_roles(&shown.to_string()).unwrap_err();
        assert_eq!(format!("{}: {error}", error.code()), said);
        assert!(error.hint().contains("get-account-authorization-details"), "{}", error.hint());
    }
}

/// Of a role the same, beside others that are nobody's business.
#[test]
fn a_role_whose_policy_is_an_intrinsic_is_refused() {
    let mut template = rendered(MANIFEST, "by-role", Format::CloudFormation);
    for (key, what) in [("/AssumeRolePolicyDocument", "trust policy"), ("/Policies/0/PolicyDocument", "inline policy")]
    {
        let mut changed = template.clone();
        let role = changed.pointer_mut("/Resources/SharedRole/Properties").unwrap();
        *role.pointer_mut(key).unwrap() = json!({ "Fn::Sub": "${Document}" });
        let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
        let roles = xacct_sign_provider::read_roles(&changed.to_string()).unwrap();
        let error = manifest.plan(&Lock::default()).diff(&manifest.stages["by-role"], None, &roles).unwrap_err();
        let said = format!("its {what} is `Fn::Sub`, and cannot be read from the template");
        assert!(error.code() == "invalid_policy" && error.to_string().ends_with(&said), "{error}");
    }
    template["Resources"]["Other"] = json!({ "Type": "AWS::IAM::Role", "Properties": { "RoleName": "Other", "AssumeRolePolicyDocument": { "Fn::Sub": "x" } } });
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let roles = xacct_sign_provider::read_roles(&template.to_string()).unwrap();
    let diffs = manifest.plan(&Lock::default()).diff(&manifest.stages["by-role"], None, &roles).unwrap();
    assert!(diffs.iter().all(|diff| !diff.is_different()), "{diffs:?}");
}
