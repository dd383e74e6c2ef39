//! What makes roles, or gives them rights, and is not read, never looks as if there were none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use serde_json::{Value, json};
use xacct_sign_provider::{Deployment, Format, Imported, Lock, Manifest, StageDiff, read_roles};

use common::MANIFEST;

/// A stage that nobody calls yet: of a document without roles there is nothing to say.
fn without_callers() -> Manifest {
    Manifest::parse(MANIFEST.split("[callers").next().unwrap(), "xacct.toml").unwrap()
}

fn diff(manifest: &Manifest, document: &Value) -> Result<StageDiff, xacct_sign_provider::DeployedError> {
    manifest.plan(&Lock::default()).diff_stage(&manifest.stages["stag"], None, &document.to_string())
}

/// What `render` makes of a stage with a caller.
fn good() -> String {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::Json).unwrap()
}

fn looping(made: &Value) -> Value {
    json!({"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::R": ["N", ["a"], {"One${N}": made}]}})
}

fn role_of(principal: &Value) -> Value {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]});
    json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyName": "p",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}}]}})
}

/// A role by which somebody comes in.
fn made() -> Value {
    role_of(&json!({"AWS": "222222222222"}))
}

/// A function's own.
fn of_a_service() -> Value {
    let mut role = role_of(&json!({"Service": "lambda.amazonaws.com"}));
    role["Properties"]["RoleName"] = json!("Lambda");
    role
}

