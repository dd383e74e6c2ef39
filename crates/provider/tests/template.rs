//! What the emulator takes of a document with roles: what decides in AWS and would be ignored makes it refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod common;

use serde_json::{Value, json};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest};

use common::MANIFEST;

fn rendered(format: Format) -> Value {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    serde_json::from_str(&manifest.plan(&Lock::default()).render(&manifest.stages["stag"], format).unwrap()).unwrap()
}

/// As `aws iam get-account-authorization-details` prints it.
fn details() -> Value {
    let role = &rendered(Format::Json)["roles"][0];
    json!({"RoleDetailList": [{"RoleName": role["name"], "Path": role["path"], "AssumeRolePolicyDocument":
        role["trust_policy"], "AttachedManagedPolicies": [], "Tags": [], "RoleId": "AROA", "Arn": role["arn"],
        "RolePolicyList": [{"PolicyName": "InvokeApi", "PolicyDocument": role["invoke_policy"]}]}],
        "UserDetailList": [], "GroupDetailList": [], "Policies": []})
}

fn refused(document: &Value) -> (&'static str, String) {
    match Deployment::of_templates(&[&document.to_string()]) {
        Ok(deployment) => panic!("{document} was taken: {deployment:?}"),
        Err(error) => {
            assert!(!error.hint().is_empty());
            (error.code(), error.to_string())
        }
    }
}

#[test]
fn r6_every_form_is_taken_as_it_is_rendered() {
    let details = details();
    let role = &details["RoleDetailList"][0];
    for document in [
        rendered(Format::CloudFormation),
        rendered(Format::Terraform),
        rendered(Format::Json),
        details.clone(),
        json!({"Role": role}),
        json!({"Roles": [role]}),
    ] {
        let deployment = Deployment::of_templates(&[&document.to_string()]).unwrap();
        let roles: Vec<&String> = deployment.roles.keys().collect();
        assert_eq!(roles, ["arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag"]);
        assert!(deployment.roles.values().all(|role| role.policies.len() == 1));
        assert_eq!(deployment.callers[0].arn, "arn:aws:iam::000000000000:role/Shop");
    }
}

