//! What stands in a file around the roles and the policy that are read of it: what could give them more is said, and what plainly
//! has nothing to do with them is passed over.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod common;

use serde_json::{Value, json};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest, ResourceDiff, RoleDiff, read_roles};

use common::MANIFEST;

const URL: &str = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"\naccess = \"direct\"\n";

fn rendered(manifest: &str, format: Format) -> Value {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    serde_json::from_str(&manifest.plan(&Lock::default()).render(&manifest.stages["stag"], format).unwrap()).unwrap()
}

fn diff(document: &Value) -> RoleDiff {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let roles = read_roles(&document.to_string()).unwrap();
    let mut diffs = manifest.plan(&Lock::default()).diff(&manifest.stages["stag"], None, &roles).unwrap();
    diffs.retain(|diff| diff.role == "ApiAllowByIamRoleStag");
    diffs.remove(0)
}

/// That `diff` says what could not be judged, and that the emulator takes no such file.
fn is_said(document: &Value, said: &str) {
    let diff = diff(document);
    assert!(diff.unjudged.iter().any(|one| one == said) && !diff.is_same(), "{said}: {diff:?}");
    let error = Deployment::of_templates(&[&document.to_string()]).unwrap_err();
    assert_eq!((error.code(), error.to_string()), ("policy_ignored", format!("{said} would be ignored")));
}

fn is_passed_over(document: &Value) {
    let diff = diff(document);
    assert!(diff.is_same(), "{document}\n{diff:?}");
}

/// The rendered template with one resource more.
fn with_resource(id: &str, resource: Value) -> Value {
    let mut template = rendered(MANIFEST, Format::CloudFormation);
    template["Resources"][id] = resource;
    template
}

fn of_type(kind: &str, properties: Value) -> Value {
    json!({"Type": kind, "Properties": properties})
}

/// Everything on everything.
fn all() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

/// What a loop makes is known once the template is deployed.
fn in_loop(resource: Value) -> Value {
    with_resource("Fn::ForEach::Extra", json!(["X", ["A", "B"], {"Role${X}": resource}]))
}