#[test]
fn a_document_whose_roles_come_from_what_is_not_read_is_no_empty_one() {
    let invoke = json!({"Version": "2012-10-17", "Statement": []});
    let policy = |kind: &str, on: Value| {
        let mut properties = json!({"PolicyName": "p", "PolicyDocument": invoke});
        properties.as_object_mut().unwrap().extend(on.as_object().unwrap().clone());
        json!({"Resources": {"P": {"Type": kind, "Properties": properties}}})
    };
    let stack = json!({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/t"}});
    let beside = |kind: &str, role: &str| {
        let on = json!({"role": role, "policy": invoke.to_string(), "policy_arn": "arn:aws:iam::aws:policy/A"});
        json!({"resource": {kind: {"x": on}}})
    };
    for (document, part) in [
        (looping(&made()), "what the loop `Fn::ForEach::R` makes"),
        (looping(&stack), "what the loop `Fn::ForEach::R` makes"),
        (json!({"Transform": "Own", "Resources": {}}), "what the macro `Own` makes of the template"),
        (json!({"Resources": {"Fn::Transform": {"Name": "AWS::Include"}}}), "`Fn::Transform` among the resources"),
        (json!({"Resources": {"S": stack}}), "resource `S` of type `AWS::CloudFormation::Stack`"),
        (json!({"Resources": {"C": {"Type": "Custom::Roles"}}}), "resource `C` of type `Custom::Roles`"),
        (json!({"Resources": {"A": {"Type": "AWS::Serverless::Application"}}}), "`AWS::Serverless::Application`"),
        (policy("AWS::IAM::Policy", json!({"Roles": [{"Ref": "Role"}]})), "resource `P` of type `AWS::IAM::Policy`"),
        (policy("AWS::IAM::Policy", json!({"Roles": ["Other"]})), "resource `P` of type `AWS::IAM::Policy`"),
        (policy("AWS::IAM::RolePolicy", json!({"RoleName": "Other"})), "resource `P` of type `AWS::IAM::RolePolicy`"),
        (json!({"resource": {}, "module": {"roles": {"source": "./roles"}}}), "module `roles`"),
        (json!({"provider": {}, "terraform": {}, "module": {"roles": {"source": "./roles"}}}), "module `roles`"),
        (json!({"module": [{"roles": [{"source": "./roles"}]}]}), "module `roles`"),
        (json!({"resource": {"awscc_iam_role": {"x": {}}}}), "resource `awscc_iam_role.x`"),
        (beside("aws_iam_role_policy", "${var.role}"), "resource `aws_iam_role_policy.x`"),
        (beside("aws_iam_role_policy", "Other"), "resource `aws_iam_role_policy.x`"),
        (beside("aws_iam_role_policy_attachment", "Other"), "resource `aws_iam_role_policy_attachment.x`"),
    ] {
        let text = document.to_string();
        let of_import = Imported::read(&[&good(), &text], "xacct.toml").unwrap_err();
        assert_eq!(of_import.document(), Some(1), "{text}");
        for error in [of_import, read_roles(&text).unwrap_err(), diff(&without_callers(), &document).unwrap_err()] {
            assert_eq!(error.code(), "no_role", "{text}: {error}");
            assert!(
                error.to_string().starts_with("no role stands in it") && error.to_string().contains(part),
                "{error}"
            );
            assert!(error.hint().contains("get-account-authorization-details"), "{}", error.hint());
        }
    }
}

#[test]
fn a_document_that_makes_no_role_is_an_empty_one() {
    let managed = json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": []}}});
    for document in [
        json!({"Resources": {}}),
        json!({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": {"Type": "AWS::Serverless::Function"}}}),
        json!({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}, "OfNobody": managed}}),
        looping(&json!({"Type": "AWS::SQS::Queue"})),
        json!({"resource": {"aws_sqs_queue": {"x": {}}}}),
    ] {
        assert_eq!(read_roles(&document.to_string()).unwrap(), [], "{document}");
        assert_eq!(diff(&without_callers(), &document).unwrap(), StageDiff::default(), "{document}");
        let alone = Imported::read(&[&good()], "xacct.toml").unwrap();
        assert_eq!(Imported::read(&[&document.to_string(), &good()], "xacct.toml").unwrap(), alone, "{document}");
    }
}

/// What may make roles and is not read, with what is said of it: a loop, which a role that counts says, and one that none says.
fn unread_parts() -> [(&'static str, Value, &'static str); 2] {
    let each = json!(["N", ["a"], {"One${N}": made()}]);
    let stack = json!({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/t"}});
    [
        ("Fn::ForEach::R", each, "what the loop `Fn::ForEach::R` makes"),
        ("Stack", stack, "resource `Stack` of type `AWS::CloudFormation::Stack`"),
    ]
}

/// A function's role hides none of it: it is no way in, and so nothing is said of it.
#[test]
fn what_is_not_read_is_said_beside_the_role_of_a_function() {
    let mut role = of_a_service();
    role["Properties"]["Policies"] = json!([]);
    let without = json!({"Transform": "AWS::LanguageExtensions", "Resources": {"Lambda": role}});
    let alone = Imported::read(&[&good()], "xacct.toml").unwrap();
    for (id, part, unread) in unread_parts() {
        let mut document = without.clone();
        document["Resources"][id] = part;
        let compared = diff(&without_callers(), &document).unwrap();
        assert_eq!(compared.unsaid, [format!("whether a role opens it by what is not read: {unread}")]);
        let imported = Imported::read(&[&good(), &document.to_string()], "xacct.toml").unwrap();
        assert_eq!(imported.manifest, alone.manifest);
        let more: Vec<_> = imported.notes.iter().filter(|note| !alone.notes.contains(note)).collect();
        let said = format!("what in file 2 may make roles, or give them rights, is not read: {unread}");
        assert_eq!(more, [&said]);
        let error = Imported::read(&[&document.to_string()], "xacct.toml").unwrap_err();
        let said = format!("what in the file may make roles, or give them rights, is not read: {unread}");
        assert!(error.code() == "no_api_role" && error.to_string().contains(&said), "{error}");
    }
    // Without it there is nothing to say.
    assert_eq!(diff(&without_callers(), &without).unwrap(), StageDiff::default());
    assert_eq!(Imported::read(&[&good(), &without.to_string()], "xacct.toml").unwrap(), alone);
}

/// The policy of an API stands in a template of its own, which says nothing of roles; one that may make some says that.
#[test]
fn what_is_not_read_is_said_beside_the_policy_of_an_api() {
    let rest = MANIFEST.replace("api_id", "target = \"rest_api\"\napi_stage = \"v1\"\napi_id");
    let manifest = Manifest::parse(&rest, "xacct.toml").unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let api = json!({"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "x", "Policy": policy}});
    let without = json!({"Transform": "AWS::LanguageExtensions", "Resources": {"Api": api}});
    let whole = diff(&manifest, &without).unwrap();
    assert_eq!(whole.unsaid, Vec::<String>::new());
    for (id, part, unread) in unread_parts() {
        let mut document = without.clone();
        document["Resources"][id] = part;
        let compared = diff(&manifest, &document).unwrap();
        assert!(compared.policy.is_some() && compared.roles.is_empty() && !compared.is_different(), "{compared:?}");
        assert_eq!(compared.unsaid, [format!("whether a role opens it by what is not read: {unread}")]);
        assert_eq!((&whole.policy, &whole.roles), (&compared.policy, &compared.roles));
    }
}

/// The roles that `render` makes, with a resource beside them.
fn beside_roles(format: Format, add: &dyn Fn(&mut Value)) -> Value {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let rendered = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], format).unwrap();
    let mut document = serde_json::from_str(&rendered).unwrap();
    add(&mut document);
    document
}

fn in_template(id: &str, resource: &Value) -> Value {
    beside_roles(Format::CloudFormation, &|document| document["Resources"][id] = resource.clone())
}

fn in_configuration(block: &str, name: &str, written: &Value) -> Value {
    beside_roles(Format::Terraform, &|document| document[block][name] = written.clone())
}

/// What may do anything, and what is said of it.
fn of_terraform(block: &str, kind: &str) -> (Value, String) {
    let written = json!({"x": {"program": ["x"], "function_name": "x"}});
    (in_configuration(block, kind, &written), format!("{block} `{kind}.x`"))
}

/// A SAM function, with what stands in it of the role that SAM makes of it.
fn of_sam(properties: &Value) -> Value {
    json!({"Type": "AWS::Serverless::Function", "Properties": properties})
}

/// A stage's role hides none of it either: what is compared is the same, and another role may open the stage all the same.
#[test]
fn what_may_make_another_role_is_said_beside_a_stages_role() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let stack = |kind: &str| json!({"Type": kind, "Properties": {"TemplateURL": "https://example.com/t"}});
    let body = json!({"Type": "AWS::CloudFormation::StackSet", "Properties": {"TemplateBody": "{}"}});
    let trusting = json!({"AssumeRolePolicyDocument": made()["Properties"]["AssumeRolePolicyDocument"]});
    let given = json!({"Type": "Custom::Roles", "Properties": {"Api": "f6g7h8i9j0"}});
    let each = |made: &Value| json!(["N", ["a"], {"One${N}": made}]);
    let global = beside_roles(Format::CloudFormation, &|document| {
        document["Resources"]["X"] = of_sam(&json!({}));
        document["Globals"] = json!({"Function": trusting});
    });
    let included = json!({"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x/y"}}});
    let of_type = |kind: &str| format!("resource `X` of type `{kind}`");
    let looped = "what the loop `Fn::ForEach::X` makes".to_owned();
    for (document, what) in [
        (in_template("X", &stack("AWS::CloudFormation::Stack")), of_type("AWS::CloudFormation::Stack")),
        (in_template("X", &stack("AWS::CloudFormation::StackSet")), of_type("AWS::CloudFormation::StackSet")),
        (in_template("X", &body), of_type("AWS::CloudFormation::StackSet")),
        (in_template("X", &given), of_type("Custom::Roles")),
        (in_template("X", &stack("My::Org::Thing::MODULE")), of_type("My::Org::Thing::MODULE")),
        (in_template("X", &stack("AWS::Serverless::Application")), of_type("AWS::Serverless::Application")),
        (in_template("X", &of_sam(&trusting)), of_type("AWS::Serverless::Function")),
        (in_template("X", &of_sam(&included)), of_type("AWS::Serverless::Function")),
        (global, of_type("AWS::Serverless::Function")),
        (in_template("Fn::ForEach::X", &each(&stack("AWS::CloudFormation::Stack"))), looped.clone()),
        (in_template("Fn::ForEach::X", &each(&of_sam(&trusting))), looped),
        (in_configuration("module", "x", &json!({"source": "./x"})), "module `x`".to_owned()),
        (in_configuration("resource", "awscc_iam_role", &json!({"x": {}})), "resource `awscc_iam_role.x`".to_owned()),
        (
            in_configuration("resource", "aws_cloudformation_stack", &json!({"x": {"template_body": "{}"}})),
            "resource `aws_cloudformation_stack.x`".to_owned(),
        ),
        (
            in_configuration("resource", "aws_cloudformation_stack_set", &json!({"x": {"template_body": "{}"}})),
            "resource `aws_cloudformation_stack_set.x`".to_owned(),
        ),
        of_terraform("resource", "aws_serverlessapplicationrepository_cloudformation_stack"),
        of_terraform("resource", "aws_lambda_invocation"),
        of_terraform("data", "aws_lambda_invocation"),
        of_terraform("ephemeral", "aws_lambda_invocation"),
        of_terraform("data", "external"),
    ] {
        let compared = diff(&manifest, &document).unwrap();
        assert!(compared.roles.iter().all(|role| role.is_same()) && !compared.is_different(), "{what}: {compared:?}");
        assert_eq!(compared.unsaid, [format!("whether another role opens it by what is not read: {what}")]);
        // Of one role that is asked for, it says all.
        let plan = manifest.plan(&Lock::default());
        let of_one = plan.diff_stage(&manifest.stages["stag"], Some("ApiAllowByIamRoleStag"), &document.to_string());
        assert_eq!(of_one.unwrap().unsaid, Vec::<String>::new(), "{what}");
        let imported = Imported::read(&[&document.to_string()], "xacct.toml").unwrap();
        let said = format!("what in the file may make roles, or give them rights, is not read: {what}");
        assert!(imported.notes.contains(&said), "{what}: {:?}", imported.notes);
    }
}

/// What makes no role that anybody but a service could assume says nothing.
#[test]
fn what_makes_no_way_in_beside_a_stages_role_is_passed_over() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let alone = Imported::read(&[&beside_roles(Format::CloudFormation, &|_| {}).to_string()], "xacct.toml").unwrap();
    let plain = |kind: &str| json!({"Type": kind, "Properties": {"ServiceToken": "x"}});
    for resource in [
        plain("Custom::LogRetention"),
        plain("Custom::S3AutoDeleteObjects"),
        plain("Custom::S3BucketNotifications"),
        plain("Custom::CDKBucketDeployment"),
        plain("AWS::SQS::Queue"),
        of_sam(&json!({"Policies": ["AmazonS3FullAccess"]})),
    ] {
        let document = in_template("X", &resource);
        assert_eq!(diff(&manifest, &document).unwrap().unsaid, Vec::<String>::new(), "{resource}");
        let imported = Imported::read(&[&document.to_string()], "xacct.toml").unwrap();
        assert_eq!(imported, alone, "{resource}");
    }
}