#[test]
fn r6_what_restricts_is_not_ignored() {
    let boundary = "arn:aws:iam::111111111111:policy/Boundary";
    let attached = json!([{"PolicyName": "A", "PolicyArn": "arn:aws:iam::aws:policy/A"}]);
    for (key, value, part) in [
        ("AttachedManagedPolicies", attached, "the managed policies of role"),
        ("RolePolicyList", json!({"PolicyName": "x"}), "`RolePolicyList`"),
        ("MaxSessionDuration", json!("long"), "`MaxSessionDuration`"),
        ("Path", json!(1), "`Path`"),
        ("Restriction", json!("x"), "`Restriction` of role"),
    ] {
        let mut role = details()["RoleDetailList"][0].clone();
        role[key] = value;
        for document in [json!({"Role": role}), json!({"Roles": [role]}), json!({"RoleDetailList": [role]})] {
            let (code, text) = refused(&document);
            assert!(code == "policy_ignored" && text.contains(part), "{code}: {text}");
        }
    }

    let terraform = |change: &dyn Fn(&mut Value)| {
        let mut document = rendered(Format::Terraform);
        change(&mut document["resource"]);
        refused(&document)
    };
    for (key, value, part) in [
        ("permissions_boundary", json!("${aws_iam_policy.b.arn}"), "the permissions boundary of role"),
        ("managed_policy_arns", json!(["arn:aws:iam::aws:policy/A"]), "the managed policies of role"),
        (
            "inline_policy",
            json!([{"name": "x", "policy": "{}"}]),
            "`inline_policy` of resource `aws_iam_role.shared_stag`",
        ),
        ("count", json!("${var.on ? 1 : 0}"), "`count` of"),
        ("for_each", json!({}), "`for_each` of"),
    ] {
        let (code, text) = terraform(&|resource| resource["aws_iam_role"]["shared_stag"][key] = value.clone());
        assert!(code == "policy_ignored" && text.contains(part), "{code}: {text}");
    }
    for kind in [
        "aws_iam_role_policy_attachment",
        "aws_iam_policy_attachment",
        "aws_iam_role_policies_exclusive",
        "aws_iam_role_policy_attachments_exclusive",
    ] {
        let (code, text) = terraform(&|resource| {
            let on = "${aws_iam_role.shared_stag.name}";
            resource[kind] = json!({"x": {"role": on, "role_name": on, "roles": [on]}});
        });
        assert!(code == "policy_ignored" && text.contains(kind), "{code}: {text}");
    }
    // A policy that denies, on the role by its name, by a reference and by what is not understood.
    let deny =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}).to_string();
    for role in ["ApiAllowByIamRoleStag", "${aws_iam_role.shared_stag.id}"] {
        let mut document = rendered(Format::Terraform);
        document["resource"]["aws_iam_role_policy"]["deny"] = json!({"name": "d", "role": role, "policy": deny});
        let deployment = Deployment::of_templates(&[&document.to_string()]).unwrap();
        assert!(deployment.roles.values().all(|role| role.policies.len() == 2), "{role}");
    }
    for (role, count) in [("${local.role}", Value::Null), ("${aws_iam_role.shared_stag.id}", json!(2))] {
        let inline = json!({"name": "d", "role": role, "policy": deny, "count": count});
        let (code, text) = terraform(&|resource| resource["aws_iam_role_policy"]["deny"] = inline.clone());
        assert!(code == "policy_ignored" && text.contains("aws_iam_role_policy.deny"), "{code}: {text}");
    }

    let cloudformation = |change: &dyn Fn(&mut Value)| {
        let mut document = rendered(Format::CloudFormation);
        change(&mut document["Resources"]);
        refused(&document)
    };
    let conditional = cloudformation(&|resources| resources["SharedRole"]["Condition"] = json!("IsProduction"));
    assert_eq!(conditional, ("policy_ignored", "`Condition` of resource `SharedRole` would be ignored".to_owned()));
    for (key, value) in [
        ("PermissionsBoundary", json!({"Fn::If": ["A", boundary, {"Ref": "AWS::NoValue"}]})),
        ("ManagedPolicyArns", json!({"Ref": "Policies"})),
        ("Policies", json!({"Fn::If": ["A", [], []]})),
        ("MaxSessionDuration", json!({"Ref": "Duration"})),
        ("Path", json!({"Ref": "Path"})),
        ("Fn::Transform", json!({})),
    ] {
        let (code, text) = cloudformation(&|resources| resources["SharedRole"]["Properties"][key] = value.clone());
        assert_eq!(code, "policy_ignored", "{key}: {text}");
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"] {
        let (code, text) = cloudformation(&|resources| resources["Other"] = json!({"Type": kind}));
        assert!(code == "policy_ignored" && text.contains(kind), "{code}: {text}");
    }

    // A boundary that is named goes with the role: the emulator says where it does not know it.
    let mut document = rendered(Format::Json);
    document["roles"][0]["permissions_boundary"] = json!(boundary);
    let deployment = Deployment::of_templates(&[&document.to_string()]).unwrap();
    assert!(deployment.roles.values().all(|role| role.permissions_boundary.as_deref() == Some(boundary)));
}