#[test]
fn r4_loops_and_macros_of_a_template_are_said() {
    let on_role = json!({"RoleName": {"Ref": "SharedRole"}, "PolicyName": "all", "PolicyDocument": all()});
    is_said(&in_loop(of_type("AWS::IAM::RolePolicy", on_role.clone())), "what the loop `Fn::ForEach::Extra` makes");
    let inner = json!({"Fn::ForEach::Inner": ["Y", ["C"], {"P${X}${Y}": of_type("AWS::IAM::Policy", on_role)}]});
    let nested = json!(["X", ["A"], inner]);
    is_said(&with_resource("Fn::ForEach::Outer", nested), "what the loop `Fn::ForEach::Outer` makes");
    is_said(&in_loop(json!({"Type": "AWS::${X}::Policy"})), "what the loop `Fn::ForEach::Extra` makes");
    is_said(&with_resource("Fn::ForEach::Odd", json!({"Ref": "X"})), "what the loop `Fn::ForEach::Odd` makes");
    let include = json!({"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}});
    is_said(
        &with_resource("Fn::Transform", include.clone()),
        "`Fn::Transform` among the resources, whose type does not stand there",
    );
    is_said(
        &with_resource("Odd", json!({"Fn::If": ["A", {}, {}]})),
        "`Odd` among the resources, whose type does not stand there",
    );
    let with_section = |key: &str, value: Value| {
        let mut template = rendered(MANIFEST, Format::CloudFormation);
        template[key] = value;
        template
    };
    for (transform, name) in [
        (json!("Mine"), "Mine"),
        (json!(["AWS::LanguageExtensions", "Mine"]), "Mine"),
        (include.clone(), "AWS::Include"),
    ] {
        is_said(&with_section("Transform", transform), &format!("what the macro `{name}` makes of the template"));
    }
    is_said(&with_section("Fn::Transform", include.clone()), "`Fn::Transform` of the template");
    let mut template = rendered(MANIFEST, Format::CloudFormation);
    template["Resources"]["SharedRole"]["Fn::Transform"] = include;
    is_said(&template, "`Fn::Transform` of resource `SharedRole`");

    is_passed_over(&in_loop(of_type("AWS::SNS::Topic", json!({"TopicName": {"Fn::Sub": "t-${X}"}}))));
    for transform in [json!("AWS::LanguageExtensions"), json!(["AWS::Serverless-2016-10-31"])] {
        is_passed_over(&with_section("Transform", transform));
    }
}

/// A nested stack, a custom resource or a module can do anything with a role that it is given.
#[test]
fn r4_what_is_given_the_role_and_may_do_anything_is_said() {
    let by_arn = json!({"Fn::GetAtt": ["SharedRole", "Arn"]});
    for (kind, properties) in [
        ("AWS::CloudFormation::Stack", json!({"TemplateURL": "u", "Parameters": {"Role": {"Ref": "SharedRole"}}})),
        (
            "AWS::CloudFormation::StackSet",
            json!({"Parameters": [{"ParameterValue": {"Fn::Sub": "${SharedRole.Arn}"}}]}),
        ),
        ("AWS::CloudFormation::CustomResource", json!({"ServiceToken": "t", "Roles": [by_arn]})),
        ("Custom::Grant", json!({"Role": {"Fn::Join": ["", [{"Fn::GetAtt": "SharedRole.Arn"}]]}})),
        ("Acme::Iam::Grant", json!({"Role": "ApiAllowByIamRoleStag"})),
        (
            "Acme::Iam::Grant::MODULE",
            json!({"Role": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/ApiAllowByIamRoleStag"}}),
        ),
        ("AWS::Serverless::Connector", json!({"Source": {"RoleName": {"Ref": "SharedRole"}}})),
    ] {
        is_said(&with_resource("N", of_type(kind, properties)), &format!("resource `N` of type `{kind}`"));
    }
    for (kind, properties) in [
        ("AWS::CloudFormation::Stack", json!({"TemplateURL": "u", "Parameters": {"Role": {"Ref": "Other"}}})),
        ("Custom::LogRetention", json!({"ServiceToken": "t", "LogGroupName": {"Ref": "SharedRole"}})),
        ("Custom::Grant", json!({"ServiceToken": "t", "BucketName": {"Ref": "SharedRoleBucket"}})),
        ("Custom::Grant", json!({"Role": "ApiAllowByIamRoleStaging"})),
        ("AWS::Lambda::Function", json!({"Role": by_arn})),
        ("AWS::CDK::Metadata", json!({"Analytics": "v2:deflate64:..."})),
    ] {
        is_passed_over(&with_resource("N", of_type(kind, properties)));
    }
}

/// The CDK writes most policies so.
#[test]
fn r4_policies_beside_a_role_are_read_where_they_hang_on_it() {
    let with = |kind: &str, on: Value| {
        let (key, on) = if kind == "AWS::IAM::RolePolicy" { ("RoleName", on) } else { ("Roles", json!([on])) };
        let mut template =
            with_resource("P", of_type(kind, json!({"PolicyName": "all", "PolicyDocument": all(), key: on})));
        template["Resources"]["Function"] = json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument":
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"}}]}}});
        template
    };
    for kind in ["AWS::IAM::Policy", "AWS::IAM::RolePolicy"] {
        for on in [json!({"Ref": "SharedRole"}), json!("ApiAllowByIamRoleStag")] {
            let diff = diff(&with(kind, on));
            let said: Vec<String> = diff.only_deployed.iter().map(ToString::to_string).collect();
            assert_eq!((said, diff.unjudged), (vec!["its sessions may * on `*`".to_owned()], vec![]));
        }
        for on in [json!({"Ref": "Function"}), json!("Other")] {
            is_passed_over(&with(kind, on));
        }
        let elsewhere = diff(&with(kind, json!({"Fn::ImportValue": "role"})));
        assert_eq!(elsewhere.unjudged, [format!("resource `P` of type `{kind}`")]);
        let mut conditional = with(kind, json!({"Ref": "SharedRole"}));
        conditional["Resources"]["P"]["Condition"] = json!("IsProduction");
        assert_eq!(diff(&conditional).unjudged, ["`Condition` of resource `P`"]);
    }
    let managed = "AWS::IAM::ManagedPolicy";
    assert_eq!(
        diff(&with(managed, json!({"Ref": "SharedRole"}))).unjudged,
        ["resource `P` of type `AWS::IAM::ManagedPolicy`"]
    );
    is_passed_over(&with(managed, json!({"Ref": "Function"})));
    is_passed_over(&with_resource("P", of_type(managed, json!({"PolicyDocument": all()}))));
    is_passed_over(&with_resource("P", of_type("AWS::IAM::Policy", json!({"PolicyDocument": all(), "Users": ["u"]}))));
}

/// The configuration with more at its top.
fn with_block(key: &str, value: Value) -> Value {
    let mut configuration = rendered(MANIFEST, Format::Terraform);
    configuration[key] = value;
    configuration
}

#[test]
fn r4_modules_and_programs_of_terraforms_that_are_given_the_role_are_said() {
    let reference = "${aws_iam_role.shared_stag.name}";
    for given in [json!(reference), json!(["x", {"role": "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag"}])] {
        is_said(&with_block("module", json!({"m": {"source": "./x", "role": given}})), "module `m`");
        is_said(&with_block("module", json!([{"m": [{"source": "./x", "role": given}]}])), "module `m`");
    }
    let mut by_local = with_block("locals", json!({"b": "${local.a}-x", "a": {"role": reference}}));
    by_local["module"] = json!({"m": {"source": "./x", "role": "${local.b}"}});
    is_said(&by_local, "module `m`");
    let with = |kind: &str, written: Value| {
        let mut configuration = rendered(MANIFEST, Format::Terraform);
        configuration["resource"][kind]["x"] = written;
        configuration
    };
    for (kind, written) in [
        (
            "null_resource",
            json!({"provisioner": {"local-exec": {"command": format!("aws iam put-role-policy --role-name {reference}")}}}),
        ),
        ("aws_cloudformation_stack", json!({"parameters": {"Role": reference}})),
        ("awscc_iam_role_policy", json!({"role_name": "ApiAllowByIamRoleStag"})),
        ("aws_iam_role_policy_attachment", json!({"role": reference, "policy_arn": "arn:aws:iam::aws:policy/A"})),
        ("aws_iam_role_policy_attachment", json!({"role": "${each.value}", "for_each": "${local.roles}"})),
        ("aws_iam_policy_attachment", json!({"roles": ["other", reference]})),
        ("aws_iam_role_policy", json!({"role": "${data.aws_iam_role.x.name}", "policy": "{}"})),
    ] {
        is_said(&with(kind, written), &format!("resource `{kind}.x`"));
    }
    let program = json!({"external": {"x": {"program": ["x"], "query": {"role": reference}}}});
    is_said(&with_block("data", program), "data `external.x`");
    is_passed_over(&with_block(
        "data",
        json!({"external": {"x": {"program": ["x"]}}, "aws_iam_role": {"x": {"name": reference}}}),
    ));
    is_said(&with_block("mystery", json!({})), "`mystery` of the configuration");
    is_said(&with_block("module", json!("x")), "`module`, which is no object");

    is_passed_over(&with_block(
        "module",
        json!({"m": {"source": "./x", "role": "${aws_iam_role.shared_stag_2.name}"}}),
    ));
    is_passed_over(&with_block("provider", json!({"aws": {"region": "eu-west-1"}})));
    is_passed_over(&with("null_resource", json!({"triggers": {"role": reference}})));
    is_passed_over(&with("terraform_data", json!({"input": reference})));
    let lambda = json!({"name": "lambda", "assume_role_policy": {"Version": "2012-10-17", "Statement": []}});
    let mut many = with("aws_iam_role", lambda);
    many["module"] = json!({"api": {"source": "./api"}});
    many["resource"]["aws_iam_role_policy_attachment"] = json!({
        "a": {"role": "${aws_iam_role.x.name}", "policy_arn": "arn:aws:iam::aws:policy/A"},
        "b": {"role": "other", "policy_arn": "arn:aws:iam::aws:policy/A"},
        "c": {"role": "${module.api.role_name}", "policy_arn": "arn:aws:iam::aws:policy/A"},
        "d": {"role": "${aws_iam_role.elsewhere[0].name}", "policy_arn": "arn:aws:iam::aws:policy/A"},
    });
    many["resource"]["aws_iam_role_policy"]["x"] = json!({"role": "${aws_iam_role.x.id}", "policy": all().to_string()});
    is_passed_over(&many);
}

/// Each block may be a list of them.
#[test]
fn r4_lists_of_blocks_are_read() {
    let plain = rendered(MANIFEST, Format::Terraform);
    let each = |block: &Value| Value::from(vec![block.clone()]);
    let mut lists = plain.clone();
    for kind in ["aws_iam_role", "aws_iam_role_policy"] {
        lists["resource"][kind]["shared_stag"] = each(&lists["resource"][kind]["shared_stag"]);
        lists["resource"][kind] = each(&lists["resource"][kind]);
    }
    lists["resource"] = each(&lists["resource"]);
    is_passed_over(&lists);
    let attachment = json!({"aws_iam_role_policy_attachment": {"x": {"role": "ApiAllowByIamRoleStag",
        "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}});
    lists["resource"].as_array_mut().unwrap().push(attachment);
    is_said(&lists, "resource `aws_iam_role_policy_attachment.x`");
    let mut odd = plain;
    odd["resource"]["aws_iam_role_policy"]["x"] = json!("${local.policy}");
    is_said(&odd, "resource `aws_iam_role_policy.x`, which is not one object");
}

fn of_function(document: &Value) -> ResourceDiff {
    let manifest = Manifest::parse(&MANIFEST.replace("api_id = \"f6g7h8i9j0\"\n", URL), "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    plan.diff_resource_policy(&manifest.stages["stag"], &document.to_string()).unwrap()
}

#[test]
fn r4_what_stands_around_a_functions_permissions_is_read_or_said() {
    let manifest = MANIFEST.replace("api_id = \"f6g7h8i9j0\"\n", URL);
    let terraform = rendered(&manifest, Format::Terraform);
    assert!(!of_function(&terraform).is_different());
    let evil = json!({"action": "lambda:InvokeFunction", "function_name": "orders", "principal": "999999999999"});
    for more in [json!({"evil": evil}), json!({"evil": [evil]})] {
        let mut changed = terraform.clone();
        let kinds = changed["resource"]["aws_lambda_permission"].take();
        changed["resource"]["aws_lambda_permission"] = json!([kinds, more]);
        let diff = of_function(&changed);
        assert_eq!(diff.only_deployed.len(), 1, "{diff:?}");
    }
    let mut given = terraform.clone();
    given["resource"]["aws_lambda_function"]["f"] = json!({"function_name": "orders"});
    given["module"] =
        json!({"m": {"source": "./x", "function": "${aws_lambda_function.f.arn}"}, "other": {"source": "./y"}});
    assert_eq!(of_function(&given).unjudged, ["module `m`"]);

    let mut template = rendered(&manifest, Format::CloudFormation);
    let permission = |function: Value| {
        json!({"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": function,
            "Action": "lambda:InvokeFunction", "Principal": "999999999999"}})
    };
    template["Resources"]["Orders"] =
        json!({"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "orders"}});
    template["Resources"]["Else"] = json!({"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "else"}});
    template["Resources"]["OfElse"] = permission(json!({"Fn::GetAtt": ["Else", "Arn"]}));
    assert!(!of_function(&template).is_different());
    let mut more = template.clone();
    more["Resources"]["OfOrders"] = permission(json!({"Ref": "Orders"}));
    assert_eq!(of_function(&more).only_deployed.len(), 1);
    for (id, resource, said) in [
        (
            "Fn::ForEach::L",
            json!(["X", ["1"], {"P${X}": permission(json!("orders"))}]),
            "what the loop `Fn::ForEach::L` makes",
        ),
        (
            "N",
            of_type("AWS::CloudFormation::Stack", json!({"Parameters": {"F": {"Ref": "Orders"}}})),
            "resource `N` of type `AWS::CloudFormation::Stack`",
        ),
        ("N", of_type("Custom::Open", json!({"Function": "orders"})), "resource `N` of type `Custom::Open`"),
        (
            "Fn::Transform",
            json!({"Name": "AWS::Include"}),
            "`Fn::Transform` among the resources, whose type does not stand there",
        ),
    ] {
        let mut template = template.clone();
        template["Resources"][id] = resource;
        assert_eq!(of_function(&template).unjudged, [said]);
    }
}