/// A template of a role with what stands for its policies, beside one that is read in full.
fn with_policies(trust: &Value, rights: &Value) -> Value {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let text = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::CloudFormation).unwrap();
    let mut template: Value = serde_json::from_str(&text).unwrap();
    let role = json!({"Type": "AWS::IAM::Role", "Properties":
        {"RoleName": "Unread", "AssumeRolePolicyDocument": trust, "Policies": [rights]}});
    template["Resources"]["Unread"] = role;
    template
}

/// A function in place of a policy, of its statements, of one of them, or of what that one does, each with what is said of it.
fn functions(policy: &Value) -> Vec<(Value, &'static str)> {
    let one = |change: &dyn Fn(&mut Value)| {
        let mut policy = policy.clone();
        change(&mut policy);
        policy
    };
    let within = |key: &'static str, value: Value| one(&move |policy| policy["Statement"][0][key] = value.clone());
    vec![
        (json!({"Fn::Sub": policy.to_string()}), "is `Fn::Sub`"),
        (json!({"Ref": "Document"}), "is `Ref`"),
        (json!({"Fn::If": ["C", policy, {"Ref": "AWS::NoValue"}]}), "is `Fn::If`"),
        (one(&|policy| policy["Fn::Transform"] = json!({"Name": "AWS::Include"})), "is `Fn::Transform`"),
        (one(&|policy| policy["Statement"] = json!({"Ref": "S"})), "has `Ref` for its statements"),
        (one(&|policy| policy["Statement"] = json!([{"Fn::If": ["C", {}, {}]}])), "has `Fn::If` within its statements"),
        (within("Effect", json!({"Ref": "E"})), "has `Ref` within its statements"),
        (within("Action", json!([{"Ref": "A"}])), "has `Ref` within its statements"),
    ]
}