#[test]
fn r6_a_trust_policy_that_allows_by_exclusion_is_a_clear_error() {
    let role = json!({"AWS": "arn:aws:iam::000000000000:role/Shop"});
    let with = |statement: Value| {
        let mut document = details();
        document["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = json!([statement]);
        document
    };
    for (statement, is_refused) in [
        (json!({"Effect": "Allow", "Principal": role, "NotAction": "sts:TagSession"}), true),
        (json!({"Effect": "Allow", "NotPrincipal": role, "Action": "sts:AssumeRole"}), true),
        (json!({"Effect": "Deny", "Principal": role, "NotAction": "sts:TagSession"}), false),
    ] {
        let document = with(statement);
        if is_refused {
            let (code, text) = refused(&document);
            assert_eq!(code, "trust_by_exclusion");
            assert!(
                text.contains("`arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag` allows by exclusion"),
                "{text}"
            );
            assert!(!text.contains("statement {"), "{text}");
        } else {
            assert!(Deployment::of_templates(&[&document.to_string()]).unwrap().callers.is_empty());
        }
    }
    // Whoever a pattern or another kind of principal means, a caller's ARN is that of a role.
    let like = |arn: &str| json!({"ArnLike": {"aws:PrincipalArn": arn}});
    for (principal, condition, callers) in [
        (json!({"AWS": "*"}), like("arn:aws:iam::*:role/Batch"), vec!["arn:aws:iam::*:role/Batch"]),
        (json!({"AWS": "*"}), like("arn:*:iam::*:role/x/Batch*"), vec!["arn:aws:iam::*:role/x/BatchAny"]),
        (json!({"AWS": "*"}), like("arn:aws:iam::12*:role/Batch"), vec![]),
        (json!({"AWS": "*"}), like("arn:aws:iam::222222222222:user/anna"), vec![]),
        (json!({"AWS": "000000000000"}), json!({}), vec!["arn:aws:iam::000000000000:role/*"]),
        (json!({"AWS": "arn:aws:sts::000000000000:assumed-role/role/Shop"}), json!({}), vec![]),
        (json!({"Service": "lambda.amazonaws.com"}), json!({}), vec![]),
    ] {
        let statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition});
        let deployment = Deployment::of_templates(&[&with(statement.clone()).to_string()]).unwrap();
        let arns: Vec<&str> = deployment.callers.iter().map(|caller| caller.arn.as_str()).collect();
        assert_eq!(arns, callers, "{statement}");
    }
}

/// What the emulator prints of a template is pasted: names in it are names.
#[test]
fn r6_names_in_a_template_are_names() {
    let text = rendered(Format::CloudFormation).to_string();
    let line = "\\nexport AWS_PROFILE=x";
    for (from, code) in [
        ("ApiAllowByIamRoleStag\"", "role_unknown"),
        ("f6g7h8i9j0/", "not_an_api"),
        ("/$default/", "not_an_api"),
        ("ap-northeast-1:", "not_an_api"),
    ] {
        let (start, end) = from.split_at(from.len() - 1);
        let error = Deployment::of_templates(&[&text.replace(from, &format!("{start}{line}{end}"))]).unwrap_err();
        assert_eq!(error.code(), code, "{from}: {error}");
    }
    let stage = text.replace(r#""Stage":"stag""#, &format!(r#""Stage":"stag{line}""#));
    assert_ne!(stage, text);
    let deployment = Deployment::of_templates(&[&stage]).unwrap();
    assert_eq!(deployment.stages.keys().collect::<Vec<_>>(), ["default"]);
    assert_eq!(deployment.callers[0].may_assume.keys().collect::<Vec<_>>(), ["default"]);
    // A caller's role that no role could be called is nobody's.
    let caller = text.replace("role/Shop", &format!("role/Shop{line}"));
    assert!(Deployment::of_templates(&[&caller]).unwrap().callers.is_empty());
}

/// A `Statement` may be one object, which IAM takes: alone, and beside a role whose policies are lists.
#[test]
fn r9_statements_that_are_one_object_are_read() {
    let mut document = rendered(Format::CloudFormation);
    let other = document["Resources"]["SharedRole"].to_string().replace("ApiAllowByIamRoleStag", "Other");
    let other: Value = serde_json::from_str(&other.replace("role/Shop", "role/Else")).unwrap();
    let properties = &mut document["Resources"]["SharedRole"]["Properties"];
    for pointer in ["/AssumeRolePolicyDocument/Statement", "/Policies/0/PolicyDocument/Statement"] {
        let statements = properties.pointer_mut(pointer).unwrap();
        *statements = statements[0].clone();
    }
    let arn = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
    for beside in [None, Some(other)] {
        if let Some(other) = beside {
            document["Resources"]["Other"] = other;
        }
        let deployment = Deployment::of_templates(&[&document.to_string()]).unwrap();
        let shop = deployment.callers.iter().find(|caller| caller.role_name == "Shop").unwrap();
        assert_eq!(shop.may_assume.values().collect::<Vec<_>>(), [arn], "{deployment:?}");
    }
}