/// Nobody looks for a role that is left out without a word, nor doubts a `+`.
#[test]
fn a_roles_policy_that_is_an_intrinsic_function_is_never_read_as_none() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plain = made()["Properties"].clone();
    let (trust, rights) = (&plain["AssumeRolePolicyDocument"], &plain["Policies"][0]);
    let named = |document: Value| json!({"PolicyName": "p", "PolicyDocument": document});
    let mut all: Vec<(Value, &str, &str)> = functions(trust)
        .into_iter()
        .map(|(trust, why)| (with_policies(&trust, rights), "trust policy", why))
        .chain(
            functions(&rights["PolicyDocument"])
                .into_iter()
                .map(|(rights, why)| (with_policies(trust, &named(rights)), "inline policy", why)),
        )
        .collect();
    let chosen = json!({"Fn::If": ["C", rights, {"Ref": "AWS::NoValue"}]});
    all.push((with_policies(trust, &chosen), "inline policy", "is `Fn::If`"));
    let both = with_policies(&json!({"Fn::Sub": "x"}), &named(json!({"Ref": "Document"})));
    all.push((both, "trust policy", "is `Fn::Sub`"));
    for (template, which, why) in all {
        let text = template.to_string();
        let said = format!("role `Unread`: its {which} {why}, and cannot be read from the template");
        // Beside others, and alone.
        let imported = Imported::read(&[&text], "xacct.toml").unwrap();
        assert!(imported.notes.iter().any(|note| note.contains("role `Unread` is left out: ")), "{text}: {imported:?}");
        let mut alone = template.clone();
        alone["Resources"] = json!({"Unread": template["Resources"]["Unread"]});
        let error = Imported::read(&[&alone.to_string()], "xacct.toml").unwrap_err();
        assert!(error.code() == "no_api_role" && error.to_string().contains("role `Unread`"), "{text}: {error}");
        // Where it is the stage's it is refused, and else named, unless it is compared.
        let mut own = alone.clone();
        own["Resources"]["Unread"]["Properties"]["RoleName"] = json!("ApiAllowByIamRoleStag");
        match diff(&manifest, &own) {
            Err(error) => {
                let said = said.replace("Unread", "ApiAllowByIamRoleStag");
                assert_eq!((error.code(), error.to_string()), ("invalid_policy", said), "{text}");
                assert!(error.hint().contains("intrinsic functions"), "{}", error.hint());
            }
            // Of statements that are one, the rest is read.
            Ok(compared) => {
                assert!(why.ends_with("within its statements"), "{text}");
                assert!(!compared.roles[0].unjudged.is_empty(), "{text}");
            }
        }
        match diff(&manifest, &template) {
            Err(error) => assert_eq!((error.code(), error.to_string()), ("invalid_policy", said.clone()), "{text}"),
            Ok(compared) => {
                let is_named = compared.unsaid.iter().any(|what| what.contains("`Unread`"));
                assert!(is_named || compared.roles.iter().any(|role| role.role == "Unread"), "{text}: {compared:?}");
            }
        }
        let error = Deployment::of_templates(&[&text]).unwrap_err();
        assert_eq!((error.code(), error.to_string()), ("invalid_policy", said), "{text}");
        assert!(error.hint().contains("intrinsic functions"), "{}", error.hint());
    }
}

/// Of a function's own role nothing is said, whatever stands for its rights; nor of one that has none.
#[test]
fn an_intrinsic_function_in_a_role_that_is_nobodys_way_in_hinders_nothing() {
    let alone = Imported::read(&[&good()], "xacct.toml").unwrap();
    let mut of_service = of_a_service();
    of_service["Properties"]["Policies"][0]["PolicyDocument"] = json!({"Ref": "Document"});
    let mut without = made();
    without["Properties"] = json!({"RoleName": "Without", "AssumeRolePolicyDocument": {"Fn::Sub": "x"}});
    for role in [of_service, without] {
        let text = json!({"Resources": {"R": role}}).to_string();
        assert_eq!(Imported::read(&[&good(), &text], "xacct.toml").unwrap(), alone, "{text}");
    }
}
